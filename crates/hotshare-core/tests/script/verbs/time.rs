//! Time passes, and clocks go wrong. `at` and `wait` are real time: a wrong wall clock runs along.

use hotshare_core::brain::Event;
use hotshare_core::units::UnixTime;

use super::Understood;
use super::traffic::flow;
use crate::script::run::Run;
use crate::script::words::duration;

/// Without transfers, the middle of a long wait has fewer ticks than one a second.
const FINE: u64 = 30;
const COARSE: u64 = 1800;
/// From here on a tick a day is enough, at its beginning.
const LONG: u64 = 3 * 86_400;

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    match words {
        ["at", date] => at(run, run.calendar.day(date)?)?,
        ["at", date, time] => at(run, run.calendar.instant(date, time)?)?,
        ["wait", n, unit] => {
            run.begin();
            pass(run, duration(n, unit)?);
        }
        ["clock", "jumps", way @ ("back" | "forward"), n, unit] => {
            let by = i64::try_from(duration(n, unit)?).map_err(|e| e.to_string())?;
            set(run, run.world.wall + if *way == "back" { -by } else { by });
        }
        ["clock", "jumps", "to", date, time] => {
            let to = run.calendar.instant(date, time)?;
            set(run, to.0);
        }
        ["clock", "synchronises"] => {
            run.world.synced = true;
            set(run, run.world.wall + run.skew);
        }
        ["clock", "unsynchronised"] => {
            run.world.synced = false;
            tick(run);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn set(run: &mut Run<'_>, wall: i64) {
    run.skew += run.world.wall - wall;
    run.world.wall = wall;
    tick(run);
}

fn tick(run: &mut Run<'_>) {
    if run.started {
        run.world.tell(Event::Tick);
    }
}

fn at(run: &mut Run<'_>, to: UnixTime) -> Result<(), String> {
    let real = run.world.wall + run.skew;
    if !run.started {
        run.skew = 0;
        run.world.wall = to.0;
        return Ok(());
    }
    match u64::try_from(to.0 - real) {
        Ok(secs) => pass(run, secs),
        Err(_) => {
            let now = run.calendar.show(UnixTime(real));
            return Err(format!("it is {now} already; clocks are put back with `clock jumps`"));
        }
    }
    Ok(())
}

fn pass(run: &mut Run<'_>, secs: u64) {
    let half = run.half_of(secs);
    let mut gone = 0;
    while gone < secs {
        if half.is_some_and(|half| gone >= half) {
            run.halfway();
        }
        let step = match (run.flows.is_empty(), gone.min(secs - gone)) {
            (true, FINE..) => {
                let next = if secs > LONG { to_midnight(run) } else { to_round_time(run) };
                next.min(secs - gone - FINE).max(1)
            }
            _ => 1,
        };
        flow(run, step);
        run.world.boot_on((step - 1) * 1000);
        run.world.pass(1000);
        gone += step;
    }
}

/// So that days begin when they do.
fn to_round_time(run: &Run<'_>) -> u64 {
    COARSE - run.world.wall.rem_euclid(COARSE.cast_signed()).cast_unsigned()
}

fn to_midnight(run: &Run<'_>) -> u64 {
    let now = UnixTime(run.world.wall);
    let tomorrow = run.calendar.civil(now).date().tomorrow().map(|date| run.calendar.zone.date_begins(date));
    tomorrow.map_or(COARSE, |next| (next.0 - now.0).max(1).cast_unsigned())
}
