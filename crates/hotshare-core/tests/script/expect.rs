//! What a scenario expects, compared with what is.

use super::facts::{self, Fact, Slack, Value};
use super::parse::Step;
use super::run::{How, Run};
use super::text;
use super::words::{Calendar, amount, show_amount};

/// What was seen at an expectation, to compare with the same one after a restart.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    facts: Vec<Fact>,
    /// The least that was left for whom this is about.
    left: i64,
}

/// `expect WHO FACT, FACT, …`
pub(crate) fn expect(run: &mut Run<'_>, step: &Step, words: &[&str]) -> Result<(), String> {
    if run.world.brain.is_none() {
        return Err("the daemon does not run".into());
    }
    let ["expect", subject, ..] = words else { return Err("write `expect WHO FACT, FACT, …`".into()) };
    if *subject == "diary" {
        return diary_count(run, step, words);
    }
    let subject = match words {
        ["expect", "part", part, ..] => &format!("part {part}"),
        _ => *subject,
    };
    let facts = facts::of(run, subject)?;
    let clauses = step.text.split_once(subject).map_or("", |(_, rest)| rest);
    let clauses: Vec<&str> = clauses.split(',').map(str::trim).collect();
    let seen = Seen { facts: facts.clone(), left: least_left(run, &facts) };
    let number = run.outcome.seen.len();
    run.outcome.seen.push(seen);
    let mut rewritten = Vec::new();
    for clause in clauses {
        let key = clause.split_whitespace().next().unwrap_or_default();
        let Some(fact) = facts.iter().find(|f| f.key == key || f.instead.contains(&key)) else {
            let known: Vec<&str> = facts.iter().map(|f| f.key).collect();
            return Err(format!("nothing is known of “{key}”; of {subject} there is {}", known.join(", ")));
        };
        match run.reference.and_then(|seen| seen.get(number)) {
            Some(before) => {
                if let Some(what) = differs(run, before, fact) {
                    run.trouble(step, what);
                }
            }
            None => {
                let right = matches(&run.calendar, fact, clause)?;
                let is = show(&run.calendar, fact);
                if !right {
                    run.trouble(step, format!("expected: {clause}\ngot:      {is}"));
                }
                rewritten.push(if right { clause.to_owned() } else { is });
            }
        }
    }
    run.outcome.rewritten.insert(step.line, vec![format!("expect {subject} {}", rewritten.join(", "))]);
    Ok(())
}

/// `expect diary KIND COUNT`: lines since the beginning. A restart may be told of again, or not.
fn diary_count(run: &mut Run<'_>, step: &Step, words: &[&str]) -> Result<(), String> {
    let [_, _, kind, count] = words else { return Err("write `expect diary KIND COUNT`".into()) };
    let count: usize = count.parse().map_err(|_| format!("“{count}” is not a number"))?;
    let is = run.world.diary().iter().filter(|known| *known == kind).count();
    if run.injection.is_none() {
        if is != count {
            run.trouble(step, format!("expected: {count} lines of {kind}\ngot:      {is}"));
        }
        run.outcome.rewritten.insert(step.line, vec![format!("expect diary {kind} {is}")]);
    }
    Ok(())
}

fn show(calendar: &Calendar, fact: &Fact) -> String {
    let value = match &fact.value {
        Value::Amount(bytes) => show_amount(*bytes),
        Value::Time(at) => calendar.show(*at),
        Value::Number(n) => n.to_string(),
        Value::Words(words) => words.clone(),
    };
    format!("{} {value}", fact.key).trim().to_owned()
}

/// Whether a clause is right, such as “left 1.5 GB” or “used at most 3 MB”.
fn matches(calendar: &Calendar, fact: &Fact, clause: &str) -> Result<bool, String> {
    let words: Vec<&str> = clause.split_whitespace().collect();
    let (Value::Amount(is), Some((_, rest))) = (&fact.value, words.split_first()) else {
        return Ok(match (&fact.value, &words[..]) {
            (Value::Time(is), [_, date]) => calendar.day(date)? == *is,
            (Value::Time(is), [_, date, time]) => calendar.instant(date, time)? == *is,
            _ => show(calendar, fact) == words.join(" "),
        });
    };
    Ok(match rest {
        [n, unit] => *is == amount(n, unit)?,
        ["at", "least", n, unit] => *is >= amount(n, unit)?,
        ["at", "most", n, unit] => *is <= amount(n, unit)?,
        ["about", n, unit] => {
            let wanted = amount(n, unit)?;
            (*is - wanted).abs() <= wanted.abs() / 100
        }
        _ => false,
    })
}

fn least_left(run: &mut Run<'_>, facts: &[Fact]) -> i64 {
    let status = run.world.status();
    let own = facts.iter().find_map(|f| match f.value {
        Value::Amount(left) if f.key == "left" => Some(left),
        _ => None,
    });
    let theirs = facts.iter().find_map(|f| match &f.value {
        Value::Words(owner) if f.key == "of" => status.people.iter().find(|p| p.name.as_str() == *owner),
        _ => None,
    });
    let theirs = theirs.and_then(|p| p.balance).map(|left| left.signed());
    let part = status.plan.in_use.and_then(|place| status.plan.parts.get(place));
    let plan = match part {
        Some(part) => part.balance.map(|left| left.signed() - status.plan.reserve.signed()),
        None => Some(0),
    };
    own.into_iter().chain(theirs).chain(plan).min().unwrap_or(i64::MAX)
}

/// What a restart may not have changed.
fn differs(run: &Run<'_>, before: &Seen, fact: &Fact) -> Option<String> {
    let was = before.facts.iter().find(|f| f.key == fact.key || f.instead.contains(&fact.key))?;
    let injection = run.injection?;
    // A clean stop and a kill lose nothing, but a restart changes how large the next grants are, and so what a
    // cut loses or what is spent while nothing is granted.
    let lost = if injection.how == How::PowerCut || run.loose {
        run.most_lost().max(2 * run.world.largest_grant())
    } else {
        0
    };
    // The scenario says that it depends on more than that: by how much.
    let apart = lost.max(run.within);
    let fine = match (fact.slack, &was.value, &fact.value) {
        (Slack::Free, ..) => true,
        // A time that the daemon carries on by itself is not written down each second; and a board without a
        // clock does not know it at all until it learns it again.
        (Slack::Clock, Value::Time(was), Value::Time(is)) if !run.world.synced => {
            let unknown = injection.how == How::PowerCut && !run.keeps_time;
            unknown || was.0.abs_diff(is.0) <= 600
        }
        (Slack::Clock, ..) if !run.keeps_time => true,
        (Slack::Lost, Value::Amount(was), Value::Amount(is)) => (was - is).abs() <= apart,
        (Slack::Counted, Value::Amount(was), Value::Amount(is)) => {
            lost > 0 && *is <= was + apart || (was - is).abs() <= run.within
        }
        (Slack::Money, ..) if lost > 0 => true,
        (Slack::Verdict, ..) if apart > 0 && before.left <= apart => true,
        (_, was_value, is) => was_value == is && was.key == fact.key,
    };
    let (was, is) = (show(&run.calendar, was), show(&run.calendar, fact));
    (!fine).then(|| format!("without a restart: {was}\nwith it:           {is}"))
}

impl Run<'_> {
    /// What power cuts may have cost: a grant of a person and one of the plan each, and one that was drawn since.
    pub(crate) fn most_lost(&self) -> i64 {
        i64::from(self.cuts) * 2 * self.world.largest_grant()
    }
}

/// A block of lines that is to be exactly so.
pub(crate) fn block(run: &mut Run<'_>, step: &Step) -> Result<bool, String> {
    let lines = match step.text.as_str() {
        "entries" => run.fresh("entries").iter().filter(|c| text::is_entry(c)).map(|c| run.line(c)).collect(),
        "changes" => run.fresh("changes").iter().map(|c| run.line(c)).collect(),
        "diary" => run.fresh("diary").iter().filter(|c| text::is_noted(c)).map(|c| run.line(c)).collect(),
        "commands" => {
            let heard = run.world.heard.as_mut().map(std::mem::take).unwrap_or_default();
            let (names, calendar) = (&run.names, &run.calendar);
            heard.iter().flat_map(|c| text::command(c, &mut run.given, names, calendar)).collect()
        }
        _ => return Ok(false),
    };
    let lines: Vec<String> = lines;
    if run.injection.is_none() {
        if lines != step.body {
            run.trouble(step, difference(&step.body, &lines));
        }
        let indented = lines.iter().map(|line| format!("    {line}"));
        let rewritten = std::iter::once(step.text.clone()).chain(indented).collect();
        run.outcome.rewritten.insert(step.line, rewritten);
    }
    Ok(true)
}

/// From the first line that differs, what was wanted and what came.
fn difference(wanted: &[String], got: &[String]) -> String {
    let same = wanted.iter().zip(got).take_while(|(a, b)| a == b).count();
    let rest = |lines: &[String]| match lines.get(same..same + 8.min(lines.len() - same)) {
        Some([]) | None => "(no more lines)".to_owned(),
        Some(lines) => lines.join("\n          "),
    };
    format!("line {} of the block:\nexpected: {}\ngot:      {}", same + 1, rest(wanted), rest(got))
}

impl Run<'_> {
    fn line(&self, change: &hotshare_core::record::Change) -> String {
        text::shown(change, &self.names, &self.calendar)
    }
}
