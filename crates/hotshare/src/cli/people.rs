//! `hotshare people`

use anstyle::Style;
use clap::{Args, Subcommand};
use hotshare_api::{self as api, Done, PersonChange, PersonNew, Verdict, path};
use hotshare_core::people::PersonName;

use super::screen::{HEAD, LOW, OUT};
use super::session::Session;
use super::size::{AllowanceText, allowance, pretty, pretty_allowance};
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::escaped;

/// List people, or add, change, pause, resume or remove somebody
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
                session.show_done(
                    &done,
                    &format!(
                        "{name} is there. Give {name} a device with `{} devices assign MAC {name}`.",
                        session.instance.command()
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
            Action::Remove { name } => {
                let done: Done =
                    session.delete(&format!("cannot remove {name}"), &path::person(name.as_str()))?;
                session.show_done(&done, &format!("{name} is gone; what was counted stays."))
            }
        }
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
