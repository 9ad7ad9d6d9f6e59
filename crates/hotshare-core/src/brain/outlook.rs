//! What lies ahead for the plan and for everybody: from the book to [`crate::forecast`], when it is asked for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Brain;
use crate::ask::Outlook;
use crate::forecast::{Day, Standing, forecast, history};
use crate::ledger::PeriodKey;
use crate::people::{Allowance, AtEnd, Every, Person};
use crate::plan::{self, Bucket, Period};
use crate::record::Tally;
use crate::units::{Account, BootTime, Bytes, PersonId, Slot};

/// It is foretold again after this time…
const HOLDS_MILLIS: u64 = 600_000;
/// …or when something moved by more than this, or a hundredth of the balance.
const MOVED: Bytes = Bytes::MIB;

/// What was foretold last, and when.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    plan: Option<(BootTime, Outlook)>,
    people: BTreeMap<PersonId, (BootTime, Outlook)>,
}

impl Ahead {
    pub(super) fn plan(&self) -> Option<Outlook> {
        self.plan.map(|(_, outlook)| outlook)
    }

    pub(super) fn person(&self, id: PersonId) -> Option<Outlook> {
        self.people.get(&id).map(|(_, outlook)| *outlook)
    }
}

/// The parts of the plan of which it is said how long they last.
struct Told<'a> {
    parts: Vec<&'a Bucket>,
    /// Those that are used before them and renew on their own meanwhile.
    renewing: Vec<(Period, Bytes)>,
    /// The first day of the next period.
    end: Option<PeriodKey>,
}

impl Brain {
    /// Foretells whatever has changed since.
    pub(super) fn look_ahead(&mut self) {
        let today = self.book.plan.zone.day(self.at);
        let factor = self.book.correction.factor;
        let mut plan_days = None;
        let plan = self.told(today).map(|told| {
            let now = self.plan_standing(&told, today);
            let last = self.ahead.plan.filter(|last| self.holds(last, &now, factor));
            last.unwrap_or_else(|| {
                let mut days = self.plan_days(Some(&told), today);
                told.renewing.iter().for_each(|(period, cap)| {
                    history::on_top_of(&mut days, *cap, |day| period.days_around(day));
                });
                for day in &mut days {
                    day.used = self.book.correction.as_carrier_counts(day.used);
                }
                self.foretold(&days, now, factor)
            })
        });
        let mut people = BTreeMap::new();
        for person in self.book.people.values() {
            let now = self.person_standing(person, today);
            let last = self.ahead.people.get(&person.id).filter(|last| self.holds(last, &now, 1000));
            let seen = last.copied().unwrap_or_else(|| {
                let of_plan =
                    plan_days.get_or_insert_with(|| self.plan_days(self.told(today).as_ref(), today));
                self.foretold(&self.person_days(person, today, of_plan), now, 1000)
            });
            people.insert(person.id, seen);
        }
        (self.ahead.plan, self.ahead.people) = (plan, people);
    }

    fn foretold(&self, days: &[Day], standing: Standing, factor: u16) -> (BootTime, Outlook) {
        let outlook = Outlook { at: self.at, standing, factor, forecast: forecast(days, &standing) };
        (self.now.boot, outlook)
    }

    fn holds(&self, (at, last): &(BootTime, Outlook), now: &Standing, factor: u16) -> bool {
        let was = &last.standing;
        let slack = now.balance.map_or(MOVED, |balance| MOVED.max(Bytes(balance.0 / 100))).0;
        let near = |a: Bytes, b: Bytes| a.0.abs_diff(b.0) <= slack;
        self.now.boot.millis_since(*at) < HOLDS_MILLIS
            && (was.today, was.end, last.factor) == (now.today, now.end, factor)
            && near(was.used, now.used)
            && near(was.used_today, now.used_today)
            && match (was.balance, now.balance) {
                (Some(was), Some(now)) => near(was, now) && (was == Bytes::ZERO) == (now == Bytes::ZERO),
                (was, now) => was == now,
            }
    }

    /// What was used on this day, as far as it is counted.
    fn spent_on(&self, tally: Tally, slot: Slot, day: PeriodKey) -> Bytes {
        let written = self.book.spent.get(&(tally, day)).copied().unwrap_or_default().total();
        if self.minute.1 == day { written + self.live(slot, day).total() } else { written }
    }

    /// By the clock: what is over of this day.
    fn day_gone(&self) -> f64 {
        let day = Every::Day.at(&self.book.plan.zone, self.at);
        let length = day.ends.map_or(0, |ends| ends.0.saturating_sub(day.begins.0)).max(1);
        self.at.0.saturating_sub(day.begins.0) as f64 / length as f64
    }

    /// Those that cost nothing more, are as fast as the first of them, and are for everybody at all hours.
    fn told(&self, today: PeriodKey) -> Option<Told<'_>> {
        let plan = &self.book.plan;
        let period = plan.period.days_around(today).filter(|_| self.plan_span().1)?;
        let plain = |b: &&Bucket| b.pay.is_none() && b.only.is_all() && b.hours.is_none();
        let running = plan.running(self.at).filter_map(|turn| plan.buckets.get(turn.at)).filter(plain);
        let running: Vec<&Bucket> = running.collect();
        let rate = running.first()?.rate;
        let mut told = Told { parts: Vec::new(), renewing: Vec::new(), end: Some(period.end) };
        for bucket in running.iter().filter(|bucket| bucket.rate == rate) {
            let own = bucket.period.filter(|own| !matches!(own, Period::Once { .. }));
            let renews = own.filter(|own| own.days_around(today).is_some_and(|own| own.end < period.end));
            match (renews, bucket.cap) {
                (Some(own), Some(cap)) if told.parts.is_empty() => told.renewing.push((own, cap)),
                (Some(_), Some(_)) => {}
                (Some(_), None) | (None, _) => told.parts.push(bucket),
            }
        }
        if told.parts.is_empty() {
            // There is nothing but what renews: until it does.
            let first = *running.first()?;
            let end = first.period.and_then(|own| own.days_around(today)).map(|own| own.end);
            return Some(Told { parts: vec![first], renewing: Vec::new(), end });
        }
        Some(told)
    }

    /// In the carrier's bytes.
    fn plan_standing(&self, told: &Told<'_>, today: PeriodKey) -> Standing {
        let correction = &self.book.correction;
        let since = self.since_figure();
        // The carrier counted it since its last figure, and we did not.
        let more = correction.as_carrier_counts(since).signed().saturating_sub(since.signed());
        // A rest that is less than a packet, or that is kept back, is nothing.
        let closed = self.plan_is_used(&self.plan_in_use());
        let stands = self.stands();
        let left = told.parts.iter().map(|bucket| {
            let stand = stands.iter().find(|stand| stand.bucket.id == bucket.id && stand.usable);
            if closed { Some(0) } else { stand.map_or(Some(0), |stand| stand.left) }
        });
        let left = left.map(|left| left.map(|left| left.max(0)));
        let left = left.reduce(|sum, left| Some(sum?.saturating_add(left?))).flatten();
        let of_told =
            told.parts.iter().map(|b| self.used_in(Slot::PLAN, Account::Bucket(b.id), self.key_of(b)));
        let used = of_told.fold(more, i64::saturating_add);
        let used_today = self.spent_on(Tally::Billed(self.book.card), Slot::PLAN, today);
        let mut day = [Day { day: today, used: used_today, known: true }];
        for (period, cap) in &told.renewing {
            // What of it was used on earlier days of its period is not asked: it is small against the rest.
            history::on_top_of(&mut day, *cap, |day| period.days_around(day));
        }
        let [Day { used: used_today, .. }] = day;
        Standing {
            today,
            gone: self.day_gone(),
            used_today: correction.as_carrier_counts(used_today),
            used: Bytes::from_signed(used),
            balance: left.map(|left| Bytes::from_signed(left.saturating_sub(more))),
            end: told.end,
        }
    }

    /// The running period of a part.
    fn key_of(&self, bucket: &Bucket) -> PeriodKey {
        let place = self.book.plan.buckets.iter().position(|other| other.id == bucket.id);
        let turn = self.book.plan.running(self.at).find(|turn| Some(turn.at) == place);
        turn.map_or(PeriodKey::ALWAYS, |turn| turn.span.key)
    }

    /// The days of the plan, by our count; those on which `told` was used up are not known.
    fn plan_days(&self, told: Option<&Told<'_>>, today: PeriodKey) -> Vec<Day> {
        let mut days = history::days(self.sums(Tally::Billed(self.book.card)), self.set_up(today), today);
        let Some(told) = told else { return days };
        let with_plan: Vec<&Bucket> =
            told.parts.iter().copied().filter(|b| b.period.is_none() && b.cap.is_some()).collect();
        let others = || {
            let is_told = |b: &Bucket| with_plan.iter().any(|told| told.id == b.id);
            self.book.plan.buckets.iter().filter(move |b| b.period.is_none() && !is_told(b))
        };
        let used = |bucket: &Bucket, key| self.used_in(Slot::PLAN, Account::Bucket(bucket.id), key).max(0);
        let today_used = self.spent_on(Tally::Billed(self.book.card), Slot::PLAN, today);
        for period in periods(&days, today, |day| self.book.plan.period.days_around(day)) {
            let key = period.start;
            let limits = with_plan.iter().filter_map(|bucket| self.limit_of(bucket, key));
            let limit: Bytes = limits.sum();
            let of_told = with_plan.iter().fold(0_i64, |sum, b| sum.saturating_add(used(b, key)));
            let slack = Bytes(limit.0 / 1000);
            let reserve = plan::reserve(limit) + self.book.correction.reserve(Bytes::ZERO, limit) + slack;
            if limit == Bytes::ZERO || of_told < limit.saturating_sub(reserve).signed() {
                continue;
            }
            let others = others().fold(0_i64, |sum, b| sum.saturating_add(used(b, key)));
            let over = of_told.saturating_sub(limit.signed()).max(0);
            let beyond = Bytes::from_signed(over.saturating_add(others)) + slack;
            let now = if period.contains(&today) { today_used } else { Bytes::ZERO };
            history::used_up(&mut days, &period, now, beyond);
        }
        days
    }

    fn sums(&self, tally: Tally) -> impl Iterator<Item = (PeriodKey, Bytes)> + '_ {
        let days = self.book.spent.range((tally, PeriodKey::ALWAYS)..=(tally, PeriodKey(i32::MAX)));
        days.map(|((_, day), usage)| (*day, usage.total()))
    }

    /// The day on which the machine was set up, as far as the book tells; long ago when it does not go back so far.
    fn set_up(&self, today: PeriodKey) -> PeriodKey {
        let counted = self.sums(Tally::Billed(self.book.card)).next().map(|(day, _)| day);
        let zone = &self.book.plan.zone;
        let people = self.book.people.values().map(|person| zone.day(person.since));
        counted.into_iter().chain(people).min().unwrap_or(today)
    }

    fn person_standing(&self, person: &Person, today: PeriodKey) -> Standing {
        let key = self.person_span(person).key;
        let used = self.used_in(person.slot, Account::Person(person.id), key);
        let left = self.person_left(person).map(Bytes::from_signed);
        let dry = self.is_dry(person.slot, &self.allowance_position(person));
        Standing {
            today,
            gone: self.day_gone(),
            used_today: self.spent_on(Tally::Person(person.id), person.slot, today),
            used: Bytes::from_signed(used),
            balance: if dry { left.map(|_| Bytes::ZERO) } else { left },
            end: self.allowance_days(person, today).map(|period| period.end),
        }
    }

    /// The days of the period of somebody's allowance; `None`: it never renews.
    fn allowance_days(&self, person: &Person, day: PeriodKey) -> Option<Range<PeriodKey>> {
        match person.allowance {
            Allowance::Limited { every, .. } => every.days_around(day),
            Allowance::Unlimited => Every::Month.days_around(day),
            Allowance::Fair if self.plan_span().1 => self.book.plan.period.days_around(day),
            Allowance::Fair => Every::Month.days_around(day),
        }
    }

    fn person_days(&self, person: &Person, today: PeriodKey, plan: &[Day]) -> Vec<Day> {
        let tally = Tally::Person(person.id);
        let mut days = history::days(self.sums(tally), self.book.plan.zone.day(person.since), today);
        history::closed_with(&mut days, plan);
        if person.paused || person.until.is_some_and(|until| until <= self.at) {
            history::idle_while_closed(&mut days);
        }
        let Allowance::Limited { bytes, every } = person.allowance else { return days };
        let (account, credit) = (Account::Person(person.id), Account::PersonCredit(person.id));
        let today_used = self.spent_on(tally, person.slot, today);
        let always = || PeriodKey::ALWAYS..PeriodKey(i32::MAX);
        for period in periods(&days, today, |day| every.days_around(day).or_else(|| Some(always()))) {
            let credit = self.book.totals.used(credit, period.start);
            let limit = bytes.signed().saturating_add(credit).max(0);
            let used = self.used_in(person.slot, account, period.start);
            let slack = MOVED.signed().min(limit / 100);
            if used < limit.saturating_sub(slack) {
                continue;
            }
            let slow = matches!(person.at_end, AtEnd::Slow(_));
            let beyond = if slow { used.saturating_sub(limit).max(0) } else { 0 };
            let now = if period.contains(&today) { today_used } else { Bytes::ZERO };
            history::used_up(&mut days, &period, now, Bytes::from_signed(beyond.saturating_add(slack)));
        }
        days
    }
}

/// The periods that have one of these days, and that of today: the newest first.
fn periods(
    days: &[Day],
    today: PeriodKey,
    around: impl Fn(PeriodKey) -> Option<Range<PeriodKey>>,
) -> Vec<Range<PeriodKey>> {
    let first = days.first().map_or(today, |day| day.day);
    let mut found = Vec::new();
    let mut day = today;
    while day >= first {
        let Some(period) = around(day) else { break };
        day = PeriodKey(period.start.0.saturating_sub(1));
        found.push(period);
    }
    found
}
