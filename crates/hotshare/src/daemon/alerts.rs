//! Delivers alerts: a task for each channel, so that none waits for another, and nobody waits for them.
//!
//! What is to be sent stands in the store's outbox. It is sent, and then marked there: between the two a killed daemon
//! sends it once more, with the same number.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hotshare_core::alert::{Alert, AlertId, Channel, Patience, is_due};
use hotshare_core::diary::Happening;
use hotshare_core::units::UnixTime;
use hotshare_linux::{clock, session};
use hotshare_notify::mail::Mail;
use hotshare_notify::mqtt::{Link, Mqtt};
use hotshare_notify::webhook::Webhook;
use hotshare_notify::{NotSent, OpenError, desktop};
use hotshare_store::{Outcome, Pending, Reader};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::ledger::{Marker, Marking};
use crate::config::AlertsConfig;
use crate::serve::BrainSender;

/// One way to the owner, open.
#[derive(Debug)]
pub(crate) struct Way {
    sender: Sender,
    timeout: Duration,
}

#[derive(Debug)]
enum Sender {
    Desktop,
    Webhook(Webhook),
    Mail(Mail),
    Mqtt(Mqtt),
}

/// All ways, and what has to run for them.
pub(super) struct Ways {
    pub(super) ways: Vec<Arc<Way>>,
    pub(super) link: Option<Link>,
    /// Told when what did not answer may answer again.
    back: Arc<Notify>,
}

/// Checks everything that can be checked without the servers.
pub(super) fn open(config: &AlertsConfig, brain: BrainSender) -> Result<Ways, OpenError> {
    let back = Arc::new(Notify::new());
    let mut senders = Vec::new();
    if config.desktop {
        senders.push(Sender::Desktop);
    }
    if let Some(webhook) = &config.webhook {
        senders.push(Sender::Webhook(Webhook::open(webhook)?));
    }
    if let Some(mail) = &config.mail {
        senders.push(Sender::Mail(Mail::open(mail)?));
    }
    let mut link = None;
    if let Some(mqtt) = &config.mqtt {
        let (sender, task) = Mqtt::open(mqtt, brain, Arc::clone(&back))?;
        senders.push(Sender::Mqtt(sender));
        link = Some(task);
    }
    let way = |sender| Arc::new(Way { sender, timeout: config.timeout });
    Ok(Ways { ways: senders.into_iter().map(way).collect(), link, back })
}

impl Way {
    pub(crate) fn channel(&self) -> Channel {
        match self.sender {
            Sender::Desktop => Channel::Desktop,
            Sender::Webhook(_) => Channel::Webhook,
            Sender::Mail(_) => Channel::Mail,
            Sender::Mqtt(_) => Channel::Mqtt,
        }
    }

    /// Sends one alert, and waits no longer than may be.
    pub(crate) async fn send(&self, alert: &Alert) -> Result<(), NotSent> {
        let send = async {
            match &self.sender {
                Sender::Desktop => on_desktops(alert, self.timeout).await,
                Sender::Webhook(webhook) => webhook.send(alert).await,
                Sender::Mail(mail) => mail.send(alert).await,
                Sender::Mqtt(mqtt) => mqtt.send(alert).await,
            }
        };
        let late = || NotSent::yet(format!("there was no answer within {} s", self.timeout.as_secs()));
        tokio::time::timeout(self.timeout, send).await.unwrap_or_else(|_| Err(late()))
    }
}

/// To everybody who is logged in with a desktop; one of them is enough.
async fn on_desktops(alert: &Alert, timeout: Duration) -> Result<(), NotSent> {
    let mut result = Err(NotSent::yet("nobody is logged in"));
    for session::Bus { uid, stream } in session::buses(session::RUN_USER.as_ref()).await {
        let shown = desktop::show(stream, uid, alert, timeout).await;
        if result.is_err() {
            result = shown;
        }
    }
    result
}

impl Ways {
    /// The task of each way.
    pub(super) fn couriers(
        &self,
        ledger_path: PathBuf,
        marker: &Marker,
        raised: &watch::Sender<()>,
        patience: Patience,
    ) -> Vec<Courier> {
        let courier = |way: &Arc<Way>| Courier {
            way: Arc::clone(way),
            ledger_path: ledger_path.clone(),
            marker: marker.clone(),
            raised: raised.subscribe(),
            back: (way.channel() == Channel::Mqtt).then(|| Arc::clone(&self.back)),
            patience,
            over: BTreeMap::new(),
        };
        self.ways.iter().map(courier).collect()
    }
}

/// Carries the alerts of one channel.
pub(super) struct Courier {
    way: Arc<Way>,
    ledger_path: PathBuf,
    marker: Marker,
    raised: watch::Receiver<()>,
    back: Option<Arc<Notify>>,
    patience: Patience,
    /// Over, but the disk did not take the mark yet.
    over: BTreeMap<AlertId, Outcome>,
}

/// As many are looked at together: all that the store keeps.
const BATCH: u32 = 1000;
/// After so many failures in a row the others are spared until later.
const ENOUGH: u32 = 3;
/// When nothing is due, it is looked this often all the same: clocks jump.
const LONGEST: Duration = Duration::from_secs(600);
/// What is under way at the end may end so long.
const GRACE: Duration = Duration::from_secs(2);

impl Courier {
    /// Carries until it is stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut all = false;
        while !stop.is_cancelled() {
            let wait = self.round(all, &stop).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = told(self.back.as_deref()) => all = true,
                raised = self.raised.changed() => {
                    if raised.is_err() {
                        return;
                    }
                    all = false;
                }
                () = tokio::time::sleep(wait) => all = false,
            }
        }
    }

    /// Sends what is due, or `all` that is waiting; how long there is nothing to do then.
    async fn round(&mut self, all: bool, stop: &CancellationToken) -> Duration {
        let first = Duration::from_secs(self.patience.first.max(1)).min(LONGEST);
        let Some(pending) = self.pending().await else { return first };
        let mut wait = LONGEST;
        let mut failures = 0;
        for Pending { alert, attempts, next_try } in pending {
            if stop.is_cancelled() {
                break;
            }
            if failures == ENOUGH {
                return first;
            }
            if let Some(outcome) = self.over.get(&alert.id).cloned() {
                if self.mark(&alert, outcome.clone()).await {
                    self.over.remove(&alert.id);
                } else {
                    wait = first;
                }
                continue;
            }
            let now = clock::now().wall;
            if !all && !is_due(next_try, now, &self.patience) {
                wait = wait.min(seconds(next_try.0.saturating_sub(now.0)));
                continue;
            }
            let Some(sent) = self.send(&alert, stop).await else { break };
            let outcome = self.outcome(sent, attempts.saturating_add(1));
            failures = if outcome == Outcome::Delivered { 0 } else { failures + 1 };
            if let Outcome::Later { next, .. } = &outcome {
                wait = wait.min(seconds(next.0.saturating_sub(clock::now().wall.0)));
            }
            if !self.mark(&alert, outcome.clone()).await {
                // It is not sent again for want of a mark.
                wait = wait.min(first);
                if !matches!(outcome, Outcome::Later { .. }) {
                    self.over.insert(alert.id, outcome);
                }
            }
        }
        wait
    }

    /// `None`: it was stopped in the middle, so that it is not known what became of it.
    async fn send(&self, alert: &Alert, stop: &CancellationToken) -> Option<Result<(), NotSent>> {
        let given_up = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            sent = self.way.send(alert) => Some(sent),
            () = given_up => None,
        }
    }

    fn outcome(&self, sent: Result<(), NotSent>, attempts: u32) -> Outcome {
        match sent {
            Ok(()) => Outcome::Delivered,
            Err(NotSent { why, for_good: true }) => Outcome::Failed { why },
            Err(NotSent { why, for_good: false }) => match self.patience.next_try(attempts) {
                Some(wait) => {
                    let wait = i64::try_from(wait).unwrap_or(i64::MAX);
                    Outcome::Later { next: UnixTime(clock::now().wall.0.saturating_add(wait)), why }
                }
                None => Outcome::Failed { why },
            },
        }
    }

    async fn mark(&self, alert: &Alert, outcome: Outcome) -> bool {
        let (channel, at) = (self.way.channel(), clock::now().wall);
        let noted = match &outcome {
            Outcome::Delivered => None,
            Outcome::Later { why, .. } => {
                tracing::debug!(channel = channel.word(), alert = alert.id.0, why, "not delivered yet");
                None
            }
            Outcome::Failed { why } => {
                tracing::warn!(
                    channel = channel.word(),
                    alert = alert.id.0,
                    why,
                    "an alert was not delivered"
                );
                let (title, reason) = (alert.title.clone(), why.clone());
                Some(Happening::AlertFailed { channel, title, reason }.noted(at))
            }
        };
        self.marker.mark(Marking { alert: alert.id, channel, at, outcome, noted }).await
    }

    /// `None`: the store could not be read.
    async fn pending(&self) -> Option<Vec<Pending>> {
        let (path, channel) = (self.ledger_path.clone(), self.way.channel());
        let read = tokio::task::spawn_blocking(move || Reader::open(&path)?.pending(channel, BATCH));
        match read.await {
            Ok(Ok(pending)) => Some(pending),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the outbox could not be read; will try again");
                None
            }
            Err(_) => None,
        }
    }
}

fn seconds(secs: i64) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(0).max(1))
}

/// Waits for ever where nobody tells.
pub(super) async fn told(back: Option<&Notify>) {
    match back {
        Some(back) => back.notified().await,
        None => std::future::pending().await,
    }
}
