//! `hotshare status`: one screen that answers who used what, what is left, and what to do.

use anstyle::Style;
use clap::Args;
use hotshare_api::{self as api, Verdict, path};
use jiff::tz::TimeZone;

use super::outlook;
use super::people::people_table;
use super::plan::plan_lines;
use super::screen::{LOW, OUT, Screen};
use super::session::Session;
use super::stop::Stop;
use super::text::{escaped, fitted};
use super::{when, wifi};
use crate::zone;

/// Show what is left of the plan, who used what, and what waits for you
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// More devices than these are not listed one by one: anybody can make up hardware addresses.
const WAITING_SHOWN: usize = 8;

impl Status {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let status: api::Status = session.get("cannot show the status", path::STATUS)?;
        session.show(&status, |status| screen(status, session.width, session.instance.command()))
    }
}

/// The whole screen, styled.
pub(crate) fn screen(status: &api::Status, width: usize, command: &str) -> String {
    let zone = zone::rules(&status.plan.zone);
    let mut out = Screen::new(width);
    out.labelled("Uplink", &uplink_words(status));
    if let Some(wifi) = &status.wifi {
        let style = if wifi.state == api::AirState::On { Style::new() } else { OUT };
        out.labelled_as(style, "Wi-Fi", &wifi::status_words(wifi));
    }
    if let Some(certificate) = &status.certificate {
        let style =
            if certificate.until.is_none() || certificate.failed.is_some() { LOW } else { Style::new() };
        out.labelled_as(style, "TLS", &certificate_words(certificate, &zone));
    }
    if let Some(why) = status.closed {
        out.labelled_as(OUT, "Closed", &closed_words(why, &status.plan, status.at, &zone, command));
    }
    if status.clock_held {
        out.labelled_as(
            LOW,
            "Clock",
            "the machine's clock is behind what it was before, so it is not believed until it is set",
        );
    }
    plan_lines(&mut out, &status.plan, status.at, &zone);
    // What is as everybody expects is told by `hotshare plan`.
    let tells = |c: &&api::Carrier| c.kept > 0 || c.strange > 0 || c.drift.is_some();
    let carrier = status.plan.carrier.as_ref().filter(tells);
    if let Some(words) = carrier.and_then(outlook::carrier_words) {
        out.labelled("Carrier", &words);
    }
    out.line("");
    if status.people.is_empty() {
        out.wrapped(
            "",
            &format!("Nobody yet. Add somebody with `{command} people add anna --allowance 2GB/month`."),
        );
    } else {
        out.block(&people_table(&status.people, None, width));
    }
    waiting_lines(&mut out, &status.devices, command);
    out.into_text()
}

fn uplink_words(status: &api::Status) -> String {
    match &status.uplink {
        Some(uplink) => format!("{}, address {}", escaped(&uplink.name), escaped(&uplink.address)),
        None => "none: no interface leads to the carrier".to_owned(),
    }
}

/// The certificate of the pages, and what is done about a new one.
fn certificate_words(certificate: &api::Certificate, zone: &TimeZone) -> String {
    let name = escaped(&certificate.name);
    let mut words = match certificate.until {
        Some(until) => format!("{name}, certificate good until {}", when::pretty(until, zone)),
        None => format!("{name}: there is no certificate that can be used"),
    };
    if let Some(api::CertificateFailed { times, why, .. }) = &certificate.failed {
        let tries = if *times == 1 { "the last try".to_owned() } else { format!("the last {times} tries") };
        words += &format!("; {tries} to get a new one failed: {}", escaped(why));
    }
    words += &match (certificate.waits_for, certificate.next_try) {
        (Some(api::CertificateWait::Uplink), _) => {
            "; a new one waits until the uplink may be used".to_owned()
        }
        (Some(api::CertificateWait::Clock), _) => "; a new one waits until the clock is set".to_owned(),
        (Some(api::CertificateWait::Unknown), _) => "; a new one has to wait".to_owned(),
        (None, Some(next)) => format!("; next try {}", when::pretty(next, zone)),
        (None, None) => String::new(),
    };
    words
}

/// Why nothing is forwarded, and what would change that.
fn closed_words(why: Verdict, plan: &api::Plan, at: i64, zone: &TimeZone, command: &str) -> String {
    let renews = match plan.ends {
        Some(ends) if !matches!(plan.period, api::Period::Once { .. }) => {
            format!("It renews {}; ", when::in_days(at, ends, zone))
        }
        Some(_) | None => String::new(),
    };
    match why {
        Verdict::PlanUsed => format!(
            "the plan is used up. {renews}`{command} plan set --cap …` changes the cap, `{command} plan correct --used …` tells what the carrier says"
        ),
        Verdict::PlanOver => {
            format!("the plan has not begun or is over; `{command} plan set …` says what was bought instead")
        }
        Verdict::NoUplink => {
            "there is no uplink; it opens again when an interface leads to the carrier".to_owned()
        }
        Verdict::LedgerStuck => {
            "the ledger cannot be written, so nothing may be spent; is the disk full? The daemon's log tells why".to_owned()
        }
        Verdict::AsksForMoney => {
            let step = plan.asks_for.as_deref().map_or_else(|| "…".to_owned(), escaped);
            format!("to go on costs money; `{command} plan agree {step}` agrees to another step")
        }
        Verdict::CardUnknown => format!(
            "it is not known yet which SIM is in the modem, or whether it roams; when ModemManager has not told within a minute, `{command} cards agree` lets it be used as another data card"
        ),
        Verdict::NewCard => format!(
            "this data card was never used here. Say what was bought with `{command} plan set …` or `{command} plan file …`, then `{command} cards agree`"
        ),
        Verdict::Paused
        | Verdict::AllowanceUsed
        | Verdict::Slow
        | Verdict::Ended
        | Verdict::BedTime
        | Verdict::KeptForOthers
        | Verdict::PlanSlow
        | Verdict::OnlySites
        | Verdict::Open
        | Verdict::Unknown => {
            "nothing is forwarded; the daemon's log tells why".to_owned()
        }
    }
}

/// Devices that nobody knows, each with what to type.
fn waiting_lines(out: &mut Screen, devices: &[api::Device], command: &str) {
    let waiting: Vec<&api::Device> = devices.iter().filter(|d| d.person.is_none() && !d.blocked).collect();
    if waiting.is_empty() {
        return;
    }
    out.line("");
    let count = waiting.len();
    let text = if count == 1 {
        "1 device waits: it is closed until you say whose it is.".to_owned()
    } else {
        format!("{count} devices wait: they are closed until you say whose they are.")
    };
    out.wrapped_as(LOW, &text);
    for device in waiting.iter().take(WAITING_SHOWN) {
        let mac = escaped(&device.mac);
        let name = match &device.host_name {
            Some(name) => format!("calls itself “{}”", fitted(name, 32)),
            None => "has no name".to_owned(),
        };
        out.wrapped("  ", &format!("{mac} {name}"));
        out.line(&format!("    {command} devices assign {mac} PERSON"));
    }
    if let Some(more) = count.checked_sub(WAITING_SHOWN).filter(|more| *more > 0) {
        out.wrapped("  ", &format!("and {more} more: `{command} devices` lists them all"));
    }
}

#[cfg(test)]
mod tests;
