//! The machine: how it is set up, what fails, what is plugged in.

use hotshare_core::brain::Event;
use hotshare_core::radio::Mode;
use hotshare_core::sim::{Sim, SimSeen};
use hotshare_core::uplink::Uplink;

use super::{Understood, name};
use crate::script::run::{How, Run};
use crate::script::words::{Calendar, amount, duration};
use crate::world::uplink;

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    run.loose |= matches!(words, ["power", ..] | ["kill"] | ["disk", ..] | ["restart", "power-cut", ..]);
    match words {
        ["zone", zone] => {
            run.not_begun()?;
            let (heard, wall) = (run.world.heard.take(), run.world.wall);
            run.calendar = Calendar::named(zone)?;
            run.world = crate::world::World::before_first_start(run.calendar.zone.clone(), wall);
            run.world.heard = heard;
        }
        ["guests", "go", "to", who] => {
            run.not_begun()?;
            run.world.default_person = Some(name(who)?);
        }
        ["wifi", mode] => {
            run.not_begun()?;
            let mode = Mode::ALL.into_iter().find(|known| known.word() == *mode);
            run.world.wifi = Some(mode.ok_or("there is no such mode")?);
        }
        ["no", "real-time", "clock"] => {
            run.not_begun()?;
            run.keeps_time = false;
        }
        ["within", n, unit] => {
            run.not_begun()?;
            run.within = amount(n, unit)?;
        }
        ["restart", how] => run.restart(named(how)?, true),
        ["restart", how, "with", "the", "posting", "lost"] => run.restart(named(how)?, false),
        ["power", "cut", "for", n, unit] => {
            run.end(How::PowerCut, true);
            let secs = i64::try_from(duration(n, unit)?).map_err(|e| e.to_string())?;
            if run.keeps_time {
                run.world.wall += secs;
            } else {
                run.skew += secs;
            }
            run.start();
        }
        ["kill"] => run.end(How::Kill, true),
        ["start"] => run.start(),
        ["disk", "full"] => run.world.full = true,
        ["disk", "slow"] => run.world.patient = true,
        ["disk", "works"] => {
            (run.world.patient, run.world.full) = (false, false);
            run.world.commit(true);
            run.take_answers()?;
        }
        ["uplink", "lost"] => plug(run, None),
        ["uplink", "back"] => plug(run, Some((7, 2))),
        ["uplink", "other"] => plug(run, Some((8, 3))),
        ["uplink", "network", name] => {
            plug_in(run, Some(Uplink { network: Some((*name).to_owned()), ..uplink(7, 2) }));
        }
        ["uplink", "card", name] => {
            let other = Uplink { name: (*name).to_owned(), ..uplink(9, 4) };
            plug_in(run, Some(other));
        }
        ["sim", "not", "read"] => modem_says(run, SimSeen::NotRead),
        ["sim", number, where_] => {
            let roaming = match *where_ {
                "home" => Some(false),
                "roaming" => Some(true),
                "searching" => None,
                _ => return Err("write `home`, `roaming` or `searching`".into()),
            };
            modem_says(run, SimSeen::Read(Sim { number: (*number).to_owned(), roaming }));
        }
        ["no", "ModemManager"] => modem_says(run, SimSeen::NobodyAsked),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Of what is plugged in, and of what will be.
fn modem_says(run: &mut Run<'_>, sim: SimSeen) {
    run.world.sim = sim;
    let cable = run.world.cable.take();
    if run.not_begun().is_ok() {
        run.world.cable = cable.map(|cable| Uplink { sim: run.world.sim.clone(), ..cable });
    } else {
        plug_in(run, cable);
    }
}

fn named(how: &str) -> Result<How, String> {
    match how {
        "kill" => Ok(How::Kill),
        "power-cut" => Ok(How::PowerCut),
        "clean" => Ok(How::Clean),
        _ => Err("write `restart kill`, `restart power-cut` or `restart clean`".into()),
    }
}

fn plug(run: &mut Run<'_>, which: Option<(u32, u8)>) {
    plug_in(run, which.map(|(ifindex, host)| uplink(ifindex, host)));
}

fn plug_in(run: &mut Run<'_>, cable: Option<Uplink>) {
    run.begin();
    run.world.cable = cable.map(|cable| Uplink { sim: run.world.sim.clone(), ..cable });
    run.world.tell(Event::Uplink(run.world.cable.clone()));
}
