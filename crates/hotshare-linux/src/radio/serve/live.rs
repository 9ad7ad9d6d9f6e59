//! A hostapd that runs, and how it is made to run as ordered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotshare_core::radio::{InterfaceKind, Mode, RadioOrders, StationSeen, cost_element};
use hotshare_core::units::{BootTime, Mac};
use tokio::time::{Instant, sleep};

use super::super::config::{self, Setup};
use super::super::control::{Control, ControlError, Events};
use super::super::features::Extras;
use super::super::files::{self, PORT_PREFIX, RunDir};
use super::super::frames::{self, Reason};
use super::super::process::Process;
use super::super::reply::{Event, State, Station, Status};
use super::super::{RadioConfig, RadioError, card};
use super::attend::Due;
use crate::clock;
use crate::host::port::{self, PortError};

/// How often to look whether a starting hostapd is on.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// From start to on air, with the country set and a look around for neighbours on 40 MHz.
const START: Duration = Duration::from_secs(20);
/// The same where radar must be listened for: ten minutes on weather radar's channels.
const START_WITH_RADAR: Duration = Duration::from_secs(11 * 60);

/// A running hostapd with what it was told.
pub(super) struct Live {
    process: Process,
    control: Control,
    events: Events,
    /// What hostapd and its files hold; `None` for each part that is not known, after an order that failed.
    told: RadioOrders,
    /// Who is on, as listed last.
    pub(super) known: Vec<StationSeen>,
    /// Whose interfaces are in the bridge.
    joined: BTreeMap<Mac, u32>,
    /// The address of the access point.
    pub(super) bssid: Option<Mac>,
    pub(super) mhz: Option<u32>,
    /// When it last did as asked.
    pub(super) answered: BootTime,
    has_ended: bool,
    pub(super) due: Due,
}

/// Something that a running hostapd did.
pub(super) enum Did {
    Told(Event),
    Said(String),
    Ended,
}

impl Live {
    /// Waits for what hostapd does next. May be dropped without losing anything.
    pub(super) async fn next(&mut self) -> Result<Did, ControlError> {
        // The end first: there is nothing to be asked of a hostapd that is gone.
        tokio::select! {
            biased;
            line = self.process.line_or_end() => match line {
                Some(line) => Ok(Did::Said(line)),
                None => {
                    self.has_ended = true;
                    Ok(Did::Ended)
                }
            },
            event = self.events.next() => Ok(Did::Told(event?)),
        }
    }

    /// The same with more patience, before it is given up.
    pub(super) async fn ping_patiently(&mut self) -> Result<(), ControlError> {
        self.control.ping_patiently().await?;
        self.answered = clock::boot();
        Ok(())
    }

    pub(super) fn is_running(&self) -> bool {
        !self.has_ended
    }

    pub(super) async fn ping(&mut self) -> Result<(), ControlError> {
        self.control.ping().await?;
        self.answered = clock::boot();
        Ok(())
    }

    pub(super) async fn status(&mut self) -> Result<Status, ControlError> {
        self.control.status().await
    }

    pub(super) async fn kick(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.bid_farewell(Reason::KeyGone, |station| station.mac == mac).await;
        self.control.kick(mac).await
    }

    /// Tells a station that was on a hostapd before this one that it is not on this one. It asks whether that is
    /// so (SA Query), and joins again; by itself it would notice only when it sends something.
    pub(super) async fn call_back(&mut self, mac: Mac) -> Result<(), ControlError> {
        self.control.disown(mac).await
    }

    /// The interface of a station that is on.
    pub(super) fn port(&self, mac: Mac) -> Option<u32> {
        self.known.iter().find(|station| station.mac == mac)?.port
    }

    async fn bid_farewell(&self, reason: Reason, to: impl Fn(&StationSeen) -> bool) {
        let Some(bssid) = self.bssid else { return };
        let leaving = self.known.iter().filter(|station| to(station));
        let leaving: Vec<(Mac, u32)> = leaving.filter_map(|s| Some((s.mac, s.port?))).collect();
        frames::bid_farewell(bssid, &leaving, reason).await;
    }

    /// Events are told to those who attached; hostapd drops whoever did not read for long.
    pub(super) async fn attach_again(&mut self, dir: &RunDir, interface: &str) -> Result<(), ControlError> {
        self.events = Events::attach(&dir.own_ends(), &dir.control().join(interface)).await?;
        Ok(())
    }

    /// Why it ended, as far as it said.
    pub(super) async fn last_words(&mut self) -> String {
        self.process.last_words().await
    }

    /// Ends it: politely, so that stations are told, else by force.
    pub(super) async fn end(mut self, is_silent: bool) -> Result<(), RadioError> {
        let mut was_told = false;
        if !is_silent {
            self.bid_farewell(Reason::Leaving, |_| true).await;
            was_told = self.control.terminate().await.is_ok();
        }
        Ok(self.process.end(was_told).await?)
    }

    /// Every station that has proven its key, with its key and its interface. `false`: an interface is not there
    /// yet, so look again soon.
    pub(super) async fn stations(
        &mut self,
        mode: Mode,
        ports: bool,
    ) -> Result<(Vec<StationSeen>, bool), ControlError> {
        let listed = self.control.stations().await?;
        let proven: Vec<&Station> = listed.iter().filter(|station| station.is_authorized).collect();
        let seen = |station: &&Station| {
            let port = if ports { Some(port_of(station)?) } else { None };
            let key = station.key.filter(|_| mode.is_personal());
            Some(StationSeen { mac: station.mac, key, port })
        };
        let mut stations: Vec<StationSeen> = proven.iter().filter_map(seen).collect();
        stations.sort_unstable();
        self.joined.retain(|mac, port| stations.iter().any(|s| s.mac == *mac && s.port == Some(*port)));
        self.known.clone_from(&stations);
        let all = stations.len() == proven.len();
        Ok((stations, all))
    }

    /// The indices of all its interfaces that are known.
    pub(super) fn interfaces(&self, own: &str) -> Vec<u32> {
        index(own).into_iter().chain(self.known.iter().filter_map(|station| station.port)).collect()
    }

    /// Makes hostapd and the bridge as ordered. What fails is tried again with the next call.
    pub(super) async fn obey(&mut self, wish: &Wish<'_>) -> Result<(), RadioError> {
        self.obey_keys(wish).await?;
        self.obey_denied(&wish.orders.denied, wish.dir).await?;
        self.obey_cost(wish).await?;
        self.obey_admitted(wish).await
    }

    async fn obey_keys(&mut self, wish: &Wish<'_>) -> Result<(), RadioError> {
        let mode = wish.config.choice.mode;
        if mode.is_personal() && self.told.keys != wish.orders.keys {
            put(&wish.dir.keys(), &files::keys_text(&wish.orders.keys))?;
            let (old, new) = (&self.told.keys, &wish.orders.keys);
            let is_off = |key| old.get(&key) != new.get(&key);
            self.bid_farewell(Reason::KeyGone, |station| station.key.is_some_and(is_off)).await;
            self.control.reload_keys().await?;
            self.answered = clock::boot();
            self.told.keys.clone_from(&wish.orders.keys);
        }
        if mode == Mode::Sealed && self.told.network_key != wish.orders.network_key {
            let key = wish.orders.network_key.as_ref().ok_or(RadioError::NoKey)?;
            put(&wish.dir.config(), &config::text(&wish.setup()))?;
            self.control.set("wpa_passphrase", key.secret()).await?;
            // Who proved the old one is to prove the new one: neither a link nor what is kept for the next counts.
            self.control.forget_associations().await?;
            self.bid_farewell(Reason::KeyGone, |_| true).await;
            self.control.kick_all().await?;
            self.told.network_key.clone_from(&wish.orders.network_key);
        }
        Ok(())
    }

    async fn obey_denied(&mut self, denied: &BTreeSet<Mac>, dir: &RunDir) -> Result<(), RadioError> {
        if self.told.denied == *denied {
            return Ok(());
        }
        put(&dir.denied(), &files::denied_text(denied))?;
        self.bid_farewell(Reason::KeyGone, |station| denied.contains(&station.mac)).await;
        for mac in denied.difference(&self.told.denied.clone()) {
            self.control.deny(*mac).await?;
            self.told.denied.insert(*mac);
        }
        for mac in self.told.denied.clone().difference(denied) {
            self.control.allow(*mac).await?;
            self.told.denied.remove(mac);
        }
        Ok(())
    }

    async fn obey_cost(&mut self, wish: &Wish<'_>) -> Result<(), RadioError> {
        if self.told.cost != wish.orders.cost {
            put(&wish.dir.config(), &config::text(&wish.setup()))?;
            self.control.set("vendor_elements", &config::hex(&cost_element(wish.orders.cost))).await?;
            self.control.update_beacon().await?;
            self.told.cost = wish.orders.cost;
        }
        Ok(())
    }

    /// Joins the interfaces of booked stations to the bridge, and only those: by the list of stations, because the
    /// station may have come back on another interface since.
    async fn obey_admitted(&mut self, wish: &Wish<'_>) -> Result<(), RadioError> {
        if !wish.config.choice.station_ports {
            return Ok(());
        }
        let admitted = &wish.orders.admitted;
        let out: Vec<Mac> = self
            .joined
            .iter()
            .filter(|(mac, port)| admitted.get(mac) != Some(port))
            .map(|(mac, _)| *mac)
            .collect();
        for mac in out {
            // Its interface goes with the link; the next one is born outside.
            self.kick(mac).await?;
            self.joined.remove(&mac);
        }
        for (mac, ifindex) in admitted {
            if self.joined.contains_key(mac) {
                continue;
            }
            let station = self.control.station(*mac).await?.filter(|station| station.is_authorized);
            if station.as_ref().and_then(port_of) != Some(*ifindex) {
                continue;
            }
            match port::admit(*ifindex, Some(*mac), &wish.config.bridge).await {
                Ok(()) => {
                    self.joined.insert(*mac, *ifindex);
                }
                // It left meanwhile.
                Err(PortError::Gone(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// All that a hostapd is started and steered by.
pub(super) struct Wish<'a> {
    pub(super) config: &'a RadioConfig,
    pub(super) dir: &'a RunDir,
    pub(super) program: &'a Path,
    pub(super) extras: Extras,
    pub(super) orders: &'a RadioOrders,
}

impl Wish<'_> {
    fn setup(&self) -> Setup<'_> {
        Setup {
            choice: &self.config.choice,
            bridge: &self.config.bridge,
            dir: self.dir,
            extras: self.extras,
            cost: self.orders.cost,
            network_key: self.orders.network_key.as_ref(),
        }
    }

    fn interface(&self) -> &str {
        self.config.choice.interface()
    }

    fn socket(&self) -> PathBuf {
        self.dir.control().join(self.interface())
    }

    /// Starts hostapd with everything ordered in its files, so that it holds from the first station on. Returns
    /// when it is on air.
    pub(super) async fn launch(&self) -> Result<Live, RadioError> {
        if self.config.choice.mode == Mode::Sealed && self.orders.network_key.is_none() {
            return Err(RadioError::NoKey);
        }
        self.dir.prepare().map_err(|source| RadioError::File { path: self.dir.control(), source })?;
        remove_socket(&self.socket());
        put(&self.dir.keys(), &files::keys_text(&self.orders.keys))?;
        put(&self.dir.ports(), &files::ports_text())?;
        put(&self.dir.denied(), &files::denied_text(&self.orders.denied))?;
        put(&self.dir.config(), &config::text(&self.setup()))?;
        let process = Process::start(self.program, &self.dir.config())?;
        match self.until_on(process).await {
            Ok(live) => Ok(live),
            Err((process, error)) => {
                process.end(false).await?;
                Err(error)
            }
        }
    }

    async fn until_on(&self, mut process: Process) -> Result<Live, (Process, RadioError)> {
        if let Err(error) = process.write_pid(&self.dir.pid()) {
            return Err((process, error.into()));
        }
        let patience = if self.config.choice.radar { START_WITH_RADAR } else { START };
        let until = Instant::now() + patience;
        let interface = self.interface().to_owned();
        let mut control = Control::new(&self.dir.own_ends(), &self.socket());
        loop {
            let ended = tokio::select! {
                biased;
                line = process.line_or_end() => match line {
                    Some(line) => {
                        tracing::debug!(%line, "hostapd");
                        continue;
                    }
                    None => true,
                },
                () = sleep(LOOK_AGAIN) => false,
            };
            if ended {
                let words = process.last_words().await;
                return Err((process, RadioError::Ended { interface, words }));
            }
            if let Ok(status) = control.status().await {
                if status.state == State::Enabled {
                    return self.attached(process, control, &status).await;
                }
                if status.state == State::Disabled {
                    let words = process.last_words().await;
                    return Err((process, RadioError::Ended { interface, words }));
                }
            }
            if Instant::now() > until {
                let words = process.last_words().await;
                return Err((process, RadioError::TooSlow { interface, secs: patience.as_secs(), words }));
            }
        }
    }

    async fn attached(
        &self,
        process: Process,
        control: Control,
        status: &Status,
    ) -> Result<Live, (Process, RadioError)> {
        let events = match Events::attach(&self.dir.own_ends(), &self.socket()).await {
            Ok(events) => events,
            Err(error) => return Err((process, error.into())),
        };
        if !self.config.choice.station_ports
            && let Err(error) = self.join_card().await
        {
            return Err((process, error));
        }
        Ok(Live {
            process,
            control,
            events,
            told: self.orders.clone(),
            known: Vec::new(),
            joined: BTreeMap::new(),
            bssid: status.bssid,
            mhz: status.mhz,
            answered: clock::boot(),
            has_ended: false,
            due: Due::new(),
        })
    }

    /// Where stations share the card's interface, hostapd has put it into the bridge; the rest of a port's
    /// settings is ours.
    async fn join_card(&self) -> Result<(), RadioError> {
        let Some(ifindex) = index(self.interface()) else { return Ok(()) };
        match port::admit(ifindex, None, &self.config.bridge).await {
            Ok(()) | Err(PortError::Gone(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over the hostapd of an earlier run, if it runs as it would be started now and its card works.
    /// Otherwise it is ended.
    pub(super) async fn adopt(&self) -> Result<Option<Live>, RadioError> {
        let Some(process) = Process::earlier(&self.dir.pid(), &self.dir.config()) else { return Ok(None) };
        let mut control = Control::new(&self.dir.own_ends(), &self.socket());
        let status = control.status().await.unwrap_or_default();
        let runs = status.state == State::Enabled && self.is_alike() && self.is_on_air().await;
        if !runs {
            tracing::debug!(pid = process.pid(), "the hostapd of an earlier run is of no use: ending it");
            process.end(control.terminate().await.is_ok()).await?;
            return Ok(None);
        }
        let pid = process.pid();
        match self.attached(process, control, &status).await {
            Ok(mut live) => {
                tracing::info!(pid, "took over the access point of an earlier run; stations stay on");
                self.tell_all(&mut live).await?;
                Ok(Some(live))
            }
            Err((process, error)) => {
                tracing::warn!(%error, "the hostapd of an earlier run cannot be taken over: ending it");
                process.end(false).await?;
                Ok(None)
            }
        }
    }

    fn is_alike(&self) -> bool {
        let ports = fs::read_to_string(self.dir.ports()).unwrap_or_default();
        let config = fs::read_to_string(self.dir.config()).unwrap_or_default();
        ports == files::ports_text() && config::is_alike(&config, &config::text(&self.setup()))
    }

    /// The kernel's word for it: hostapd believes to be on air with a card that is gone.
    async fn is_on_air(&self) -> bool {
        let Ok(interfaces) = card::interfaces().await else { return false };
        interfaces.iter().any(|(_, interface)| {
            interface.name == self.interface()
                && interface.kind == InterfaceKind::AccessPoint
                && interface.up
                && interface.mhz.is_some()
        })
    }

    /// Everything once, whatever the earlier run told.
    async fn tell_all(&self, live: &mut Live) -> Result<(), RadioError> {
        let choice = &self.config.choice;
        live.control.allow_all().await?;
        live.told.denied.clear();
        if choice.mode.is_personal() {
            put(&self.dir.keys(), &files::keys_text(&self.orders.keys))?;
            live.control.reload_keys().await?;
        }
        let is_same_key = fs::read_to_string(self.dir.config()).is_ok_and(|text| {
            config::network_key(&text) == self.orders.network_key.as_ref().map(|k| k.secret())
        });
        if choice.mode == Mode::Sealed && !is_same_key {
            live.told.network_key = None;
        }
        put(&self.dir.config(), &config::text(&self.setup()))?;
        live.control.set("vendor_elements", &config::hex(&cost_element(self.orders.cost))).await?;
        live.control.update_beacon().await?;
        live.obey(self).await
    }
}

fn put(path: &Path, text: &str) -> Result<(), RadioError> {
    files::put(path, text).map_err(|source| RadioError::File { path: path.to_owned(), source })
}

fn remove_socket(path: &Path) {
    // A killed hostapd leaves its socket's name. hostapd would remove it too, but not one that is no socket.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(%error, path = %path.display(), "an old control socket stays");
    }
}

/// The interface of one station, when it is there and belongs to a Wi-Fi card.
fn port_of(station: &Station) -> Option<u32> {
    let name = format!("{PORT_PREFIX}{}", station.vlan_id?);
    let is_wifi = fs::exists(format!("/sys/class/net/{name}/phy80211")).unwrap_or(false);
    if is_wifi { index(&name) } else { None }
}

pub(super) fn index(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}
