//! Kinds of histories: what each day of a year or so uses, past and future alike, in bytes.

use super::chance::Chance;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// Every day about the same.
    Steady,
    /// Quiet days, and now and then a day of a heavy-tailed multiple.
    Bursty,
    /// Week-ends (or working days) use several times as much.
    Weekly,
    /// A few per cent more each week.
    Growing,
    /// The box is off for days, again and again.
    Gaps,
    /// One day in the last two months used ten to forty times the usual.
    Wild,
    /// Only 4 to 13 days are known, of any of the other kinds.
    New,
    /// Once, somebody moved in or out.
    Step,
    /// Two of the others at once.
    Mixture,
    /// A household: films on week-end evenings, holidays at home, guests.
    Household,
    /// A field team: camp weeks, then next to nothing.
    Field,
    /// A van: travel days in a row, more at week-ends, off otherwise.
    Van,
}

pub(crate) const ALL: [Family; 12] = [
    Family::Steady,
    Family::Bursty,
    Family::Weekly,
    Family::Growing,
    Family::Gaps,
    Family::Wild,
    Family::New,
    Family::Step,
    Family::Mixture,
    Family::Household,
    Family::Field,
    Family::Van,
];

impl Family {
    /// `days` days, of which the first `past` are the history. Day 0 is a Monday.
    pub(crate) fn days(self, days: usize, past: usize, c: &mut Chance) -> Vec<f64> {
        let base = 1e8 * c.around_one(1.0);
        let mut made = match self {
            Family::Steady => steady(days, c),
            Family::Bursty => bursty(days, c),
            Family::Weekly => weekly(days, c),
            Family::Growing => growing(days, c),
            Family::Gaps => gaps(days, c),
            Family::Wild => {
                let mut made = if c.happens(0.5) { weekly(days, c) } else { steady(days, c) };
                let day = past - c.whole(1, past.min(60));
                made[day] *= c.between(10.0, 40.0);
                made
            }
            Family::New => match c.whole(0, 5) {
                0 => steady(days, c),
                1 => bursty(days, c),
                2 => weekly(days, c),
                3 => growing(days, c),
                4 => household(days, c),
                _ => gaps(days, c),
            },
            Family::Step => {
                let mut made = if c.happens(0.5) { weekly(days, c) } else { steady(days, c) };
                let (day, factor) = (c.whole(past / 4, past), c.between(0.4, 2.5));
                made[day..].iter_mut().for_each(|amount| *amount *= factor);
                made
            }
            Family::Mixture => {
                let one = [weekly, bursty, growing, gaps][c.whole(0, 3)](days, c);
                let other = [steady, bursty, household, van, field][c.whole(0, 4)](days, c);
                let share = c.between(0.3, 2.0);
                one.iter().zip(other).map(|(a, b)| a + share * b).collect()
            }
            Family::Household => household(days, c),
            Family::Field => field(days, c),
            Family::Van => van(days, c),
        };
        made.iter_mut().for_each(|amount| *amount *= base);
        made
    }

    /// How many days are known at least and at most.
    pub(crate) fn known_days(self) -> (usize, usize) {
        if self == Family::New { (4, 13) } else { (28, 365) }
    }
}

fn steady(days: usize, c: &mut Chance) -> Vec<f64> {
    let spread = c.between(0.15, 0.6);
    (0..days).map(|_| c.around_one(spread)).collect()
}

fn bursty(days: usize, c: &mut Chance) -> Vec<f64> {
    let (spread, often) = (c.between(0.4, 0.9), c.between(0.05, 0.2));
    let (size, tail) = (c.between(2.0, 6.0), c.between(1.8, 2.8));
    let mut day = || {
        let burst = if c.happens(often) { size * c.pareto(tail) } else { 0.0 };
        c.around_one(spread) + burst
    };
    (0..days).map(|_| day()).collect()
}

fn weekly(days: usize, c: &mut Chance) -> Vec<f64> {
    let factor = if c.happens(0.7) { c.between(1.8, 5.0) } else { c.between(0.05, 0.5) };
    let spread = c.between(0.2, 0.6);
    (0..days).map(|d| if d % 7 >= 5 { factor } else { 1.0 } * c.around_one(spread)).collect()
}

fn growing(days: usize, c: &mut Chance) -> Vec<f64> {
    let growth = c.between(0.005, 0.035) / 7.0;
    let base = if c.happens(0.5) { weekly(days, c) } else { steady(days, c) };
    base.into_iter().enumerate().map(|(d, amount)| amount * (growth * d as f64).exp()).collect()
}

fn gaps(days: usize, c: &mut Chance) -> Vec<f64> {
    let mut made = if c.happens(0.5) { weekly(days, c) } else { steady(days, c) };
    let (on, off) = (c.between(6.0, 25.0), c.between(1.5, 6.0));
    let mut at = c.lasting(on);
    while at < days {
        let until = (at + c.lasting(off)).min(days);
        made[at..until].fill(0.0);
        at = until + c.lasting(on);
    }
    made
}

fn household(days: usize, c: &mut Chance) -> Vec<f64> {
    let (film, films) = (c.between(3.0, 8.0), c.between(0.3, 0.8));
    let spread = c.between(0.3, 0.5);
    let mut at_home = 0;
    let day = |d: usize| {
        let mut amount = c.around_one(spread);
        if matches!(d % 7, 4..=6) && c.happens(films) {
            amount += film * c.around_one(0.3);
        }
        if at_home == 0 && c.happens(0.015) {
            at_home = c.whole(4, 12);
        }
        if at_home > 0 {
            at_home -= 1;
            amount *= 1.8;
        }
        // An update of a console or a telephone.
        if c.happens(0.03) { amount + c.between(3.0, 15.0) } else { amount }
    };
    (0..days).map(day).collect()
}

fn field(days: usize, c: &mut Chance) -> Vec<f64> {
    let (camp, away) = (c.between(5.0, 12.0), c.between(5.0, 14.0));
    let (high, low, spread) = (c.between(5.0, 10.0), c.between(0.0, 0.3), c.between(0.2, 0.6));
    let mut made = Vec::with_capacity(days);
    let mut is_camp = c.happens(0.5);
    while made.len() < days {
        // Camps are planned: about as long each time.
        let mean = if is_camp { camp } else { away };
        let length = (mean * c.around_one(0.35)).round().max(1.0) as usize;
        for _ in 0..length {
            made.push(if is_camp { high } else { low } * c.around_one(spread));
        }
        is_camp = !is_camp;
    }
    made.truncate(days);
    made
}

fn van(days: usize, c: &mut Chance) -> Vec<f64> {
    let (begins, stays, spread) = (c.between(0.1, 0.3), c.between(0.55, 0.8), c.between(0.4, 0.7));
    let mut travels = false;
    let day = |d: usize| {
        let chance = if travels { stays } else { begins * if d % 7 >= 4 { 1.8 } else { 0.7 } };
        travels = c.happens(chance);
        if travels { c.around_one(spread) } else { 0.0 }
    };
    (0..days).map(day).collect()
}
