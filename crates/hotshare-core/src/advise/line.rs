//! The cheapest way through the days of one line, where one tariff follows another.
//!
//! Days are gone through once, in order. For each the cheapest way to have everything before it served is known, and so
//! are, for tariffs to which it matters that they go on (joining, rolling over), those ways that end with them. From there
//! each tariff is bought, and for each day on which it may end or be given up, the choices of days for passes are in a
//! [`Front`]. It does not depend on the tariff, so hundreds of them share one.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::charge::{Charges, Share};
use super::front::{Front, Point, Ways};
use super::{Cost, Lasts, Place, Purchase};
use crate::money::Money;
use crate::units::Bytes;

/// Days, and what can be bought for them.
pub(super) struct Line<'a> {
    pub(super) first: Date,
    /// What is needed on each day, and whether it is needed abroad.
    pub(super) days: &'a [(u64, bool)],
    /// With their numbers.
    pub(super) tariffs: &'a [(Option<usize>, &'a Charges<'a>)],
}

/// How it came to a day.
#[derive(Clone, Copy, Debug)]
struct Step {
    before: usize,
    /// `None`: nothing runs; only passes.
    tariff: Option<usize>,
    from: usize,
    until: usize,
    point: Point,
    /// The running tariff's.
    cost: Cost,
    times: u32,
}

/// A way to a day.
#[derive(Clone, Copy, Debug)]
struct Reached {
    cost: Cost,
    /// What rolls over, if the tariff that ended here goes on.
    carry: u64,
    /// Until here a tariff is held that was given up, so that no other but packs can be bought; the day itself: none is.
    held: usize,
    /// Which one, as long as it is held.
    by: Option<usize>,
    step: Option<Step>,
}

/// Tariffs for which a day can be served in the same way, and all those ways.
struct Group {
    tariffs: Vec<usize>,
    ways: Vec<Ways>,
}

/// A day from which it goes on.
#[derive(Clone, Copy)]
struct Here {
    day: usize,
    /// So many days from here on need nothing.
    idle: usize,
}

/// Ways to each day: all, and those that end with a tariff to which going on matters.
struct Ahead {
    any: Vec<Vec<Reached>>,
    /// The cheapest that holds nothing.
    free: Vec<Option<Cost>>,
    going: Vec<Vec<Vec<Reached>>>,
}

impl Ahead {
    /// Of each day from `day` on, what the cheapest way to it costs at most, or to a day before it.
    fn tops(&self, day: usize) -> Vec<Cost> {
        let none = Cost { short: Bytes(u64::MAX), money: Money(i64::MAX) };
        let mut top = Cost::default();
        let up_to = |cost: &Option<Cost>| {
            top = top.max(cost.unwrap_or(none));
            top
        };
        self.free.iter().skip(day).map(up_to).collect()
    }
}

/// One way in which a tariff can be bought on a day.
struct Start<'a> {
    before: usize,
    cost: Cost,
    carry: u64,
    /// Of the way to its end or to where it is given up.
    held: usize,
    by: Option<usize>,
    tariff: usize,
    charges: &'a Charges<'a>,
    /// What it costs at least, when it ends with the days and when it does not.
    least: [Cost; 2],
    /// Who has to join again is not better off than who goes on, but for so much.
    worth: Cost,
    /// It may be given up from `first` until `last`, both included; before that it could only be dearer than what is known.
    first: usize,
    last: usize,
    /// Here it ends by itself; never, if that is beyond the days.
    end: usize,
    share: Share,
}

impl Line<'_> {
    /// The cheapest way, and what is bought.
    pub(super) fn cheapest(&self) -> (Cost, Vec<Purchase>) {
        let count = self.days.len();
        let passes = self.passes();
        let groups = self.groups(&passes);
        let mut done: Vec<Reached> = Vec::new();
        let mut ahead = Ahead {
            any: vec![Vec::new(); count + 1],
            free: vec![None; count + 1],
            going: vec![vec![Vec::new(); self.tariffs.len()]; count + 1],
        };
        let start = Reached { cost: Cost::default(), carry: 0, held: 0, by: None, step: None };
        self.reach(&mut ahead, 0, start);
        for day in 0..count {
            let idle = self.days.iter().skip(day).take_while(|(need, _)| *need == 0).count();
            let here = Here { day, idle };
            let places = done.len()..;
            done.extend(ahead.any.get_mut(day).map(std::mem::take).unwrap_or_default());
            let ways: Vec<(usize, Reached)> =
                places.clone().zip(done.iter().skip(places.start).copied()).collect();
            for (place, reached) in &ways {
                self.with_nothing(day, *place, reached, &passes, &mut ahead);
            }
            let tops = ahead.tops(day + 1);
            for group in &groups {
                let mut starts = Vec::new();
                for at in &group.tariffs {
                    let going = ahead.going.get_mut(day).and_then(|all| all.get_mut(*at)).map(std::mem::take);
                    let going: Vec<(usize, Reached)> =
                        (done.len()..).zip(going.unwrap_or_default()).collect();
                    done.extend(going.iter().map(|(_, reached)| *reached));
                    self.starts(*at, here, &ways, &going, &mut starts);
                }
                for start in starts.iter_mut().filter(|start| !start.charges.rolls) {
                    let [a, b] = start.least;
                    start.first += tops.partition_point(|top| a.min(b) >= *top + start.worth);
                }
                starts.retain(|start| start.first <= start.last);
                starts.sort_by_key(|start| std::cmp::Reverse(start.last));
                let last = starts.first().map_or(day, |start| start.last);
                let mut front = Front::new();
                for until in day + 1..=last {
                    if let Some(ways) = group.ways.get(until - 1) {
                        front.add(*ways);
                    }
                    let open = starts.iter().take_while(|start| until <= start.last);
                    for start in open.filter(|start| start.first <= until) {
                        self.relax(start, day, until, &front, &mut ahead);
                    }
                }
            }
        }
        let end = ahead.any.pop().unwrap_or_default().into_iter().min_by_key(|reached| reached.cost);
        let Some(end) = end else { return (Cost::default(), Vec::new()) };
        (end.cost, self.bought(end, &done, &groups, &passes))
    }

    fn date(&self, day: usize) -> Date {
        self.first.checked_add(i64::try_from(day).unwrap_or(i64::MAX).days()).unwrap_or(Date::MAX)
    }

    /// A day from the beginning; the number of days for everything later.
    fn day(&self, date: Date) -> usize {
        let hours = self.first.duration_until(date).as_hours();
        usize::try_from(hours / 24).unwrap_or(0)
    }

    /// The first day that it does not serve when it is bought on `day`.
    fn end(&self, lasts: Lasts, day: usize) -> usize {
        match lasts {
            Lasts::Days(days) => day.saturating_add(usize::from(days.max(1))),
            Lasts::Month | Lasts::MonthDay(_) => self.day(lasts.end(self.date(day))),
        }
    }

    fn joining(&self, by: Option<usize>) -> Money {
        by.and_then(|at| self.charges(at)).map_or(Money(0), |charges| charges.tariff.joining)
    }

    fn charges(&self, at: usize) -> Option<&Charges<'_>> {
        self.tariffs.get(at).map(|(_, charges)| *charges)
    }

    /// How a tariff that runs serves a day.
    fn running(&self, place: Place, daily: u64, day: usize) -> Point {
        let (need, abroad) = self.days.get(day).copied().unwrap_or_default();
        let serves =
            matches!((place, abroad), (Place::Everywhere, _) | (Place::Home, false) | (Place::Abroad, true));
        if serves {
            Point { used: need.saturating_sub(daily), ..Point::default() }
        } else {
            Point { beside: Cost { short: Bytes(need), money: Money(0) }, ..Point::default() }
        }
    }

    /// The cheapest pass of each day, if there is one.
    fn passes(&self) -> Vec<Option<(Cost, usize)>> {
        let of_day = |day: usize| {
            let (need, _) = self.days.get(day).copied().unwrap_or_default();
            let cost = |(at, charges): (usize, &Charges<'_>)| {
                let tariff = charges.tariff;
                let point = self.running(tariff.place, charges.daily, day);
                let good =
                    tariff.is_pass() && tariff.serves_on(self.date(day)) && point.beside == Cost::default();
                good.then(|| (charges.charge(point.used, 0, Share::WHOLE).cost, at))
            };
            let all = self.tariffs.iter().map(|(_, charges)| *charges).enumerate();
            all.filter_map(cost).min().filter(|(cost, _)| cost.short.0 < need)
        };
        (0..self.days.len()).map(of_day).collect()
    }

    fn groups(&self, passes: &[Option<(Cost, usize)>]) -> Vec<Group> {
        let mut groups: BTreeMap<(Place, u64, bool), Vec<usize>> = BTreeMap::new();
        let anywhere = self.days.iter().all(|(need, abroad)| *need == 0 || !abroad);
        for (at, (_, charges)) in self.tariffs.iter().enumerate() {
            // Where nobody goes abroad, serving there makes no difference.
            let place = match charges.tariff.place {
                Place::Everywhere if anywhere => Place::Home,
                place @ (Place::Home | Place::Abroad | Place::Everywhere) => place,
            };
            let is_short = charges.tariff.lasts.is_short();
            groups.entry((place, charges.daily, is_short)).or_default().push(at);
        }
        let ways = |place: Place, daily: u64, is_short: bool, day: usize| {
            let running = self.running(place, daily, day);
            let pass = passes.get(day).copied().flatten().map(|(cost, _)| cost);
            let need = self.days.get(day).map_or(0, |(need, _)| *need);
            match pass {
                // Where it does not serve, a pass does anyway.
                Some(beside) if running.beside.short.0 > 0 => {
                    Ways { need, running: Point { beside, ..Point::default() }, pass: None }
                }
                pass => Ways { need, running, pass: pass.filter(|_| is_short) },
            }
        };
        let group = |((place, daily, is_short), tariffs)| Group {
            tariffs,
            ways: (0..self.days.len()).map(|day| ways(place, daily, is_short, day)).collect(),
        };
        groups.into_iter().map(group).collect()
    }

    /// A day on which no tariff runs.
    fn with_nothing(
        &self,
        day: usize,
        before: usize,
        from: &Reached,
        passes: &[Option<(Cost, usize)>],
        ahead: &mut Ahead,
    ) {
        let (need, _) = self.days.get(day).copied().unwrap_or_default();
        let unserved = Cost { short: Bytes(need), money: Money(0) };
        let pass = passes.get(day).copied().flatten().map(|(cost, _)| cost);
        let beside = pass.unwrap_or(unserved);
        let point = Point { used: 0, beside, passes: 0 };
        let step =
            Step { before, tariff: None, from: day, until: day + 1, point, cost: Cost::default(), times: 0 };
        let reached =
            Reached { cost: from.cost + beside, carry: 0, held: from.held, by: from.by, step: Some(step) };
        self.reach(ahead, day + 1, reached);
    }

    /// All ways in which a tariff can be bought: as the first of its kind, or after itself.
    fn starts<'b>(
        &'b self,
        at: usize,
        here: Here,
        ways: &[(usize, Reached)],
        going: &[(usize, Reached)],
        starts: &mut Vec<Start<'b>>,
    ) {
        let Some(charges) = self.charges(at) else { return };
        let (tariff, date, count, day) = (charges.tariff, self.date(here.day), self.days.len(), here.day);
        if !tariff.serves_on(date) {
            return;
        }
        let dates_end = tariff.dates.map_or(usize::MAX, |(_, until)| self.day(until).saturating_add(1));
        let end = self.end(tariff.lasts, day).min(dates_end);
        let last = end.min(count);
        let whole = |n: usize| u64::try_from(n).unwrap_or(1);
        let share = Share { days: whole(count - day), of: whole(end - day) };
        let share = if end > count { share } else { Share::WHOLE };
        let joining = Cost { short: Bytes(0), money: tariff.joining };
        let mut start = |before: usize, reached: &Reached, joining: Cost| {
            if tariff.again || reached.held <= day {
                let Reached { cost, carry, held, by, .. } = *reached;
                let cost = cost + joining;
                // A pack lets go of nothing; what is no pack is held when it is given up.
                let (held, by) = if tariff.again { (held, by) } else { (end, Some(at)) };
                let money = |share| Cost { short: Bytes(0), money: charges.least(share) };
                let least = [cost + money(Share::WHOLE), cost + money(share)];
                let worth = tariff.joining.0.saturating_add(self.joining(by).0);
                let worth = Cost { short: Bytes(0), money: Money(worth) };
                starts.push(Start {
                    before,
                    cost,
                    carry,
                    held,
                    by,
                    tariff: at,
                    charges,
                    least,
                    worth,
                    first: day + 1,
                    last,
                    end,
                    share,
                });
            }
        };
        if !self.is_early(charges, here, dates_end) {
            ways.iter().for_each(|(place, reached)| start(*place, reached, joining));
        }
        going.iter().for_each(|(place, reached)| start(*place, reached, Cost::default()));
    }

    /// Nothing is needed yet: buying it on the first day on which something is cannot be worse.
    fn is_early(&self, charges: &Charges<'_>, Here { day, idle }: Here, dates_end: usize) -> bool {
        if idle == 0 || charges.rolls {
            return false;
        }
        let needed = day + idle;
        if needed >= self.end(charges.tariff.lasts, day).min(self.days.len()) {
            return true;
        }
        if !charges.tariff.again {
            return false;
        }
        needed >= dates_end.min(self.days.len()) || self.end(charges.tariff.lasts, needed) <= self.days.len()
    }

    fn relax(&self, start: &Start, from: usize, until: usize, front: &Front, ahead: &mut Ahead) {
        let Start { charges, held, by, worth, .. } = *start;
        let is_last = until == self.days.len();
        let least = start.least[usize::from(is_last)];
        let share = if is_last { start.share } else { Share::WHOLE };
        let loyal = charges.rolls || charges.tariff.joining.0 > 0;
        let carries = charges.rolls && until == start.end;
        let bound = |ahead: &Ahead| ahead.free.get(until).copied().flatten().map(|cost| cost + worth);
        let mut rest = front.points();
        while let Some(point) = rest.first().copied() {
            if !carries && bound(ahead).is_some_and(|bound| least + point.beside >= bound) {
                break;
            }
            // With as many bought, what is used makes no difference: the next is the first for which fewer will do.
            let next = charges.next_below(point.used, share).filter(|_| point.beside.short.0 == 0);
            let skipped = next.map_or(1, |next| rest.partition_point(|point| point.used > next).max(1));
            rest = rest.get(skipped..).unwrap_or_default();
            let charged = charges.charge(point.used, start.carry, share);
            let cost = start.cost + charged.cost + point.beside;
            let step = Step {
                before: start.before,
                tariff: Some(start.tariff),
                from,
                until,
                point,
                cost: charged.cost,
                times: charged.times,
            };
            let reached = Reached { cost, carry: 0, held, by, step: Some(step) };
            self.reach(ahead, until, reached);
            // What is no pack goes on only at its end.
            if loyal && (charges.tariff.again || until == start.end) {
                let carry = if carries { charged.carry } else { 0 };
                self.go_on(ahead, until, start.tariff, Reached { carry, ..reached });
            }
        }
    }

    /// Keeps a way, if no other makes it useless.
    fn reach(&self, ahead: &mut Ahead, day: usize, reached: Reached) {
        let mut reached = reached;
        if reached.held <= day {
            if let Some(at) = reached.by.filter(|_| reached.held == day) {
                self.go_on(ahead, day, at, reached);
            }
            reached = Reached { held: day, by: None, ..reached };
            if let Some(free) = ahead.free.get_mut(day) {
                *free = Some(free.map_or(reached.cost, |cost| cost.min(reached.cost)));
            }
        }
        if let Some(all) = ahead.any.get_mut(day) {
            self.keep(all, reached);
        }
    }

    /// A way after which a tariff can go on without joining again.
    fn go_on(&self, ahead: &mut Ahead, day: usize, at: usize, reached: Reached) {
        if let Some(all) = ahead.going.get_mut(day).and_then(|all| all.get_mut(at)) {
            let free = reached.held <= day;
            let (held, by) = if free { (day, None) } else { (reached.held, reached.by) };
            self.keep(all, Reached { held, by, ..reached });
        }
    }

    /// Only those that no other makes useless: cheaper, with more rolled over, or held less long. Whom one is held by,
    /// and until when, is worth the joining.
    fn keep(&self, all: &mut Vec<Reached>, reached: Reached) {
        let makes_useless = |a: &Reached, b: &Reached| {
            let joining = self.joining(b.by.filter(|_| (a.by, a.held) != (b.by, b.held)));
            let worth = Cost { short: Bytes(0), money: joining };
            a.cost + worth <= b.cost && a.carry >= b.carry && a.held <= b.held
        };
        if all.iter().any(|other| makes_useless(other, &reached)) {
            return;
        }
        all.retain(|other| !makes_useless(&reached, other));
        all.push(reached);
    }

    /// Back from the end.
    fn bought(
        &self,
        end: Reached,
        done: &[Reached],
        groups: &[Group],
        passes_of: &[Option<(Cost, usize)>],
    ) -> Vec<Purchase> {
        let mut bought = Vec::new();
        let mut reached = end;
        while let Some(step) = reached.step {
            let Some(before) = done.get(step.before).copied() else { break };
            let group = step.tariff.and_then(|at| groups.iter().find(|group| group.tariffs.contains(&at)));
            let ways = group.and_then(|group| group.ways.get(step.from..step.until)).unwrap_or_default();
            let mut front = Front::new();
            ways.iter().for_each(|ways| front.add(*ways));
            let mut by_pass: Vec<bool> =
                ways.iter().map(|ways| ways.need > 0 && ways.pass.is_none()).collect();
            // What runs does not serve those with no used and no unserved either.
            for (by_pass, ways) in by_pass.iter_mut().zip(ways) {
                *by_pass &= ways.running.used == 0 && ways.running.beside != Cost::default();
            }
            by_pass.resize(step.until - step.from, true);
            for day in front.on_pass(step.point.passes) {
                if let Some(by_pass) = by_pass.get_mut(day) {
                    *by_pass = true;
                }
            }
            let (mut on_pass, mut own) = (Cost::default(), Vec::new());
            for (day, by_pass) in (step.from..step.until).zip(by_pass) {
                let (need, _) = self.days.get(day).copied().unwrap_or_default();
                match passes_of.get(day).copied().flatten().filter(|_| by_pass) {
                    Some((cost, at)) => {
                        on_pass = on_pass + cost;
                        bought.push(self.pass(at, day, need, cost));
                    }
                    None if need > 0 => own.push((day, need)),
                    None => {}
                }
            }
            if let (Some(at), Some(charges)) = (step.tariff, step.tariff.and_then(|at| self.charges(at))) {
                // What joining cost is what the way here is dearer by than its pieces.
                let pieces = before.cost + step.cost + step.point.beside;
                let joined = reached.cost.money.0.saturating_sub(pieces.money.0);
                let unserved = step.point.beside.short.saturating_sub(on_pass.short);
                let money = Money(step.cost.money.0.saturating_add(joined));
                let cost = Cost { short: step.cost.short + unserved, money };
                let used: Bytes = own.iter().map(|(_, need)| Bytes(*need)).sum();
                // A pack is bought when it is needed: later than that it would have lasted as long.
                let needed = own.first().zip(own.last()).map(|((first, _), (last, _))| (*first, last + 1));
                let days = needed.filter(|_| charges.tariff.again).unwrap_or((step.from, step.until));
                bought.push(self.purchase(at, days, step.times, used.saturating_sub(cost.short), cost));
            }
            reached = before;
        }
        bought.sort_by_key(|purchase| purchase.from);
        bought
    }

    fn pass(&self, at: usize, day: usize, need: u64, cost: Cost) -> Purchase {
        let Some(charges) = self.charges(at) else {
            return self.purchase(at, (day, day + 1), 1, Bytes(0), cost);
        };
        let times = charges.charge(need.saturating_sub(charges.daily), 0, Share::WHOLE).times;
        self.purchase(at, (day, day + 1), times, Bytes(need).saturating_sub(cost.short), cost)
    }

    fn purchase(
        &self,
        at: usize,
        (from, until): (usize, usize),
        times: u32,
        used: Bytes,
        cost: Cost,
    ) -> Purchase {
        let tariff = self.tariffs.get(at).and_then(|(number, _)| *number);
        Purchase { tariff, from: self.date(from), until: self.date(until - 1), times, used, cost }
    }
}
