//! `hotshare people`

use anstyle::Style;
use clap::{Args, Subcommand};
use hotshare_api::{self as api, Done, Invite, KeyRotation, PersonChange, PersonNew, Verdict, path};
use hotshare_core::people::PersonName;
use jiff::tz::TimeZone;

use super::join::{Files, Own, Shown};
use super::screen::{HEAD, LOW, OUT};
use super::session::Session;
use super::size::{AllowanceText, allowance, pretty, pretty_allowance};
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::escaped;
use super::when::{Until, until};
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
            Action::List => {
                let people: api::People = session.get("cannot list people", path::PEOPLE)?;
                session.show(&people, |people| text(&people.people, session))
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

fn text(people: &[api::Person], session: &Session) -> String {
    if people.is_empty() {
        let command = session.instance.command();
        return format!("Nobody yet. Add somebody with `{command} people add anna --allowance 2GB/month`.\n");
    }
    people_table(people, session.width)
}

/// People, one on a line.
pub(super) fn people_table(people: &[api::Person], width: usize) -> String {
    const COLUMNS: [(&str, Side); 7] = [
        ("Person", Side::Left),
        ("Used", Side::Right),
        ("Up", Side::Right),
        ("Down", Side::Right),
        ("Allowance", Side::Right),
        ("Left", Side::Right),
        ("State", Side::Left),
    ];
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|person| {
            vec![
                escaped(&person.name),
                pretty(person.up.saturating_add(person.down)),
                pretty(person.up),
                pretty(person.down),
                pretty_allowance(person.allowance, person.allowance_every),
                person.balance.map_or_else(|| "—".to_owned(), pretty),
                verdict_words(person.verdict).to_owned(),
            ]
        })
        .collect();
    // First goes what the other columns say too.
    let lines = fitting(&COLUMNS, &rows, &[&[2, 3], &[4], &[1]], 0, width);
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
