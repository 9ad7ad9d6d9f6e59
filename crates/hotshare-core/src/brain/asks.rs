//! What the owner asks for, turned into changes; refused when it cannot be.

use std::collections::BTreeSet;

use super::posting::Purpose;
use super::settle::Owner;
use super::stations::keys_gone;
use super::{AskId, Brain, Command};
use crate::ask::{Answer, Ask, PersonRules, PlanChange, Refusal};
use crate::book::FIRST_DEVICE;
use crate::keys::KeyOwner;
use crate::ledger::{Entry, EntryKind};
use crate::people::{Allowance, AtEnd, Device, Person, PersonName};
use crate::plan::{Bucket, Every, Phase, Plan, Unused};
use crate::record::{Change, Tally};
use crate::units::{Account, BucketId, Mac, PersonId, Slot};

/// Who may have something written next, so that a flood of one kind does not keep the others waiting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Turn {
    #[default]
    Stations,
    Leases,
    Asks,
}

impl Brain {
    /// Starts on stations, the oldest lease or the oldest request, in turn; false if there is nothing to write.
    pub(super) fn next_request(&mut self) -> bool {
        if self.stopping {
            return false;
        }
        for _ in 0..3 {
            let (next, wrote) = match self.turn {
                Turn::Stations => (Turn::Leases, self.next_stations()),
                Turn::Leases => (Turn::Asks, self.next_lease()),
                Turn::Asks => (Turn::Stations, self.next_ask()),
            };
            self.turn = next;
            if wrote {
                return true;
            }
        }
        false
    }

    fn next_ask(&mut self) -> bool {
        while let Some((id, ask)) = self.asks.pop_front() {
            if let Ask::PersonRemove { name } = &ask
                && let Some(person) = self.book.person_named(name).map(|p| p.id)
                && self.leaving.insert(person)
            {
                self.asks.push_front((id, ask));
                self.tighten();
                self.read_first();
                return true;
            }
            if let Ask::Give { from, bytes, .. } = &ask
                && let Some(person) = self.book.person_named(from).map(|p| p.id)
                && self.giving != Some((person, *bytes))
            {
                self.giving = Some((person, *bytes));
                self.asks.push_front((id, ask));
                self.tighten();
                self.read_first();
                return true;
            }
            let gives = matches!(ask, Ask::Give { .. });
            match self.changes_for(&ask) {
                Ok((changes, answer)) if changes.is_empty() => {
                    self.said.push(Command::Answer(id, answer));
                }
                Ok((changes, answer)) => {
                    self.post(changes, Purpose::Ask(id, answer));
                    return true;
                }
                Err(refusal) => {
                    if gives {
                        self.giving = None;
                    }
                    self.refuse(id, refusal);
                }
            }
        }
        false
    }

    /// Nothing can be written for anybody.
    pub(super) fn refuse_all(&mut self, why: &str) {
        for (id, _) in std::mem::take(&mut self.asks) {
            self.refuse(id, Refusal::NotWritten(why.to_owned()));
        }
        let leases = std::mem::take(&mut self.leased);
        self.turn_away(leases);
    }

    fn refuse(&mut self, id: AskId, refusal: Refusal) {
        self.out.push_back(Command::Answer(id, Answer::Refused(refusal)));
    }

    fn changes_for(&mut self, ask: &Ask) -> Result<(Vec<Change>, Answer), Refusal> {
        let changes = match ask {
            Ask::Invite { name, fresh, until } => return self.invite(name, fresh, *until),
            Ask::KeyRotate { name, fresh, until } => return self.key_rotate(name, fresh, *until),
            Ask::NetworkKey { fresh, rotate } => return self.network_key(fresh, *rotate),
            // Answered at once.
            Ask::Status | Ask::Wifi => Ok(Vec::new()),
            Ask::KeyRevoke { name } => self.key_revoke(name),
            Ask::DeviceLimit { name, limit } => {
                let person = Person { device_limit: *limit, ..self.named(name)?.clone() };
                Ok(vec![Change::Person(person)])
            }
            Ask::Certificate(news) => Ok(self.certificate_is(news)),
            Ask::Flush => {
                let mut changes = Vec::new();
                self.settle_all(&mut changes);
                Ok(changes)
            }
            Ask::PersonAdd { name, allowance } => self.person_add(name, *allowance),
            Ask::PersonSet { name, allowance } => self.person_set(name, *allowance),
            Ask::PersonPause { name, paused } => {
                let person = Person { paused: *paused, ..self.named(name)?.clone() };
                Ok(vec![Change::Person(person)])
            }
            Ask::PersonRemove { name } => self.person_remove(name),
            Ask::DeviceAssign { mac, person } => self.device_assign(*mac, person),
            Ask::DeviceBlock { mac, blocked } => {
                let device = Device { blocked: *blocked, ..self.device(*mac)?.clone() };
                Ok(vec![Change::Device(device)])
            }
            Ask::DeviceClaim { mac, claim } => self.claim(*mac, claim),
            Ask::DeviceForget { mac } => {
                let device = self.device(*mac)?.clone();
                let mut changes = Vec::new();
                self.settle_device(&device, &mut changes);
                changes.push(Change::DeviceGone(*mac));
                Ok(changes)
            }
            Ask::TopUp { name, bytes } => self.top_up(name, *bytes),
            Ask::Give { from, to, bytes } => self.gift(from, to, *bytes),
            Ask::Wish { name, bytes } => self.wish(name, *bytes),
            Ask::WishAnswer { name, bytes } => self.answer_wish(name, *bytes),
            Ask::Consent { money } => self.consent(*money),
            Ask::CardAgree(id) => self.card_agree(*id),
            Ask::CardForget(id) => self.card_forget(*id),
            Ask::PersonRules { name, rules } => self.person_rules(name, rules),
            Ask::PlanSet(change) => self.plan_set(change),
            Ask::PlanCorrect { used } => {
                let changes = self.correct(used.signed().saturating_sub(self.plan_used()));
                Ok(changes.into_iter().chain(self.figure(*used)).collect())
            }
        };
        Ok((changes?, Answer::Done))
    }

    pub(super) fn named(&self, name: &PersonName) -> Result<&Person, Refusal> {
        self.book.person_named(name).ok_or_else(|| Refusal::NoSuchPerson(name.clone()))
    }

    pub(super) fn device(&self, mac: Mac) -> Result<&Device, Refusal> {
        self.book.devices.get(&mac).ok_or(Refusal::NoSuchDevice(mac))
    }

    fn person_slot(&self) -> Result<Slot, Refusal> {
        let free = self.book.free_person_slot(&self.resting.keys().copied().collect());
        free.ok_or(Refusal::Full(FIRST_DEVICE - Slot::FIRST_FREE.0))
    }

    fn person_add(&mut self, name: &PersonName, allowance: Allowance) -> Result<Vec<Change>, Refusal> {
        if self.book.person_named(name).is_some() {
            return Err(Refusal::NameTaken(name.clone()));
        }
        let (slot, id) = (self.person_slot()?, PersonId(self.book.last_person + 1));
        let person = Person::new(id, name.clone(), allowance, slot, self.at);
        let (account, period) = (Account::Person(id), self.person_span(&person).key);
        let mut changes = vec![Change::Person(person)];
        self.start_at_now(slot, &mut changes);
        changes.push(Change::Granted { slot, total: self.reading(slot).used(), account, period });
        if self.settings.default_person.as_ref() == Some(name) {
            self.take_in_waiting(id, &mut changes);
        }
        Ok(changes)
    }

    /// The person to whom strangers go is there now: those that came before need not wait any more.
    fn take_in_waiting(&mut self, id: PersonId, changes: &mut Vec<Change>) {
        let mut taken = BTreeSet::new();
        let waiting = self.book.devices.values().filter(|d| d.person.is_none());
        for mut device in waiting.cloned().collect::<Vec<_>>() {
            device.person = Some(id);
            device.claim = None;
            if device.slot.is_none() && self.book.leases.contains_key(&device.mac) {
                device.slot = self.slot_for_device(device.mac, &mut taken, changes);
            }
            changes.push(Change::Device(device));
        }
    }

    fn person_set(&self, name: &PersonName, allowance: Allowance) -> Result<Vec<Change>, Refusal> {
        let old = self.named(name)?;
        let new = Person { allowance, ..old.clone() };
        let (from, to) = (self.person_span(old).key, self.person_span(&new).key);
        let mut changes = vec![Change::Person(new.clone())];
        let total = matches!(allowance, Allowance::Limited { every: Every::Total, .. });
        if from != to && !total {
            // Another rhythm: what was used since the new period began counts in it.
            let live = self.live(new.slot, to);
            let used = self.spent_and(Tally::Person(new.id), to, live);
            changes.extend(self.carried(Account::Person(new.id), to, used));
        }
        Ok(changes)
    }

    fn person_remove(&self, name: &PersonName) -> Result<Vec<Change>, Refusal> {
        let person = self.named(name)?.clone();
        let mut changes = Vec::new();
        self.settle(person.slot, Owner::Person(person.id), &mut changes);
        let theirs: Vec<Device> =
            self.book.devices.values().filter(|d| d.person == Some(person.id)).cloned().collect();
        for device in theirs {
            self.settle_device(&device, &mut changes);
            changes.push(Change::Device(Device { person: None, slot: None, ..device }));
        }
        let now = (Account::Person(person.id), self.person_span(&person).key);
        let (posted, (account, period)) = self.posted_total(person.slot, now);
        let used = self.reading(person.slot).used();
        let held = posted.signed().saturating_sub(used.signed());
        if held != 0 {
            let kind = if held > 0 { EntryKind::Return } else { EntryKind::Overrun };
            let (at, bytes) = (self.at, held.saturating_neg());
            changes.push(Change::Entry(Entry { at, account, period, kind, bytes }));
        }
        changes.push(Change::Granted { slot: person.slot, total: used, account, period });
        changes.extend(keys_gone(&self.book, KeyOwner::Person(person.id)));
        changes.push(Change::PersonGone(person.id));
        Ok(changes)
    }

    fn device_assign(&mut self, mac: Mac, name: &PersonName) -> Result<Vec<Change>, Refusal> {
        if !mac.is_station() {
            return Err(Refusal::NotAStation(mac));
        }
        let person = self.named(name)?.id;
        if let Some(whose) = self.joined_by_key_of(mac).filter(|whose| whose.id != person) {
            return Err(Refusal::JoinedByKey(mac, whose.name.clone()));
        }
        let known = self.book.devices.get(&mac).cloned();
        let device = known.unwrap_or_else(|| Device::new(mac, self.at));
        let mut changes = Vec::new();
        let device = self.hand_over(device, Some(person), &mut BTreeSet::new(), &mut changes);
        if device.slot.is_none() && self.book.leases.contains_key(&mac) {
            return Err(Refusal::Full(Slot::COUNT - FIRST_DEVICE));
        }
        changes.push(Change::Device(device));
        Ok(changes)
    }

    fn person_rules(&self, name: &PersonName, rules: &PersonRules) -> Result<Vec<Change>, Refusal> {
        let mut person = self.named(name)?.clone();
        if let Some(weight) = rules.weight {
            person.weight = Some(weight).filter(|w| (1..=100).contains(w)).ok_or(Refusal::BadWeight)?;
        }
        if let Some(at_end) = rules.at_end {
            let nothing = matches!(at_end, AtEnd::Slow(rate) if rate.0 == 0);
            person.at_end = if nothing { AtEnd::Stop } else { at_end };
        }
        if let Some(hours) = &rules.bed_times {
            let wrong = !hours.0.is_empty() && !hours.can_be();
            person.bed_times = Some(hours.clone()).filter(|_| !wrong).ok_or(Refusal::BadHours)?;
        }
        if let Some(until) = rules.until {
            if until.is_some_and(|until| until <= self.at) {
                return Err(Refusal::EndsInThePast);
            }
            person.until = until;
        }
        Ok(vec![Change::Person(person)])
    }

    fn plan_set(&self, change: &PlanChange) -> Result<Vec<Change>, Refusal> {
        let mut plan = self.book.plan.clone();
        if let Some(buckets) = &change.buckets {
            plan.buckets = self.numbered(buckets);
        }
        if let Some(cap) = change.cap
            && let Some(main) = plan.main_at().and_then(|at| plan.buckets.get_mut(at))
        {
            main.cap = cap;
        }
        if let Some(period) = change.period {
            period.check().map_err(Refusal::BadPeriod)?;
            plan.period = period;
        }
        if let Some(zone) = &change.zone {
            plan.zone = zone.clone();
        }
        if let Some(terms) = change.terms {
            plan.terms = terms;
        }
        plan.check().map_err(Refusal::BadPlan)?;
        let before = self.plan_span().0.key;
        let mut changes = vec![Change::Plan(plan.clone())];
        let main = plan.main().map(|bucket| (bucket.id, plan.period_of(bucket)));
        if let Phase::Running(span) = plan.at(self.at)
            && span.key != before
            && let Some((id, _)) = main.filter(|(_, period)| *period == plan.period)
        {
            let live = self.live(Slot::PLAN, span.key);
            let elsewhere = self.used_apart(&plan, span.key);
            let billed = Tally::Billed(self.book.card);
            let used = self.spent_and(billed, span.key, live).saturating_sub(elsewhere);
            changes.extend(self.carried(Account::Bucket(id), span.key, used));
        }
        Ok(changes)
    }

    /// Parts that were there by that name keep their account, and so does the main one by whatever name: what was
    /// used is used. The others get one that nobody had.
    fn numbered(&self, buckets: &[Bucket]) -> Vec<Bucket> {
        let old = &self.book.plan.buckets;
        let named = |name: &str| old.iter().find(|old| old.name == name);
        let new = Plan { buckets: buckets.to_vec(), ..self.book.plan.clone() };
        let renamed = match (self.book.plan.main(), new.main()) {
            (Some(main), Some(now)) => {
                let stays = named(&now.name).is_some() || buckets.iter().any(|b| b.name == main.name);
                let costs = main.pay.is_some() || now.pay.is_some();
                (!stays && !costs).then(|| (now.name.clone(), main))
            }
            (_, _) => None,
        };
        let mut last = self.book.last_bucket;
        let number = |bucket: &Bucket| {
            let main = renamed.as_ref().filter(|(name, _)| *name == bucket.name).map(|(_, main)| *main);
            // What was bought is not what was left over, nor the other way round.
            let same = |old: &&Bucket| old.pay.is_some() == bucket.pay.is_some();
            let Some(old) = named(&bucket.name).filter(same).or(main) else {
                last += 1;
                return Bucket { id: BucketId(last), since: self.at, ..bucket.clone() };
            };
            // Nothing is left over of a time in which it was not to be kept.
            let begins = old.unused == Unused::Lost && bucket.unused != Unused::Lost;
            Bucket { id: old.id, since: if begins { self.at } else { old.since }, ..bucket.clone() }
        };
        buckets.iter().map(number).collect()
    }
}
