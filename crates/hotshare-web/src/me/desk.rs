//! What the page asks the interface, and how often: whoever is on the LAN may load it, as often as they like.

use std::sync::Arc;
use std::time::Duration;

use hotshare_api::{Status, UsageReport, path};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::usage::{Begins, Used};
use crate::{Api, ApiError};

/// What the status said is good for so long.
const FRESH: Duration = Duration::from_secs(1);
/// And what was used today: a report is read from the disk, for everybody at once.
const TODAY_FRESH: Duration = Duration::from_secs(20);
/// What was used on the days before changes no more, but for what was counted at their very end.
const EARLIER_FRESH: Duration = Duration::from_secs(3600);
/// A browser waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Desk {
    pub(super) api: Api,
    /// The latest answer. Those who ask meanwhile wait for the same one.
    latest: Mutex<Option<(Instant, Arc<Status>)>>,
    today: Kept,
    /// This month without today.
    earlier: Kept,
}

/// A report, from when it is, and of what.
type Kept = Mutex<Option<(Instant, Begins, Arc<Used>)>>;

impl Desk {
    pub(super) fn new(api: Api) -> Desk {
        Desk { api, latest: Mutex::new(None), today: Mutex::new(None), earlier: Mutex::new(None) }
    }

    /// What is so now, or was a second ago; `None` when that is not told in time.
    pub(super) async fn status(&self) -> Option<Arc<Status>> {
        let asked = async {
            let mut latest = self.latest.lock().await;
            if let Some((_, status)) = latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
                return Some(Arc::clone(status));
            }
            let status: Status = told(self.api.get(path::STATUS).await)?;
            let status = Arc::new(status);
            *latest = Some((Instant::now(), Arc::clone(&status)));
            Some(status)
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    /// What all devices used today, and earlier in this month; `None` when that is not told in time.
    pub(super) async fn used(&self, status: &Status) -> Option<[Arc<Used>; 2]> {
        let begins = Begins::of(status)?;
        let asked = async {
            let earlier = match begins.earlier_path() {
                Some(path) => self.report(&self.earlier, begins, EARLIER_FRESH, &path).await?,
                None => Arc::default(),
            };
            Some([self.report(&self.today, begins, TODAY_FRESH, &begins.today_path()).await?, earlier])
        };
        timeout(PATIENCE, asked).await.ok().flatten()
    }

    async fn report(&self, kept: &Kept, begins: Begins, fresh: Duration, path: &str) -> Option<Arc<Used>> {
        let mut kept = kept.lock().await;
        if let Some((_, _, used)) = kept.as_ref().filter(|(at, of, _)| at.elapsed() < fresh && *of == begins)
        {
            return Some(Arc::clone(used));
        }
        let report: UsageReport = told(self.api.get(path).await)?;
        let used = Arc::new(Used::new(&report));
        *kept = Some((Instant::now(), begins, Arc::clone(&used)));
        Some(used)
    }

    /// Something was changed: the page that follows shows it.
    pub(super) async fn forget(&self) {
        *self.latest.lock().await = None;
    }
}

fn told<T>(answer: Result<T, ApiError>) -> Option<T> {
    answer.inspect_err(|error| tracing::warn!(%error, "a device's page could not be filled")).ok()
}
