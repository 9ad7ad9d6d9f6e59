//! The one posting that is under way: what it was made for, and what follows from its end.

use std::collections::BTreeSet;

use super::{Brain, Command, LeaseId};
use crate::ask::{Answer, Refusal};
use crate::brain::{AskId, PostId};
use crate::record::Change;
use crate::units::{BootTime, Mac, Slot};

/// A posting that takes longer than this is as good as failed, until it ends.
const SLOW_SECS: u64 = 10;

#[derive(Debug)]
pub(super) struct Posting {
    id: PostId,
    changes: Vec<Change>,
    why: Purpose,
    since: BootTime,
}

/// What a posting was made for.
#[derive(Debug)]
pub(super) enum Purpose {
    Upkeep,
    /// With the answer that follows when it is in force.
    Ask(AskId, Answer),
    Stations,
    /// Another data card.
    Card,
    Leases(Vec<LeaseId>, BTreeSet<Mac>),
    LastWords,
}

impl Brain {
    pub(super) fn post(&mut self, changes: Vec<Change>, why: Purpose) {
        self.posts += 1;
        self.upkept = matches!(why, Purpose::Upkeep);
        let id = PostId(self.posts);
        self.out.push_back(Command::Post(id, changes.clone()));
        self.posting = Some(Posting { id, changes, why, since: self.now.boot });
    }

    /// Nothing can be written now.
    pub(super) fn is_stuck(&self) -> bool {
        let slow = |p: &Posting| p.since.plus_secs(SLOW_SECS) <= self.now.boot;
        self.stuck.is_some() || self.posting.as_ref().is_some_and(slow)
    }

    pub(super) fn posted(&mut self, id: PostId) {
        let Some(posting) = self.posting.take_if(|posting| posting.id == id) else {
            return;
        };
        self.stuck = None;
        for change in &posting.changes {
            self.before(change);
            self.book.apply(change);
        }
        self.look_at_air();
        self.see_present();
        self.fair = self.fair_parts();
        match posting.why {
            Purpose::Upkeep => {
                self.minute = self.next_minute;
                self.said.append(&mut self.after);
            }
            Purpose::Ask(ask, answer) => {
                self.leaving.clear();
                self.giving = None;
                self.after.push(Command::Answer(ask, answer));
            }
            Purpose::Stations => {}
            Purpose::Card => self.card_is_in(),
            Purpose::Leases(ids, _) => {
                self.after.extend(ids.into_iter().map(|id| Command::Lease(id, true)));
            }
            Purpose::LastWords => {
                self.stopped = true;
                self.said.append(&mut self.after);
                self.said.push(Command::Stopped);
            }
        }
    }

    /// What a change means for slots, seen from before it.
    fn before(&mut self, change: &Change) {
        match change {
            Change::Granted { slot, .. } => {
                self.tightened.remove(slot);
            }
            Change::Device(device) => {
                self.slot_moves(device.mac, device.slot);
            }
            Change::DeviceGone(mac) => self.slot_moves(*mac, None),
            Change::Person(person) => {
                if !self.book.people.contains_key(&person.id) {
                    self.purses.remove(&person.slot);
                }
            }
            Change::PersonGone(id) => {
                if let Some(slot) = self.book.people.get(id).map(|p| p.slot) {
                    self.rest(slot, None);
                }
            }
            // What is kept back may be less from now on.
            Change::Figure(_) => self.dry.clear(),
            Change::Entry(_)
            | Change::Settled { .. }
            | Change::Usage { .. }
            | Change::Spent { .. }
            | Change::Key(_)
            | Change::KeyGone(_)
            | Change::Plan(_)
            | Change::Card(_)
            | Change::CardGone(_)
            | Change::CardIn(_)
            | Change::Wish(_)
            | Change::WishGone(_)
            | Change::Lease(_)
            | Change::LeaseGone(_)
            | Change::Clock(_)
            | Change::Generation(_)
            | Change::Alert(_)
            | Change::Noted(_) => {}
        }
    }

    fn slot_moves(&mut self, mac: Mac, to: Option<Slot>) {
        let (before, owner) = self.book.devices.get(&mac).map_or((None, None), |d| (d.slot, d.person));
        if before == to {
            return;
        }
        if let Some(slot) = before {
            self.rest(slot, owner.map(|person| (mac, person)));
        }
        if let Some(slot) = to {
            self.bases.insert(slot, self.reading(slot));
            self.full_said = false;
        }
    }

    pub(super) fn post_failed(&mut self, id: PostId, why: &str) {
        let Some(posting) = self.posting.take_if(|posting| posting.id == id) else {
            return;
        };
        self.stuck = Some((why.to_owned(), self.now.boot.plus_secs(1)));
        match posting.why {
            Purpose::Upkeep => {
                self.purses.extend(self.refills.drain(..));
                self.keep_notes(posting.changes);
                self.said.append(&mut self.after);
            }
            // They wait outside, and are tried again.
            Purpose::Stations => {}
            // Nothing passes meanwhile; it is tried again.
            Purpose::Card => self.keep_notes(posting.changes),
            Purpose::Ask(ask, _) => {
                self.leaving.clear();
                self.giving = None;
                let refusal = Refusal::NotWritten(why.to_owned());
                self.out.push_back(Command::Answer(ask, Answer::Refused(refusal)));
            }
            Purpose::Leases(ids, ended) => {
                let back = |mac: &Mac| self.leased.iter().any(|(_, leased)| leased.mac == *mac);
                let still: Vec<Mac> = ended.into_iter().filter(|mac| !back(mac)).collect();
                self.ended.extend(still);
                self.out.extend(ids.into_iter().map(|id| Command::Lease(id, false)));
            }
            // What was granted stays counted as used: nothing is given away.
            Purpose::LastWords => {
                (self.stopped, self.unwritten) = (true, true);
                self.out.push_back(Command::Stopped);
            }
        }
    }
}
