#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

/// A box with a card, hostapd and perhaps a station, at a clock of its own; and a hand that does what it is told.
struct World {
    now: u64,
    supervision: Supervision,
    process: bool,
    hung: bool,
    card: bool,
    /// Cards that will not do.
    others: usize,
    on_air: bool,
    station: Station,
    answered: Option<u64>,
    /// The channel of the access point.
    mhz: u32,
    /// What the hand does, and until when.
    doing: Option<(Step, u64)>,
    /// How long starting and ending take.
    start_ms: u64,
    end_ms: u64,
    /// hostapd dies so long after each start.
    dies_after: Option<u64>,
    started_at: u64,
    log: Vec<(u64, Step)>,
}

const TICK: u64 = 50;

impl World {
    fn new(station: Station) -> World {
        World {
            now: 1_000,
            supervision: Supervision::new(),
            process: false,
            hung: false,
            card: true,
            others: 0,
            on_air: false,
            station,
            answered: None,
            mhz: 0,
            doing: None,
            start_ms: 1_000,
            end_ms: 200,
            dies_after: None,
            started_at: 0,
            log: Vec::new(),
        }
    }

    fn at(&self) -> BootTime {
        BootTime(0).plus_millis(self.now)
    }

    fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            self.now += TICK;
            self.tick();
        }
    }

    fn tick(&mut self) {
        if self.dies_after.is_some_and(|after| self.process && self.now >= self.started_at + after) {
            (self.process, self.on_air) = (false, false);
        }
        if let Some((step, until)) = self.doing {
            if self.now >= until {
                self.doing = None;
                self.finish(step);
            }
            return;
        }
        let seen = Observed {
            process: self.process,
            answered: self.answered.map(|ms| BootTime(0).plus_millis(ms)),
            card: self.card || (!self.process && self.others > 0),
            cards: usize::from(self.card) + self.others,
            on_air: self.on_air,
            station: self.station,
        };
        let step = self.supervision.step(self.at(), &seen);
        // asked after the look, so that the first look after a sleep sees the answer from before it
        if self.process && !self.hung {
            self.answered = Some(self.now);
        }
        let took = match step {
            Step::Wait(until) => {
                assert!(until > self.at(), "a wait that is over already");
                assert!(until <= self.at().plus_secs(30), "a wait without end");
                return;
            }
            Step::Start { .. } => self.start_ms,
            Step::End(_) => self.end_ms,
        };
        let is_twice =
            matches!(step, Step::Start { .. }) && matches!(self.log.last(), Some((_, Step::Start { .. })));
        assert!(!is_twice, "two starts without an end: {:?}", self.log);
        self.log.push((self.now, step));
        self.doing = Some((step, self.now + took));
    }

    fn finish(&mut self, step: Step) {
        match step {
            Step::End(_) => {
                (self.process, self.hung, self.on_air) = (false, false, false);
                self.supervision.ended(self.at());
            }
            Step::Start { .. } if !self.card => self.supervision.failed(),
            Step::Start { anew } => {
                (self.process, self.on_air, self.started_at) = (true, true, self.now);
                self.answered = Some(self.now);
                if let (true, Station::On(mhz)) = (anew, self.station) {
                    self.mhz = mhz;
                }
                let follows = (self.station != Station::Free).then_some(self.mhz);
                self.supervision.started(self.at(), follows);
            }
            Step::Wait(_) => {}
        }
    }

    fn is_well(&self) -> bool {
        let in_step = match self.station {
            Station::On(mhz) => mhz == self.mhz,
            Station::Free | Station::Lost => true,
        };
        self.process && !self.hung && self.on_air && self.card && in_step && self.doing.is_none()
    }

    fn ends(&self) -> Vec<Why> {
        let end = |(_, step): &(u64, Step)| if let Step::End(why) = step { Some(*why) } else { None };
        self.log.iter().filter_map(end).collect()
    }

    fn pull(&mut self) {
        (self.card, self.on_air) = (false, false);
    }
}

#[test]
fn it_starts_and_stays() {
    let mut world = World::new(Station::Free);
    world.run(600_000);
    assert!(world.is_well());
    assert_eq!(world.log, [(1_050, Step::Start { anew: true })]);
}

#[test]
fn killed_it_comes_back_as_it_was() {
    let mut world = World::new(Station::Free);
    world.run(5_000);
    (world.process, world.on_air) = (false, false);
    world.run(2_000);
    assert!(world.is_well());
    assert_eq!(world.ends(), [Why::Died]);
    assert_eq!(world.log.last().unwrap().1, Step::Start { anew: false });
}

#[test]
fn hung_it_is_ended_after_two_seconds() {
    let mut world = World::new(Station::Free);
    world.run(5_000);
    world.hung = true;
    let at = world.now;
    world.run(5_000);
    assert!(world.is_well());
    assert_eq!(world.ends(), [Why::Hung]);
    let ended = world.log.iter().find(|(_, step)| matches!(step, Step::End(_))).unwrap().0;
    assert!((HUNG_MS..HUNG_MS + 100).contains(&(ended - at)), "{}", ended - at);
}

#[test]
fn a_card_that_is_pulled_is_waited_for_and_chosen_anew() {
    let mut world = World::new(Station::Free);
    world.run(5_000);
    world.pull();
    world.run(600_000);
    assert_eq!(world.ends(), [Why::CardGone], "nothing is tried while there is no card");
    // back, with another name, phy and address: it is only a card
    world.card = true;
    world.run(1_500);
    assert!(world.is_well());
    assert_eq!(world.log.last().unwrap().1, Step::Start { anew: true });
}

#[test]
fn a_card_that_comes_back_among_others_is_seen() {
    let mut world = World::new(Station::Free);
    world.others = 1;
    world.run(5_000);
    world.pull();
    world.run(600_000);
    assert!(world.ends().len() > 10, "the other one is tried now and then");
    world.card = true;
    world.run(3_000);
    assert!(world.is_well(), "without waiting for the next try");
}

#[test]
fn a_suspended_machine_does_not_take_hostapd_for_hung() {
    let mut world = World::new(Station::Free);
    world.run(5_000);
    world.now += 3_600_000;
    world.run(10_000);
    assert_eq!(world.ends(), []);
    world.hung = true;
    world.run(5_000);
    assert_eq!(world.ends(), [Why::Hung]);
    // the first look after a sleep may find the process gone
    world.process = false;
    world.now += 3_600_000;
    world.run(4_000);
    assert!(world.is_well());
}

#[test]
fn a_card_that_stops_sending_is_believed_after_a_moment() {
    let mut world = World::new(Station::Free);
    world.run(5_000);
    world.on_air = false;
    world.run(250);
    world.on_air = true;
    world.run(5_000);
    assert_eq!(world.ends(), []);
    world.on_air = false;
    world.run(3_000);
    assert!(world.is_well());
    assert_eq!(world.ends(), [Why::Silent]);
}

#[test]
fn it_follows_the_uplink() {
    let mut world = World::new(Station::On(5180));
    world.run(5_000);
    world.station = Station::On(2437);
    world.run(2_000);
    assert!(world.is_well());
    assert_eq!((world.mhz, world.ends()), (2437, vec![Why::UplinkMoved(2437)]));
    assert_eq!(world.log.last().unwrap().1, Step::Start { anew: true });
}

#[test]
fn it_goes_off_for_a_lost_uplink_and_comes_back_with_it() {
    let mut world = World::new(Station::On(5180));
    world.run(5_000);
    world.station = Station::Lost;
    world.run(1_400);
    assert!(world.is_well(), "it may come back by itself");
    world.run(2_000);
    assert!(!world.process, "the card is the station's");
    world.station = Station::On(2412);
    world.run(1_500);
    assert!(world.is_well());
    assert_eq!((world.mhz, world.ends()), (2412, vec![Why::UplinkLost]));
}

#[test]
fn an_uplink_that_stays_away_does_not_keep_it_off() {
    let mut world = World::new(Station::On(5180));
    world.run(5_000);
    world.station = Station::Lost;
    world.run(9_500);
    assert!(world.is_well(), "{:?}", world.log);
    assert_eq!(world.mhz, 5180);
    assert_eq!(world.log.last().unwrap().1, Step::Start { anew: false }, "on the old channel");
    world.run(25_000);
    assert_eq!(world.ends(), [Why::UplinkLost]);
    world.run(3_600_000);
    assert!(world.ends().len() < 14, "{} searches in an hour", world.ends().len());
    assert!(world.is_well() || world.doing.is_some());
    // with the uplink back, the next loss is searched for at once
    world.station = Station::On(5180);
    world.run(30_000);
    world.station = Station::Lost;
    let before = world.ends().len();
    world.run(3_000);
    assert_eq!(world.ends().len(), before + 1);
}

#[test]
fn a_crash_loop_slows_down_and_is_forgotten() {
    let mut world = World::new(Station::Free);
    world.dies_after = Some(300);
    world.run(600_000);
    let starts = world.log.iter().filter(|(_, step)| matches!(step, Step::Start { .. })).count();
    assert!((20..40).contains(&starts), "{starts}");
    world.dies_after = None;
    world.run(120_000);
    assert!(world.is_well());
    (world.process, world.on_air) = (false, false);
    world.run(2_000);
    assert!(world.is_well(), "at once, after a minute without faults");
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Killed,
    Hung,
    Silent,
    Pulled(u64),
    Moved,
    Lost(u64, bool),
    LostForEver,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Killed),
        Just(Fault::Hung),
        Just(Fault::Silent),
        (0_u64..30_000).prop_map(Fault::Pulled),
        Just(Fault::Moved),
        (0_u64..8_000, any::<bool>()).prop_map(|(ms, moved)| Fault::Lost(ms, moved)),
        Just(Fault::LostForEver),
    ]
}

proptest! {
    /// Whatever single thing happens, at whatever moment, and however slow the hand is within 2 s.
    #[test]
    fn it_recovers_within_ten_seconds(
        fault in fault(),
        after in 0_u64..90_000,
        start_ms in 0_u64..=2_000,
        end_ms in 0_u64..=2_000,
        shared: bool,
    ) {
        let mut world = World::new(if shared { Station::On(5180) } else { Station::Free });
        (world.start_ms, world.end_ms) = (start_ms, end_ms);
        world.run(4_000 + after);
        prop_assert!(world.is_well());
        match fault {
            Fault::Killed => (world.process, world.on_air) = (false, false),
            Fault::Hung => world.hung = true,
            Fault::Silent => world.on_air = false,
            Fault::Pulled(ms) => {
                world.pull();
                world.run(ms);
                world.card = true;
            }
            Fault::Moved if shared => world.station = Station::On(2437),
            Fault::Lost(ms, moved) if shared => {
                world.station = Station::Lost;
                world.run(ms);
                world.station = Station::On(if moved { 2462 } else { 5180 });
            }
            Fault::LostForEver if shared => world.station = Station::Lost,
            Fault::Moved | Fault::Lost(..) | Fault::LostForEver => {}
        }
        world.run(10_000);
        prop_assert!(world.is_well(), "{fault:?}: {:?}", world.log);
    }

    /// Faults upon faults: there never are two hostapds, and when it is quiet, there is one again.
    #[test]
    fn it_survives_a_storm(
        storm in proptest::collection::vec((fault(), 0_u64..20_000), 1..20),
        start_ms in 0_u64..5_000,
        end_ms in 0_u64..5_000,
    ) {
        let mut world = World::new(Station::On(5180));
        (world.start_ms, world.end_ms) = (start_ms, end_ms);
        for (fault, pause) in storm {
            match fault {
                Fault::Killed => (world.process, world.on_air) = (false, false),
                Fault::Hung => world.hung = world.process,
                Fault::Silent => world.on_air = false,
                Fault::Pulled(_) => world.pull(),
                Fault::Moved => world.station = Station::On(2437),
                Fault::Lost(..) | Fault::LostForEver => world.station = Station::Lost,
            }
            world.run(pause);
            world.card = true;
        }
        world.station = Station::On(5200);
        world.run(60_000);
        prop_assert!(world.is_well(), "{:?}", world.log);
    }
}
