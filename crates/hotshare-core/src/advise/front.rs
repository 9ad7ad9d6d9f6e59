//! How many days of a period are taken over by passes: the heaviest of them, from none to all.

use super::Cost;

/// What is charged to the running tariff, and what is beside it: passes, and what is not served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) used: u64,
    pub(super) beside: Cost,
    /// So many days are on passes.
    pub(super) passes: usize,
}

/// How a day can be served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) need: u64,
    /// By the running tariff.
    pub(super) running: Point,
    /// By a pass instead.
    pub(super) pass: Option<Cost>,
}

/// The days of a period, as they are added.
#[derive(Clone, Debug)]
pub(super) struct Front {
    /// Those for which there is a pass, the heaviest first, of equal ones the cheapest.
    heaviest: Vec<(u64, Cost, usize, u64)>,
    days: usize,
    all: Point,
    points: Vec<Point>,
}

impl Front {
    pub(super) fn new() -> Front {
        Front { heaviest: Vec::new(), days: 0, all: Point::default(), points: vec![Point::default()] }
    }

    /// The most used first, and so with the least beside.
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    pub(super) fn add(&mut self, ways: Ways) {
        let day = self.days;
        self.days += 1;
        let running = ways.running;
        self.all.used = self.all.used.saturating_add(running.used);
        self.all.beside = self.all.beside + running.beside;
        if let Some(pass) = ways.pass.filter(|_| ways.need > 0) {
            let key =
                |(need, pass, day, _): &(u64, Cost, usize, u64)| (std::cmp::Reverse(*need), *pass, *day);
            let new = (ways.need, pass, day, running.used);
            let at = self.heaviest.partition_point(|other| key(other) < key(&new));
            self.heaviest.insert(at, new);
        }
        if self.heaviest.is_empty() {
            if let Some(point) = self.points.first_mut() {
                *point = self.all;
            }
            return;
        }
        self.points.clear();
        let mut point = self.all;
        self.points.push(point);
        for (_, pass, _, used) in &self.heaviest {
            point.used = point.used.saturating_sub(*used);
            point.beside = point.beside + *pass;
            point.passes += 1;
            self.points.push(point);
        }
    }

    /// The days, counted from the first that was added, that so many passes take.
    pub(super) fn on_pass(&self, passes: usize) -> impl Iterator<Item = usize> + '_ {
        self.heaviest.iter().take(passes).map(|(_, _, day, _)| *day)
    }
}
