//! What ModemManager tells of the machine's modems: which SIM is behind which interface, and whether it roams.
//!
//! It is asked and listened to, never started and never told to do anything. All is read again when anything changed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _, select};
use hotshare_core::sim::{self, Sim, SimSeen};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use zbus::message::Type;
use zbus::names::{OwnedInterfaceName, OwnedUniqueName};
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, fdo};

use crate::bus::bus;

const NAME: &str = "org.freedesktop.ModemManager1";
const ROOT: &str = "/org/freedesktop/ModemManager1";
const MODEM: &str = "org.freedesktop.ModemManager1.Modem";

/// As long as a start waits for an answer at most.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// Changes come in bursts: this long after the first, they are one change.
const SETTLE: Duration = Duration::from_millis(50);
/// When to ask again what could not be answered.
const AGAIN: Duration = Duration::from_secs(1);
/// When to look again for a bus.
const BUS_AGAIN: Duration = Duration::from_secs(10);

/// `MM_MODEM_PORT_TYPE_NET`.
const NET: u32 = 2;
/// What a property says that names no object.
const NO_OBJECT: &str = "/";

#[zbus::proxy(interface = "org.freedesktop.ModemManager1.Modem", assume_defaults = false)]
trait Modem {
    /// Names, each with a type.
    #[zbus(property(emits_changed_signal = "false"))]
    fn ports(&self) -> zbus::Result<Vec<(String, u32)>>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn bearers(&self) -> zbus::Result<Vec<OwnedObjectPath>>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn sim(&self) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(interface = "org.freedesktop.ModemManager1.Modem.Modem3gpp", assume_defaults = false)]
trait Modem3gpp {
    #[zbus(property(emits_changed_signal = "false"))]
    fn registration_state(&self) -> zbus::Result<u32>;
}

#[zbus::proxy(interface = "org.freedesktop.ModemManager1.Sim", assume_defaults = false)]
trait SimCard {
    #[zbus(property(emits_changed_signal = "false"))]
    fn sim_identifier(&self) -> zbus::Result<String>;
}

#[zbus::proxy(interface = "org.freedesktop.ModemManager1.Bearer", assume_defaults = false)]
trait Bearer {
    #[zbus(property(emits_changed_signal = "false"))]
    fn interface(&self) -> zbus::Result<String>;
}

/// The machine's modems, as they were seen last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modems {
    /// ModemManager is on the bus.
    asked: bool,
    /// By the names of network interfaces.
    sims: BTreeMap<String, Sim>,
}

impl Modems {
    const NOT_READ: Modems = Modems { asked: true, sims: BTreeMap::new() };

    /// What is said of the SIM behind this interface.
    #[must_use]
    pub fn behind(&self, interface: &str) -> SimSeen {
        match self.sims.get(interface) {
            Some(sim) => SimSeen::Read(sim.clone()),
            None if self.asked => SimSeen::NotRead,
            None => SimSeen::NobodyAsked,
        }
    }
}

/// Looks once; soon, whatever does not answer. [`follow`] tells the rest.
pub async fn look() -> Modems {
    let look = async {
        match bus().await {
            Some(bus) => seen(&bus).await.unwrap_or(Modems::NOT_READ),
            None => Modems::default(),
        }
    };
    // Who does not answer is there.
    timeout(FIRST_LOOK, look).await.unwrap_or(Modems::NOT_READ)
}

/// Tells of every change, for ever.
pub async fn follow(modems: watch::Sender<Modems>) -> Infallible {
    loop {
        let wait = match bus().await {
            Some(bus) => {
                if let Err(error) = follow_on(&bus, &modems).await {
                    tracing::warn!(%error, "cannot listen to ModemManager; will try again");
                }
                AGAIN
            }
            None => BUS_AGAIN,
        };
        tell(&modems, Modems::default());
        sleep(wait).await;
    }
}

/// The same until the bus is gone.
async fn follow_on(bus: &Connection, modems: &watch::Sender<Modems>) -> zbus::Result<()> {
    let mut changes = listen(bus).await?;
    loop {
        // Signals are taken meanwhile: answers wait behind them.
        let mut changed = false;
        let found = {
            let mut look = pin!(seen(bus));
            loop {
                tokio::select! {
                    found = &mut look => break found,
                    change = changes.next() => match change {
                        Some(()) => changed = true,
                        None => return Ok(()),
                    }
                }
            }
        };
        let again = found.is_err();
        // Who is there and does not answer has not read the SIM.
        tell(modems, found.unwrap_or(Modems::NOT_READ));
        if !changed {
            tokio::select! {
                change = changes.next() => if change.is_none() { return Ok(()) },
                () = sleep(AGAIN), if again => {}
            }
        }
        let mut settled = pin!(sleep(SETTLE));
        loop {
            tokio::select! {
                () = &mut settled => break,
                change = changes.next() => if change.is_none() { return Ok(()) },
            }
        }
    }
}

fn tell(modems: &watch::Sender<Modems>, now: Modems) {
    modems.send_if_modified(|before| {
        let changed = *before != now;
        if changed {
            tracing::debug!(asked = now.asked, interfaces = ?now.sims.keys(), "modems");
            *before = now;
        }
        changed
    });
}

/// Something changed at ModemManager, or it came or went.
async fn listen(bus: &Connection) -> zbus::Result<BoxStream<'static, ()>> {
    let own = MatchRule::builder().msg_type(Type::Signal).sender(NAME).path_namespace(ROOT).build()?;
    let owner = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .add_arg(NAME)
        .build()?;
    let own = MessageStream::for_match_rule(own, bus, None).await?;
    let owner = MessageStream::for_match_rule(owner, bus, None).await?;
    Ok(select(own.map(|_| ()), owner.map(|_| ())).boxed())
}

/// All modems now. An error: ModemManager is there, and does not answer.
async fn seen(bus: &Connection) -> zbus::Result<Modems> {
    let owner = match fdo::DBusProxy::new(bus).await?.get_name_owner(NAME.try_into()?).await {
        Ok(owner) => owner,
        Err(fdo::Error::NameHasNoOwner(_)) => return Ok(Modems::default()),
        Err(error) => return Err(error.into()),
    };
    let mut sims = BTreeMap::new();
    for path in modems(bus, &owner).await? {
        match modem(bus, &owner, &path).await {
            Ok(Some((interfaces, sim))) => {
                sims.extend(interfaces.into_iter().map(|interface| (interface, sim.clone())));
            }
            Ok(None) => {}
            // It went meanwhile, which is told.
            Err(error) => tracing::debug!(%error, %path, "a modem says nothing"),
        }
    }
    Ok(Modems { asked: true, sims })
}

/// Asked by the name that is its own: the bus would start a program for the other.
async fn modems(bus: &Connection, owner: &OwnedUniqueName) -> zbus::Result<Vec<OwnedObjectPath>> {
    let manager = fdo::ObjectManagerProxy::builder(bus).destination(owner.clone()).path(ROOT);
    let objects = manager.cache_properties(CacheProperties::No).build().await?.get_managed_objects().await?;
    let is_modem = |interface: &OwnedInterfaceName| interface.as_str() == MODEM;
    let modems = objects.into_iter().filter(|(_, interfaces)| interfaces.keys().any(is_modem));
    let mut paths: Vec<OwnedObjectPath> = modems.map(|(path, _)| path).collect();
    paths.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    Ok(paths)
}

/// The interfaces that lead to a modem's SIM, and that SIM; `None` while it is not read.
async fn modem(
    bus: &Connection,
    owner: &OwnedUniqueName,
    path: &OwnedObjectPath,
) -> zbus::Result<Option<(Vec<String>, Sim)>> {
    let modem = ModemProxy::builder(bus).destination(owner.clone()).path(path.clone());
    let modem = modem.cache_properties(CacheProperties::No).build().await?;
    let sim = modem.sim().await?;
    if sim.as_str() == NO_OBJECT {
        return Ok(None);
    }
    let card = SimCardProxy::builder(bus).destination(owner.clone()).path(sim);
    let number = card.cache_properties(CacheProperties::No).build().await?.sim_identifier().await?;
    let Some(number) = sim::number(&number) else { return Ok(None) };
    let network = Modem3gppProxy::builder(bus).destination(owner.clone()).path(path.clone());
    let network = network.cache_properties(CacheProperties::No).build().await?;
    let roaming = match network.registration_state().await {
        Ok(state) => roaming(state),
        Err(error) if is_absent(&error) => Some(false),
        Err(error) => return Err(error),
    };
    let ports = modem.ports().await?;
    let mut interfaces: Vec<String> =
        ports.into_iter().filter(|(_, kind)| *kind == NET).map(|(name, _)| name).collect();
    for path in modem.bearers().await? {
        let bearer = BearerProxy::builder(bus).destination(owner.clone()).path(path);
        // One that went meanwhile leads nowhere.
        if let Ok(interface) = bearer.cache_properties(CacheProperties::No).build().await?.interface().await {
            interfaces.push(interface);
        }
    }
    interfaces.retain(|interface| !interface.is_empty());
    Ok(Some((interfaces, Sim { number, roaming })))
}

/// The modem is none of a network where one could roam.
fn is_absent(error: &zbus::Error) -> bool {
    let zbus::Error::MethodError(name, _, _) = error else { return false };
    name.ends_with(".UnknownInterface") || name.ends_with(".InvalidArgs")
}

/// `MMModem3gppRegistrationState`; `None`: not registered, or it is not known where.
fn roaming(state: u32) -> Option<bool> {
    match state {
        // Home; for short messages only; without the preferred kind of calls.
        1 | 6 | 9 => Some(false),
        5 | 7 | 10 => Some(true),
        // Idle, searching, denied, unknown; emergency calls only; restricted local services only.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_modem_is_registered() {
        let states: Vec<Option<bool>> = (0..=12).map(roaming).collect();
        let (home, abroad) = (Some(false), Some(true));
        let wanted = [None, home, None, None, None, abroad, home, abroad, None, home, abroad, None, None];
        assert_eq!(states, wanted);
    }

    #[test]
    fn who_is_asked_and_says_nothing_is_not_who_is_not_there() {
        let sim = Sim { number: "8949".into(), roaming: None };
        let modems = Modems { asked: true, sims: [("wwan0".to_owned(), sim.clone())].into() };
        assert_eq!(modems.behind("wwan0"), SimSeen::Read(sim));
        assert_eq!(modems.behind("eth0"), SimSeen::NotRead);
        assert_eq!(Modems::default().behind("wwan0"), SimSeen::NobodyAsked);
    }
}
