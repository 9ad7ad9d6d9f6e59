//! How long something lasts, in words.

use hotshare_api::{Outlook, RunOut};
use jiff::civil::Date;

use crate::{Text, show};

/// In more than so many of 1000 cases it lasts: then that is said.
const LIKELY: u16 = 500;

/// A sentence or two; nothing where nothing is limited.
pub(super) fn sentences(text: Text, outlook: &Outlook) -> Vec<String> {
    let mut said: Vec<String> = lasts(text, outlook).into_iter().collect();
    if let Some(safe) = outlook.safe {
        said.push(text.one("me-outlook-safe", "rest", show::bytes(safe.rest)));
    }
    said
}

/// Until when; nothing where nothing is limited.
pub(super) fn lasts(text: Text, outlook: &Outlook) -> Option<String> {
    outlook.balance?;
    let day = |date: &str| date.parse::<Date>().map_or(date.to_owned(), |date| show::day(date, text.0));
    if !outlook.enough {
        return Some(text.say("me-outlook-little"));
    }
    Some(match (&outlook.runs_out, &outlook.ends) {
        (Some(RunOut { earliest, likely: Some(likely), latest, .. }), _) => match latest {
            Some(latest) if latest != earliest => {
                let between = [("first", day(earliest).into()), ("last", day(latest).into())];
                text.with("me-outlook-out-between", &between)
            }
            Some(_) | None => text.one("me-outlook-out", "day", day(likely)),
        },
        (Some(RunOut { earliest, likely: None, .. }), _) => {
            text.one("me-outlook-perhaps", "day", day(earliest))
        }
        (None, _) if outlook.lasts.is_some_and(|lasts| lasts < LIKELY) => text.say("me-outlook-little"),
        (None, Some(ends)) => text.one("me-outlook-lasts", "day", day(ends)),
        (None, None) => text.say("me-outlook-lasts-open"),
    })
}
