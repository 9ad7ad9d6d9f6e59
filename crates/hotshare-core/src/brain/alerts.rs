//! What is so, for [`crate::alert`] to judge, and alerts into the posting that is being made.
//!
//! They are worked out when a posting is, from the book as it is written: one that could not be written is simply due
//! again, and one that was is not.

use super::Brain;
use crate::alert::{
    self, Alert, DeviceFacts, Facts, Limited, PersonFacts, PlanFacts, PriceStep, Raise, Waiting,
};
use crate::diary::Happening;
use crate::ledger::PeriodKey;
use crate::people::{Allowance, Device, Person};
use crate::plan::Period;
use crate::record::{Change, Tally};
use crate::units::{Account, Bytes, Slot};

/// It is looked this often at most.
const PAUSE_MILLIS: u64 = 1000;
/// What is usual is learnt from so many days before today.
const USUAL_FROM_DAYS: i32 = 28;

impl Brain {
    /// Adds the alerts that are due, each with its line for the diary.
    pub(super) fn raise_alerts(&mut self, changes: &mut Vec<Change>) {
        if self.stopping || self.now.boot.millis_since(self.alerted) < PAUSE_MILLIS {
            return;
        }
        self.alerted = self.now.boot;
        let rules = &self.settings.alerts;
        for (what, mark) in alert::due(rules, &self.facts(), &self.book.marks, self.book.last_alert) {
            let alert = Alert::new(mark.alert, self.at, &what, rules.language, &self.book.plan.zone);
            let said = format!("{}: {}", alert.title, alert.text);
            changes.push(Change::Noted(Happening::Alert { id: alert.id, what, said }.noted(self.at)));
            let channels = rules.channels.clone();
            changes.push(Change::Alert(Box::new(Raise { alert, mark, channels })));
        }
    }

    fn facts(&self) -> Facts {
        let day = self.minute.1;
        let waiting = self.book.leases.keys().filter_map(|mac| self.book.devices.get(mac));
        let waiting = waiting.filter(|device| device.person.is_none() && !device.blocked);
        Facts {
            at: self.at,
            day,
            plan: self.plan_facts(),
            people: self.book.people.values().map(|person| self.person_facts(person, day)).collect(),
            devices: self.unusual_devices(day),
            waiting: waiting
                .map(|device| Waiting {
                    mac: device.mac,
                    host_name: device.host_name.clone(),
                    claim: device.claim.clone(),
                })
                .collect(),
            certificate: self.certificate_facts(),
        }
    }

    fn plan_facts(&self) -> Option<PlanFacts> {
        let (span, true) = self.plan_span() else { return None };
        let used_up = self.plan_is_used(&self.plan_in_use());
        // Of the part that people mean by “the plan”; what comes after it is told as it begins.
        let main = self.book.plan.main();
        let used = main.map_or(0, |main| self.used_in(Slot::PLAN, Account::Bucket(main.id), span.key));
        let used = Bytes::from_signed(used);
        let limit = main.and_then(|main| self.limit_of(main, span.key));
        Some(PlanFacts {
            span,
            again: !matches!(self.book.plan.period, Period::Once { .. }),
            used,
            limited: limit.map(|limit| Limited { used, limit, used_up: used_up || used >= limit }),
            price: self.price_step(),
        })
    }

    /// The step of money that the owner is asked for, when the plan would go on for it.
    fn price_step(&self) -> Option<PriceStep> {
        let asked = self.asks_for()?;
        let step = u32::try_from(asked.bought.0 / asked.pay.step.0.max(1) + 1).unwrap_or(u32::MAX);
        let currency = self.book.plan.terms.currency;
        let currency = currency.map_or_else(String::new, |currency| format!(" {currency}"));
        Some(PriceStep { step, cost: format!("{}{currency}", asked.money) })
    }

    fn person_facts(&self, person: &Person, day: PeriodKey) -> PersonFacts {
        let limited = match person.allowance {
            Allowance::Unlimited => None,
            Allowance::Limited { .. } | Allowance::Fair => self.person_limit(person).map(|limit| {
                let span = self.person_span(person);
                let used = self.used_in(person.slot, Account::Person(person.id), span.key);
                let used_up = self.is_dry(person.slot, &self.allowance_position(person));
                (span, Limited { used: Bytes::from_signed(used), limit, used_up })
            }),
        };
        PersonFacts {
            id: person.id,
            name: person.name.clone(),
            limited,
            today: self.today_of(Tally::Person(person.id), person.slot, day),
        }
    }

    fn unusual_devices(&self, day: PeriodKey) -> Vec<DeviceFacts> {
        let facts = |device: &Device| {
            let owner = self.book.people.get(&device.person?)?;
            let today = self.today_of(Tally::Device(device.mac), device.slot?, day)?;
            Some(DeviceFacts {
                mac: device.mac,
                host_name: device.host_name.clone(),
                person: owner.id,
                owner: owner.name.clone(),
                today,
            })
        };
        self.book.devices.values().filter_map(facts).collect()
    }

    /// What was used today, and what is usual, if the day is far out of the ordinary at all.
    fn today_of(&self, tally: Tally, slot: Slot, day: PeriodKey) -> Option<(Bytes, Bytes)> {
        let rule = self.settings.alerts.unusual?;
        let mut today = self.book.spent.get(&(tally, day)).copied().unwrap_or_default();
        today += self.live(slot, day);
        let today = today.total();
        // Most days end here.
        if today <= rule.floor {
            return None;
        }
        let first = PeriodKey(day.0.saturating_sub(USUAL_FROM_DAYS).max(PeriodKey::ALWAYS.0 + 1));
        let days = self.book.spent.range((tally, first)..(tally, day)).map(|(_, usage)| usage.total());
        Some((today, alert::usual(days)?))
    }
}
