//! A world for the brain: a kernel meter, a store, stations and a power switch, all in memory. The
//! meter follows the rules of the real one (`bpf/hotshare.bpf.c`), and keeps the truth beside it.

mod sites;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hotshare_core::alert::{Channel, Rules};
use hotshare_core::ask::{Answer, Ask, Status};
use hotshare_core::book::Book;
use hotshare_core::brain::{AskId, Brain, Command, Event, LeaseId, PostId, Settings};
use hotshare_core::keys::{KeyId, KeyOwner};
use hotshare_core::ledger::EntryKind;
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::people::{Allowance, PersonName};
use hotshare_core::plan::{SiteName, Zone};
use hotshare_core::radio::{Mode, RadioOrders};
use hotshare_core::record::{Change, Leased, Snapshot, Who};
use hotshare_core::units::{Account, BootTime, BucketId, Bytes, Mac, Now, PersonId, Slot, UnixTime};
use hotshare_core::uplink::{Framing, Uplink};

#[derive(Clone, Debug)]
struct Cell {
    reading: Reading,
    order: Option<AccountOrder>,
    told: bool,
}

/// The account of a plan of one part.
pub(crate) const PLAN: Account = Account::Bucket(BucketId::FIRST);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Forwarded,
    Refused,
    Closed,
}

/// What the world knows better than anybody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) forwarded: BTreeMap<PersonId, u64>,
    pub(crate) by_device: BTreeMap<(Mac, PersonId), u64>,
    pub(crate) billed: u64,
}

pub(crate) struct World {
    pub(crate) brain: Option<Brain>,
    cells: BTreeMap<Slot, Cell>,
    map: BTreeMap<Mac, Slot>,
    pub(crate) addresses: BTreeMap<Mac, Ipv4Addr>,
    /// The interface that the meter is on.
    attached: Option<u32>,
    /// Refusals that the kernel reported.
    pub(crate) reports: u32,
    pub(crate) closed: BTreeSet<Ipv4Addr>,
    pub(crate) generation: u64,
    /// Every change that was ever committed, in order.
    pub(crate) log: Vec<Change>,
    pub(crate) book: Book,
    pending: Option<(PostId, Vec<Change>)>,
    /// Commits happen by themselves, or wait for [`World::commit`].
    pub(crate) patient: bool,
    /// There is no space left: what commits by itself fails.
    pub(crate) full: bool,
    pub(crate) commits: u32,
    boot: u64,
    pub(crate) wall: i64,
    pub(crate) synced: bool,
    pub(crate) default_person: Option<PersonName>,
    pub(crate) wifi: Option<Mode>,
    pub(crate) alerts: Rules,
    pub(crate) off_when_idle_secs: Option<u64>,
    /// What the rules let be reached; `None`: everything.
    pub(crate) only_sites: Option<BTreeSet<SiteName>>,
    /// The rules cannot be changed.
    pub(crate) stubborn: bool,
    /// What the access point was told last.
    pub(crate) radio: RadioOrders,
    pub(crate) kicked: Vec<Mac>,
    /// Who is really on the air: by which interface, and with whose key.
    pub(crate) air: BTreeMap<Mac, (u32, PersonId)>,
    zone: Zone,
    /// What is plugged in.
    pub(crate) cable: Option<Uplink>,
    /// Every order, when somebody wants to read them.
    pub(crate) heard: Option<Vec<Command>>,
    pub(crate) truth: Truth,
    pub(crate) answers: Vec<(AskId, Answer)>,
    pub(crate) acks: Vec<(LeaseId, bool)>,
    pub(crate) stopped: bool,
    asks: u64,
    /// After so many more commands the daemon is killed; whether its posting reaches the disk.
    pub(crate) fuse: Option<(u32, bool)>,
}

/// 2026-11-02 12:00:00 UTC, a Monday.
pub(crate) const START: i64 = 1_793_620_800;

pub(crate) fn mac(n: u8) -> Mac {
    Mac([2, 0, 0x5e, 0x10, 0, n])
}

pub(crate) fn uplink(ifindex: u32, host: u8) -> Uplink {
    Uplink {
        name: "uplink0".into(),
        ifindex,
        framing: Framing::Ethernet,
        address: Ipv4Addr::new(100, 64, 0, host),
        gateway: Some(Ipv4Addr::new(100, 64, 0, 1)),
        resolvers: vec![],
    }
}

pub(crate) fn ip(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 77, n)
}

pub(crate) fn name(s: &str) -> PersonName {
    s.parse().expect("a name")
}

impl World {
    pub(crate) fn new() -> World {
        let mut world = World::before_first_start(Zone::utc(), START);
        world.start();
        world
    }

    /// Nothing on disk, nothing in the kernel, and no daemon yet.
    pub(crate) fn before_first_start(zone: Zone, wall: i64) -> World {
        World {
            brain: None,
            cells: BTreeMap::new(),
            map: BTreeMap::new(),
            addresses: BTreeMap::new(),
            attached: None,
            reports: 0,
            closed: BTreeSet::new(),
            generation: 1,
            log: Vec::new(),
            book: Book::new(Snapshot::default(), zone.clone()),
            pending: None,
            patient: false,
            full: false,
            commits: 0,
            boot: 1_000_000_000,
            wall,
            synced: true,
            default_person: None,
            wifi: None,
            alerts: Rules { channels: Channel::ALL.to_vec(), ..Rules::default() },
            off_when_idle_secs: None,
            only_sites: None,
            stubborn: false,
            radio: RadioOrders::default(),
            kicked: Vec::new(),
            air: BTreeMap::new(),
            zone,
            cable: Some(uplink(7, 2)),
            heard: None,
            truth: Truth::default(),
            answers: Vec::new(),
            acks: Vec::new(),
            stopped: false,
            asks: 0,
            fuse: None,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now { boot: BootTime(self.boot), wall: UnixTime(self.wall), synced: self.synced }
    }

    /// Starts the daemon on what is on disk and in the kernel.
    pub(crate) fn start(&mut self) {
        self.fuse = None;
        // The daemon makes the device map anew with its first turn.
        self.map.clear();
        self.addresses.clear();
        let settings = Settings {
            default_person: self.default_person.clone(),
            grant_life_secs: 30,
            wifi: self.wifi,
            alerts: self.alerts.clone(),
            off_when_idle_secs: self.off_when_idle_secs,
        };
        let book = Book::new(snapshot::of(&self.book), self.zone.clone());
        self.stopped = false;
        // The rules as the daemon puts them in place before the brain's first order.
        self.only_sites = self.only_sites.take().filter(|_| self.stubborn).or(book.sites_granted().cloned());
        self.brain = Some(Brain::new(settings, book, self.now(), self.generation, self.readings(), None));
        self.obey();
        self.connect();
    }

    pub(crate) fn connect(&mut self) {
        self.tell(Event::Uplink(self.cable.clone()));
    }

    fn readings(&self) -> Vec<(Slot, Reading)> {
        self.cells.iter().map(|(slot, cell)| (*slot, cell.reading)).collect()
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let (now, readings) = (self.now(), self.readings());
        if let Some(brain) = &mut self.brain {
            brain.handle(now, Event::Read(readings));
            brain.handle(now, event);
        }
        self.obey();
    }

    fn obey(&mut self) {
        let mut said = Vec::new();
        while let Some(command) = self.brain.as_mut().and_then(Brain::next_command) {
            if let Some((left, reached)) = &mut self.fuse {
                let reached = *reached;
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.kill(reached);
                    return;
                }
            }
            if let Some(heard) = &mut self.heard {
                heard.push(command.clone());
            }
            match command {
                Command::Post(id, changes) => {
                    assert!(self.pending.is_none(), "two postings at once");
                    self.pending = Some((id, changes));
                    if !self.patient {
                        self.commit(!self.full);
                    }
                }
                Command::Look => self.news(Event::Read(self.readings())),
                Command::Account(slot, order) => {
                    self.gives_nothing_away(slot, order);
                    let cell = self.cell(slot);
                    cell.reading.granted = order.granted;
                    cell.order = Some(order);
                    cell.told = false;
                }
                Command::Map(mac, slot, ip) => {
                    self.map.insert(mac, slot);
                    self.addresses.insert(mac, ip);
                }
                Command::Neighbours { .. } => {}
                Command::Radio(orders) => self.radio = *orders,
                Command::Kick(mac) => {
                    self.air.remove(&mac);
                    self.kicked.push(mac);
                }
                Command::Unmap(mac) | Command::Rest(mac) => {
                    self.map.remove(&mac);
                    self.addresses.remove(&mac);
                }
                Command::Close(closed) => self.closed = closed,
                Command::Names(_) => {}
                Command::Sites(sites) => self.keep_to(sites),
                Command::Connect(uplink) => {
                    let index = uplink.map(|up| up.ifindex);
                    let leaves = self.attached.is_some() && self.attached != index;
                    assert!(!leaves || self.open(Slot::PLAN).is_none(), "the meter leaves an open gate");
                    self.attached = index;
                    if let Some(index) = index {
                        self.news(Event::Read(self.readings()));
                        self.news(Event::UplinkReady(index));
                    }
                }
                Command::Lease(..) | Command::Answer(..) => said.push(command),
                Command::Stopped => self.stopped = true,
            }
        }
        let addresses: BTreeSet<Ipv4Addr> = self.addresses.values().copied().collect();
        assert_eq!(
            addresses.len(),
            self.addresses.len(),
            "an address is two stations': {:?}",
            self.addresses
        );
        for command in said {
            match command {
                Command::Lease(id, durable) => self.acks.push((id, durable)),
                Command::Answer(id, answer) => self.answers.push((id, answer)),
                _ => {}
            }
        }
    }

    fn news(&mut self, event: Event) {
        let now = self.now();
        if let Some(brain) = &mut self.brain {
            brain.handle(now, event);
        }
    }

    /// What is the plan's or somebody's, in the book and in what the daemon would read from it.
    pub(crate) fn replayed(&self) -> Book {
        let mut book = Book::new(Snapshot::default(), self.zone.clone());
        self.log.iter().for_each(|change| book.apply(change));
        book
    }

    fn cell(&mut self, slot: Slot) -> &mut Cell {
        self.cells.entry(slot).or_insert(Cell { reading: Reading::default(), order: None, told: false })
    }

    /// The disk finishes the posting that is under way, or refuses it.
    pub(crate) fn commit(&mut self, works: bool) {
        let Some((id, changes)) = self.pending.take() else { return };
        let event = if works {
            self.keep(changes);
            Event::Posted(id)
        } else {
            Event::PostFailed(id, "no space left on device".into())
        };
        let now = self.now();
        if let Some(brain) = &mut self.brain {
            brain.handle(now, event);
        }
        self.obey();
    }

    pub(crate) fn keep(&mut self, changes: Vec<Change>) {
        self.commits += 1;
        for change in &changes {
            self.book.apply(change);
        }
        self.log.extend(changes);
    }

    /// The daemon is killed; the posting under way reached the disk, or did not.
    pub(crate) fn kill(&mut self, reached: bool) {
        self.brain = None;
        if let Some((_, changes)) = self.pending.take()
            && reached
        {
            self.keep(changes);
        }
    }

    /// The kernel forgets as well.
    pub(crate) fn cut_power(&mut self, reached: bool) {
        self.kill(reached);
        self.forget_maps();
        self.boot = 1_000_000_000;
    }

    /// The daemon stops as it should; it lets go of the maps once all is written.
    pub(crate) fn stop(&mut self) {
        self.tell(Event::Stop);
        let done = self.brain.as_ref().is_some_and(Brain::is_done);
        self.kill(true);
        if done {
            self.forget_maps();
        }
    }

    fn forget_maps(&mut self) {
        self.cells.clear();
        self.map.clear();
        self.addresses.clear();
        self.attached = None;
        self.generation += 1;
    }

    /// Time passes, and nobody notices yet.
    pub(crate) fn boot_on(&mut self, millis: u64) {
        self.boot += millis * 1_000_000;
        self.wall += i64::try_from(millis / 1000).expect("small");
    }

    /// Time passes, in steps of a second with a tick each.
    pub(crate) fn pass(&mut self, millis: u64) {
        let mut left = millis;
        while left > 0 {
            let step = left.min(1000);
            self.boot += step * 1_000_000;
            left -= step;
            if self.boot / 1_000_000 % 1000 < step {
                self.wall += 1;
            }
            self.tell(Event::Tick);
        }
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> Answer {
        let id = self.ask_later(ask);
        let found = self.answers.iter().position(|(a, _)| *a == id);
        self.answers.remove(found.expect("an answer")).1
    }

    pub(crate) fn ask_later(&mut self, ask: Ask) -> AskId {
        self.asks += 1;
        let id = AskId(self.asks);
        self.tell(Event::Asked(id, ask));
        id
    }

    pub(crate) fn status(&mut self) -> Status {
        match self.ask(Ask::Status) {
            Answer::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// Adds a person with one device that is there.
    pub(crate) fn person(&mut self, who: &str, allowance: Allowance, device: u8) {
        let done = self.ask(Ask::PersonAdd { name: name(who), allowance });
        assert_eq!(done, Answer::Done);
        self.arrive(device);
        let done = self.ask(Ask::DeviceAssign { mac: mac(device), person: name(who) });
        assert_eq!(done, Answer::Done);
    }

    pub(crate) fn arrive(&mut self, device: u8) {
        self.lease(mac(device), ip(device));
    }

    pub(crate) fn lease(&mut self, mac: Mac, ip: Ipv4Addr) {
        let id = LeaseId(u64::from(mac.0[5]));
        let expires = UnixTime(self.wall + 3600);
        let host_name = Some(format!("phone-{}", mac.0[5]));
        self.tell(Event::Leased(id, Leased { mac, ip, client_id: None, host_name, expires }));
    }

    fn open(&self, slot: Slot) -> Option<AccountOrder> {
        let order = self.cells.get(&slot)?.order?;
        (order.open && order.expiry.0 > self.boot).then_some(order)
    }

    /// Whose key it was, from all that was ever written.
    pub(crate) fn owner_of(&self, id: KeyId) -> Option<PersonId> {
        self.log.iter().find_map(|change| match change {
            Change::Key(key) if key.id == id => match key.owner {
                KeyOwner::Person(person) => Some(person),
                KeyOwner::Network => None,
            },
            _ => None,
        })
    }

    /// Its own interface is a port of the LAN.
    fn passes_port(&self, mac: Mac) -> bool {
        self.air.get(&mac).is_some_and(|(port, _)| self.radio.admitted.get(&mac) == Some(port))
    }

    /// One packet of a device; `up`, or down.
    pub(crate) fn packet(&mut self, device: u8, up: bool, bytes: u64) -> Fate {
        if !up {
            self.bill(bytes);
        }
        let fate = self.charge(device, up, bytes);
        if fate != Fate::Forwarded && !up {
            // Whoever it was for, if anybody: the carrier billed it.
            let slot = self.map.get(&mac(device)).copied();
            let person = slot.and_then(|slot| self.cells.get(&slot)?.order).map(|order| order.parent);
            for slot in slot.into_iter().chain(person).chain([Slot::PLAN]) {
                self.cell(slot).reading.refused_down.0 += bytes;
            }
        }
        fate
    }

    fn bill(&mut self, bytes: u64) {
        self.truth.billed += bytes;
        let cell = self.cell(Slot::PLAN);
        let before = cell.reading.spent.0;
        cell.reading.spent.0 += bytes;
        cell.reading.down.0 += bytes;
        self.low(Slot::PLAN, before);
        let reading = self.cell(Slot::PLAN).reading;
        if reading.spent > reading.granted {
            self.refuse(Slot::PLAN);
        }
    }

    fn low(&mut self, slot: Slot, before: u64) {
        let cell = self.cell(slot);
        let (Some(order), after) = (cell.order, cell.reading.spent.0) else { return };
        if before < order.low.0 && order.low.0 <= after {
            self.tell(Event::Low(slot));
        }
    }

    fn refuse(&mut self, slot: Slot) -> Fate {
        if !std::mem::replace(&mut self.cell(slot).told, true) {
            self.reports += 1;
            let last = self.cell(slot).order.is_some_and(|order| order.later == Bytes::ZERO);
            self.tell(Event::Refused { slot, last });
        }
        Fate::Refused
    }

    fn charge(&mut self, device: u8, up: bool, bytes: u64) -> Fate {
        let Some(slot) = self.map.get(&mac(device)).copied() else { return Fate::Closed };
        let Some(order) = self.open(slot) else { return Fate::Closed };
        let person = order.parent;
        if self.wifi.is_some() && !self.passes_port(mac(device)) {
            return Fate::Closed;
        }
        let (Some(purse), Some(plan)) = (self.open(person), self.open(Slot::PLAN)) else {
            return Fate::Closed;
        };
        let at = self.cell(person).reading.spent.0;
        if at + bytes > purse.granted.0 {
            return self.refuse(person);
        }
        let reserve = if plan.later == Bytes::ZERO { plan.reserve.0 } else { 0 };
        let plan_spent = self.cell(Slot::PLAN).reading.spent.0;
        let needs = if up { bytes } else { 0 };
        if plan_spent + needs + reserve > plan.granted.0 {
            return self.refuse(Slot::PLAN);
        }
        for slot in [slot, person] {
            let reading = &mut self.cell(slot).reading;
            let counter = if up { &mut reading.up } else { &mut reading.down };
            counter.0 += bytes;
        }
        self.cell(person).reading.spent.0 += bytes;
        let owner = self.book.people.values().find(|p| p.slot == person).map(|p| p.id);
        if let (Some(id), Some((_, whose))) = (owner, self.air.get(&mac(device))) {
            assert_eq!(id, *whose, "one pays for another's key");
        }
        if let Some(id) = owner {
            *self.truth.forwarded.entry(id).or_default() += bytes;
            *self.truth.by_device.entry((mac(device), id)).or_default() += bytes;
        }
        if up {
            self.truth.billed += bytes;
            let reading = &mut self.cell(Slot::PLAN).reading;
            reading.spent.0 += bytes;
            reading.up.0 += bytes;
            self.low(Slot::PLAN, plan_spent);
        }
        self.low(person, at);
        Fate::Forwarded
    }

    /// Σ usage rows on disk of a device while it was somebody's.
    pub(crate) fn booked(&self, device: Mac, person: PersonId) -> u64 {
        let who = Who::Device(device, person);
        let rows = self.log.iter().filter_map(|change| match change {
            Change::Usage { who: whose, usage, .. } if *whose == who => Some(usage.total().0),
            _ => None,
        });
        rows.sum()
    }

    /// The lines of the diary on disk.
    pub(crate) fn diary(&self) -> Vec<&'static str> {
        let lines = self.log.iter().filter_map(|change| match change {
            Change::Noted(noted) => Some(noted.kind),
            _ => None,
        });
        lines.collect()
    }

    /// Σ entries of an account on disk, all periods; corrections left out.
    pub(crate) fn recorded(&self, account: Account) -> i64 {
        self.log
            .iter()
            .filter_map(|change| match change {
                Change::Entry(e) if e.account == account && e.kind != EntryKind::Correction => Some(e.bytes),
                _ => None,
            })
            .sum()
    }

    /// The same of all parts of the plan.
    pub(crate) fn recorded_of_plan(&self) -> i64 {
        let parts: BTreeSet<Account> = self
            .log
            .iter()
            .filter_map(|change| match change {
                Change::Entry(e) if matches!(e.account, Account::Bucket(_)) => Some(e.account),
                _ => None,
            })
            .collect();
        parts.into_iter().map(|account| self.recorded(account)).sum()
    }

    pub(crate) fn largest_grant(&self) -> i64 {
        let grants = self.log.iter().filter_map(|change| match change {
            Change::Entry(e) if e.kind == EntryKind::Grant => Some(e.bytes),
            _ => None,
        });
        grants.max().unwrap_or(0)
    }
}
