//! The brain: takes news, keeps the book, and gives orders. It only routes; each stage decides.
//!
//! One posting is under way at a time. What widens a gate waits until the store says that the posting is
//! durable; what narrows one is ordered at once.

mod alerts;
mod asks;
mod cards;
mod carrier;
mod certificate;
mod claims;
mod credits;
mod diary;
mod idle;
mod keys;
pub use keys::first_changes;
mod leases;
mod orders;
mod outlook;
mod posting;
mod remaining;
mod routine;
mod settle;
mod sites;
mod stations;
mod status;
mod sums;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use crate::ask::{Answer, Ask, Refusal};
use crate::book::Book;
use crate::clock::Clock;
use crate::diary::Happening;
use crate::grant::Purse;
use crate::lease::pace::Pace;
use crate::ledger::PeriodKey;
use crate::meter::{AccountOrder, Reading};
use crate::names::Sites;
use crate::people::PersonName;
use crate::plan::{Every, SiteName};
use crate::policy::{Verdict, Why};
use crate::radio::{Mode, RadioOrders, StationSeen};
use crate::record::{Change, Leased, Noted};
use crate::sim::SimSeen;
use crate::units::{Account, BootTime, Bytes, Mac, Now, PersonId, Rate, Slot, UnixTime};
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
    /// A packet was refused for want of a grant; `last`: when nothing more was to be granted.
    Refused {
        slot: Slot,
        last: bool,
    },
    /// The posting is durable.
    Posted(PostId),
    PostFailed(PostId, String),
    /// A station asked for an address; it gets it once this is durable.
    Leased(LeaseId, Leased),
    LeaseEnded(Mac),
    /// The stations that have proven their key, and no others.
    Stations(Vec<StationSeen>),
    /// A station tried a wrong passphrase.
    WrongKey(Mac),
    Uplink(Option<Uplink>),
    /// The meter and the rules are on the uplink with this interface index.
    UplinkReady(u32),
    /// The rules let these sites be reached from the LAN, and nothing else; `None`: everything.
    SitesReady(Option<BTreeSet<SiteName>>),
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
    /// This device is off the air: it spends nothing, but keeps its address, and its flows may go on when it is
    /// back.
    Rest(Mac),
    /// Who has which address on the LAN, whatever they say themselves; and who of the stations is on the air.
    Neighbours {
        addresses: BTreeMap<Ipv4Addr, Mac>,
        wireless: BTreeSet<Mac>,
    },
    /// Tell the access point, which has heard something else until now.
    Radio(Box<RadioOrders>),
    /// Put this station off the air, now.
    Kick(Mac),
    /// The addresses on the LAN whose flows are to be reset, and no others.
    Close(BTreeSet<Ipv4Addr>),
    /// The addresses on the LAN that may ask for names beyond the local ones.
    Names(BTreeSet<Ipv4Addr>),
    /// Which sites the plan speaks of, and which of them alone may be reached; answer with `SitesReady`.
    Sites(Sites),
    /// Use this uplink, or none; answer with `UplinkReady`.
    Connect(Option<Uplink>),
    /// The lease is durable (or could not be made so: stay silent).
    Lease(LeaseId, bool),
    Answer(AskId, Answer),
    /// Nothing more will come; see [`Brain::is_done`].
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
    /// There is an access point, and stations join it so.
    pub wifi: Option<Mode>,
    /// What the owner is told without asking, and how.
    pub alerts: crate::alert::Rules,
    /// Stop when nobody's device was there for so long. `None`: never.
    pub off_when_idle_secs: Option<u64>,
}

/// See the module.
#[derive(Debug)]
pub struct Brain {
    settings: Settings,
    book: Book,
    clock: Clock,
    now: Now,
    at: UnixTime,
    /// The kernel's maps. Until the book speaks of the same ones, nothing else is written.
    generation: u64,
    /// The minute and the civil day to which unsettled usage belongs, and those that follow once the posting
    /// under way is durable.
    minute: Minute,
    next_minute: Minute,
    readings: BTreeMap<Slot, Reading>,
    /// Where each slot stood when the daemon started, or when a device was given it.
    bases: BTreeMap<Slot, Reading>,
    purses: BTreeMap<Slot, Purse>,
    /// With so much left of a part of the plan, beside the reserve, the kernel refused a packet: it is used up, until
    /// there is more.
    dry: BTreeMap<(Account, PeriodKey), i64>,
    /// What those who share fairly may use, as of this turn.
    fair: BTreeMap<PersonId, Bytes>,
    /// About to be given away: what the kernel could spend of it is taken back first.
    giving: Option<(PersonId, Bytes)>,
    /// Lower than what is posted: in force at once, returned with the next posting.
    tightened: BTreeMap<Slot, Bytes>,
    /// How the purses were before the posting under way: a grant that was not given does not count.
    refills: Vec<(Slot, Purse)>,
    /// The kernel reports the next refusal only after it was given an order: with the next tick, so that a
    /// flood of packets is not a flood of news.
    refused: BTreeSet<Slot>,
    /// Slots that were somebody's a moment ago; a packet on its way may still name them.
    resting: BTreeMap<Slot, leases::Rest>,
    /// Being removed: closed first, read again, then written.
    leaving: BTreeSet<PersonId>,
    /// Those with a device that is there and not blocked: the others hold no grants.
    present: BTreeSet<PersonId>,
    air: stations::Air,
    uplink: Option<Uplink>,
    ready: Option<u32>,
    /// What was told last of the SIM behind it.
    told: SimSeen,
    /// Since when it is not known which SIM that is.
    sim_unknown: Option<BootTime>,
    /// The uplink is connected once the plan of its card is in.
    connects: bool,
    expiry: BootTime,
    posting: Option<posting::Posting>,
    posts: u64,
    /// The last posting was upkeep, so that it is somebody else's turn.
    upkept: bool,
    /// Whose turn it is to have something written.
    turn: asks::Turn,
    /// When an overrun was last written.
    overran: BootTime,
    /// Why the last posting failed, and when to try again.
    stuck: Option<(String, BootTime)>,
    asks: VecDeque<(AskId, Ask)>,
    leased: VecDeque<(LeaseId, Leased)>,
    ended: BTreeSet<Mac>,
    /// Gates were narrowed, and what passed until then is not read yet: nothing is written before it is.
    looking: bool,
    /// The order to read goes out behind this turn's orders.
    look: bool,
    stopping: bool,
    stopped: bool,
    sites: sites::Kept,
    /// When somebody's device was there last, or the daemon began.
    last_there: BootTime,
    /// It stops because nobody was there.
    idle: bool,
    /// The last posting failed.
    unwritten: bool,
    notes: VecDeque<Noted>,
    /// When it was last looked whether there is anything to tell.
    alerted: BootTime,
    /// What was foretold last.
    ahead: outlook::Ahead,
    /// To be said once the grants that follow from a posting are in force.
    after: Vec<Command>,
    /// To be said after the orders of this turn.
    said: Vec<Command>,
    given: orders::Given,
    verdicts: BTreeMap<PersonId, Verdict>,
    /// Why everything was closed, as the diary knows it.
    closed: Option<Option<Why>>,
    /// How fast the part of the plan in use was, as the diary knows it.
    rate: Option<Option<Rate>>,
    /// How often whoever uses a device may say who they are.
    claims: Pace,
    /// The diary knows that all accounts are in use.
    full_said: bool,
    /// Of the certificate that the pages are served with.
    certificate: Option<crate::certificate::Life>,
    out: VecDeque<Command>,
}

/// A minute (Unix time / 60), and the civil day that it is part of.
type Minute = (i64, PeriodKey);

/// As many of each may wait for a disk that hangs.
const WAITING: usize = 256;

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
        let minute = minute_of(&book, at);
        let mut brain = Brain {
            settings,
            book,
            clock,
            now,
            at,
            generation,
            minute,
            next_minute: minute,
            bases: readings.iter().copied().collect(),
            readings: readings.into_iter().collect(),
            purses: BTreeMap::new(),
            dry: BTreeMap::new(),
            fair: BTreeMap::new(),
            giving: None,
            tightened: BTreeMap::new(),
            refills: Vec::new(),
            refused: BTreeSet::new(),
            resting: BTreeMap::new(),
            leaving: BTreeSet::new(),
            present: BTreeSet::new(),
            air: stations::Air::default(),
            ready: uplink.as_ref().map(|up| up.ifindex),
            told: uplink.as_ref().map_or_else(SimSeen::default, |up| up.sim.clone()),
            uplink,
            sim_unknown: None,
            connects: false,
            expiry: BootTime::default(),
            posting: None,
            posts: 0,
            upkept: false,
            turn: asks::Turn::default(),
            overran: BootTime::default(),
            stuck: None,
            asks: VecDeque::new(),
            leased: VecDeque::new(),
            ended: BTreeSet::new(),
            looking: false,
            look: false,
            stopping: false,
            stopped: false,
            sites: sites::Kept::default(),
            last_there: now.boot,
            idle: false,
            unwritten: false,
            notes: VecDeque::new(),
            alerted: BootTime::default(),
            ahead: outlook::Ahead::default(),
            after: Vec::new(),
            said: Vec::new(),
            given: orders::Given::default(),
            verdicts: BTreeMap::new(),
            closed: None,
            rate: None,
            claims: claims::pace(),
            full_said: false,
            certificate: None,
            out: VecDeque::new(),
        };
        brain.see_present();
        brain.see_sim(false);
        brain.begin();
        brain
    }

    /// Takes one piece of news, and decides.
    pub fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        self.at = self.clock.believe(now);
        match event {
            Event::Tick => {
                for slot in std::mem::take(&mut self.refused) {
                    self.given.forget(slot);
                }
            }
            Event::Low(_) => {}
            Event::Read(readings) => {
                self.readings.extend(readings);
                self.looking = false;
            }
            Event::Refused { slot, last } => self.refused(slot, last),
            Event::Posted(id) => self.posted(id),
            Event::PostFailed(id, why) => self.post_failed(id, &why),
            Event::Leased(id, leased) => self.lease(id, leased),
            Event::LeaseEnded(mac) => self.lease_ended(mac),
            Event::Stations(seen) => self.stations_are(seen),
            Event::WrongKey(mac) => self.wrong_key(mac),
            Event::Uplink(uplink) => self.uplink_is(uplink),
            Event::UplinkReady(ifindex) => {
                if self.uplink.as_ref().is_some_and(|up| up.ifindex == ifindex) {
                    self.ready = Some(ifindex);
                }
            }
            Event::SitesReady(only) => self.sites_are(only),
            Event::Asked(id, Ask::Status) => {
                self.look_ahead();
                let status = Answer::Status(Box::new(self.status()));
                self.out.push_back(Command::Answer(id, status));
            }
            Event::Asked(id, Ask::Wifi) => {
                let status = self.wifi_status().map(Box::new);
                let answer = status.map_or(Answer::Refused(Refusal::NoWifi), Answer::Wifi);
                self.out.push_back(Command::Answer(id, answer));
            }
            Event::Asked(id, _) if self.asks.len() == WAITING => {
                let busy = Refusal::NotWritten("the disk is too slow".into());
                self.out.push_back(Command::Answer(id, Answer::Refused(busy)));
            }
            Event::Asked(id, ask) => self.asks.push_back((id, ask)),
            Event::Stop => self.stop(),
        }
        self.decide();
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.read_first();
    }

    /// Nothing is written before this turn's orders are in force and the meter was read again.
    fn read_first(&mut self) {
        (self.looking, self.look) = (true, true);
    }

    /// The next order, oldest first.
    pub fn next_command(&mut self) -> Option<Command> {
        self.out.pop_front()
    }

    fn decide(&mut self) {
        self.look_at_air();
        self.fair = self.fair_parts();
        self.judge();
        self.judge_sites();
        self.stop_when_idle();
        self.shut_for_sites();
        self.next_posting();
        self.give_orders();
        if std::mem::take(&mut self.look) {
            self.out.push_back(Command::Look);
        }
        self.out.extend(self.said.drain(..));
    }

    fn uplink_is(&mut self, uplink: Option<Uplink>) {
        let uplink = uplink.map(|uplink| self.as_believed(uplink));
        if uplink == self.uplink {
            return;
        }
        let stays = match (&uplink, &self.uplink) {
            (Some(new), Some(old)) => (new.ifindex, new.framing) == (old.ifindex, old.framing),
            _ => false,
        };
        match &uplink {
            None => self.note(Happening::UplinkLost),
            Some(up) if !stays => self.note(Happening::Uplink { name: up.name.clone() }),
            Some(_) => {}
        }
        self.uplink.clone_from(&uplink);
        self.see_sim(stays);
        if !stays {
            // Closed before the meter leaves the old interface.
            self.ready = None;
            self.give_orders();
        }
        match &uplink {
            // Its plan comes first: nothing is counted for a card that is not in.
            Some(up) if !self.fits(up) => {
                self.connects = true;
                self.read_first();
            }
            Some(_) | None => {
                self.connects = false;
                self.out.push_back(Command::Connect(uplink));
            }
        }
    }
}

fn minute_of(book: &Book, at: UnixTime) -> Minute {
    (at.0.div_euclid(60), Every::Day.at(&book.plan.zone, at).key)
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

    /// Stopped, and everything that was counted is written: the kernel's maps are not needed any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stopped && !self.unwritten
    }

    /// What the access point is to be told from its first moment on; `None` without Wi-Fi.
    #[must_use]
    pub fn radio(&self) -> Option<RadioOrders> {
        self.radio_orders()
    }

    /// The leases that are written down.
    #[must_use]
    pub fn leases(&self) -> Vec<Leased> {
        self.book.leases.values().cloned().collect()
    }
}
