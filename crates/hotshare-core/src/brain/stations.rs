//! Who is on the air. The key that a station joined with says whose it is; it gets onto the LAN only when that
//! is written down.

use std::collections::{BTreeMap, BTreeSet};

use super::posting::Purpose;
use super::{Brain, Command};
use crate::ask::{Admission, DeniedStatus, StationStatus, WhyDenied, WifiStatus};
use crate::book::Book;
use crate::diary::Happening;
use crate::keys::{KeyId, KeyOwner};
use crate::people::{Device, Person};
use crate::radio::{Cost, Mode, RadioOrders, StationSeen};
use crate::record::Change;
use crate::units::{BootTime, Mac, PersonId, UnixTime};

/// hostapd tells each attempt with a wrong passphrase four times, once a second (measured with 2.10).
const REPORTS_PER_ATTEMPT: u32 = 4;
/// After so many attempts a station has to wait.
const ATTEMPTS: u32 = 3;
/// Its first wait; each further one is twice as long.
const FIRST_WAIT_SECS: u64 = 30;
const LONGEST_WAIT_SECS: u64 = 3600;
/// Attempts so long ago do not count any more.
const FORGET_SECS: u64 = 3600;
/// A station too many is not heard for so long: it tries again every few seconds otherwise.
const TOO_MANY_SECS: u64 = 60;
/// Stations whose attempts are remembered, whatever is on the air.
const REMEMBERED: usize = 256;
/// Stations in one posting.
const BATCH: usize = 32;

/// What is on the air, and what is kept off it. Nothing of it survives the daemon, nor has to.
#[derive(Debug, Default)]
pub(super) struct Air {
    stations: BTreeMap<Mac, Station>,
    wrong: BTreeMap<Mac, Wrong>,
    wrong_total: u64,
    denied: BTreeMap<Mac, Denied>,
}

#[derive(Debug)]
struct Station {
    seen: StationSeen,
    since: UnixTime,
    admission: Admission,
}

/// A station's attempts with a wrong passphrase.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    reports: u32,
    last: BootTime,
    /// How often it had to wait already.
    waits: u32,
}

#[derive(Clone, Copy, Debug)]
struct Denied {
    until: BootTime,
    why: WhyDenied,
    /// Who has too many devices on the air.
    person: Option<PersonId>,
}

impl Air {
    fn is_admitted(&self, mac: Mac) -> bool {
        self.stations.get(&mac).is_some_and(|station| station.admission == Admission::Admitted)
    }
}

impl Brain {
    fn mode(&self) -> Option<Mode> {
        self.settings.wifi
    }

    /// A device that came over the air spends only while it is there, by its own interface.
    pub(super) fn is_there(&self, device: &Device) -> bool {
        !device.wireless || self.mode().is_none() || self.air.is_admitted(device.mac)
    }

    /// A station that has proven a key.
    pub(super) fn is_on_air(&self, mac: Mac) -> bool {
        self.air.stations.contains_key(&mac)
    }

    pub(super) fn on_air(&self) -> BTreeSet<Mac> {
        self.air.stations.keys().copied().collect()
    }

    pub(super) fn see_present(&mut self) {
        self.present = self.book.present(|device| self.is_there(device));
    }

    /// The stations that have proven a key, and no others.
    pub(super) fn stations_are(&mut self, seen: Vec<StationSeen>) {
        if self.mode().is_none() {
            return;
        }
        let seen: BTreeMap<Mac, StationSeen> =
            seen.into_iter().filter(|s| s.mac.is_station()).map(|s| (s.mac, s)).collect();
        // Whoever joined again, by another key or interface, is new.
        self.air.stations.retain(|mac, station| seen.get(mac) == Some(&station.seen));
        for (mac, seen) in seen {
            self.air.wrong.remove(&mac);
            let (since, admission) = (self.at, Admission::Waiting);
            self.air.stations.entry(mac).or_insert(Station { seen, since, admission });
        }
        self.see_present();
    }

    pub(super) fn wrong_key(&mut self, mac: Mac) {
        if self.mode().is_none() {
            return;
        }
        let now = self.now.boot;
        self.air.wrong_total += 1;
        if self.air.wrong.len() == REMEMBERED && !self.air.wrong.contains_key(&mac) {
            let oldest = self.air.wrong.iter().min_by_key(|(_, wrong)| wrong.last).map(|(mac, _)| *mac);
            oldest.and_then(|mac| self.air.wrong.remove(&mac));
        }
        let wrong = self.air.wrong.entry(mac).or_insert(Wrong { reports: 0, last: now, waits: 0 });
        wrong.reports += 1;
        wrong.last = now;
        if wrong.reports <= REPORTS_PER_ATTEMPT * (ATTEMPTS - 1) {
            return;
        }
        let wait = FIRST_WAIT_SECS.saturating_mul(1 << wrong.waits.min(16)).min(LONGEST_WAIT_SECS);
        wrong.reports = 0;
        wrong.waits += 1;
        let why = WhyDenied::WrongKey { attempts: ATTEMPTS };
        self.deny(mac, wait, why, None);
        self.note(Happening::WrongKey { mac, attempts: ATTEMPTS, wait_secs: wait });
    }

    fn deny(&mut self, mac: Mac, secs: u64, why: WhyDenied, person: Option<PersonId>) {
        if self.air.denied.len() < REMEMBERED || self.air.denied.contains_key(&mac) {
            self.air.denied.insert(mac, Denied { until: self.now.boot.plus_secs(secs), why, person });
        }
    }

    /// Takes up what time and the book have changed, before anything else is decided: who has to go, who
    /// may come in because everything about them is written already, and whose wait is over.
    pub(super) fn look_at_air(&mut self) {
        if self.mode().is_none() {
            return;
        }
        let now = self.now.boot;
        let mut denied = std::mem::take(&mut self.air.denied);
        denied.retain(|_, denied| now < denied.until && !denied.person.is_some_and(|id| self.has_room(id)));
        self.air.denied = denied;
        self.air.wrong.retain(|_, wrong| now < wrong.last.plus_secs(FORGET_SECS));
        let mut counts = BTreeMap::new();
        let mut moved = false;
        // Those that are in already come first: they are not put out by who comes later.
        for is_in in [true, false] {
            let macs: Vec<Mac> = self.air.stations.keys().copied().collect();
            for mac in macs {
                let Some(station) = self.air.stations.get(&mac) else { continue };
                let was = station.admission;
                if (was == Admission::Admitted) != is_in {
                    continue;
                }
                let admission = self.admission(mac, &mut counts);
                if admission != was {
                    moved = true;
                    self.admit(mac, admission);
                }
            }
        }
        if moved {
            self.see_present();
        }
    }

    /// Another device of this person could come in now, or there is no such person any more.
    fn has_room(&self, id: PersonId) -> bool {
        let limit = self.book.people.get(&id).and_then(|person| person.device_limit);
        let theirs = |mac: &Mac| self.person_of(*mac).is_some_and(|person| person.id == id);
        let counted = |s: &Station| matches!(s.admission, Admission::Waiting | Admission::Admitted);
        let count = self.air.stations.iter().filter(|(mac, s)| counted(s) && theirs(mac)).count();
        limit.is_none_or(|limit| u32::try_from(count).is_ok_and(|count| count < limit))
    }

    fn admit(&mut self, mac: Mac, admission: Admission) {
        if let Some(station) = self.air.stations.get_mut(&mac) {
            station.admission = admission;
        }
        match admission {
            Admission::Waiting | Admission::Admitted => {}
            Admission::KeyGone => self.said.push(Command::Kick(mac)),
            Admission::TooManyDevices { limit } => {
                let whose = self.person_of(mac).map(|person| person.id);
                self.deny(mac, TOO_MANY_SECS, WhyDenied::TooManyDevices { limit }, whose);
                self.said.push(Command::Kick(mac));
                let name = self.person_of(mac).map(|person| person.name.clone());
                self.note(Happening::TooManyDevices { mac, name, limit });
            }
        }
    }

    /// Whose key the station joined with, while that is in force.
    fn person_of(&self, mac: Mac) -> Option<&Person> {
        let key = self.air.stations.get(&mac)?.seen.key?;
        let key = self.book.keys.get(&key).filter(|key| key.is_in_force(self.at))?;
        match key.owner {
            KeyOwner::Person(id) if !self.leaving.contains(&id) => self.book.people.get(&id),
            KeyOwner::Person(_) | KeyOwner::Network => None,
        }
    }

    /// Where a station stands. `counts`: how many of each person's are in.
    fn admission(&self, mac: Mac, counts: &mut BTreeMap<PersonId, u32>) -> Admission {
        let device = self.book.devices.get(&mac).filter(|device| device.wireless);
        if !self.mode().is_some_and(Mode::is_personal) {
            return if device.is_some() { Admission::Admitted } else { Admission::Waiting };
        }
        let Some(person) = self.person_of(mac) else { return Admission::KeyGone };
        let count = counts.entry(person.id).or_default();
        if let Some(limit) = person.device_limit.filter(|limit| *count >= *limit) {
            return Admission::TooManyDevices { limit };
        }
        *count += 1;
        if device.is_some_and(|device| device.person == Some(person.id)) {
            Admission::Admitted
        } else {
            Admission::Waiting
        }
    }

    /// Writes down whose the stations are that wait for it; false if none does.
    pub(super) fn next_stations(&mut self) -> bool {
        let waiting = self.air.stations.iter().filter(|(_, s)| s.admission == Admission::Waiting);
        let waiting: Vec<Mac> = waiting.map(|(mac, _)| *mac).take(BATCH).collect();
        let (mut changes, mut taken, mut new) = (Vec::new(), BTreeSet::new(), 0);
        for mac in waiting {
            let known = self.book.devices.get(&mac).cloned();
            new += usize::from(known.is_none());
            let device = known.unwrap_or_else(|| Device::new(mac, self.at));
            let person = match self.person_of(mac) {
                Some(person) => Some(person.id),
                None => device.person.or_else(|| self.default_person()),
            };
            let device = self.hand_over(device, person, &mut taken, &mut changes);
            changes.push(Change::Device(Device { wireless: true, ..device }));
        }
        if changes.is_empty() {
            return false;
        }
        self.forget_strangers(new, &|_| false, &mut changes);
        self.post(changes, Purpose::Stations);
        true
    }

    /// The device with another owner: what it counted until now is the old one's.
    pub(super) fn hand_over(
        &mut self,
        device: Device,
        person: Option<PersonId>,
        taken: &mut BTreeSet<crate::units::Slot>,
        changes: &mut Vec<Change>,
    ) -> Device {
        let moves = device.person != person;
        if moves {
            self.settle_device(&device, changes);
        }
        let mut device = Device { person, ..device };
        if person.is_some() {
            device.claim = None;
        }
        if person.is_none() {
            device.slot = None;
        } else if self.book.leases.contains_key(&device.mac) && (moves || device.slot.is_none()) {
            // Another slot, so that nothing the old one still counts is booked to the new person; with all of
            // them in use the device keeps its own.
            device.slot = self.slot_for_device(device.mac, taken, changes).or(device.slot);
        }
        device
    }

    /// All that the access point has to know.
    pub(super) fn radio_orders(&self) -> Option<RadioOrders> {
        let mode = self.mode()?;
        let in_force = |id: &KeyId| {
            let key = self.book.keys.get(id).filter(|key| key.is_in_force(self.at))?;
            let whose = match key.owner {
                KeyOwner::Person(person) => !self.leaving.contains(&person) && mode.is_personal(),
                KeyOwner::Network => false,
            };
            whose.then(|| (*id, key.passphrase.clone()))
        };
        let admitted = self.air.stations.iter().filter(|(_, s)| s.admission == Admission::Admitted);
        let network_key = self.book.key_of(KeyOwner::Network).filter(|_| mode == Mode::Sealed);
        Some(RadioOrders {
            keys: self.book.keys.keys().filter_map(in_force).collect(),
            network_key: network_key.map(|key| key.passphrase.clone()),
            admitted: admitted.filter_map(|(mac, station)| Some((*mac, station.seen.port?))).collect(),
            denied: self.air.denied.keys().copied().collect(),
            cost: self.cost(),
        })
    }

    /// Within the last tenth of the plan people are asked to hold back.
    fn cost(&self) -> Cost {
        if self.plan_is_used(&self.plan_in_use()) {
            return Cost::OverLimit;
        }
        let main = self.book.plan.main().filter(|_| self.plan_span().1);
        let Some((main, cap)) = main.and_then(|main| Some((main, main.cap?))) else { return Cost::Metered };
        match self.left_of(main, self.plan_span().0.key) {
            Some(left) if left <= 0 => Cost::OverLimit,
            Some(left) if left <= cap.signed() / 10 => Cost::NearLimit,
            Some(_) | None => Cost::Metered,
        }
    }

    pub(super) fn wifi_status(&self) -> Option<WifiStatus> {
        let mode = self.mode()?;
        let name = |id: Option<PersonId>| Some(self.book.people.get(&id?)?.name.clone());
        let stations = self.air.stations.iter().map(|(mac, station)| StationStatus {
            mac: *mac,
            key: station.seen.key,
            person: self
                .person_of(*mac)
                .map(|person| person.name.clone())
                .or_else(|| name(self.book.devices.get(mac)?.person)),
            since: station.since,
            admission: station.admission,
        });
        let left = |until: BootTime| until.millis_since(self.now.boot).div_ceil(1000);
        let denied = self.air.denied.iter().map(|(mac, denied)| DeniedStatus {
            mac: *mac,
            seconds_left: left(denied.until),
            why: denied.why,
        });
        Some(WifiStatus {
            mode,
            cost: self.cost(),
            stations: stations.collect(),
            denied: denied.collect(),
            wrong_keys: self.air.wrong_total.div_ceil(u64::from(REPORTS_PER_ATTEMPT)),
        })
    }

    /// Whose key the station is on the air with.
    pub(super) fn joined_by_key_of(&self, mac: Mac) -> Option<&Person> {
        self.person_of(mac)
    }
}

/// Keys of somebody who is gone, as changes.
pub(super) fn keys_gone(book: &Book, owner: KeyOwner) -> impl Iterator<Item = Change> + '_ {
    book.keys.values().filter(move |key| key.owner == owner).map(|key| Change::KeyGone(key.id))
}
