//! `hotshare status`: one screen that answers who used what, what is left, and what to do.

use anstyle::{AnsiColor, Style};
use clap::Args;
use hotshare_api::{self as api, Verdict, path};
use jiff::tz::TimeZone;

use super::plan::period_words;
use super::session::Session;
use super::size::{pretty, pretty_allowance};
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::{escaped, fitted};
use super::when;
use crate::zone;

/// Show what is left of the plan, who used what, and what waits for you
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// More devices than these are not listed one by one: anybody can make up hardware addresses.
const WAITING_SHOWN: usize = 8;

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const LOW: Style = AnsiColor::Yellow.on_default();
const OUT: Style = AnsiColor::Red.on_default();

impl Status {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let status: api::Status = session.get("cannot show the status", path::STATUS)?;
        session.show(&status, |status| screen(status, session.width, session.instance.command()))
    }
}

/// The whole screen, styled.
pub(crate) fn screen(status: &api::Status, width: usize, command: &str) -> String {
    let zone = zone::rules(&status.plan.zone);
    let mut out = Lines { text: String::new(), width };
    out.labelled("Uplink", &uplink_words(status));
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
    out.line("");
    if status.people.is_empty() {
        out.wrapped(
            "",
            &format!("Nobody yet. Add somebody with `{command} people add anna --allowance 2GB/month`."),
        );
    } else {
        out.text.push_str(&people_table(&status.people, width));
    }
    waiting_lines(&mut out, &status.devices, command);
    out.text
}

fn uplink_words(status: &api::Status) -> String {
    match &status.uplink {
        Some(uplink) => format!("{}, address {}", escaped(&uplink.name), escaped(&uplink.address)),
        None => "none: no interface leads to the carrier".to_owned(),
    }
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
        Verdict::Paused | Verdict::AllowanceUsed | Verdict::Open | Verdict::Unknown => {
            "nothing is forwarded; the daemon's log tells why".to_owned()
        }
    }
}

/// The plan: how much, the bar, until when, and what became of it.
pub(super) fn plan_lines(out: &mut Lines, plan: &api::Plan, at: i64, zone: &TimeZone) {
    let billed = pretty(plan.billed);
    match (plan.cap, plan.balance) {
        (Some(cap), balance) => {
            let left = balance.unwrap_or(0);
            let over = plan.billed.saturating_sub(cap);
            let tail =
                if over > 0 { format!("{} over", pretty(over)) } else { format!("{} left", pretty(left)) };
            out.labelled("Plan", &format!("{billed} of {} used, {tail}", pretty(cap)));
            out.bar(plan.billed, cap);
        }
        (None, _) => out.labelled("Plan", &format!("{billed} used, no cap")),
    }
    out.labelled("", &period_words(plan, at, zone));
    let mut parts = format!("delivered {}", pretty(plan.delivered));
    if plan.refused > 0 {
        parts += &format!(", refused after billing {}", pretty(plan.refused));
    }
    parts += &format!(", the hotspot itself or not attributed {}", pretty(plan.own));
    if plan.corrected != 0 {
        let sign = if plan.corrected > 0 { '+' } else { '−' };
        parts += &format!(", your corrections {sign}{}", pretty(plan.corrected.unsigned_abs()));
    }
    out.labelled_as(DIM, "", &parts);
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

/// Devices that nobody knows, each with what to type.
fn waiting_lines(out: &mut Lines, devices: &[api::Device], command: &str) {
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

/// A screen while it is written.
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) width: usize,
}

impl Lines {
    const LABEL: usize = 8;

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        self.labelled_as(Style::new(), label, text);
    }

    /// A label on the left, the text beside it, wrapped between words.
    pub(super) fn labelled_as(&mut self, style: Style, label: &str, text: &str) {
        for (n, line) in wrap(text, self.width.saturating_sub(Self::LABEL)).iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            self.line(&format!("{HEAD}{label:<width$}{HEAD:#}{style}{line}{style:#}", width = Self::LABEL));
        }
    }

    pub(super) fn wrapped(&mut self, indent: &str, text: &str) {
        for line in wrap(text, self.width.saturating_sub(indent.len())) {
            self.line(&format!("{indent}{line}"));
        }
    }

    fn wrapped_as(&mut self, style: Style, text: &str) {
        for line in wrap(text, self.width) {
            self.line(&format!("{style}{line}{style:#}"));
        }
    }

    /// How full, as a bar and in per cent, rounded down: 100 % means full.
    fn bar(&mut self, used: u64, of: u64) {
        let percent = u128::from(used).saturating_mul(100).checked_div(u128::from(of)).unwrap_or(100);
        let cells = self.width.saturating_sub(Self::LABEL + 7).min(50);
        let full = usize::try_from(percent).unwrap_or(100).min(100) * cells / 100;
        let style = match percent {
            0..80 => GOOD,
            80..100 => LOW,
            _ => OUT,
        };
        let bar = format!("{}{}", "█".repeat(full), "░".repeat(cells - full));
        self.line(&format!("{:width$}{style}{bar}{style:#} {percent} %", "", width = Self::LABEL));
    }
}

/// Lines of at most so many cells; a word that is longer has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        // An amount and its unit stay together.
        let amount = word.ends_with(|c: char| c.is_ascii_digit());
        let unit = words.peek().filter(|next| amount && is_unit(next)).map_or(0, |unit| unit.width() + 1);
        if !line.is_empty() && line.width() + 1 + word.width() + unit > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn is_unit(word: &str) -> bool {
    matches!(word.trim_end_matches([',', '.', ';', ':']), "B" | "kB" | "MB" | "GB" | "TB" | "PB" | "EB" | "%")
}

#[cfg(test)]
mod tests;
