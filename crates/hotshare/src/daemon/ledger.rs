//! The store's own thread: a durable commit may take long, and nothing else may wait for it.

use std::thread::JoinHandle;

use anyhow::Context as _;
use hotshare_core::access::AccessChange;
use hotshare_core::alert::{AlertId, Channel};
use hotshare_core::brain::{Event, PostId};
use hotshare_core::plan::Zone;
use hotshare_core::record::{Change, Noted};
use hotshare_core::units::UnixTime;
use hotshare_store::{Outcome, Store};
use tokio::sync::{mpsc, oneshot, watch};

enum Work {
    Commit(PostId, Vec<Change>),
    RollUp(UnixTime, Zone),
    Mark(Marking, oneshot::Sender<bool>),
    Access(Vec<AccessChange>, oneshot::Sender<bool>),
}

/// What became of an attempt to deliver an alert, and what the diary is told of it.
pub(super) struct Marking {
    pub(super) alert: AlertId,
    pub(super) channel: Channel,
    pub(super) at: UnixTime,
    pub(super) outcome: Outcome,
    pub(super) noted: Option<Noted>,
}

/// The way to the thread for those who deliver alerts. It does not keep the thread alive.
#[derive(Clone)]
pub(super) struct Marker(mpsc::WeakUnboundedSender<Work>);

impl Marker {
    /// Whether it is durable.
    pub(super) async fn mark(&self, marking: Marking) -> bool {
        let (reply, durable) = oneshot::channel();
        let Some(work) = self.0.upgrade() else { return false };
        if work.send(Work::Mark(marking, reply)).is_err() {
            return false;
        }
        drop(work);
        durable.await.unwrap_or(false)
    }
}

/// The way to the thread for what is written of access. It does not keep the thread alive.
#[derive(Clone, Debug)]
pub(crate) struct AccessWriter(mpsc::WeakUnboundedSender<Work>);

impl AccessWriter {
    /// Whether all of it is durable; if not, none of it is.
    pub(crate) async fn write(&self, changes: Vec<AccessChange>) -> bool {
        let (reply, durable) = oneshot::channel();
        let sent = self.0.upgrade().is_some_and(|work| work.send(Work::Access(changes, reply)).is_ok());
        sent && durable.await.unwrap_or(false)
    }
}

/// The way to the thread. It ends when this is dropped.
pub(crate) struct Ledger {
    work: mpsc::UnboundedSender<Work>,
    thread: JoinHandle<()>,
}

impl Ledger {
    /// Each posting is answered by one event. `raised` is told of each that raised an alert.
    pub(crate) fn start(
        mut store: Store,
        done: mpsc::UnboundedSender<Event>,
        raised: watch::Sender<()>,
    ) -> anyhow::Result<Ledger> {
        // Bounded all the same: one posting is under way at a time, one change of access, one mark for each channel,
        // and a roll-up an hour.
        let (work, mut todo) = mpsc::unbounded_channel();
        let run = move || {
            // A full disk is tried every second, perhaps for days: said once.
            let mut failing: Option<String> = None;
            while let Some(next) = todo.blocking_recv() {
                match next {
                    Work::Commit(id, changes) => {
                        let event = match store.commit(&changes) {
                            Ok(()) => {
                                if failing.take().is_some() {
                                    tracing::info!("the ledger can be written again");
                                }
                                if changes.iter().any(|change| matches!(change, Change::Alert(_))) {
                                    raised.send_replace(());
                                }
                                Event::Posted(id)
                            }
                            Err(error) => {
                                let why = chain(&error);
                                if failing.as_ref() != Some(&why) {
                                    tracing::error!(
                                        why,
                                        "the ledger cannot be written; no more is granted until it can"
                                    );
                                    failing = Some(why.clone());
                                }
                                Event::PostFailed(id, why)
                            }
                        };
                        if done.send(event).is_err() {
                            break;
                        }
                    }
                    Work::Mark(Marking { alert, channel, at, outcome, noted }, reply) => {
                        let marked = store.mark(alert, channel, at, &outcome, noted.as_ref());
                        if let Err(error) = &marked {
                            tracing::debug!(why = chain(error), "a delivery could not be marked");
                        }
                        // Whoever asked may be gone.
                        _ = reply.send(marked.is_ok());
                    }
                    Work::Access(changes, reply) => {
                        let written = store.commit_access(&changes);
                        if let Err(error) = &written {
                            tracing::warn!(why = chain(error), "who may come in could not be written");
                        }
                        // Whoever asked may be gone.
                        _ = reply.send(written.is_ok());
                    }
                    Work::RollUp(now, zone) => {
                        if let Err(error) = store.roll_up(now, &zone) {
                            tracing::warn!(
                                why = chain(&error),
                                "old usage could not be summed up; will try again"
                            );
                        }
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(run);
        Ok(Ledger { work, thread: thread.context("cannot start the ledger's thread")? })
    }

    pub(super) fn commit(&self, id: PostId, changes: Vec<Change>) -> anyhow::Result<()> {
        self.work.send(Work::Commit(id, changes)).ok().context("the ledger's thread is gone")
    }

    pub(super) fn roll_up(&self, now: UnixTime, zone: Zone) {
        // If the thread is gone, the next posting says so.
        drop(self.work.send(Work::RollUp(now, zone)));
    }

    pub(super) fn marker(&self) -> Marker {
        Marker(self.work.downgrade())
    }

    pub(crate) fn access_writer(&self) -> AccessWriter {
        AccessWriter(self.work.downgrade())
    }

    /// Waits for what is under way.
    pub(crate) fn stop(self) {
        drop(self.work);
        if self.thread.join().is_err() {
            tracing::error!("the ledger's thread ended badly");
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
