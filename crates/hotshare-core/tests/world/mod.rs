//! A world for the brain: a kernel meter, a store, stations and a power switch, all in memory. The
//! meter follows the rules of the real one (`bpf/hotshare.bpf.c`), and keeps the truth beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hotshare_core::alert::{Channel, Rules};
use hotshare_core::ask::{Answer, Ask, Status};
use hotshare_core::book::Book;
use hotshare_core::brain::{AskId, Brain, Command, Event, LeaseId, PostId, Settings};
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::people::{Allowance, PersonName};
use hotshare_core::plan::{SiteName, Zone};
use hotshare_core::radio::{Mode, RadioOrders};
use hotshare_core::record::{Change, Leased, Snapshot};
use hotshare_core::sim::SimSeen;
use hotshare_core::units::{Account, BootTime, BucketId, Mac, Now, PersonId, Slot, UnixTime};
use hotshare_core::uplink::{Framing, Uplink};

mod disk;
mod meter;
mod sites;

#[allow(unused_imports, reason = "only flows of scenarios are slowed")]
pub(crate) use meter::Wish;

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
    queue: meter::Queue,
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
    /// What is said of the SIM behind it.
    pub(crate) sim: SimSeen,
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
        network: None,
        sim: SimSeen::NobodyAsked,
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
            queue: meter::Queue::new(),
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
            sim: SimSeen::NobodyAsked,
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
        let book = Book::new(disk::snapshot(&self.book), self.zone.clone());
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
        self.queue.clear();
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
}
