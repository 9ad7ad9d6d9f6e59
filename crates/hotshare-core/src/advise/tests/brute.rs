//! Every way through a few days, one after the other, each reckoned unit by unit.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::{Cost, Lasts, Place, Question, Tariff};
use crate::money::Money;
use crate::plan::Unused;
use crate::units::{Bytes, Rate};

pub(super) fn cheapest(question: &Question<'_>) -> Cost {
    let on = |n: usize| question.first.checked_add(i64::try_from(n).unwrap().days()).unwrap();
    let abroad: Vec<bool> = (0..question.days.len())
        .map(|n| question.trips.iter().any(|(from, until)| *from <= on(n) && on(n) <= *until))
        .collect();
    // Which trip, counted from 1.
    let mut trips = 0;
    let trip: Vec<usize> = (0..abroad.len())
        .map(|n| {
            if abroad[n] && (n == 0 || !abroad[n - 1]) {
                trips += 1;
            }
            if abroad[n] { trips } else { 0 }
        })
        .collect();
    let line = |serves: &dyn Fn(usize) -> bool, not: Place| {
        let days: Vec<(u64, bool)> = (0..trip.len())
            .map(|n| (if serves(trip[n]) { question.days[n].0 } else { 0 }, abroad[n]))
            .collect();
        let tariffs: Vec<&Tariff> = question.tariffs.iter().filter(|t| t.place != not).collect();
        let world = World { first: question.first, days, tariffs, fast_enough: question.fast_enough };
        let mut best = Cost { short: Bytes(u64::MAX), money: Money(0) };
        world.walk(0, State::default(), Cost::default(), &mut best);
        best
    };
    (0..1_usize << trips)
        .map(|away| {
            let is_away = |trip: usize| trip > 0 && away >> (trip - 1) & 1 == 1;
            line(&|trip| !is_away(trip), Place::Abroad) + line(&is_away, Place::Home)
        })
        .min()
        .unwrap()
}

struct World<'a> {
    first: Date,
    days: Vec<(u64, bool)>,
    tariffs: Vec<&'a Tariff>,
    fast_enough: Rate,
}

#[derive(Clone, Copy, Default)]
struct State {
    running: Option<Running>,
    /// What ended with the day before, and what of it rolls over.
    before: Option<(usize, u64)>,
    /// What was given up though it is no pack, and until when it would have served.
    held: Option<(usize, usize)>,
}

#[derive(Clone, Copy)]
struct Running {
    tariff: usize,
    began: usize,
    ends: usize,
    used: u64,
    brought: u64,
    /// Days that passes took, as bits.
    passes: u32,
}

impl World<'_> {
    fn walk(&self, day: usize, state: State, cost: Cost, best: &mut Cost) {
        if cost >= *best {
            return;
        }
        if day == self.days.len() {
            let end = state.running.map_or(Cost::default(), |running| self.settle(running, day).0);
            *best = (*best).min(cost + end);
            return;
        }
        if let Some(ended) = state.running.filter(|running| running.ends == day) {
            let (more, carry) = self.settle(ended, day);
            let state = State { running: None, before: Some((ended.tariff, carry)), ..state };
            return self.walk(day, state, cost + more, best);
        }
        if state.running.is_some() {
            self.serve(day, state, cost, best);
        }
        // Something else, or nothing, in its place.
        let given_up = state.running.map_or(Cost::default(), |running| self.settle(running, day).0);
        let (before, held) = match state.running {
            Some(running) if self.tariffs[running.tariff].again => (Some((running.tariff, 0)), state.held),
            Some(running) => (None, Some((running.tariff, running.ends))),
            None => (state.before, state.held),
        };
        let held = held.filter(|(_, until)| *until >= day);
        let cost = cost + given_up;
        self.serve(day, State { running: None, before: None, held }, cost, best);
        for (at, tariff) in self.tariffs.iter().enumerate() {
            let today = self.first.checked_add(i64::try_from(day).unwrap().days()).unwrap();
            if tariff.dates.is_some_and(|(from, until)| today < from || until < today) {
                continue;
            }
            if !tariff.again && held.is_some_and(|(_, until)| until > day) {
                continue;
            }
            let (joining, brought) = match (before, held) {
                (Some((same, brought)), _) if same == at => (0, brought),
                (_, Some(same)) if same == (at, day) => (0, 0),
                _ => (tariff.joining.0, 0),
            };
            let length = today.duration_until(tariff.lasts.end(today)).as_hours() / 24;
            let dates_end = tariff
                .dates
                .map_or(i64::MAX, |(_, until)| self.first.duration_until(until).as_hours() / 24 + 1);
            let ends = (day + usize::try_from(length).unwrap()).min(usize::try_from(dates_end).unwrap());
            let running = Some(Running { tariff: at, began: day, ends, used: 0, brought, passes: 0 });
            let joined = Cost { short: Bytes(0), money: Money(joining) };
            self.serve(day, State { running, before: None, held }, cost + joined, best);
        }
    }

    /// By what runs, by each pass, or by nothing.
    fn serve(&self, day: usize, state: State, cost: Cost, best: &mut Cost) {
        let need = self.days[day].0;
        let short = Cost { short: Bytes(need), money: Money(0) };
        let good = |at: usize| self.good(at, day);
        match state.running {
            Some(running) if good(running.tariff) => {
                let used = running.used + self.charged(running.tariff, need);
                let running = Some(Running { used, ..running });
                self.walk(day + 1, State { running, ..state }, cost, best);
            }
            _ => self.walk(day + 1, state, cost + short, best),
        }
        if let Some(pass) = self.pass(day) {
            let took = |running: Running| Running { passes: running.passes | 1 << day, ..running };
            let running =
                state.running.map(|running| if good(running.tariff) { took(running) } else { running });
            let is_long = |tariff: usize| matches!(self.tariffs[tariff].lasts, Lasts::Days(32..));
            if running.is_some_and(|running| good(running.tariff) && is_long(running.tariff)) {
                return;
            }
            self.walk(day + 1, State { running, ..state }, cost + pass, best);
        }
    }

    /// The cheapest pass of a day, if it is of use.
    fn pass(&self, day: usize) -> Option<Cost> {
        let need = self.days[day].0;
        let all = (0..self.tariffs.len()).filter(|at| self.tariffs[*at].is_pass() && self.good(*at, day));
        let cost = |at| {
            let used = self.charged(at, need);
            let whole = Running { tariff: at, began: day, ends: day + 1, used, brought: 0, passes: 0 };
            self.settle(whole, day + 1).0
        };
        all.map(cost).min().filter(|cost| cost.short.0 < need)
    }

    fn good(&self, at: usize, day: usize) -> bool {
        let today = self.first.checked_add(i64::try_from(day).unwrap().days()).unwrap();
        let tariff = self.tariffs[at];
        let place = tariff.place == Place::Everywhere || (tariff.place == Place::Abroad) == self.days[day].1;
        place && tariff.dates.is_none_or(|(from, until)| from <= today && today <= until)
    }

    /// Passes took the heaviest days of those that the tariff would have served.
    fn are_heaviest(&self, running: Running, until: usize) -> bool {
        let days =
            (running.began..until).filter(|day| self.days[*day].0 > 0 && self.good(running.tariff, *day));
        let mut days: Vec<_> = days
            .filter_map(|day| Some((std::cmp::Reverse(self.days[day].0), self.pass(day)?, day)))
            .collect();
        days.sort();
        days.iter()
            .skip_while(|(_, _, day)| running.passes >> day & 1 == 1)
            .all(|(_, _, day)| running.passes >> day & 1 == 0)
    }

    fn fast(&self, rate: Option<Rate>) -> bool {
        rate.is_none_or(|rate| rate >= self.fast_enough)
    }

    /// What is left of a day after the daily parts at the beginning.
    fn charged(&self, at: usize, need: u64) -> u64 {
        let daily = self.tariffs[at].parts.iter().take_while(|part| part.period.is_some());
        daily
            .filter(|part| self.fast(part.rate))
            .fold(need, |need, part| need.saturating_sub(part.cap.unwrap().0))
    }

    /// What a period comes to when it ends on a day, and what rolls over.
    fn settle(&self, running: Running, day: usize) -> (Cost, u64) {
        let tariff = self.tariffs[running.tariff];
        if running.passes != 0 && !self.are_heaviest(running, day) {
            return (Cost { short: Bytes(u64::MAX), money: Money(0) }, 0);
        }
        let is_cut = running.ends > self.days.len() && day == self.days.len();
        let (days, of) = if is_cut { (day - running.began, running.ends - running.began) } else { (1, 1) };
        let (days, of) = (u64::try_from(days).unwrap(), u64::try_from(of).unwrap());
        let fee = u64::try_from(tariff.fee.0).unwrap() * days;
        let fee = i64::try_from(fee.div_ceil(of)).unwrap();
        let parts: Vec<_> =
            tariff.parts.iter().filter(|part| part.period.is_none() && self.fast(part.rate)).collect();
        let rolling = parts.iter().position(|part| part.unused != Unused::Lost);
        let again = tariff.again && parts.iter().all(|part| part.cap.is_some()) && rolling.is_none();
        let size = |n: usize| {
            let own = parts[n].cap.map_or(u64::MAX, |cap| if is_cut { cap.0 * days / of } else { cap.0 });
            own.saturating_add(if rolling == Some(n) { running.brought } else { 0 })
        };
        // A pack whose share is less than one unit cannot be bought again; neither can one without data.
        let whole: u64 = if again { parts.iter().map(|part| part.cap.unwrap().0).sum() } else { 0 };
        let pack = whole * days / of;
        let (mut money, mut short, mut used_of) = (fee, 0, vec![0_u64; parts.len()]);
        let (mut spent, mut in_pack) = (vec![0_i64; parts.len()], 0);
        'units: for _ in 0..running.used {
            if again && whole > 0 {
                if pack == 0 {
                    short += 1;
                    continue;
                }
                if in_pack == pack {
                    money += fee;
                    in_pack = 0;
                }
                in_pack += 1;
                continue;
            }
            for (n, part) in parts.iter().enumerate() {
                match part.pay {
                    Some(pay) => {
                        if used_of[n] % pay.price.unit.0 == 0 {
                            if spent[n] + pay.price.money.0 > pay.limit.0 {
                                continue;
                            }
                            spent[n] += pay.price.money.0;
                        }
                        used_of[n] += 1;
                        continue 'units;
                    }
                    None if used_of[n] < size(n) => {
                        used_of[n] += 1;
                        continue 'units;
                    }
                    None => {}
                }
            }
            short += 1;
        }
        money += spent.iter().sum::<i64>();
        let ended = day == running.ends && running.ends <= self.days.len();
        let carry = rolling.filter(|_| ended).map_or(0, |n| {
            let (cap, used) = (parts[n].cap.unwrap().0, used_of[n]);
            match parts[n].unused {
                Unused::Lost => 0,
                Unused::NextPeriod => cap - used.saturating_sub(running.brought).min(cap),
                Unused::Kept { most } => (cap + running.brought - used).min(most.0),
            }
        });
        (Cost { short: Bytes(short), money: Money(money) }, carry)
    }
}
