//! Up and down: everything in order, and everything given back whatever happens.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use hotshare_api::Preview;
use hotshare_core::book::Book;
use hotshare_core::brain::{Brain, Settings};
use hotshare_core::desired::{Metered, Wanted};
use hotshare_core::keys::Passphrase;
use hotshare_core::names::NamesView;
use hotshare_core::radio::{Choice, RadioOrders};
use hotshare_core::units::BootTime;
use hotshare_core::uplink::{Subnet, Uplink, choose_subnet};
use hotshare_linux::datapath::Meter;
use hotshare_linux::host::{Host, told};
use hotshare_linux::modem::{self, Modems};
use hotshare_linux::observe::ifindex;
use hotshare_linux::uplink::{FindError, Watch, find};
use hotshare_linux::{clock, datapath};
use hotshare_store::{Reader, Store};
use hotshare_web::access::Hosts;
use nix::fcntl::{Flock, FlockArg};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::access;
use super::alerts;
use super::certificate::{self, Shelf};
use super::event_loop::{EventLoop, Sources};
use super::execute::{Hands, Parts};
use super::lan::{LanServers, capport, labels};
use super::ledger::Ledger;
use super::slow;
use super::tasks::{LanSide, Tasks};
use super::wifi;
use super::{UpOptions, chain};
use crate::serve::portal::{self, Secure};
use crate::{serve, zone};

/// Runs the hotspot until it is told to stop, and gives the host's network back.
pub(super) async fn run(options: &UpOptions) -> anyhow::Result<ExitCode> {
    need_root()?;
    let instance = &options.instance;
    make_dir(instance.run_dir(), 0o755)?;
    make_dir(instance.state_dir(), 0o700)?;
    let _lock = lock(options)?;
    let secure = secure(options)?;

    let mut store = Store::open(&instance.ledger_path())?;
    let mut book = Book::new(store.snapshot()?, zone::system());
    let mut host = Host::open(&instance.before_path())?;
    if host.has_leftovers() {
        tracing::info!("an earlier run was cut off; taking over what it left");
    }
    let used_before = book.leases.values().next().map(|lease| lease.ip);
    if options.config.wifi.is_none() {
        // An earlier run may have had Wi-Fi.
        wifi::give_back(options).await?;
    }
    let prepared = async {
        let ground = survey(options, &host, used_before).await?;
        let welcome = wifi::prepare_book(options, &mut store, &mut book)?;
        Ok((ground, welcome, Meter::open(instance.pin_dir())?))
    };
    let (ground, welcome, meter) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return Err(give_back(options, &mut host, false, error).await),
    };
    let fresh = meter.is_fresh();
    let result = match assemble(options, store, book, host, meter, (ground, welcome, secure)).await {
        Ok(mut assembled) => {
            let result = assembled.run().await;
            let EventLoop { brain, hands, tasks, .. } = assembled;
            tasks.stop().await;
            let (mut host, done) = (hands.host, hands.stopped && brain.is_done());
            hands.ledger.stop();
            drop(hands.meter);
            match result {
                Ok(()) => end(options, &mut host, done).await,
                Err(error) => Err(give_back(options, &mut host, done, error).await),
            }
        }
        Err((mut host, error)) => Err(give_back(options, &mut host, fresh, error).await),
    };
    drop(std::fs::remove_file(instance.socket_path()));
    result.map(|()| ExitCode::SUCCESS)
}

/// Says what [`run`] would do.
pub(super) async fn check(options: &UpOptions) -> anyhow::Result<Preview> {
    let instance = &options.instance;
    // Read only: a daemon may be running, and an older ledger is not to be migrated by a question.
    let used_before = match instance.ledger_path() {
        path if path.exists() => Reader::open(&path)?.an_address()?,
        _ => None,
    };
    let host = Host::open(&instance.before_path())?;
    // Nothing that is said here depends on the SIM.
    let named = options.config.uplink.interface.as_deref();
    let uplink = find_uplink(options, named, &Modems::default()).await?;
    let choice = wifi::preview(options, &uplink.name).await?;
    alerts::open(&options.config.alerts, mpsc::channel(1).0)?;
    if let Some(files) = &options.config.web.tls {
        Secure::open(files)?;
    }
    options.config.web.acme.as_ref().map(certificate::open).transpose()?;
    let ground = ground(options, &host, used_before, uplink, choice.as_ref()).await?;
    let planned = host.check(&ground.wanted.desired()).await?;
    let steps = planned.steps.iter().map(told).collect();
    Ok(ground.preview(steps, choice.as_ref()))
}

/// What the host offers and the owner wants.
struct Ground {
    uplink: Uplink,
    wanted: Wanted,
    wifi: Option<wifi::Chosen>,
    modems: Modems,
}

impl Ground {
    fn preview(&self, steps: Vec<String>, wifi: Option<&Choice>) -> Preview {
        Preview {
            schema: hotshare_api::SCHEMA,
            uplink: hotshare_api::Uplink {
                name: self.uplink.name.clone(),
                address: self.uplink.address.to_string(),
            },
            ports: self.wanted.ports.iter().cloned().collect(),
            subnet: self.wanted.subnet.to_string(),
            gateway: self.wanted.subnet.gateway().to_string(),
            steps,
            wifi: wifi.map(wifi::told),
        }
    }
}

/// `used_before` is an address of the LAN of last time.
async fn survey(options: &UpOptions, host: &Host, used_before: Option<Ipv4Addr>) -> anyhow::Result<Ground> {
    let modems = modem::look().await;
    let uplink = find_uplink(options, options.config.uplink.interface.as_deref(), &modems).await?;
    let chosen = wifi::decide(options, &uplink.name).await?;
    let choice = chosen.as_ref().map(|chosen| &chosen.choice);
    let ground = ground(options, host, used_before, uplink, choice).await?;
    Ok(Ground { wifi: chosen, modems, ..ground })
}

async fn ground(
    options: &UpOptions,
    host: &Host,
    used_before: Option<Ipv4Addr>,
    uplink: Uplink,
    wifi: Option<&Choice>,
) -> anyhow::Result<Ground> {
    let ports = options.ports();
    if ports.is_empty() && wifi.is_none() {
        bail!(
            "no LAN port is named: say which interface people connect to, with --lan IF or in the configuration file"
        );
    }
    for port in &ports {
        if ifindex(port).is_none() {
            bail!(
                "looked for the LAN port {port}: there is no such interface; plug it in, or name another with --lan"
            );
        }
    }
    let mut taken = host.taken().await?;
    // A resolver may lie behind the uplink's gateway, in a subnet that no route names.
    taken.extend(uplink.resolvers.iter().map(|resolver| Subnet::new(*resolver, 32)));
    let subnet = match options.config.lan.subnet {
        Some(asked) => {
            if let Some(other) = taken.iter().find(|t| t.prefix_len() > 1 && t.overlaps(asked)) {
                bail!(
                    "the LAN cannot be {asked}: the host already uses {other}; choose another [lan] subnet, or leave it out"
                );
            }
            asked
        }
        None => {
            let previous = used_before.map(|ip| Subnet::new(ip, 24));
            choose_subnet(&taken, previous)?
        }
    };
    let wanted = Wanted {
        uplink: uplink.name.clone(),
        ports,
        subnet,
        portal_ports: portal_ports(options),
        ipv6: Path::new("/proc/sys/net/ipv6").exists(),
        metered: Metered::default(),
        only_sites: false,
        wifi: wifi.map(wifi::part_of_lan),
    };
    Ok(Ground { uplink, wanted, wifi: None, modems: Modems::default() })
}

/// Ports of the gateway that the LAN may reach, beside DNS: the portal's.
fn portal_ports(options: &UpOptions) -> BTreeSet<u16> {
    let web = &options.config.web;
    let tls = (web.tls.is_some() || web.acme.is_some()).then_some(portal::TLS_PORT);
    std::iter::once(portal::PORT).chain(tls).collect()
}

/// The owner's certificate for the pages. One that cannot be used is the owner's mistake, and nothing begins; one that
/// has ended closes its door only: people are not to be without the hotspot for it.
///
/// Of one that is got by itself there may be none yet, and whatever is wrong with it, another one is on its way.
fn secure(options: &UpOptions) -> anyhow::Result<Option<Arc<Secure>>> {
    let (web, dir) = (&options.config.web, options.instance.acme_dir());
    let Some(files) = certificate::files(web, &dir) else { return Ok(None) };
    web.acme.as_ref().map(certificate::open).transpose()?;
    match Secure::open(&files) {
        Ok(secure) => Ok(Some(Arc::new(secure))),
        Err(problem) if web.acme.is_some() => {
            tracing::info!(
                why = %problem,
                "the pages are not served by TLS before there is a certificate, and devices are not told of the portal"
            );
            Ok(None)
        }
        Err(problem) if problem.is_age() => {
            tracing::error!(error = %problem, "the pages are not served by TLS, and devices are not told of the portal");
            Ok(None)
        }
        Err(problem) => Err(problem.into()),
    }
}

pub(super) async fn find_uplink(
    options: &UpOptions,
    name: Option<&str>,
    modems: &Modems,
) -> Result<Uplink, FindError> {
    let ports = options.ports();
    let mut lan: Vec<&str> = ports.iter().map(String::as_str).collect();
    lan.push(hotshare_core::desired::BRIDGE);
    let uplink = find(name, &lan, &options.config.uplink.resolvers).await?;
    Ok(Uplink { sim: modems.behind(&uplink.name), ..uplink })
}

/// Puts everything in place. On failure the host comes back, to be restored.
async fn assemble(
    options: &UpOptions,
    store: Store,
    book: Book,
    host: Host,
    meter: Meter,
    (ground, fresh_key, secure): (Ground, Option<Passphrase>, Option<Arc<Secure>>),
) -> Result<EventLoop, (Host, anyhow::Error)> {
    let instance = &options.instance;
    let (postings, done) = mpsc::unbounded_channel();
    let (raised, _) = watch::channel(());
    let access = match store.access() {
        Ok(access) => access,
        Err(error) => return Err((host, error.into())),
    };
    let ledger = match Ledger::start(store, postings, raised.clone()) {
        Ok(ledger) => ledger,
        Err(error) => return Err((host, error)),
    };
    let (view, views) = watch::channel(NamesView {
        resolvers: Vec::new(),
        gateway: ground.wanted.subnet.gateway(),
        prefix: ground.wanted.subnet.prefix_len(),
        open: Arc::default(),
        sites: Arc::default(),
        web_name: secure.as_deref().map(labels).unwrap_or_default(),
    });
    let generation = meter.generation();
    let (radio, radio_orders) = watch::channel(RadioOrders::default());
    let (kicks, kicked) = mpsc::channel(64);
    let resolvers = options.config.uplink.resolvers.clone();
    // What an earlier run was granted for sites is not to be had for anything else, from the first rule on.
    let only_sites = book.sites_granted().is_some();
    let wanted = Wanted { only_sites, ..ground.wanted.clone() };
    let marker = ledger.marker();
    let writer = ledger.access_writer();
    let mut hands = Hands::new(Parts { host, meter, ledger, wanted, view, resolvers, radio, kicks });
    let result: anyhow::Result<_> = async {
        let listener = serve::bind(&instance.socket_path())?;
        let door = machine_door(options.config.web.machine_port);
        let (asks_in, asks) = mpsc::channel(64);
        let ways = alerts::open(&options.config.alerts, asks_in.clone())?;
        let (news, leases) = mpsc::channel(256);
        let (seen, sites) = mpsc::channel(64);
        let down = CancellationToken::new();
        let settings = Settings {
            default_person: options.config.people.default.clone(),
            grant_life_secs: options.config.grants.expiry.as_secs(),
            wifi: options.config.wifi.as_ref().map(|wifi| wifi.mode),
            alerts: options.config.alerts.rules.clone(),
            off_when_idle_secs: options.config.hotspot.off_when_idle.map(|idle| idle.as_secs()),
        };
        let watch = Watch::open().await?;
        let (modems, modems_seen) = watch::channel(ground.modems);
        if book.may_be_other_card(&ground.uplink) {
            hands.close_all()?;
        }
        // In place before the brain's first order: what an earlier run let through goes on meanwhile.
        hands.first_connect(ground.uplink.clone()).await?;
        let readings = hands.all_readings()?;
        let uplink = ground.uplink.name.clone();
        let brain = Brain::new(settings, book, clock::now(), generation, readings, Some(ground.uplink));
        let side = LanSide {
            lan: hands.wanted.lan().to_owned(),
            subnet: hands.wanted.subnet,
            lease_time: options.config.lan.lease_time,
            capport: secure.as_deref().map(capport),
        };
        let (certificate, keeper) = keeper(options, &asks_in, &views)?.unzip();
        let there = keeper.as_ref().map(|keeper| Arc::clone(&keeper.there));
        let mut lan = LanServers {
            options: options.clone(),
            uplink: hands.wanted.uplink.clone(),
            side,
            index: None,
            news,
            seen,
            pages: Arc::default(),
            state: None,
            secure,
            views,
            modems: modems_seen.clone(),
            missing: true,
        };
        let mut tasks = Tasks::new();
        tasks.follow_modems(modems);
        lan.bind(brain.leases(), &mut tasks)?;
        let mut air = None;
        if let Some(chosen) = ground.wifi {
            let choice = chosen.choice.clone();
            let orders = (brain.radio().unwrap_or_default(), radio_orders);
            let lan = hands.wanted.lan();
            air = Some(wifi::start(options, chosen, lan, &uplink, orders, kicked, &mut tasks).await?);
            wifi::welcome(&choice, fresh_key.as_ref());
        }
        let (radio, view) = air.map(|air| (air.news, air.view)).unzip();
        let web = &options.config.web;
        let tls = lan.secure.as_ref().map(|secure| secure.name().to_owned());
        let settings = serve::AccessSettings {
            admin_from: web.admin_from,
            machine_port: web.machine_port.filter(|_| door.is_some()),
            lan: Some(match &tls {
                Some(name) => format!("https://{name}"),
                None => format!("http://{}", hands.wanted.subnet.gateway()),
            }),
        };
        let desk = serve::AccessDesk::new(settings, access, writer, asks_in.clone(), Arc::new(clock::now));
        let state = serve::AppState {
            radio: view,
            certificate,
            brain: asks_in,
            ledger_path: instance.ledger_path(),
            down: down.clone(),
            limits: serve::Limits::default(),
            alerts: serve::AlertDesk {
                ways: ways.ways.clone(),
                language: options.config.alerts.rules.language,
            },
            access: desk.clone(),
        };
        if let Some(door) = door {
            let pages =
                serve::door::behind(state.clone(), Hosts::default(), serve::door::to_dashboard(), None);
            tasks.serve_machine_door(door, pages);
        }
        drop(lan.pages.set(serve::pages(state.clone(), tls)));
        lan.state = Some(state.clone());
        if let Some(keeper) = keeper {
            tasks.keep_certificate(keeper);
        }
        tasks.serve_api(listener, state);
        access::welcome(&desk, instance.command()).await;
        let patience = options.config.alerts.patience;
        let couriers = ways.couriers(instance.ledger_path(), &marker, &raised, patience);
        tasks.carry_alerts(couriers, ways.link);
        let meter = hands.meter.events()?;
        let sources = Sources {
            asks,
            leases,
            sites,
            radio,
            postings: done,
            meter,
            uplink: watch,
            modems: modems_seen,
            certificate: there,
            down,
        };
        Ok((brain, tasks, lan, sources))
    }
    .await;
    match result {
        Ok((brain, tasks, lan, sources)) => Ok(EventLoop {
            brain,
            hands,
            tasks,
            lan,
            sources,
            asked: 0,
            leased: 0,
            rolled_up: BootTime::default(),
        }),
        Err(error) => Err((hands.host, error)),
    }
}

/// Who looks after the certificate, and where that is seen; `None`: none is wanted.
fn keeper(
    options: &UpOptions,
    brain: &serve::BrainSender,
    names: &watch::Receiver<NamesView>,
) -> anyhow::Result<Option<(watch::Receiver<serve::CertificateView>, certificate::Keeper)>> {
    let (web, dir) = (&options.config.web, options.instance.acme_dir());
    let Some(files) = certificate::files(web, &dir) else { return Ok(None) };
    let acme = web.acme.clone().map(|acme| certificate::open(&acme).map(|tls| (acme, tls))).transpose()?;
    let shelf =
        Shelf::open(dir.clone()).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let (view, seen) = watch::channel(certificate::unknown(&files, acme.is_some()));
    let (brain, names, there) = (brain.clone(), names.clone(), Arc::default());
    Ok(Some((seen, certificate::Keeper { files, acme, shelf, brain, names, view, there })))
}

/// The dashboard's door on the machine itself. People get their data without it, too.
fn machine_door(port: Option<u16>) -> Option<Vec<tokio::net::TcpListener>> {
    match serve::door::bind_machine(port?) {
        Ok(door) => Some(door),
        Err(error) => {
            tracing::warn!(error = chain(&error), "there is no dashboard on this machine");
            None
        }
    }
}

fn need_root() -> anyhow::Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    bail!("sharing an uplink changes the machine's network, and only root may: run it with sudo")
}

fn make_dir(path: &Path, mode: u32) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        // A service's umask is strict, but the group must get to the socket.
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// One daemon for these paths. The kernel lets go of the lock when the process ends, however it ends.
fn lock(options: &UpOptions) -> anyhow::Result<Flock<std::fs::File>> {
    let path = options.instance.lock_path();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open the lock {}", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => bail!(
            "Hotshare is already running (it holds {}); see `{} status`, or stop it with `{} down`",
            path.display(),
            options.instance.command(),
            options.instance.command(),
        ),
        Err((_, errno)) => Err(errno).with_context(|| format!("cannot take the lock {}", path.display())),
    }
}

/// The host as it was before, and no program of ours on its interfaces. What was counted and not written
/// stays in the maps, unless all is `done`: the next start settles it.
async fn end(options: &UpOptions, host: &mut Host, done: bool) -> anyhow::Result<()> {
    let pins = options.instance.pin_dir();
    // No station may be left before the LAN goes.
    let card = wifi::give_back(options).await;
    let restored = host.restore().await;
    let no_queue = slow::remove().await;
    let taken_off = if done { datapath::remove(pins) } else { datapath::detach(pins) };
    if let Err(failures) = restored {
        for failure in &failures.0 {
            tracing::error!(error = %chain(failure), "not given back");
        }
        bail!(failures);
    }
    card?;
    no_queue?;
    Ok(taken_off?)
}

/// The same after a failure, which is what the owner has to hear of.
async fn give_back(options: &UpOptions, host: &mut Host, done: bool, error: anyhow::Error) -> anyhow::Error {
    match end(options, host, done).await {
        Ok(()) => error,
        Err(failed) => error.context(format!("{failed:#}")),
    }
}
