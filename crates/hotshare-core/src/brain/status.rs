//! What the owner sees.

use super::Brain;
use super::settle::Owner;
use super::turn::Step;
use crate::ask::{BucketStatus, DeviceStatus, KeyStatus, PersonStatus, PlanStatus, Status, UplinkStatus};
use crate::keys::KeyOwner;
use crate::ledger::PeriodKey;
use crate::meter::Usage;
use crate::people::{Allowance, Person};
use crate::plan::{Bucket, Turn};
use crate::policy::{Balance, PlanState, Verdict, Why};
use crate::record::Tally;
use crate::units::{Account, Bytes, Slot};

impl Brain {
    pub(super) fn status(&self) -> Status {
        let mut devices: Vec<DeviceStatus> = self.devices();
        devices.sort_by(|a, b| (&a.person, a.mac).cmp(&(&b.person, b.mac)));
        Status {
            at: self.at,
            clock_held: self.clock.held(),
            uplink: self
                .uplink
                .as_ref()
                .map(|up| UplinkStatus { name: up.name.clone(), address: up.address }),
            closed: self.closed().map(Verdict::Closed),
            cards: self.cards_status(),
            plan: self.plan_status(),
            people: self.book.people.values().map(|p| self.person_status(p)).collect(),
            devices,
        }
    }

    pub(super) fn closed(&self) -> Option<Why> {
        let state = self.plan_state();
        match () {
            () if self.uplink.is_none() => Some(Why::NoUplink),
            () if self.waits_for_sim() => Some(Why::CardUnknown),
            () if self.ready.is_none() || !self.card_fits() => Some(Why::NoUplink),
            () if !self.card_agreed() => Some(Why::NewCard),
            () if state == PlanState::Over => Some(Why::PlanOver),
            () if state == PlanState::AsksForMoney => Some(Why::AsksForMoney),
            () if state == PlanState::Used => Some(Why::PlanUsed),
            () if self.is_stuck() => Some(Why::LedgerStuck),
            () => None,
        }
    }

    /// `billed` is always the sum of `delivered`, `refused`, `own` and `corrected`.
    fn plan_status(&self) -> PlanStatus {
        let (span, runs) = self.plan_span();
        let billed = Bytes::from_signed(self.plan_used());
        let mut counted = Usage { down: billed, ..Usage::default() };
        let mut delivered = Usage::default();
        // What passes while no plan runs is of no period: only its sum is kept.
        if runs {
            counted = self.book.spent_since(Tally::Billed(self.book.card), span.key);
            counted += self.live(Slot::PLAN, span.key);
            delivered = self.book.spent_since(Tally::Delivered(self.book.card), span.key);
            for (slot, owner) in self.owners() {
                if let Owner::Device(..) = owner {
                    delivered += self.live(slot, span.key);
                }
            }
        }
        let refused = counted.refused_down;
        let counted = counted.total();
        // The plan is read before the devices: what was delivered meanwhile is not billed yet.
        let delivered = delivered.total().min(counted);
        let refused = refused.min(counted.saturating_sub(delivered));
        let plan = &self.book.plan;
        let recorded = self.plan_written(span.key);
        let in_use = self.plan_in_use();
        let main = plan.main().filter(|_| runs);
        let balance = match main {
            Some(main) => self.left_of(main, span.key).map(Bytes::from_signed),
            None => plan.cap().map(|cap| cap.saturating_sub(billed)),
        };
        PlanStatus {
            plan: self.book.plan.clone(),
            begins: span.begins,
            ends: span.ends,
            billed,
            recorded: Bytes::from_signed(recorded).max(billed),
            balance,
            usable: self.usable(),
            reserve: in_use.reserve(),
            carrier: self.carrier_status(in_use.kept.all),
            outlook: self.ahead.plan(),
            parts: self.parts(),
            in_use: in_use.place,
            asks_for: self.asks_for().map(|step| step.money),
            delivered,
            refused,
            own: counted.saturating_sub(delivered).saturating_sub(refused),
            corrected: billed.signed().saturating_sub(counted.signed()),
        }
    }

    /// What all together may use now, for everything.
    fn usable(&self) -> Balance {
        let stands = self.stands();
        self.rest_of(&stands, &mut stands.iter().filter(|stand| stand.bucket.only.is_all()))
    }

    fn parts(&self) -> Vec<BucketStatus> {
        let plan = &self.book.plan;
        let turns: Vec<Turn> = plan.running(self.at).collect();
        let part = |(place, bucket): (usize, &Bucket)| {
            let turn = turns.iter().find(|turn| turn.at == place);
            let key = turn.map_or(PeriodKey::ALWAYS, |turn| turn.span.key);
            let account = Account::Bucket(bucket.id);
            BucketStatus {
                bucket: bucket.clone(),
                begins: turn.map(|turn| turn.span.begins),
                ends: turn.and_then(|turn| turn.span.ends),
                in_hours: turn.is_some_and(|turn| turn.in_hours),
                used: Bytes::from_signed(self.used_in(Slot::PLAN, account, key)),
                credit: self.book.totals.used(Account::BucketCredit(bucket.id), key),
                balance: self.left_of(bucket, key).map(Bytes::from_signed),
                bought: self.bought(bucket, key),
            }
        };
        plan.buckets.iter().enumerate().map(part).collect()
    }

    /// What the owner is asked to agree to, if anything.
    pub(super) fn asks_for(&self) -> Option<Step<'_>> {
        self.next_step().filter(|_| self.plan_state() == PlanState::AsksForMoney)
    }

    fn person_status(&self, person: &Person) -> PersonStatus {
        let span = self.person_span(person);
        let account = Account::Person(person.id);
        let mut usage = self.book.spent_since(Tally::Person(person.id), span.key);
        usage += self.live(person.slot, span.key);
        let used = Bytes::from_signed(self.used_in(person.slot, account, span.key));
        // What was used by another rhythm is not of this allowance.
        let earlier = usage.total().saturating_sub(used);
        usage.up = usage.up.saturating_sub(earlier.saturating_sub(usage.down));
        usage.down = usage.down.saturating_sub(earlier);
        let recorded = Bytes::from_signed(self.book.totals.used(account, span.key)).max(used);
        let limit = self.person_limit(person);
        let balance = match (limit, person.allowance) {
            (None, Allowance::Fair) => self.rest_for(person),
            (limit, _) => limit.map(|limit| limit.saturating_sub(used)),
        };
        let renews = if person.allowance == Allowance::Unlimited { None } else { span.ends };
        let devices = self.book.devices.values().filter(|d| d.person == Some(person.id)).count();
        let verdict = self.verdict_on(person);
        PersonStatus {
            name: person.name.clone(),
            allowance: person.allowance,
            up: usage.up,
            down: usage.down,
            recorded,
            balance,
            limit,
            credit: self.book.totals.used(Account::PersonCredit(person.id), span.key),
            wish: self.book.wishes.get(&person.id).copied(),
            weight: person.weight,
            at_end: person.at_end,
            bed_times: person.bed_times.clone(),
            until: person.until,
            renews,
            verdict,
            remaining: self.remaining(person, balance, verdict),
            devices: u32::try_from(devices).unwrap_or(u32::MAX),
            device_limit: person.device_limit,
            key: self
                .book
                .key_of(KeyOwner::Person(person.id))
                .map(|key| KeyStatus { since: key.since, until: key.until }),
            outlook: self.ahead.person(person.id),
        }
    }

    fn devices(&self) -> Vec<DeviceStatus> {
        let status = |d: &crate::people::Device| {
            let since = |slot| {
                let base = self.bases.get(&slot).copied().unwrap_or_default();
                self.reading(slot).since(&base)
            };
            let usage = d.slot.map(since).unwrap_or_default();
            let owner = d.person.and_then(|id| self.book.people.get(&id));
            DeviceStatus {
                mac: d.mac,
                person: owner.map(|p| p.name.clone()),
                blocked: d.blocked,
                host_name: d.host_name.clone(),
                address: self.book.leases.get(&d.mac).map(|l| l.ip),
                up: usage.up,
                down: usage.down,
                first_seen: d.first_seen,
                claim: d.claim.clone().filter(|_| d.person.is_none()),
            }
        };
        self.book.devices.values().map(status).collect()
    }
}
