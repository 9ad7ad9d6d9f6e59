//! `hotshare people`

use anstyle::Style;
use clap::{Args, Subcommand};
use hotshare_api::{
    self as api, Done, Invite, KeyRotation, PersonChange, PersonKey, PersonNew, Verdict, path,
};
use hotshare_core::people::PersonName;
use jiff::tz::TimeZone;

use super::join::{Files, Own, Shown};
use super::screen::{HEAD, LOW, OUT};
use super::session::Session;
use super::size::{AllowanceText, allowance, pretty, pretty_allowance};
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::escaped;
use super::when::{self, Until, until};
use crate::zone;

/// List people, or add, invite, change, pause, resume or remove somebody
#[derive(Debug, Args)]
pub(crate) struct People {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List everybody (this is also what `hotshare people` alone does)
    List,
    /// Add somebody
    Add(Named),
    /// Change somebody's allowance; what was used in its present period stays used
    Set(Named),
    /// Close somebody's devices until they are resumed
    Pause { name: PersonName },
    /// Open somebody's devices again
    Resume { name: PersonName },
    /// Show how somebody joins the Wi-Fi, as a QR code and in words; the first time, a key is made
    Invite {
        name: PersonName,
        /// Until when the key holds: 12h, 3d, 2026-12-01 (that day included), "2026-12-01 18:00" or never
        #[arg(long, value_name = "WHEN", value_parser = until)]
        expires: Option<Until>,
        #[command(flatten)]
        own: Own,
        #[command(flatten)]
        files: Files,
    },
    /// Make another key; whoever joined with the old one is put off the air, and nobody else
    Rotate {
        name: PersonName,
        /// Until when the new key holds; when not given, as long as the old one would have
        #[arg(long, value_name = "WHEN", value_parser = until)]
        expires: Option<Until>,
        #[command(flatten)]
        own: Own,
        #[command(flatten)]
        files: Files,
    },
    /// Take somebody's key away; their devices are put off the air and cannot come back
    Revoke { name: PersonName },
    /// Say how many of somebody's devices may be on the air at once
    Limit {
        name: PersonName,
        /// A number, or none
        #[arg(value_name = "DEVICES", value_parser = device_limit)]
        limit: DeviceLimit,
    },
    /// Remove somebody; their devices wait for you again, and what was counted stays
    Remove { name: PersonName },
}

#[derive(Debug, Args)]
struct Named {
    /// Letters of any script in lower case, digits, “-” and “_”
    name: PersonName,
    /// Such as 2GB/month, 500MB/week, 100MB/day, 500MB/total (or 500MB) or unlimited
    #[arg(long, value_name = "AMOUNT", value_parser = allowance)]
    allowance: AllowanceText,
}

impl People {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::List) {
            Action::List if session.json => {
                let people: api::People = session.get("cannot list people", path::PEOPLE)?;
                session.show(&people, |_| String::new())
            }
            Action::List => {
                let status: api::Status = session.get("cannot list people", path::STATUS)?;
                session.print(&text(&status, session.width, session.instance.command()))
            }
            Action::Add(Named { name, allowance }) => {
                let (bytes, every) = allowance.0.unzip();
                let new = PersonNew { name: name.to_string(), allowance: bytes, allowance_every: every };
                let done: Done = session.post(&format!("cannot add {name}"), path::PEOPLE, &new)?;
                let command = session.instance.command();
                session.show_done(
                    &done,
                    &format!(
                        "{name} is there. Invite {name} to the Wi-Fi with `{command} people invite {name}`, or give {name} a device with `{command} devices assign MAC {name}`."
                    ),
                )
            }
            Action::Set(Named { name, allowance }) => {
                let (bytes, every) = allowance.0.unzip();
                let change = PersonChange {
                    allowance: Some(bytes),
                    allowance_every: every,
                    ..PersonChange::default()
                };
                let tried = format!("cannot change the allowance of {name}");
                let done: Done = session.patch(&tried, &path::person(name.as_str()), &change)?;
                session.show_done(&done, &format!("{name} has a new allowance."))
            }
            Action::Pause { name } => pause(session, &name, true),
            Action::Resume { name } => pause(session, &name, false),
            Action::Invite { name, expires, own, files } => {
                let tried = format!("cannot invite {name}");
                let passphrase = own.passphrase(&tried)?;
                let (expires, zone) = ends(session, &tried, expires)?;
                let key: api::Key =
                    session.post(&tried, &path::invite(name.as_str()), &Invite { expires, passphrase })?;
                files.show(session, &key, &Shown { person: Some(name.as_str()), zone: &zone })
            }
            Action::Rotate { name, expires, own, files } => {
                let tried = format!("cannot change the key of {name}");
                let passphrase = own.passphrase(&tried)?;
                let (expires, zone) = ends(session, &tried, expires)?;
                let key: api::Key = session.post(
                    &tried,
                    &path::key_rotate(name.as_str()),
                    &KeyRotation { expires, passphrase },
                )?;
                files.show(session, &key, &Shown { person: Some(name.as_str()), zone: &zone })
            }
            Action::Revoke { name } => {
                let tried = format!("cannot revoke the key of {name}");
                let done: Done = session.delete(&tried, &path::key(name.as_str()))?;
                session.show_done(
                    &done,
                    &format!("{name} has no key any more; {name}'s devices are off the air."),
                )
            }
            Action::Limit { name, limit } => {
                let change = PersonChange { device_limit: Some(limit.0), ..PersonChange::default() };
                let tried = format!("cannot limit the devices of {name}");
                let done: Done = session.patch(&tried, &path::person(name.as_str()), &change)?;
                let now = match limit.0 {
                    None => "as many devices on the air as come".to_owned(),
                    Some(1) => "1 device on the air at a time".to_owned(),
                    Some(n) => format!("{n} devices on the air at once"),
                };
                session.show_done(&done, &format!("{name} may have {now}."))
            }
            Action::Remove { name } => {
                let done: Done =
                    session.delete(&format!("cannot remove {name}"), &path::person(name.as_str()))?;
                session.show_done(&done, &format!("{name} is gone; what was counted stays."))
            }
        }
    }
}

/// When a key ends, and the plan's zone, by which times are told.
fn ends(
    session: &Session,
    tried: &str,
    expires: Option<Until>,
) -> Result<(Option<Option<i64>>, TimeZone), Stop> {
    let status: api::Status = session.get(tried, path::STATUS)?;
    let zone = zone::rules(&status.plan.zone);
    Ok((expires.map(|until| until.resolve(status.at, &zone)), zone))
}

/// How many devices; `None`: as many as come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DeviceLimit(Option<u32>);

fn device_limit(text: &str) -> Result<DeviceLimit, String> {
    let number = text.parse::<u32>().ok().filter(|n| (1..=1000).contains(n) && !text.starts_with('+'));
    match (text, number) {
        ("none", _) => Ok(DeviceLimit(None)),
        (_, Some(number)) => Ok(DeviceLimit(Some(number))),
        (_, None) => Err("write a number of devices, 1 to 1000, or none".to_owned()),
    }
}

fn pause(session: &Session, name: &PersonName, paused: bool) -> Result<(), Stop> {
    let (verb, now) = if paused { ("pause", "paused") } else { ("resume", "no longer paused") };
    let change = PersonChange { paused: Some(paused), ..PersonChange::default() };
    let done: Done =
        session.patch(&format!("cannot {verb} {name}"), &path::person(name.as_str()), &change)?;
    session.show_done(&done, &format!("{name} is {now}."))
}

fn text(status: &api::Status, width: usize, command: &str) -> String {
    if status.people.is_empty() {
        return format!("Nobody yet. Add somebody with `{command} people add anna --allowance 2GB/month`.\n");
    }
    let zone = zone::rules(&status.plan.zone);
    let keys = status.wifi.as_ref().map(|_| Keys { at: status.at, zone: &zone });
    people_table(&status.people, keys.as_ref(), width)
}

/// To tell of Wi-Fi keys: what is past, and by which zone.
pub(super) struct Keys<'a> {
    at: i64,
    zone: &'a TimeZone,
}

impl Keys<'_> {
    fn words(&self, person: &api::Person) -> [String; 2] {
        let key = match person.key {
            None => "none".to_owned(),
            Some(PersonKey { until: None, .. }) => "yes".to_owned(),
            Some(PersonKey { until: Some(until), .. }) if until <= self.at => "ended".to_owned(),
            Some(PersonKey { until: Some(until), .. }) => format!("to {}", when::pretty(until, self.zone)),
        };
        let devices = match person.device_limit {
            None => person.devices.to_string(),
            Some(limit) => format!("{} (limit {limit})", person.devices),
        };
        [devices, key]
    }
}

/// People, one on a line; with what concerns the Wi-Fi, if that is asked for.
pub(super) fn people_table(people: &[api::Person], keys: Option<&Keys<'_>>, width: usize) -> String {
    const COLUMNS: [(&str, Side); 9] = [
        ("Person", Side::Left),
        ("Used", Side::Right),
        ("Up", Side::Right),
        ("Down", Side::Right),
        ("Allowance", Side::Right),
        ("Left", Side::Right),
        ("State", Side::Left),
        ("Devices", Side::Left),
        ("Wi-Fi key", Side::Left),
    ];
    let columns = if keys.is_some() { COLUMNS.as_slice() } else { &COLUMNS[..7] };
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|person| {
            let mut row = vec![
                escaped(&person.name),
                pretty(person.up.saturating_add(person.down)),
                pretty(person.up),
                pretty(person.down),
                pretty_allowance(person.allowance, person.allowance_every),
                person.balance.map_or_else(|| "—".to_owned(), pretty),
                verdict_words(person.verdict).to_owned(),
            ];
            row.extend(keys.into_iter().flat_map(|keys| keys.words(person)));
            row
        })
        .collect();
    // First goes what the other columns say too.
    let lines = fitting(columns, &rows, &[&[2, 3], &[4], &[7], &[1], &[8]], 0, width);
    let mut out = String::new();
    for (n, line) in lines.iter().enumerate() {
        let style = match n.checked_sub(1).and_then(|n| people.get(n)).map(|person| person.verdict) {
            None => HEAD,
            Some(Verdict::Open) => Style::new(),
            Some(Verdict::Paused) => LOW,
            Some(_) => OUT,
        };
        out.push_str(&format!("{style}{line}{style:#}\n"));
    }
    out
}

fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Paused => "paused",
        Verdict::AllowanceUsed => "used up",
        Verdict::PlanUsed => "plan used up",
        Verdict::PlanOver => "plan over",
        Verdict::NoUplink => "no uplink",
        Verdict::LedgerStuck => "ledger stuck",
        Verdict::Unknown => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_devices_are_told_where_there_is_wifi() {
        let mut status: api::Status =
            serde_json::from_str(include_str!("../../../hotshare-api/src/status.json")).expect("a status");
        let person = status.people[0].clone();
        let with = |name: &str, until: Option<i64>, device_limit| api::Person {
            name: name.into(),
            key: Some(PersonKey { since: 0, until }),
            device_limit,
            ..person.clone()
        };
        status.people = vec![
            with("anna", None, Some(3)),
            with("小明", Some(status.at + 86_400), None),
            with("bo", Some(status.at), Some(1)),
            api::Person { name: "guests".into(), key: None, device_limit: None, ..person.clone() },
        ];
        let shown = |status: &api::Status, width| {
            let text = text(status, width, "hotshare");
            format!("--- at {width}\n{}", anstream::adapter::strip_str(&text))
        };
        let mut told = [120, 80, 40].map(|width| shown(&status, width)).concat();
        status.wifi = None;
        told += &shown(&status, 120);
        insta::assert_snapshot!(told);
    }
}
