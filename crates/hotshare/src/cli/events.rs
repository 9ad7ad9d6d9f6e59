//! `hotshare events`

use clap::Args;
use hotshare_api::{self as api, path};
use jiff::tz::TimeZone;

use super::session::Session;
use super::stop::Stop;
use super::text::escaped;
use super::when::{self, Moment, moment};
use crate::zone;

/// Show the diary: who ran out, what was changed, which devices came
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// From when, such as 2026-11-01, yesterday or 24h
    #[arg(long, value_name = "WHEN", value_parser = moment, default_value = "7d")]
    since: Moment,
}

impl Events {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let tried = "cannot show the events";
        // The plan's zone and the daemon's own idea of “now” say what is meant with a date.
        let status: api::Status = session.get(tried, path::STATUS)?;
        let zone = zone::rules(&status.plan.zone);
        let since = self.since.resolve(status.at, &zone, false);
        let events: api::Events = session.get(tried, &format!("{}?since={since}", path::EVENTS))?;
        session.show(&events, |events| text(&events.events, &zone))
    }
}

fn text(events: &[api::Event], zone: &TimeZone) -> String {
    if events.is_empty() {
        return "Nothing happened in this time.\n".to_owned();
    }
    events
        .iter()
        .map(|event| format!("{}  {}\n", when::pretty(event.at, zone), escaped(&event.text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_on_its_line() {
        let event = |at, kind: &str, text: &str| api::Event {
            at,
            kind: kind.into(),
            text: text.into(),
            facts: api::EventFacts::default(),
        };
        let events = [
            event(1_795_455_000, "allowance-used", "anna is closed: the allowance is used up"),
            event(1_795_455_060, "device-new", "“x\n2026 \u{1b}[31mlie” came"),
        ];
        assert_eq!(
            text(&events, &zone::rules("Europe/Berlin")),
            "2026-11-23 18:30  anna is closed: the allowance is used up\n2026-11-23 18:31  “x\\u{a}2026 \\u{1b}[31mlie” came\n"
        );
    }
}
