//! The host's network: made as desired, and given back as it was.
//!
//! What was before is written down before the first change, so that a stop, a failed start, and a start after a
//! kill can all restore it.

mod apply;
pub(crate) mod journal;
mod neighbours;
pub mod port;
mod rows;

pub use apply::told;
pub use journal::write_durably;
pub use port::PortError;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use hotshare_core::desired::{BRIDGE, HostState, Kind, Setting, Table};
use hotshare_core::steps::{self, Step};
use hotshare_core::units::Mac;
use hotshare_core::uplink::Subnet;
use nlink::netlink::Connection;

use crate::nat::{Nat, NatError};
use crate::observe::Snapshot;
use journal::Journal;

/// How often to look again after steps were taken: the kernel adds its own (routes go with an address, IPv6
/// addresses come with IPv6).
const ROUNDS: u32 = 4;

/// What went wrong with the host's network.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("could not open a netlink socket; are we root?")]
    Open(#[source] nlink::Error),
    #[error("could not read the host's links, addresses and routes")]
    Observe(#[source] nlink::Error),
    #[error(transparent)]
    Nat(#[from] NatError),
    #[error("could not {}", apply::told(.0))]
    Step(Box<Step>, #[source] nlink::Error),
    #[error("could not read the kernel setting {0}")]
    Setting(Setting, #[source] io::Error),
    #[error("could not tell the kernel who has which address on {0}")]
    Neighbours(String, #[source] nlink::Error),
    #[error("could not {verb} the journal {}, which says how the host was before", path.display())]
    Journal { verb: &'static str, path: PathBuf, source: io::Error },
    #[error("the journal {} is damaged; if the host's network is as it should be, remove the file", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("the host's network does not settle: something undoes “{}” as soon as it is done", apply::told(.0))]
    Unsettled(Box<Step>),
}

/// What could not be given back. The rest was.
#[derive(Debug, thiserror::Error)]
#[error("could not give back the host's network in full: {} of its parts failed; start and stop again to retry", .0.len())]
pub struct NotRestored(pub Vec<HostError>);

/// What [`Host::reconcile`] did.
#[derive(Debug, Default)]
pub struct Reconciled {
    pub steps: Vec<Step>,
    /// LAN ports that do not exist at present.
    pub missing: Vec<String>,
}

/// The stations on the LAN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stations {
    /// Who has which address: every lease in force.
    pub addresses: BTreeMap<Ipv4Addr, Mac>,
    /// Who is on the air. Frames with their hardware addresses come from no wire.
    pub wireless: BTreeSet<Mac>,
}

/// The hand on the host's network.
pub struct Host {
    conn: Connection<nlink::Route>,
    nat: Nat,
    journal_path: PathBuf,
    journal: Journal,
    /// As they were told last, and the LAN's interface.
    stations: (String, Stations),
}

impl Host {
    /// Reads what an earlier run left in the journal; changes nothing.
    ///
    /// # Errors
    /// Without netlink, or with a journal that cannot be read.
    pub fn open(journal_path: &Path) -> Result<Host, HostError> {
        Ok(Host {
            conn: Connection::<nlink::Route>::new().map_err(HostError::Open)?,
            nat: Nat::open()?,
            journal_path: journal_path.to_owned(),
            journal: Journal::read(journal_path)?,
            stations: Default::default(),
        })
    }

    /// An earlier run has left the host changed. [`Host::reconcile`] takes that over without an interruption;
    /// [`Host::restore`] gives it back.
    #[must_use]
    pub fn has_leftovers(&self) -> bool {
        !self.journal.is_empty()
    }

    /// Every subnet that the host has addresses in or routes to, but for what is ours.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub async fn taken(&self) -> Result<Vec<Subnet>, HostError> {
        let observed = self.snapshot().await?.observed();
        let ours: BTreeSet<IpAddr> = self
            .journal
            .ours
            .interfaces
            .values()
            .flat_map(|i| i.addresses.keys().map(|a| a.address))
            .collect();
        let mine: Vec<_> =
            observed.addresses.iter().filter(|a| ours.contains(&IpAddr::V4(a.address))).copied().collect();
        let is_mine = |ifindex, subnet| mine.iter().any(|m| m.ifindex == ifindex && m.subnet == subnet);
        // Of a point-to-point link both ends: the host's own address need not lie in the far end's subnet.
        let addresses = observed
            .addresses
            .iter()
            .filter(|a| !is_mine(a.ifindex, a.subnet))
            .flat_map(|a| [a.subnet, Subnet::new(a.address, 32)]);
        let routes = observed.routes.iter().filter(|r| !is_mine(r.ifindex, r.to)).map(|r| r.to);
        // Addresses that ports had, and get back.
        let before = self.journal.before.interfaces.values().flat_map(|i| i.addresses.keys());
        let before = before.filter_map(|address| match address.address {
            IpAddr::V4(v4) => Some(Subnet::new(v4, address.prefix_len)),
            IpAddr::V6(_) => None,
        });
        Ok(addresses.chain(routes).chain(before).collect())
    }

    /// The steps that [`Host::reconcile`] would take now; changes nothing.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub async fn check(&self, desired: &HostState) -> Result<Reconciled, HostError> {
        let observed = self.observe(desired).await?;
        let target = self.target(&observed, desired);
        Ok(Reconciled { steps: steps::steps(&observed, &target), missing: missing(&observed, desired) })
    }

    /// Makes the host as desired, and whatever was touched earlier but is not desired any more as it was before.
    /// Call it again whenever something may have changed.
    ///
    /// # Errors
    /// At the first step that fails; what was done until then stays, for [`Host::restore`] to undo.
    pub async fn reconcile(&mut self, desired: &HostState) -> Result<Reconciled, HostError> {
        let mut done = Reconciled::default();
        for _ in 0..ROUNDS {
            let observed = self.observe(desired).await?;
            let mut journal = self.journal.clone();
            steps::remember(&mut journal.before, &within(&observed, desired));
            journal.ours = steps::made(journal.ours, desired);
            let target = self.target(&observed, desired);
            let steps = steps::steps(&observed, &target);
            done.missing = missing(&observed, desired);
            if journal != self.journal {
                journal.write(&self.journal_path)?;
                self.journal = journal;
            }
            if steps.is_empty() {
                if !done.steps.is_empty() {
                    self.tell_stations().await?;
                }
                return Ok(done);
            }
            for step in steps {
                tracing::debug!(step = %told(&step), "change the host");
                self.apply(&step, desired).await?;
                done.steps.push(step);
            }
        }
        let observed = self.observe(desired).await?;
        let target = self.target(&observed, desired);
        match steps::steps(&observed, &target).into_iter().next() {
            Some(step) => Err(HostError::Unsettled(Box::new(step))),
            None => self.tell_stations().await.map(|()| done),
        }
    }

    /// Tells the kernel and the rules who the stations on the interface `lan` are, so that nobody gets what is
    /// another's by claiming an address. The whole state; what an earlier run told goes. Costs nothing when it is as
    /// told last.
    ///
    /// # Errors
    /// When the kernel refuses; to be tried again. Without the interface there is nothing to tell.
    pub async fn set_stations(&mut self, lan: &str, stations: &Stations) -> Result<(), HostError> {
        if self.stations.0 == lan && self.stations.1 == *stations {
            return Ok(());
        }
        self.stations = (lan.to_owned(), stations.clone());
        self.tell_stations().await
    }

    async fn tell_stations(&mut self) -> Result<(), HostError> {
        let (lan, stations) = std::mem::take(&mut self.stations);
        if !lan.is_empty() {
            // The rules first: what they keep out cannot be learnt.
            self.nat.set_stations(&stations.addresses, &stations.wireless).await?;
            self.set_neighbours(&lan, &stations.addresses).await?;
        }
        self.stations = (lan, stations);
        Ok(())
    }

    /// In our own subnet; it was nobody's before, so there are no others' entries.
    async fn set_neighbours(&self, name: &str, wanted: &BTreeMap<Ipv4Addr, Mac>) -> Result<(), HostError> {
        let failed = |error| HostError::Neighbours(name.to_owned(), error);
        let ours = self.journal.ours.interfaces.get(name).into_iter().flat_map(|i| i.addresses.keys());
        let subnets: BTreeSet<Subnet> = ours
            .filter_map(|address| match address.address {
                IpAddr::V4(v4) => Some(Subnet::new(v4, address.prefix_len)),
                IpAddr::V6(_) => None,
            })
            .collect();
        let Some(link) = self.conn.get_link_by_name(name).await.map_err(failed)? else { return Ok(()) };
        for subnet in subnets {
            neighbours::ensure(&self.conn, link.ifindex(), subnet, wanted).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Gives the host back as it was before. A failure does not stop the rest; the journal stays until all is
    /// done, so that the next start can try again.
    ///
    /// # Errors
    /// With everything that failed.
    pub async fn restore(&mut self) -> Result<(), NotRestored> {
        let mut failures = Vec::new();
        self.stations.0.clear();
        for _ in 0..ROUNDS {
            failures.clear();
            for name in self.journal.ours.interfaces.keys() {
                failures.extend(self.set_neighbours(name, &BTreeMap::new()).await.err());
            }
            let nothing = HostState::default();
            let observed = match self.observe(&nothing).await {
                Ok(observed) => observed,
                Err(error) => return Err(NotRestored(vec![error])),
            };
            let target = steps::restored(&self.journal.before, &self.journal.ours, &observed);
            let steps = steps::steps(&observed, &target);
            if steps.is_empty() {
                break;
            }
            for step in steps {
                tracing::debug!(step = %told(&step), "give the host back");
                if let Err(error) = self.apply(&step, &nothing).await {
                    failures.push(error);
                }
            }
        }
        if failures.is_empty() {
            match Journal::remove(&self.journal_path) {
                Ok(()) => self.journal = Journal::default(),
                Err(error) => failures.push(error),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(NotRestored(failures)) }
    }

    /// Makes these the addresses of closed devices: what they send is refused, what comes for them is answered
    /// with a reset, both at a limited rate.
    ///
    /// # Errors
    /// When there is no table, or the kernel refuses.
    pub async fn set_closed(
        &mut self,
        addresses: &BTreeSet<Ipv4Addr>,
    ) -> Result<BTreeSet<Ipv4Addr>, HostError> {
        Ok(self.nat.set_closed(addresses).await?)
    }

    /// Makes these the addresses of the devices that may use the uplink: their plain HTTP is left alone.
    ///
    /// # Errors
    /// When there is no table, or the kernel refuses.
    pub async fn set_open(&mut self, addresses: &BTreeSet<Ipv4Addr>) -> Result<(), HostError> {
        Ok(self.nat.set_open(addresses).await?)
    }

    /// Makes these the addresses of the sites that may be reached, while the rules let nothing else be.
    ///
    /// # Errors
    /// When there is no table, or the kernel refuses.
    pub async fn set_sites(&mut self, addresses: &BTreeSet<Ipv4Addr>) -> Result<(), HostError> {
        Ok(self.nat.set_sites(addresses).await?)
    }

    async fn snapshot(&self) -> Result<Snapshot, HostError> {
        Snapshot::take(&self.conn).await.map_err(HostError::Observe)
    }

    /// The part of the host that `desired` or the journal speaks of, as it is now.
    async fn observe(&self, desired: &HostState) -> Result<HostState, HostError> {
        let snapshot = self.snapshot().await?;
        let mut names: BTreeSet<&str> = [BRIDGE].into();
        let mut keys: BTreeSet<&Setting> = BTreeSet::new();
        for state in [desired, &self.journal.before, &self.journal.ours] {
            names.extend(state.interfaces.keys().map(String::as_str));
            keys.extend(state.settings.keys());
        }
        let kind = |name: &str| if name == BRIDGE { Kind::Bridge } else { Kind::Port };
        let interfaces = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), snapshot.interface(name, kind(name))?)))
            .collect();
        let mut settings = BTreeMap::new();
        for setting in keys {
            if let Some(value) = apply::read(setting)? {
                settings.insert(setting.clone(), value);
            }
        }
        Ok(HostState { interfaces, settings, table: self.nat.observe(&desired.table).await? })
    }

    fn target(&self, observed: &HostState, desired: &HostState) -> HostState {
        let rest = steps::restored(&self.journal.before, &self.journal.ours, observed);
        steps::with_rest_restored(rest, desired)
    }

    async fn apply(&mut self, step: &Step, desired: &HostState) -> Result<(), HostError> {
        if let Step::SetTable(table) = step {
            match table {
                Table::Holds(ruleset) => self.nat.replace(ruleset).await?,
                Table::Absent | Table::Unknown => self.nat.remove().await?,
            }
            return Ok(());
        }
        let done = apply::apply(&self.conn, step, desired).await;
        done.map_err(|error| HostError::Step(Box::new(step.clone()), error))
    }
}

fn missing(observed: &HostState, desired: &HostState) -> Vec<String> {
    steps::missing(observed, desired).into_iter().map(ToOwned::to_owned).collect()
}

/// The part of `observed` that `desired` speaks of.
fn within(observed: &HostState, desired: &HostState) -> HostState {
    let mut part = observed.clone();
    part.interfaces.retain(|name, _| desired.interfaces.contains_key(name));
    part.settings.retain(|setting, _| desired.settings.contains_key(setting));
    part
}
