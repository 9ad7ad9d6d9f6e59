//! Devices: on a wire, and on the air with a person's key.

use hotshare_core::ask::{Answer, Ask};
use hotshare_core::brain::Event;
use hotshare_core::keys::{KeyOwner, Passphrase};
use hotshare_core::radio::StationSeen;
use hotshare_core::units::UnixTime;

use super::{Understood, name};
use crate::script::facts;
use crate::script::run::Run;
use crate::world::mac;

pub(super) fn verb(run: &mut Run<'_>, words: &[&str]) -> Understood {
    match words {
        ["device", device] => arrive(run, device),
        ["device", device, who] => {
            arrive(run, device);
            give(run, device, who)?;
        }
        ["give", device, "to", who] => give(run, device, who)?,
        ["block", device] => block(run, device, true)?,
        ["unblock", device] => block(run, device, false)?,
        ["forget", device] => {
            let mac = mac(run.known_device(device)?);
            run.done(Ask::DeviceForget { mac })?;
        }
        [device, "returns"] => {
            run.known_device(device)?;
            arrive(run, device);
        }
        [device, "leaves"] => {
            let mac = mac(run.known_device(device)?);
            if run.stations.remove(&mac).is_some() {
                run.tell_stations();
            } else {
                run.world.tell(Event::LeaseEnded(mac));
            }
        }
        ["invite", who] => invite(run, who, None)?,
        ["invite", who, "until", date] => invite(run, who, Some(run.calendar.day(date)?))?,
        ["invite", who, "until", date, time] => invite(run, who, Some(run.calendar.instant(date, time)?))?,
        ["revoke", "the", "key", "of", who] => run.done(Ask::KeyRevoke { name: name(who)? })?,
        [device, "joins", "as", who] => join(run, device, who)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn arrive(run: &mut Run<'_>, device: &str) {
    run.begin();
    let number = run.new_device(device);
    run.world.arrive(number);
}

fn give(run: &mut Run<'_>, device: &str, who: &str) -> Result<(), String> {
    let mac = mac(run.known_device(device)?);
    run.done(Ask::DeviceAssign { mac, person: name(who)? })
}

fn block(run: &mut Run<'_>, device: &str, blocked: bool) -> Result<(), String> {
    let mac = mac(run.known_device(device)?);
    run.done(Ask::DeviceBlock { mac, blocked })
}

fn invite(run: &mut Run<'_>, who: &str, until: Option<UnixTime>) -> Result<(), String> {
    let fresh = Passphrase::new(&format!("the words of {who}")).map_err(|e| e.to_string())?;
    let ask = Ask::Invite { name: name(who)?, fresh, until: until.map(Some) };
    match run.ask(ask)? {
        Some(Answer::Refused(no)) => Err(format!("refused: {no}")),
        _ => Ok(()),
    }
}

/// With the person's key, by an interface of its own.
fn join(run: &mut Run<'_>, device: &str, who: &str) -> Result<(), String> {
    run.begin();
    let person = facts::person_id(run, who).ok_or_else(|| format!("nobody is called “{who}”"))?;
    let key = run.world.book.key_of(KeyOwner::Person(person)).map(|key| key.id);
    let key = key.ok_or_else(|| format!("{who} has no key; write `invite {who}` first"))?;
    let number = run.new_device(device);
    run.ports += 1;
    let seen = StationSeen { mac: mac(number), key: Some(key), port: Some(run.ports) };
    run.stations.insert(seen.mac, seen);
    run.tell_stations();
    run.world.arrive(number);
    Ok(())
}
