//! What the page says, in the language of who asks.

use askama::Template;
use hotshare_api::{Device, Period, Person, Status, Verdict};
use jiff::tz::TimeZone;

use super::outlook;
use super::usage::{Row, Used, rows};
use super::who::{Asker, is_open, why};
use crate::{Text, show};

/// What can be asked for, in MB.
pub(super) const AMOUNTS: [u64; 4] = [100, 200, 500, 1000];
/// Carriers count in powers of 1000.
pub(super) const MB: u64 = 1_000_000;

/// The page when the brain does not answer.
#[derive(Template)]
#[template(path = "busy.html")]
pub(super) struct Busy {
    pub(super) t: Text,
}

#[derive(Template)]
#[template(path = "me.html")]
pub(super) struct Page {
    t: Text,
    title: String,
    notice: Option<Notice>,
    /// What there is to say to a device that is nobody's.
    lead: Option<Lead>,
    who: Option<Who>,
    person: Option<PersonView>,
    at: String,
}

/// One line on what was done just before.
pub(super) struct Notice {
    text: String,
    /// It was not done.
    is_no: bool,
}

impl Notice {
    pub(super) fn given(t: Text) -> Notice {
        Notice { text: t.say("me-done-given"), is_no: false }
    }

    pub(super) fn no(t: Text, key: &str) -> Notice {
        Notice { text: t.say(key), is_no: true }
    }
}

struct Lead {
    words: String,
    mac: Option<String>,
}

/// “Who are you?”
struct Who {
    /// What was said before.
    said: Option<String>,
}

struct PersonView {
    why: Option<WhyView>,
    left: LeftView,
    plan: Vec<String>,
    devices: Option<Vec<DeviceView>>,
    ask: AskView,
    give: Option<GiveView>,
}

struct WhyView {
    title: String,
    is_closed: bool,
    sentences: Vec<String>,
}

struct LeftView {
    /// Of a hundred; `None`: nothing limits it.
    percent: Option<u64>,
    percent_label: String,
    amount: String,
    of: String,
    sentences: Vec<String>,
}

struct DeviceView {
    name: String,
    is_this: bool,
    today: String,
    month: String,
}

enum AskView {
    /// There is nothing to ask for.
    Nothing,
    Waits(String),
    Amounts(Vec<(u64, String)>),
}

struct GiveView {
    to: Vec<String>,
    /// In MB.
    most: u64,
}

impl Page {
    pub(super) fn new(
        t: Text,
        status: &Status,
        asker: Asker<'_>,
        used: Option<[&Used; 2]>,
        notice: Option<Notice>,
    ) -> Page {
        let zone = show::zone(&status.plan.zone);
        let at = show::time(status.at, &zone);
        let bare = Page { t, title: String::new(), notice, lead: None, who: None, person: None, at };
        let lead = |key, device: Option<&Device>| {
            Some(Lead { words: t.say(key), mac: device.map(|device| device.mac.clone()) })
        };
        match asker {
            Asker::Stranger => {
                Page { title: t.say("me-stranger"), lead: lead("me-stranger-why", None), ..bare }
            }
            Asker::Blocked(device) => {
                Page { title: t.say("me-blocked"), lead: lead("me-blocked-why", Some(device)), ..bare }
            }
            Asker::Nobodys(device) => Page {
                title: t.say("me-waits"),
                lead: lead("me-waits-why", Some(device)),
                who: Some(Who { said: device.claim.as_deref().map(show::foreign) }),
                ..bare
            },
            Asker::Person { person, device } => Page {
                title: t.one("me-you", "name", person.name.as_str()),
                person: Some(PersonView {
                    why: why_view(t, status, person, &zone),
                    left: left_view(t, person, &zone),
                    plan: plan(t, status, person, &zone),
                    devices: used.map(|used| devices(t, &rows(used, status, person, device))),
                    ask: ask(t, person),
                    give: give(status, person),
                }),
                ..bare
            },
        }
    }
}

/// The word of a verdict, as it is in the names of messages.
fn word(verdict: Verdict) -> String {
    let word = serde_json::to_value(verdict).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or("unknown").to_owned()
}

fn why_view(t: Text, status: &Status, person: &Person, zone: &TimeZone) -> Option<WhyView> {
    let is_closed = !is_open(status, person);
    let mut sentences = Vec::new();
    let why = why(status, person);
    if let Some(verdict) = why {
        let told =
            if verdict == Verdict::Slow { None } else { Some(t.say(&format!("me-why-{}", word(verdict)))) };
        sentences.extend(told);
        sentences.extend(until(t, status, person, verdict, is_closed, zone));
    }
    if let Some(rate) = person.slow.filter(|_| !is_closed) {
        sentences.push(t.one("me-slow", "rate", show::rate(rate)));
    }
    if sentences.is_empty() {
        return None;
    }
    let only_sites = person.verdict == Verdict::OnlySites;
    let title = if is_closed || only_sites { t.say("me-why") } else { t.say("me-why-slow-title") };
    Some(WhyView { title, is_closed: is_closed || only_sites, sentences })
}

/// When that is over, or what can be done; nothing where nobody can tell.
fn until(
    t: Text,
    status: &Status,
    person: &Person,
    why: Verdict,
    is_closed: bool,
    zone: &TimeZone,
) -> Option<String> {
    let again = |at: Option<i64>| match at {
        Some(at) if is_closed => t.one("me-again-at", "when", show::time(at, zone)),
        Some(at) => t.one("me-fast-at", "when", show::time(at, zone)),
        None => t.say("me-ask-owner"),
    };
    match why {
        Verdict::AllowanceUsed => Some(again(person.renews)),
        Verdict::PlanUsed | Verdict::PlanSlow => Some(again(status.plan.ends)),
        Verdict::Ended | Verdict::PlanOver | Verdict::Unknown => Some(t.say("me-ask-owner")),
        Verdict::Open
        | Verdict::Paused
        | Verdict::NoUplink
        | Verdict::LedgerStuck
        | Verdict::Slow
        | Verdict::BedTime
        | Verdict::KeptForOthers
        | Verdict::AsksForMoney
        | Verdict::NewCard
        | Verdict::CardUnknown
        | Verdict::OnlySites => None,
    }
}

fn left_view(t: Text, person: &Person, zone: &TimeZone) -> LeftView {
    let mut sentences = Vec::new();
    if let Some(renews) = person.renews {
        sentences.push(t.one("me-left-renews", "when", show::time(renews, zone)));
    }
    sentences.push(t.one("me-used", "used", show::bytes(person.up.saturating_add(person.down))));
    // Of what is used up there is nothing to foretell.
    if let Some(outlook) = person.outlook.as_ref().filter(|_| person.balance != Some(0)) {
        sentences.extend(outlook::sentences(t, outlook));
    }
    if let Some(until) = person.until {
        sentences.push(t.one("me-time-until", "when", show::time(until, zone)));
    }
    if let Some(until) = person.key.as_ref().and_then(|key| key.until) {
        sentences.push(t.one("me-key-until", "when", show::time(until, zone)));
    }
    let (Some(limit), balance) = (person.limit, person.balance.unwrap_or(0)) else {
        let amount = if person.fair { t.say("me-left-fair") } else { t.say("me-left-none") };
        let none = String::new;
        return LeftView { percent: None, percent_label: none(), amount, of: none(), sentences };
    };
    let percent = percent(balance, limit);
    LeftView {
        percent: Some(percent),
        percent_label: t.one("me-left-percent", "percent", percent.to_string()),
        amount: show::bytes(balance),
        of: t.one("me-left-of", "all", show::bytes(limit)),
        sentences,
    }
}

/// Of a hundred, rounded. All of it is what the amounts beside it show as all; what is not all of it or nothing is
/// never shown as that.
fn percent(left: u64, all: u64) -> u64 {
    if left == 0 {
        return 0;
    }
    if left >= all || show::bytes(left) == show::bytes(all) {
        return 100;
    }
    let half = u128::from(all) / 2;
    u64::try_from((u128::from(left) * 100 + half) / u128::from(all)).unwrap_or(99).clamp(1, 99)
}

fn plan(t: Text, status: &Status, person: &Person, zone: &TimeZone) -> Vec<String> {
    let plan = &status.plan;
    let mut said = vec![match person.plan_left {
        Some(left) => t.one("me-plan-left", "left", show::bytes(left)),
        None => t.say("me-plan-open"),
    }];
    said.extend(plan.outlook.as_ref().and_then(|outlook| outlook::lasts(t, outlook)));
    said.extend(plan.ends.map(|ends| match plan.period {
        Period::Once { .. } => t.one("me-left-until", "when", show::time(ends, zone)),
        Period::Monthly { .. } | Period::EveryDays { .. } => {
            t.one("me-plan-renews", "when", show::time(ends, zone))
        }
    }));
    said
}

fn devices(t: Text, rows: &[Row]) -> Vec<DeviceView> {
    let view = |row: &Row| DeviceView {
        name: if row.name.is_empty() { t.say("me-device-nameless") } else { row.name.clone() },
        is_this: row.is_this,
        today: show::bytes(row.today),
        month: show::bytes(row.month),
    };
    let mut views: Vec<DeviceView> = rows.iter().map(view).collect();
    if rows.len() > 1 {
        let sum = |of: fn(&Row) -> u64| show::bytes(rows.iter().map(of).fold(0, u64::saturating_add));
        views.push(DeviceView {
            name: t.say("me-all-devices"),
            is_this: false,
            today: sum(|row| row.today),
            month: sum(|row| row.month),
        });
    }
    views
}

/// Nobody who has no end can be given more.
fn is_limited(person: &Person) -> bool {
    person.fair || person.allowance.is_some()
}

fn ask(t: Text, person: &Person) -> AskView {
    match person.wish {
        Some(wish) => AskView::Waits(t.one("me-ask-waits", "amount", show::bytes(wish.bytes))),
        None if is_limited(person) => {
            AskView::Amounts(AMOUNTS.iter().map(|mb| (*mb, show::bytes(mb * MB))).collect())
        }
        None => AskView::Nothing,
    }
}

/// Who can be given something, by name, and no more than is left.
fn give(status: &Status, person: &Person) -> Option<GiveView> {
    person.limit?;
    let most = person.balance? / MB;
    let others = status.people.iter().filter(|other| other.name != person.name && is_limited(other));
    let to: Vec<String> = others.map(|other| other.name.clone()).collect();
    (most > 0 && !to.is_empty()).then_some(GiveView { to, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_or_nothing_only_when_it_looks_so() {
        const GB: u64 = 1_000_000_000;
        for (left, all, share) in [
            (0, 0, 0),
            (0, 2 * GB, 0),
            (1, 2 * GB, 1),
            (29_000_000, 2 * GB, 1),
            (31_000_000, 2 * GB, 2),
            (GB, 2 * GB, 50),
            (1_509_000_000, 2 * GB, 75),
            // 1.99 of 2.00 GB: something is gone.
            (1_991_000_000, 2 * GB, 99),
            // 2.00 of 2.00 GB.
            (1_999_000_000, 2 * GB, 100),
            (2 * GB, 2 * GB, 100),
            (3 * GB, 2 * GB, 100),
            (99, 100, 99),
            (u64::MAX - 1, u64::MAX, 100),
            (1, u64::MAX, 1),
        ] {
            assert_eq!(percent(left, all), share, "{left} of {all}");
        }
    }
}
