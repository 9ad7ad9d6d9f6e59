//! `hotshare people`

use anstyle::Style;
use clap::{Args, Subcommand};
use hotshare_api::{
    self as api, Done, Invite, KeyRotation, PersonChange, PersonKey, PersonNew, Verdict, Window, path,
};
use hotshare_core::people::PersonName;
use jiff::tz::TimeZone;

use super::join::{Files, Own, Shown};
use super::outlook;
use super::parts::window;
use super::screen::{HEAD, LOW, OUT, Screen};
use super::session::Session;
use super::size::{AllowanceText, allowance, bytes, pretty, pretty_allowance, rate};
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
    /// Give somebody more, on top of the allowance of this period
    TopUp {
        name: PersonName,
        /// Such as 200MB
        #[arg(value_name = "AMOUNT", value_parser = bytes)]
        amount: u64,
    },
    /// Give from one person's allowance to another's
    Give {
        from: PersonName,
        to: PersonName,
        /// Such as 200MB
        #[arg(value_name = "AMOUNT", value_parser = bytes)]
        amount: u64,
    },
    /// Ask for more in somebody's name
    Ask {
        name: PersonName,
        /// Such as 200MB
        #[arg(value_name = "AMOUNT", value_parser = bytes)]
        amount: u64,
    },
    /// Answer what somebody asked for
    Answer {
        name: PersonName,
        #[arg(value_enum)]
        answer: YesNo,
        /// Another amount than was asked for
        #[arg(long, value_name = "AMOUNT", value_parser = bytes)]
        amount: Option<u64>,
    },
    /// Say what else is so for somebody: weight, bed times, what comes after the allowance, until when
    Rules(Rules),
    /// Remove somebody; their devices wait for you again, and what was counted stays
    Remove { name: PersonName },
}

#[derive(Debug, Args)]
struct Named {
    /// Letters of any script in lower case, digits, “-” and “_”
    name: PersonName,
    /// Such as 2GB/month, 500MB/week, 100MB/day, 500MB/total (or 500MB) or unlimited
    #[arg(long, value_name = "AMOUNT", value_parser = allowance, required_unless_present = "fair")]
    allowance: Option<AllowanceText>,
    /// A fair share of what the plan has, instead of an amount; see also `rules --weight`
    #[arg(long, conflicts_with = "allowance")]
    fair: bool,
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
            Action::Add(Named { name, allowance, fair }) => {
                let (bytes, every) = allowance.and_then(|allowance| allowance.0).unzip();
                let new =
                    PersonNew { name: name.to_string(), allowance: bytes, allowance_every: every, fair };
                let done: Done = session.post(&format!("cannot add {name}"), path::PEOPLE, &new)?;
                let command = session.instance.command();
                session.show_done(
                    &done,
                    &format!(
                        "{name} is there. Invite {name} to the Wi-Fi with `{command} people invite {name}`, or give {name} a device with `{command} devices assign MAC {name}`."
                    ),
                )
            }
            Action::Set(Named { name, allowance, fair }) => {
                let (bytes, every) = allowance.and_then(|allowance| allowance.0).unzip();
                let change = PersonChange {
                    allowance: (!fair).then_some(bytes),
                    allowance_every: every,
                    fair,
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
            Action::TopUp { name, amount } => {
                let tried = format!("cannot give more to {name}");
                let done: Done =
                    session.post(&tried, &path::top_up(name.as_str()), &api::Amount { bytes: amount })?;
                session.show_done(&done, &format!("{name} has {} more.", pretty(amount)))
            }
            Action::Give { from, to, amount } => {
                let tried = format!("cannot give from {from} to {to}");
                let gift = api::Gift { to: to.to_string(), bytes: amount };
                let done: Done = session.post(&tried, &path::give(from.as_str()), &gift)?;
                session.show_done(&done, &format!("{to} has {} of {from}'s.", pretty(amount)))
            }
            Action::Ask { name, amount } => {
                let tried = format!("cannot ask for {name}");
                let done: Done =
                    session.post(&tried, &path::wish(name.as_str()), &api::Amount { bytes: amount })?;
                let command = session.instance.command();
                session.show_done(
                    &done,
                    &format!("{name} waits for an answer: `{command} people answer {name} yes` or `no`."),
                )
            }
            Action::Answer { name, answer, amount } => {
                let tried = format!("cannot answer {name}");
                let answer = api::WishAnswer { yes: answer == YesNo::Yes, bytes: amount };
                let done: Done = session.post(&tried, &path::wish_answer(name.as_str()), &answer)?;
                let said = if answer.yes { "has it" } else { "does not get it" };
                session.show_done(&done, &format!("{name} {said}."))
            }
            Action::Rules(rules) => rules.run(session),
            Action::Remove { name } => {
                let done: Done =
                    session.delete(&format!("cannot remove {name}"), &path::person(name.as_str()))?;
                session.show_done(&done, &format!("{name} is gone; what was counted stays."))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("rule").required(true).multiple(true))]
struct Rules {
    name: PersonName,
    /// How much more than another's counts, 1 to 100: in fair shares, and of a slow plan
    #[arg(long, value_name = "WEIGHT", value_parser = clap::value_parser!(u16).range(1..=100), group = "rule")]
    weight: Option<u16>,
    /// What comes after the allowance: a speed such as 1Mbit, or stop
    #[arg(long, value_name = "SPEED", value_parser = then, group = "rule")]
    then: Option<Then>,
    /// Closed at these hours, such as "mon-fri 21:00-07:00"; may be given several times
    #[arg(long, value_name = "HOURS", value_parser = window, group = "rule", conflicts_with = "no_bed_time")]
    bed_time: Vec<Window>,
    /// No bed time any more
    #[arg(long, group = "rule")]
    no_bed_time: bool,
    /// Closed from then on: 12h, 3d, 2026-12-01 (that day included), "2026-12-01 18:00" or never
    #[arg(long, value_name = "WHEN", value_parser = until, group = "rule")]
    until: Option<Until>,
}

/// What comes after the allowance: bytes a second; `None`: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Then(Option<u64>);

fn then(text: &str) -> Result<Then, String> {
    if text == "stop" {
        return Ok(Then(None));
    }
    rate(text).map(|bits| Then(Some(bits / 8))).map_err(|why| format!("{why}; or stop"))
}

impl Rules {
    fn run(self, session: &Session) -> Result<(), Stop> {
        let name = self.name;
        let tried = format!("cannot change the rules for {name}");
        let (until, _) = ends(session, &tried, self.until)?;
        let change = PersonChange {
            weight: self.weight,
            then_rate: self.then.map(|then| then.0),
            bed_times: (self.no_bed_time || !self.bed_time.is_empty()).then_some(self.bed_time),
            until,
            ..PersonChange::default()
        };
        let done: Done = session.patch(&tried, &path::person(name.as_str()), &change)?;
        session.show_done(&done, &format!("{name} has new rules."))
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
    let mut out = Screen::new(width);
    out.block(&people_table(&status.people, keys.as_ref(), width));
    let closed = |person: &api::Person| matches!(person.verdict, Verdict::Paused | Verdict::Ended);
    let ahead = status.people.iter().filter(|person| !closed(person)).filter_map(|person| {
        let then = person.then_rate.map(|_| "it goes on slowly");
        // That nothing can be said yet needs no line for everybody.
        let outlook = person.outlook.as_ref().filter(|outlook| outlook.enough || outlook.safe.is_some())?;
        Some(format!("{}: {}", escaped(&person.name), outlook::words(outlook, then)?))
    });
    for (n, line) in ahead.enumerate() {
        if n == 0 {
            out.line("");
        }
        out.wrapped("", &line);
    }
    out.into_text()
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
                if person.fair {
                    "fair share".to_owned()
                } else {
                    pretty_allowance(person.allowance, person.allowance_every)
                },
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
        Verdict::Slow | Verdict::PlanSlow => "slow",
        Verdict::Ended => "time is over",
        Verdict::BedTime => "bed time",
        Verdict::KeptForOthers => "kept for others",
        Verdict::AsksForMoney => "asks for money",
        Verdict::CardUnknown => "waits for the SIM",
        Verdict::NewCard => "new data card",
        Verdict::OnlySites => "only some sites",
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
        let ahead = status.plan.outlook.clone().map(|ahead| api::Outlook { factor: 1000, ..ahead });
        status.people[1].outlook.clone_from(&ahead);
        (status.people[2].outlook, status.people[2].then_rate) = (ahead, Some(125_000));
        let mut told = [120, 80, 40].map(|width| shown(&status, width)).concat();
        status.wifi = None;
        told += &shown(&status, 120);
        insta::assert_snapshot!(told);
    }
}
