//! The brain: takes news, keeps the book, and gives orders. It only routes; each stage decides.
//!
//! One posting is under way at a time. What widens a gate waits until the store says that the posting is
//! durable; what narrows one is ordered at once.

mod asks;
mod leases;
mod orders;
mod routine;
mod settle;
mod status;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use crate::ask::{Answer, Ask, Refusal};
use crate::book::Book;
use crate::clock::Clock;
use crate::grant::Purse;
use crate::ledger::PeriodKey;
use crate::meter::{AccountOrder, Reading};
use crate::people::PersonName;
use crate::plan::Every;
use crate::policy::Verdict;
use crate::record::{Change, Leased, Noted};
use crate::units::{BootTime, Mac, Now, PersonId, Slot, UnixTime};
use crate::uplink::Uplink;

/// News.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// At least once a second.
    Tick,
    /// What the meter says now, for every slot that is not zero. Comes before any event that a decision
    /// about bytes depends on.
    Read(Vec<(Slot, Reading)>),
    /// The grant runs low.
    Low(Slot),
    /// A packet was refused for want of a grant.
    Refused(Slot),
    /// The posting is durable.
    Posted(PostId),
    PostFailed(PostId, String),
    /// A station asked for an address; it gets it once this is durable.
    Leased(LeaseId, Leased),
    LeaseEnded(Mac),
    Uplink(Option<Uplink>),
    /// The meter and the rules are on the uplink with this interface index.
    UplinkReady(u32),
    Asked(AskId, Ask),
    /// Give everything back and stop.
    Stop,
}

/// An order to a hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Commit these changes durably, all or none; answer with `Posted` or `PostFailed`.
    Post(PostId, Vec<Change>),
    /// Read the meter soon, and send `Read`.
    Look,
    Account(Slot, AccountOrder),
    /// This device, with this address, spends from this account.
    Map(Mac, Slot, Ipv4Addr),
    Unmap(Mac),
    /// The addresses on the LAN whose flows are to be reset, and no others.
    Close(BTreeSet<Ipv4Addr>),
    /// The addresses on the LAN that may ask for names beyond the local ones.
    Names(BTreeSet<Ipv4Addr>),
    /// Use this uplink, or none; answer with `UplinkReady`.
    Connect(Option<Uplink>),
    /// The lease is durable (or could not be made so: stay silent).
    Lease(LeaseId, bool),
    Answer(AskId, Answer),
    /// Everything is written; nothing more will come.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(pub u64);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// What the owner set in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who owns a device that nobody knows. `None`: it waits for the owner.
    pub default_person: Option<PersonName>,
    /// How long the kernel may go on without news from the daemon.
    pub grant_life_secs: u64,
}

/// Why a posting was made, and what follows from it.
#[derive(Debug)]
enum Posting {
    Routine,
    Ask(AskId),
    Leases(Vec<LeaseId>),
    LastWords,
}

/// See the module.
#[derive(Debug)]
pub struct Brain {
    settings: Settings,
    book: Book,
    clock: Clock,
    now: Now,
    at: UnixTime,
    /// The civil day to which unsettled usage belongs, and the minute of the last settlement.
    day: PeriodKey,
    minute: i64,
    readings: BTreeMap<Slot, Reading>,
    /// Where each slot stood when the daemon started, or when a device was given it.
    bases: BTreeMap<Slot, Reading>,
    purses: BTreeMap<Slot, Purse>,
    /// Lower than what is posted: in force at once, returned with the next posting.
    tightened: BTreeMap<Slot, crate::units::Bytes>,
    /// Slots that were somebody's a moment ago; a packet on its way may still name them.
    resting: BTreeMap<Slot, BootTime>,
    /// Being removed: closed first, read again, then written.
    leaving: BTreeSet<PersonId>,
    uplink: Option<Uplink>,
    ready: Option<u32>,
    expiry: BootTime,
    posting: Option<(PostId, Vec<Change>, Posting)>,
    posts: u64,
    /// Why the last posting failed, and when to try again.
    stuck: Option<(String, BootTime)>,
    asks: VecDeque<(AskId, Ask)>,
    leased: VecDeque<(LeaseId, Leased)>,
    ended: BTreeSet<Mac>,
    flush: bool,
    /// Gates were closed, and what passed until then is not read yet: nothing is written before it is.
    looking: bool,
    stopping: bool,
    stopped: bool,
    notes: VecDeque<Noted>,
    /// To be said once the grants that follow from a posting are in force.
    after: Vec<Command>,
    /// To be said after the orders of this turn.
    said: Vec<Command>,
    given: orders::Given,
    verdicts: BTreeMap<PersonId, Verdict>,
    out: VecDeque<Command>,
}

/// More lines than this wait for the diary only when the ledger is stuck; then the oldest are dropped.
const NOTES: usize = 256;

impl Brain {
    /// `generation` is that of the kernel's maps as they were found or made; `readings` what they hold;
    /// `uplink` is the one that the meter and the rules are on already, if any.
    #[must_use]
    pub fn new(
        settings: Settings,
        book: Book,
        now: Now,
        generation: u64,
        readings: Vec<(Slot, Reading)>,
        uplink: Option<Uplink>,
    ) -> Brain {
        let mut clock = Clock::new(book.clock, now);
        let at = clock.believe(now);
        let day = Every::Day.at(&book.plan.zone, at).key;
        let mut brain = Brain {
            settings,
            book,
            clock,
            now,
            at,
            day,
            minute: at.0.div_euclid(60),
            bases: readings.iter().copied().collect(),
            readings: readings.into_iter().collect(),
            purses: BTreeMap::new(),
            tightened: BTreeMap::new(),
            resting: BTreeMap::new(),
            leaving: BTreeSet::new(),
            ready: uplink.as_ref().map(|up| up.ifindex),
            uplink,
            expiry: BootTime::default(),
            posting: None,
            posts: 0,
            stuck: None,
            asks: VecDeque::new(),
            leased: VecDeque::new(),
            ended: BTreeSet::new(),
            flush: false,
            looking: false,
            stopping: false,
            stopped: false,
            notes: VecDeque::new(),
            after: Vec::new(),
            said: Vec::new(),
            given: orders::Given::default(),
            verdicts: BTreeMap::new(),
            out: VecDeque::new(),
        };
        brain.begin(generation);
        brain
    }

    /// Takes one piece of news, and decides.
    pub fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        self.at = self.clock.believe(now);
        match event {
            Event::Tick | Event::Low(_) => {}
            Event::Read(readings) => {
                self.readings.extend(readings);
                self.looking = false;
            }
            Event::Refused(slot) => self.refused(slot),
            Event::Posted(id) => self.posted(id),
            Event::PostFailed(id, why) => self.post_failed(id, &why),
            Event::Leased(id, leased) => self.lease(id, leased),
            Event::LeaseEnded(mac) => self.lease_ended(mac),
            Event::Uplink(uplink) => self.uplink_is(uplink),
            Event::UplinkReady(ifindex) => self.ready = Some(ifindex),
            Event::Asked(id, Ask::Status) => {
                let status = Answer::Status(Box::new(self.status()));
                self.out.push_back(Command::Answer(id, status));
            }
            Event::Asked(id, ask) => self.asks.push_back((id, ask)),
            Event::Stop => {
                self.stopping = true;
                self.close_and_look();
            }
        }
        self.decide();
    }

    /// Puts what narrows a gate in force, and asks for a reading of what passed until then.
    fn close_and_look(&mut self) {
        self.judge();
        self.give_orders();
        self.looking = true;
        self.out.push_back(Command::Look);
    }

    /// The next order, oldest first.
    pub fn next_command(&mut self) -> Option<Command> {
        self.out.pop_front()
    }

    fn decide(&mut self) {
        self.judge();
        self.next_posting();
        self.give_orders();
        self.out.extend(self.said.drain(..));
    }

    fn uplink_is(&mut self, uplink: Option<Uplink>) {
        if uplink == self.uplink {
            return;
        }
        let same_interface = match (&uplink, &self.uplink) {
            (Some(new), Some(old)) => new.ifindex == old.ifindex,
            _ => false,
        };
        match (&uplink, same_interface) {
            (None, _) => self.note("uplink-lost", "the uplink is gone; nothing is forwarded".into()),
            (Some(_), true) => {}
            (Some(up), false) => self.note("uplink", format!("the uplink is {}", up.name)),
        }
        self.uplink.clone_from(&uplink);
        self.ready = None;
        self.out.push_back(Command::Connect(uplink));
    }

    fn note(&mut self, kind: &'static str, text: String) {
        if self.notes.len() == NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(Noted { at: self.at, kind, text });
    }

    fn post(&mut self, changes: Vec<Change>, why: Posting) {
        self.posts += 1;
        let id = PostId(self.posts);
        self.out.push_back(Command::Post(id, changes.clone()));
        self.posting = Some((id, changes, why));
    }

    fn posted(&mut self, id: PostId) {
        let Some((_, changes, why)) = self.posting.take_if(|(current, ..)| *current == id) else {
            return;
        };
        self.stuck = None;
        for change in &changes {
            if let Change::Device(device) = change
                && let Some(slot) = device.slot
                && self.book.devices.get(&device.mac).and_then(|d| d.slot) != Some(slot)
            {
                self.bases.insert(slot, self.reading(slot));
            }
            self.book.apply(change);
            if let Change::Granted { slot, .. } = change {
                self.tightened.remove(slot);
            }
        }
        match why {
            Posting::Routine => self.said.append(&mut self.after),
            Posting::Ask(ask) => self.after.push(Command::Answer(ask, Answer::Done)),
            Posting::Leases(ids) => {
                self.after.extend(ids.into_iter().map(|id| Command::Lease(id, true)));
            }
            Posting::LastWords => {
                self.stopped = true;
                self.said.append(&mut self.after);
                self.said.push(Command::Stopped);
            }
        }
    }

    fn post_failed(&mut self, id: PostId, why: &str) {
        let Some((.., posting)) = self.posting.take_if(|(current, ..)| *current == id) else {
            return;
        };
        self.stuck = Some((why.to_owned(), self.now.boot.plus_secs(1)));
        match posting {
            Posting::Routine => self.said.append(&mut self.after),
            Posting::Ask(ask) => {
                let refusal = Refusal::NotWritten(why.to_owned());
                self.out.push_back(Command::Answer(ask, Answer::Refused(refusal)));
            }
            Posting::Leases(ids) => {
                self.out.extend(ids.into_iter().map(|id| Command::Lease(id, false)));
            }
            // What was granted stays counted as used: nothing is given away.
            Posting::LastWords => {
                self.stopped = true;
                self.out.push_back(Command::Stopped);
            }
        }
    }
}

impl Brain {
    /// The civil time that is believed; see [`crate::clock`].
    #[must_use]
    pub fn civil_time(&self) -> UnixTime {
        self.at
    }

    /// The zone in which days begin.
    #[must_use]
    pub fn zone(&self) -> crate::plan::Zone {
        self.book.plan.zone.clone()
    }

    /// The leases that are written down.
    #[must_use]
    pub fn leases(&self) -> Vec<Leased> {
        self.book.leases.values().cloned().collect()
    }
}
