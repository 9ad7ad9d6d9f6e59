//! What is asked for a plan, in which order, and what the answers mean.

use std::fmt::Write as _;
use std::io::{BufRead, Write};

use jiff::civil::Date;

use super::{Dialogue, Ended};
use crate::cli::parts::{period, plan_file, vat};
use crate::cli::size::{bytes, rate};
use crate::cli::text::escaped;
use crate::{money, zone};

/// Asks for a plan: its text as a file, and whether it shall be so.
pub(super) fn ask<A: BufRead, T: Write>(
    dialogue: &mut Dialogue<A, T>,
    today: Option<Date>,
    own_zone: Option<&str>,
) -> Result<(String, bool), Ended> {
    dialogue.tell("A few questions about the plan. An empty answer takes what stands in [brackets]; Ctrl-C leaves everything as it is.")?;
    let mut text = String::new();
    let mut words = Vec::new();
    let when = dialogue.ask(
        "When does it renew? Write “monthly 5”, “every 28d from 2026-11-01”, “weekly”, “daily” or “once 2026-11-01 to 2026-11-30”:",
        Some("monthly 1"),
        |answer| period(answer).map(|_| answer.to_owned()),
    )?;
    let at = dialogue.ask(
        "By the time of which place do days begin, such as Europe/Berlin?",
        own_zone.or(Some("UTC")),
        |answer| zone::named(answer).map(|zone| zone.name().to_owned()).map_err(|e| e.to_string()),
    )?;
    line(&mut text, "period", &when);
    line(&mut text, "zone", &at);
    words.push(format!("It renews {when}, by the time of {at}."));
    cost(dialogue, &mut text, &mut words)?;
    included(dialogue, &mut text, &mut words)?;
    dialogue.tell("\nThis is the plan, as a file for `hotshare plan file`:\n")?;
    dialogue.tell(&text)?;
    dialogue.tell("In words:")?;
    for sentence in &words {
        dialogue.tell(&format!("  {sentence}"))?;
    }
    if let Some(today) = today {
        dialogue.tell(&format!("  It takes the place of the present plan today, {today}."))?;
    }
    // What was asked for can be read; if not, that is to be known before it is agreed to.
    if let Err(why) = plan_file(&text) {
        dialogue.tell(&format!("This cannot be: {why}"))?;
        return Ok((text, false));
    }
    let agreed = dialogue.ask("Shall it be so? yes or no:", None, yes_or_no)?;
    Ok((text, agreed))
}

/// Fee, currency and tax.
fn cost<A: BufRead, T: Write>(
    dialogue: &mut Dialogue<A, T>,
    text: &mut String,
    words: &mut Vec<String>,
) -> Result<(), Ended> {
    let fee =
        dialogue.ask("What does it cost in each period, such as 14.99?", Some("nothing"), |answer| {
            match answer {
                "nothing" => Ok(None),
                answer => money::amount(answer).map(|_| Some(answer.to_owned())),
            }
        })?;
    let currency = dialogue.ask("In which currency, such as EUR?", Some("none"), |answer| match answer {
        "none" => Ok(None),
        code if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => Ok(Some(code.to_owned())),
        _ => Err("write three capital letters, such as EUR, or none".to_owned()),
    })?;
    let tax = match &currency {
        None => None,
        Some(_) => dialogue.ask(
            "What about value added tax, such as “19% included” or “19%”?",
            Some("none"),
            |answer| match answer {
                "none" => Ok(None),
                answer => vat(answer).map(|_| Some(answer.to_owned())),
            },
        )?,
    };
    for (key, value) in [("currency", &currency), ("vat", &tax), ("fee", &fee)] {
        if let Some(value) = value {
            line(text, key, value);
        }
    }
    if let Some(fee) = fee {
        let tax = tax.map(|tax| format!(" (tax {tax})")).unwrap_or_default();
        words.push(format!("It costs {fee} {}{tax} in each period.", currency.unwrap_or_default()));
    }
    Ok(())
}

/// The data, and what happens at its end.
fn included<A: BufRead, T: Write>(
    dialogue: &mut Dialogue<A, T>,
    text: &mut String,
    words: &mut Vec<String>,
) -> Result<(), Ended> {
    let amount = dialogue.ask(
        "How much data is in each period, such as 20GB?",
        Some("no end"),
        |answer| match answer {
            "no end" => Ok(None),
            answer => bytes(answer).and_then(|n| {
                if n == 0 { Err("write more than nothing".to_owned()) } else { Ok(Some(answer.to_owned())) }
            }),
        },
    )?;
    part(text, "data");
    let Some(amount) = amount else {
        words.push("Data without an end: it is counted, and never closed.".to_owned());
        return Ok(());
    };
    line(text, "data", &amount);
    let rolls = dialogue.ask(
        "Can what is left over be used in the next period? yes or no:",
        Some("no"),
        yes_or_no,
    )?;
    if rolls {
        line(text, "unused", "next period");
    }
    words.push(format!(
        "{amount} in each period; what is left over {}.",
        if rolls { "can be used in the next one" } else { "is lost" }
    ));
    let end = dialogue.ask(
        "And then? Write stop, slow, pay, or last drop (a rest that is kept for some people):",
        Some("stop"),
        |answer| match answer {
            "stop" | "slow" | "pay" | "last drop" => Ok(answer.to_owned()),
            _ => Err("write one of these four: stop, slow, pay, last drop".to_owned()),
        },
    )?;
    match end.as_str() {
        "slow" => {
            let speed = dialogue.ask("How fast is it then, such as 1Mbit (per second)?", None, |answer| {
                rate(answer).map(|_| answer.to_owned())
            })?;
            part(text, "slow");
            line(text, "speed", &speed);
            words.push(format!("Then it goes on at {speed} per second, for all together."));
        }
        "pay" => pay(dialogue, text, words)?,
        "last drop" => last_drop(dialogue, text, words)?,
        _ => words.push("Then nothing passes until it renews.".to_owned()),
    }
    Ok(())
}

fn pay<A: BufRead, T: Write>(
    dialogue: &mut Dialogue<A, T>,
    text: &mut String,
    words: &mut Vec<String>,
) -> Result<(), Ended> {
    let price = dialogue.ask(
        "What does more cost, such as “0.01 per 1MB”? Each unit begun counts whole:",
        None,
        |answer| {
            let (amount, unit) = answer.split_once(" per ").ok_or("write it as 0.01 per 1MB")?;
            let amount = money::amount(amount)?;
            match bytes(unit)? {
                0 => Err("the unit is nothing; write one such as 1MB".to_owned()),
                _ if amount.0 == 0 => Err("the price is nothing; write one such as 0.01".to_owned()),
                _ => Ok((answer.to_owned(), amount)),
            }
        },
    )?;
    let step = dialogue.ask(
        "You are asked before each step of money. How much is a step, such as 2.50?",
        None,
        |answer| match money::amount(answer)? {
            step if step < price.1 => Err("a step is at least the price of one unit".to_owned()),
            step => Ok((answer.to_owned(), step)),
        },
    )?;
    let limit =
        dialogue.ask(
            "Never more than how much in a period, such as 10?",
            None,
            |answer| match money::amount(answer)? {
                limit if limit < step.1 => Err("the limit is at least one step".to_owned()),
                _ => Ok(answer.to_owned()),
            },
        )?;
    part(text, "more");
    for (key, value) in [("price", &price.0), ("step", &step.0), ("limit", &limit)] {
        line(text, key, value);
    }
    words.push(format!(
        "Then more costs {}. Nothing of it passes but what you agreed to, {} at a time, and never more than {limit} in a period.",
        price.0, step.0
    ));
    Ok(())
}

fn last_drop<A: BufRead, T: Write>(
    dialogue: &mut Dialogue<A, T>,
    text: &mut String,
    words: &mut Vec<String>,
) -> Result<(), Ended> {
    let amount = dialogue.ask(
        "How much is the last drop, on top of the data above, such as 500MB?",
        None,
        |answer| bytes(answer).map(|_| answer.to_owned()),
    )?;
    let names =
        dialogue.ask("For whom is it kept? Write names with spaces between them:", None, |answer| {
            let names: Vec<String> = answer.split_whitespace().map(str::to_owned).collect();
            let bad = names.iter().find_map(|name| name.parse::<hotshare_core::units::PersonName>().err());
            match bad {
                Some(bad) => Err(bad.to_string()),
                None if names.is_empty() => Err("write at least one name".to_owned()),
                None => Ok(names),
            }
        })?;
    part(text, "last drop");
    line(text, "data", &amount);
    let list: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let _written = writeln!(text, "people = [{}]", list.join(", "));
    let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    words.push(format!("Then {amount} more are only for {}; others are closed.", names.join(", ")));
    Ok(())
}

/// All answers were read strictly before: none holds a quotation mark.
fn line(text: &mut String, key: &str, value: &str) {
    let _written = writeln!(text, "{key} = \"{value}\"");
}

fn part(text: &mut String, name: &str) {
    let _written = writeln!(text, "\n[[part]]\nname = \"{name}\"");
}

fn yes_or_no(answer: &str) -> Result<bool, String> {
    match answer.to_lowercase().as_str() {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}
