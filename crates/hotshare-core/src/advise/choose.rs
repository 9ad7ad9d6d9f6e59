//! Trips, what comes next to the best, and what there is now.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::Date;

use super::charge::Charges;
use super::line::Line;
use super::{Advice, Choice, Cost, MOST_TRIPS, Place, Purchase, Question, risk};
use crate::money::Money;
use crate::units::Bytes;

/// So many are told besides the best.
const MOST_OTHERS: usize = 5;

/// The cheapest way through the year, by the rules of [this module](super).
#[must_use]
pub fn advise(question: &Question<'_>) -> Advice {
    let world = World::of(question);
    let all: Vec<usize> = (0..question.tariffs.len()).collect();
    let (best, trips) = world.choose(&all, &all, None);
    let used = best.tariffs();
    let mut others: Vec<Choice> = Vec::new();
    for without in &used {
        let rest: Vec<usize> = all.iter().copied().filter(|at| at != without).collect();
        // Who serves which trip stays as it is.
        others.push(world.choose(&rest, &rest, Some(trips)).0);
    }
    let mut alone: Vec<(Money, usize)> = all
        .iter()
        .filter(|at| question.tariffs.get(**at).is_some_and(|tariff| tariff.place != Place::Abroad))
        .map(|at| (world.alone_at_least(*at), *at))
        .collect();
    alone.sort_unstable();
    for (least, at) in alone {
        let mut known: Vec<Cost> = others.iter().map(|choice| choice.cost).collect();
        known.sort_unstable();
        // One more, because one of them may be the best itself.
        if known.get(MOST_OTHERS).is_some_and(|last| *last <= Cost { short: Bytes(0), money: least }) {
            break;
        }
        others.push(world.choose(&[at], &all, None).0);
    }
    others.sort_by(|a, b| a.cost.cmp(&b.cost).then_with(|| a.tariffs().len().cmp(&b.tariffs().len())));
    let mut told = vec![used];
    others.retain(|choice| {
        let new = !told.contains(&choice.tariffs());
        told.push(choice.tariffs());
        new && !choice.bought.is_empty()
    });
    others.truncate(MOST_OTHERS);
    let present = question.present.map(|_| world.present());
    let with_risk = |choice: Choice| {
        let risk = risk::of(question, &choice);
        Choice { risk, ..choice }
    };
    Advice { best: with_risk(best), others, present: present.map(with_risk) }
}

/// The tariffs of a line, the bits of its trips, and whether it is the one for trips.
type Asked = (Vec<Option<usize>>, u32, bool);

/// Days and tariffs, made ready.
pub(super) struct World<'a> {
    first: Date,
    days: &'a [Bytes],
    /// The trip of each day.
    trip: Vec<Option<usize>>,
    trips: usize,
    charges: Vec<(Option<usize>, Charges<'a>)>,
    present: Option<Charges<'a>>,
    /// What lines came to that were asked for before.
    known: RefCell<BTreeMap<Asked, (Cost, Vec<Purchase>)>>,
}

impl<'a> World<'a> {
    pub(super) fn of(question: &Question<'a>) -> World<'a> {
        let charges = |tariff| Charges::of(tariff, question.fast_enough);
        let mut world = World {
            first: question.first,
            days: question.days,
            trip: Vec::new(),
            trips: 0,
            charges: question
                .tariffs
                .iter()
                .enumerate()
                .map(|(at, tariff)| (Some(at), charges(tariff)))
                .collect(),
            present: question.present.map(charges),
            known: RefCell::default(),
        };
        world.lay_trips(question.trips);
        world
    }

    /// Trips that touch are one.
    fn lay_trips(&mut self, trips: &[(Date, Date)]) {
        let mut date = self.first;
        let mut before = false;
        for _ in self.days {
            let abroad = trips.iter().any(|(from, until)| *from <= date && date <= *until);
            self.trips += usize::from(abroad && !before);
            self.trip.push(abroad.then(|| self.trips - 1));
            before = abroad;
            date = date.tomorrow().unwrap_or(Date::MAX);
        }
    }

    /// With other days.
    pub(super) fn with_days<'b>(&'b self, days: &'b [Bytes]) -> World<'b>
    where
        'a: 'b,
    {
        let again = |charges: &Charges<'b>| charges.clone();
        World {
            first: self.first,
            days,
            trip: self.trip.clone(),
            trips: self.trips,
            charges: self.charges.iter().map(|(at, charges)| (*at, again(charges))).collect(),
            present: self.present.as_ref().map(again),
            known: RefCell::default(),
        }
    }

    /// What it costs at least to serve every day at home with one tariff alone.
    fn alone_at_least(&self, at: usize) -> Money {
        let at_home = self.trip.iter().zip(self.days).filter(|(trip, _)| trip.is_none());
        let (days, need) = at_home
            .filter(|(_, need)| need.0 > 0)
            .fold((0_u64, 0_u64), |(days, all), (_, need)| (days + 1, all.saturating_add(need.0)));
        self.charges.get(at).map_or(Money(0), |(_, charges)| charges.at_least(days, need))
    }

    fn present(&self) -> Choice {
        let all: Vec<usize> = (0..self.charges.len()).collect();
        let home = self.present.iter().map(|charges| (None, charges)).collect::<Vec<_>>();
        self.cheapest(&home, &self.tariffs(&all, Place::Home), None).0
    }

    /// With these tariffs at home, and those on trips.
    fn choose(&self, home: &[usize], away: &[usize], trips: Option<u32>) -> (Choice, u32) {
        let away: Vec<usize> = away
            .iter()
            .copied()
            .filter(|at| {
                // Who serves everywhere serves on trips only if it may serve at home.
                let place = self.charges.get(*at).map(|(_, charges)| charges.tariff.place);
                place == Some(Place::Abroad) || home.contains(at)
            })
            .collect();
        self.cheapest(&self.tariffs(home, Place::Abroad), &self.tariffs(&away, Place::Home), trips)
    }

    /// Those of them that are not only for one place.
    fn tariffs(&self, which: &[usize], not: Place) -> Vec<(Option<usize>, &Charges<'a>)> {
        let all = which.iter().filter_map(|at| self.charges.get(*at));
        all.filter(|(_, charges)| charges.tariff.place != not).map(|(at, charges)| (*at, charges)).collect()
    }

    /// What the same purchases' tariffs come to on these days.
    pub(super) fn again(&self, choice: &Choice) -> Cost {
        let which = choice.tariffs();
        if choice.bought.iter().any(|purchase| purchase.tariff.is_none()) {
            let home = self.present.iter().map(|charges| (None, charges)).collect::<Vec<_>>();
            return self.cheapest(&home, &self.tariffs(&which, Place::Home), None).0.cost;
        }
        self.cheapest(&self.tariffs(&which, Place::Abroad), &self.tariffs(&which, Place::Home), None).0.cost
    }

    /// With the bits of the trips that are not served at home; they can be given.
    fn cheapest(
        &self,
        home: &[(Option<usize>, &Charges<'_>)],
        away: &[(Option<usize>, &Charges<'_>)],
        trips: Option<u32>,
    ) -> (Choice, u32) {
        let none = 0_u32;
        let all = u32::MAX;
        // Only what is good at home and abroad makes it a question who serves a trip.
        let weighed = home.iter().any(|(_, charges)| charges.tariff.place == Place::Everywhere);
        let weighed = if weighed { self.trips.min(MOST_TRIPS) } else { 0 };
        let trips = trips.filter(|trips| trips & all << weighed == all << weighed);
        // Each bit is a trip that is served by the line for trips; those that are not weighed always are.
        let mut ways: Vec<(Cost, Vec<Purchase>, u32)> = (none..1 << weighed)
            .map(|bits| bits | all << weighed)
            .filter(|bits| trips.is_none_or(|trips| trips == *bits))
            .map(|bits| {
                let (cost, bought) = self.trips(away, bits);
                (cost, bought, bits)
            })
            .collect();
        ways.sort_by_key(|(cost, _, bits)| (*cost, *bits));
        let mut best: Option<(Choice, u32)> = None;
        // With no trip at all the line of home costs least.
        let least = if ways.len() > 1 { self.at_home(home, all).0 } else { Cost::default() };
        for (cost, away, bits) in ways {
            if best.as_ref().is_some_and(|(best, _)| cost + least >= best.cost) {
                break;
            }
            let (at_home, mut bought) = self.at_home(home, bits);
            bought.extend(away);
            bought.sort_by_key(|purchase| purchase.from);
            let choice = Choice { cost: at_home + cost, bought, risk: None };
            if best.as_ref().is_none_or(|(best, _)| choice.cost < best.cost) {
                best = Some((choice, bits));
            }
        }
        best.unwrap_or((Choice { cost: Cost::default(), bought: Vec::new(), risk: None }, all))
    }

    /// The line for those trips whose bits are set.
    fn trips(&self, away: &[(Option<usize>, &Charges<'_>)], bits: u32) -> (Cost, Vec<Purchase>) {
        if self.trips == 0 {
            return Default::default();
        }
        self.known_or(away, bits, true, |trip| trip.is_some_and(|trip| on(bits, trip)))
    }

    /// The line for everything else.
    fn at_home(&self, home: &[(Option<usize>, &Charges<'_>)], bits: u32) -> (Cost, Vec<Purchase>) {
        self.known_or(home, bits, false, |trip| !trip.is_some_and(|trip| on(bits, trip)))
    }

    fn known_or(
        &self,
        tariffs: &[(Option<usize>, &Charges<'_>)],
        bits: u32,
        trips: bool,
        serves: impl Fn(Option<usize>) -> bool,
    ) -> (Cost, Vec<Purchase>) {
        let key = (tariffs.iter().map(|(at, _)| *at).collect::<Vec<_>>(), bits, trips);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let found = self.line(tariffs, serves);
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    /// A line that serves some days, by their trips.
    fn line(
        &self,
        tariffs: &[(Option<usize>, &Charges<'_>)],
        serves: impl Fn(Option<usize>) -> bool,
    ) -> (Cost, Vec<Purchase>) {
        let need =
            |(trip, need): (&Option<usize>, &Bytes)| (if serves(*trip) { need.0 } else { 0 }, trip.is_some());
        let days: Vec<(u64, bool)> = self.trip.iter().zip(self.days).map(need).collect();
        Line { first: self.first, days: &days, tariffs }.cheapest()
    }
}

/// Whether the bit of a trip is set; trips beyond the bits are on.
fn on(bits: u32, trip: usize) -> bool {
    let shift = u32::try_from(trip).unwrap_or(u32::MAX);
    bits.checked_shr(shift).is_none_or(|bits| bits & 1 == 1)
}
