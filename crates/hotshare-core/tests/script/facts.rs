//! What the brain says of itself, as facts with names. The only place here that knows the fields of
//! [`Status`].

use hotshare_core::ask::Status;
use hotshare_core::people::{Allowance, Every};
use hotshare_core::policy::Verdict;
use hotshare_core::units::{Bytes, Mac, PersonId, UnixTime};

use super::run::Run;
use super::words::{show_amount, show_rate};
use crate::world::{Fate, mac};

/// What a restart may change about a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slack {
    /// Nothing.
    None,
    /// A power cut may cost grants: the amount may differ by as much.
    Lost,
    /// A power cut may cost grants, and what they would have cost.
    Money,
    /// Counted in rows of minutes: a power cut may lose what is not written yet, and cost grants.
    Counted,
    /// It may be open after less was used, or closed when what a cut cost was all that was left.
    Verdict,
    /// A machine that keeps no time does not know it after a power cut.
    Clock,
    /// It begins anew with the daemon.
    Free,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Amount(i64),
    Time(UnixTime),
    Number(u64),
    /// The key says it all, or a word follows.
    Words(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) key: &'static str,
    /// Which keys answer the same question.
    pub(crate) instead: &'static [&'static str],
    pub(crate) value: Value,
    pub(crate) slack: Slack,
}

const GATE: &[&str] = &["open", "slow", "closed"];

fn fact(key: &'static str, value: Value, slack: Slack) -> Fact {
    Fact { key, instead: &[], value, slack }
}

fn bytes(key: &'static str, amount: Bytes) -> Fact {
    fact(key, Value::Amount(amount.signed()), Slack::Lost)
}

fn counted(key: &'static str, amount: Bytes) -> Fact {
    fact(key, Value::Amount(amount.signed()), Slack::Counted)
}

fn when(key: &'static str, at: Option<UnixTime>) -> Fact {
    let value = at.map_or(Value::Words("never".into()), Value::Time);
    fact(key, value, Slack::None)
}

fn left(balance: Option<Bytes>) -> Fact {
    match balance {
        Some(left) => bytes("left", left),
        None => fact("left", Value::Words("without limit".into()), Slack::None),
    }
}

fn gate(verdict: Verdict) -> Fact {
    let (key, word) = match verdict {
        Verdict::Open => ("open", String::new()),
        Verdict::Slow(rate, why) => ("slow", format!("{} {}", show_rate(rate), why.word())),
        Verdict::OnlySites(None) => ("open", "only-sites".to_owned()),
        Verdict::OnlySites(Some(rate)) => ("slow", format!("{} only-sites", show_rate(rate))),
        Verdict::Closed(why) => ("closed", why.word().to_owned()),
    };
    Fact { key, instead: GATE, value: Value::Words(word), slack: Slack::Verdict }
}

pub(crate) fn allowance(allowance: &Allowance) -> String {
    match allowance {
        Allowance::Unlimited => "without limit".into(),
        Allowance::Limited { bytes, every } => {
            let every = match every {
                Every::Day => "a day",
                Every::Week => "a week",
                Every::Month => "a month",
                Every::Total => "in total",
            };
            format!("{} {every}", show_amount(bytes.signed()))
        }
        Allowance::Fair => "fair".into(),
    }
}

/// Everything that can be said of somebody or something.
pub(crate) fn of(run: &mut Run, subject: &str) -> Result<Vec<Fact>, String> {
    if subject == "diary" {
        return Err("write `expect diary KIND COUNT`".into());
    }
    let got = run.got(subject);
    let passes = run.number_of(subject).map(|n| run.world.packet(n, true, 0) == Fate::Forwarded);
    let status = run.world.status();
    let mut facts = match subject {
        _ if subject.starts_with("part ") => return part(&status, &subject["part ".len()..]),
        "plan" => plan(&status),
        "clock" => clock(&status),
        _ => match (status.people.iter().position(|p| p.name.as_str() == subject), run.number_of(subject)) {
            (Some(n), _) => person(&status, n),
            (None, Some(number)) => device(&status, mac(number)),
            (None, None) => return Err(format!("nobody and nothing is called “{subject}”")),
        },
    };
    let key = if subject == "plan" { "billed" } else { "got" };
    facts.extend(got.map(|got| fact(key, Value::Amount(got), Slack::Lost)));
    if let Some(passes) = passes {
        let word = if passes { "packets" } else { "nothing" };
        facts.push(fact("passes", Value::Words(word.into()), Slack::Verdict));
    }
    Ok(facts)
}

fn plan(status: &Status) -> Vec<Fact> {
    let plan = &status.plan;
    let part = plan.in_use.and_then(|place| plan.parts.get(place));
    vec![
        gate(status.closed.unwrap_or(Verdict::Open)),
        bytes("used", plan.billed),
        bytes("recorded", plan.recorded),
        left(plan.balance),
        bytes("reserve", plan.reserve),
        counted("delivered", plan.delivered),
        counted("refused", plan.refused),
        counted("own", plan.own),
        fact("corrected", Value::Amount(plan.corrected), Slack::Counted),
        Fact { slack: Slack::None, ..when("begins", Some(plan.begins)) },
        when("renews", plan.ends),
        fact("part", words(part.map_or("nothing", |part| part.bucket.name.as_str())), Slack::Verdict),
        fact("asks", words(&plan.asks_for.map_or("nothing".into(), |m| m.to_string())), Slack::Verdict),
    ]
}

/// Of one part of the plan.
fn part(status: &Status, name: &str) -> Result<Vec<Fact>, String> {
    let part = status.plan.parts.iter().find(|part| part.bucket.name == name);
    let part = part.ok_or_else(|| format!("no part of the plan is called “{name}”"))?;
    let spent = part.bucket.pay.and_then(|pay| pay.price.of(part.used)).unwrap_or_default();
    Ok(vec![
        bytes("used", part.used),
        left(part.balance),
        fact("credit", Value::Amount(part.credit), Slack::Lost),
        fact("bought", words(&part.bought.to_string()), Slack::None),
        fact("spent", words(&spent.to_string()), Slack::Money),
        when("begins", part.begins),
        when("renews", part.ends),
        Fact {
            instead: &["now", "not"],
            ..fact(if part.in_hours { "now" } else { "not" }, words(""), Slack::None)
        },
    ])
}

fn words(text: &str) -> Value {
    Value::Words(text.to_owned())
}

fn person(status: &Status, n: usize) -> Vec<Fact> {
    let person = &status.people[n];
    let wish = person.wish;
    vec![
        gate(person.verdict),
        counted("used", person.up + person.down),
        counted("up", person.up),
        counted("down", person.down),
        bytes("recorded", person.recorded),
        left(person.balance),
        when("renews", person.renews),
        fact("allowance", Value::Words(allowance(&person.allowance)), Slack::None),
        fact("devices", Value::Number(u64::from(person.devices)), Slack::None),
        fact("credit", Value::Amount(person.credit), Slack::Lost),
        fact("wants", wish.map_or(words("nothing"), |wish| Value::Amount(wish.bytes.signed())), Slack::None),
        fact("weight", Value::Number(u64::from(person.weight)), Slack::None),
    ]
}

fn device(status: &Status, mac: Mac) -> Vec<Fact> {
    let Some(device) = status.devices.iter().find(|d| d.mac == mac) else {
        return vec![Fact {
            key: "unknown",
            instead: &["of", "waits", "unknown"],
            value: words(""),
            slack: Slack::None,
        }];
    };
    let (key, whose) = match &device.person {
        Some(name) => ("of", name.to_string()),
        None => ("waits", String::new()),
    };
    let blocked = if device.blocked { "blocked" } else { "unblocked" };
    vec![
        Fact { key, instead: &["of", "waits", "unknown"], value: words(&whose), slack: Slack::None },
        Fact { key: blocked, instead: &["blocked", "unblocked"], value: words(""), slack: Slack::None },
        fact("counted", Value::Amount((device.up + device.down).signed()), Slack::Free),
    ]
}

fn clock(status: &Status) -> Vec<Fact> {
    let key = if status.clock_held { "held" } else { "trusted" };
    vec![
        fact("believed", Value::Time(status.at), Slack::Clock),
        Fact { key, instead: &["held", "trusted"], value: Value::Words(String::new()), slack: Slack::Clock },
    ]
}

/// Whom the truth is counted for.
pub(crate) fn person_id(run: &Run, name: &str) -> Option<PersonId> {
    run.names.people.iter().rev().find(|(_, known)| *known == name).map(|(id, _)| *id)
}
