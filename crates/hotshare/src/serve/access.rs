//! Who may come in by the doors for browsers: what is decided in the core, with what is written and who is where.

mod entry;
mod passkey;
mod password;
mod porter;
mod routes;
mod secret;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hotshare_core::access::{
    AccessBook, AccessChange, AdminFrom, Ceremonies, LINK_LIFE_SECS, Link, Origin, Role, Tries,
};
use hotshare_core::ask::{Answer, Ask, Status};
use hotshare_core::people::PersonName;
use hotshare_core::units::Now;
use hotshare_web::{Door, Visitor};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

pub(super) use self::routes::routes;

use super::BrainSender;
use crate::daemon::AccessWriter;

/// What the brain said is good for so long.
const FRESH: Duration = Duration::from_secs(1);
/// For the brain's answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Passwords that may wait to be judged, beside the one that is.
const WAITING: usize = 8;

/// What says the time.
pub(crate) type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// Where the dashboard is, and from where it may be reached.
#[derive(Clone, Debug)]
pub(crate) struct AccessSettings {
    pub(crate) admin_from: AdminFrom,
    /// Of the machine's own door; `None`: there is none.
    pub(crate) machine_port: Option<u16>,
    /// Where a browser on the LAN finds the gateway, such as `http://10.77.0.1`; with the owner's certificate by its name.
    pub(crate) lan: Option<String>,
}

/// A cheap handle: all of them are one.
#[derive(Clone)]
pub(crate) struct AccessDesk(Arc<Desk>);

struct Desk {
    settings: AccessSettings,
    /// Of the settings at first; another one once there is a certificate.
    lan: Mutex<Option<String>>,
    writer: AccessWriter,
    brain: BrainSender,
    clock: Clock,
    book: Mutex<AccessBook>,
    tries: Mutex<Tries>,
    /// What browsers were asked for passkeys.
    ceremonies: Mutex<Ceremonies<passkey::Asked>>,
    /// One change at a time: what is written follows from what was written.
    writing: tokio::sync::Mutex<()>,
    /// One password is judged at a time, on another thread: memory for one, and a processor for the meter.
    judging: Semaphore,
    waiting: Arc<Semaphore>,
    latest: tokio::sync::Mutex<Option<(Instant, Arc<Status>)>>,
}

impl std::fmt::Debug for AccessDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessDesk").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// A one-time link, in the clear.
pub(crate) struct FreshLink {
    pub(crate) until: i64,
    pub(crate) machine: Option<String>,
    pub(crate) lan: Option<String>,
}

/// Nothing could be written, or there are no random numbers; the log says why.
#[derive(Debug, thiserror::Error)]
#[error("who may come in could not be written; the log says why")]
pub(crate) struct NotWritten;

impl AccessDesk {
    pub(crate) fn new(
        settings: AccessSettings,
        book: AccessBook,
        writer: AccessWriter,
        brain: BrainSender,
        clock: Clock,
    ) -> AccessDesk {
        AccessDesk(Arc::new(Desk {
            lan: Mutex::new(settings.lan.clone()),
            settings,
            writer,
            brain,
            clock,
            book: Mutex::new(book),
            tries: Mutex::default(),
            ceremonies: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            judging: Semaphore::new(1),
            waiting: Arc::new(Semaphore::new(WAITING)),
            latest: tokio::sync::Mutex::default(),
        }))
    }

    fn book(&self) -> MutexGuard<'_, AccessBook> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.0.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ceremonies(&self) -> MutexGuard<'_, Ceremonies<passkey::Asked>> {
        self.0.ceremonies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        (self.0.clock)()
    }

    /// Works changes out, has them written, and takes them over. What `changes` says beside them comes back.
    pub(super) async fn change<E: From<NotWritten>>(
        &self,
        changes: impl FnOnce(&AccessBook) -> Result<Vec<AccessChange>, E>,
    ) -> Result<(), E> {
        let _one_at_a_time = self.0.writing.lock().await;
        let changes = changes(&self.book())?;
        if changes.is_empty() {
            return Ok(());
        }
        if !self.0.writer.write(changes.clone()).await {
            return Err(NotWritten.into());
        }
        let mut book = self.book();
        changes.iter().for_each(|change| book.apply(change));
        Ok(())
    }

    /// Somebody else may have this name later.
    pub(super) async fn forget_person(&self, name: &PersonName) {
        let gone = |book: &AccessBook| {
            let there = book.people.contains(name);
            Ok::<_, NotWritten>(
                there.then(|| AccessChange::OwnerPersonGone(name.clone())).into_iter().collect(),
            )
        };
        if self.change(gone).await.is_err() {
            tracing::warn!("somebody who is gone is still written as an owner; nobody can be that person");
        }
    }

    /// Browsers on the LAN find the gateway there from now on.
    pub(crate) fn move_lan(&self, place: String) {
        *self.0.lan.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Otherwise only a link lets the owner in.
    pub(crate) fn owner_can_log_in(&self) -> bool {
        self.book().owner_can_log_in()
    }

    /// Makes a one-time link.
    pub(crate) async fn make_link(&self, role: Role) -> Result<FreshLink, NotWritten> {
        let secret = secret::draw().map_err(|error| {
            tracing::error!(%error, "there are no random numbers");
            NotWritten
        })?;
        let now = self.now().wall;
        let link = Link { digest: secret::digest(&secret), role, made: now };
        self.change(|book| Ok::<_, NotWritten>(book.make_link(link))).await?;
        let at = |place: String| format!("{place}/admin/link/{secret}");
        Ok(FreshLink {
            until: now.0 + LINK_LIFE_SECS,
            machine: self.machine_place().map(&at),
            lan: self.lan_place().map(at),
        })
    }

    /// Where a browser on the machine finds the dashboard. By a name, for browsers have no passkeys at an address.
    fn machine_place(&self) -> Option<String> {
        self.0.settings.machine_port.map(|port| format!("http://localhost:{port}"))
    }

    /// Where one on the LAN does, if it may.
    fn lan_place(&self) -> Option<String> {
        let may = self.0.settings.admin_from != AdminFrom::Machine;
        self.0.lan.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| may)
    }

    /// Where somebody is who came in by a door.
    async fn origin(&self, visitor: Visitor) -> Origin {
        let peer = match (visitor.door, visitor.peer) {
            (Door::Machine, _) => return Origin::Machine,
            (Door::Lan | Door::LanTls, IpAddr::V4(peer)) => peer,
            (Door::Lan | Door::LanTls, IpAddr::V6(_)) => return Origin::Elsewhere,
        };
        // The kernel reaches a leased address by the hardware address of its lease only: whoever has connected from it is
        // that device, and no other that has taken the address.
        let Some(status) = self.status().await else { return Origin::Elsewhere };
        match status.devices.iter().find(|device| device.address == Some(peer)) {
            Some(device) if !device.blocked => self.book().origin(device.mac, device.person.as_ref()),
            Some(_) | None => Origin::Elsewhere,
        }
    }

    /// The brain's latest word; those who ask meanwhile wait for the same one.
    async fn status(&self) -> Option<Arc<Status>> {
        let asked = async {
            let mut latest = self.0.latest.lock().await;
            if let Some((_, status)) = latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
                return Some(Arc::clone(status));
            }
            let (reply, answer) = oneshot::channel();
            self.0.brain.send((Ask::Status, reply)).await.ok()?;
            match answer.await.ok()? {
                Answer::Status(status) => {
                    let status = Arc::new(*status);
                    *latest = Some((Instant::now(), Arc::clone(&status)));
                    Some(status)
                }
                Answer::Done | Answer::Key(_) | Answer::Wifi(_) | Answer::Refused(_) => None,
            }
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    /// Does something slow with a password or passkey on another thread; `None`: too many wait already, or it broke.
    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _waiting = Arc::clone(&self.0.waiting).try_acquire_owned().ok()?;
        let _turn = self.0.judging.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}
