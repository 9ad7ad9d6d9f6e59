//! Orders and changes in a short stable form. The only place here that knows their fields.

use std::collections::BTreeMap;

use hotshare_core::book::Book;
use hotshare_core::brain::Command;
use hotshare_core::ledger::EntryKind;
use hotshare_core::meter::AccountOrder;
use hotshare_core::plan::{Period, Plan};
use hotshare_core::record::{Change, Noted, Tally, Who};
use hotshare_core::units::{Account, BucketId, Bytes, Mac, PersonId, Slot};

use super::words::{Calendar, show_amount, show_key, show_rate};

/// What everybody is called, now and in the past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) people: BTreeMap<PersonId, String>,
    pub(crate) devices: BTreeMap<Mac, String>,
    slots: BTreeMap<Slot, String>,
    parts: BTreeMap<BucketId, String>,
}

impl Names {
    pub(crate) fn learn(&mut self, book: &Book) {
        for person in book.people.values() {
            self.people.insert(person.id, person.name.to_string());
            self.slots.insert(person.slot, person.name.to_string());
        }
        for part in &book.plan.buckets {
            self.parts.insert(part.id, part.name.clone());
        }
        for device in book.devices.values() {
            if let Some(slot) = device.slot {
                self.slots.insert(slot, self.device(device.mac));
            }
        }
    }

    pub(crate) fn device(&self, mac: Mac) -> String {
        self.devices.get(&mac).cloned().unwrap_or_else(|| mac.to_string())
    }

    fn person(&self, id: PersonId) -> String {
        self.people.get(&id).cloned().unwrap_or_else(|| format!("person {}", id.0))
    }

    fn slot(&self, slot: Slot) -> String {
        match slot {
            Slot::PLAN => "plan".into(),
            Slot(0) => "nobody".into(),
            _ => self.slots.get(&slot).cloned().unwrap_or_else(|| format!("slot {}", slot.0)),
        }
    }

    fn account(&self, account: Account) -> String {
        let part = |id| self.parts.get(&id).cloned().unwrap_or_else(|| format!("part {}", id.0));
        match account {
            Account::Bucket(BucketId::FIRST) => "plan".into(),
            Account::Bucket(id) => part(id),
            Account::Person(id) => self.person(id),
            Account::BucketCredit(BucketId::FIRST) => "on top of the plan".into(),
            Account::BucketCredit(id) => format!("on top of {}", part(id)),
            Account::PersonCredit(id) => format!("on top for {}", self.person(id)),
        }
    }
}

pub(crate) fn is_entry(change: &Change) -> bool {
    matches!(change, Change::Entry(_))
}

pub(crate) fn is_noted(change: &Change) -> bool {
    matches!(change, Change::Noted(_))
}

pub(crate) fn change(change: &Change, names: &Names, calendar: &Calendar) -> String {
    match change {
        Change::Entry(e) => {
            let kind = match e.kind {
                EntryKind::Grant => "grant".into(),
                EntryKind::Return => "return".into(),
                EntryKind::Overrun => "overrun".into(),
                EntryKind::Correction => "correction".into(),
                EntryKind::TopUp => "top-up".into(),
                EntryKind::RollOver => "roll-over".into(),
                other => format!("{other:?}").to_lowercase(),
            };
            let sign = if e.bytes > 0 { "+" } else { "" };
            let (who, period) = (names.account(e.account), show_key(e.period));
            format!("entry {who} {period} {kind} {sign}{}", show_amount(e.bytes))
        }
        Change::Granted { slot, total, account, period } => {
            let whose = match (*slot, *account) {
                (Slot::PLAN, Account::Bucket(BucketId::FIRST)) => String::new(),
                (Slot::PLAN, account) => format!(" of {}", names.account(account)),
                (_, _) => String::new(),
            };
            format!("granted {}{whose} {} {}", names.slot(*slot), show_key(*period), amount(*total))
        }
        Change::Settled { slot, reading } => {
            format!("settled {} {}", names.slot(*slot), amount(reading.used()))
        }
        Change::Usage { who, usage, .. } => {
            let who = match who {
                Who::Plan => "plan".into(),
                Who::Device(mac, id) => format!("{} {}", names.person(*id), names.device(*mac)),
            };
            format!("usage {who} up {} down {}", amount(usage.up), amount(usage.down))
        }
        Change::Spent { tally, day, usage } => {
            let tally = match tally {
                Tally::Billed(_) => "billed".into(),
                Tally::Delivered(_) => "delivered".into(),
                Tally::Person(id) => names.person(*id),
                Tally::Device(mac) => names.device(*mac),
            };
            format!("spent {tally} {} {}", show_key(*day), amount(usage.total()))
        }
        Change::Person(p) => {
            let paused = if p.paused { " paused" } else { "" };
            format!("person {} {}{paused}", p.name, super::facts::allowance(&p.allowance))
        }
        Change::PersonGone(id) => format!("person {} gone", names.person(*id)),
        Change::Device(d) => {
            let whose = d.person.map_or("nobody's".into(), |id| names.person(id));
            let blocked = if d.blocked { " blocked" } else { "" };
            format!("device {} {whose}{blocked}", names.device(d.mac))
        }
        Change::DeviceGone(mac) => format!("device {} gone", names.device(*mac)),
        Change::Key(key) => format!("key {}", key.id),
        Change::KeyGone(id) => format!("key {id} gone"),
        Change::Plan(plan) => format!("plan {}", self::plan(plan)),
        Change::Card(card) => format!("card {} {}", card.id.0, card.words()),
        Change::CardGone(id) => format!("card {} gone", id.0),
        Change::CardIn(id) => format!("card {} in", id.0),
        Change::Lease(l) => format!("lease {} {}", names.device(l.mac), l.ip),
        Change::LeaseGone(mac) => format!("lease {} gone", names.device(*mac)),
        Change::Clock(at) => format!("clock {}", calendar.show(*at)),
        Change::Generation(n) => format!("maps {n}"),
        Change::Noted(n) => format!("noted {}: {}", n.kind, n.text),
        #[allow(unreachable_patterns, reason = "changes to come print as they are called")]
        other => format!("{other:?}"),
    }
}

/// A line of a block.
pub(crate) fn shown(one: &Change, names: &Names, calendar: &Calendar) -> String {
    match one {
        Change::Noted(n) => noted(n, calendar, names),
        _ => change(one, names, calendar),
    }
}

/// A line of the diary, with its time.
fn noted(n: &Noted, calendar: &Calendar, names: &Names) -> String {
    let mut text = n.text.clone();
    for (mac, name) in &names.devices {
        text = text.replace(&mac.to_string(), name);
    }
    format!("{} {}: {text}", calendar.show(n.at), n.kind)
}

pub(crate) fn plan(plan: &Plan) -> String {
    let cap = plan.cap().map_or("no cap".into(), amount);
    let period = match plan.period {
        Period::Monthly { day } => format!("monthly on {day}"),
        Period::EveryDays { days, from } => format!("every {days} days from {from}"),
        Period::Once { from, until } => format!("once {from} to {until}"),
        #[allow(unreachable_patterns, reason = "periods to come print as they are called")]
        other => format!("{other:?}"),
    };
    let parts: Vec<&str> = plan.buckets.iter().map(|part| part.name.as_str()).collect();
    let parts = if parts.len() > 1 { format!(" of {}", parts.join(", ")) } else { String::new() };
    format!("{cap} {period}{parts}")
}

/// An order, or nothing when it is only about how the daemon lives: reading, renewing, answering.
pub(crate) fn command(
    command: &Command,
    given: &mut BTreeMap<Slot, String>,
    names: &Names,
    calendar: &Calendar,
) -> Vec<String> {
    match command {
        Command::Post(_, changes) => {
            let lines = changes.iter().filter(|c| !matches!(c, Change::Clock(_)));
            let lines: Vec<String> = lines.map(|c| format!("post {}", change(c, names, calendar))).collect();
            lines
        }
        Command::Account(slot, order) => {
            let line = account(order, names);
            let same = given.insert(*slot, line.clone()).is_some_and(|before| before == line);
            if same { Vec::new() } else { vec![format!("account {} {line}", names.slot(*slot))] }
        }
        Command::Map(mac, _, ip) => vec![format!("map {} {ip}", names.device(*mac))],
        Command::Unmap(mac) => vec![format!("unmap {}", names.device(*mac))],
        Command::Rest(mac) => vec![format!("rest {}", names.device(*mac))],
        Command::Kick(mac) => vec![format!("kick {}", names.device(*mac))],
        Command::Close(ips) => vec![format!("close {}", listed(ips.iter()))],
        Command::Names(ips) => vec![format!("names for {}", listed(ips.iter()))],
        Command::Connect(uplink) => {
            vec![format!("connect {}", uplink.as_ref().map_or("nothing", |up| up.name.as_str()))]
        }
        Command::Stopped => vec!["stopped".into()],
        Command::Radio(orders) => {
            let admitted = orders.admitted.keys().map(|mac| names.device(*mac));
            vec![format!("radio {:?} admits {}", orders.cost, listed(admitted))]
        }
        Command::Look | Command::Neighbours { .. } | Command::Lease(..) | Command::Answer(..) => Vec::new(),
        #[allow(unreachable_patterns, reason = "orders to come print as they are called")]
        other => vec![format!("{other:?}")],
    }
}

/// Without the expiry, which is renewed all the time.
fn account(order: &AccountOrder, names: &Names) -> String {
    let mut line = if order.open { "open".to_owned() } else { "closed".to_owned() };
    if order.count_only {
        return format!("{line} of {}", names.slot(order.parent));
    }
    line.push_str(&format!(" granted {}", amount(order.granted)));
    match order.later {
        Bytes::ZERO => line.push_str(" the last"),
        Bytes(later) if later >= 1 << 60 => line.push_str(" without limit"),
        later => line.push_str(&format!(" then {}", amount(later))),
    }
    if let Some(rate) = order.rate {
        line.push_str(&format!(" at {}", show_rate(rate)));
    }
    if order.weight != 1 {
        line.push_str(&format!(" weight {}", order.weight));
    }
    if order.reserve > Bytes::ZERO {
        line.push_str(&format!(" reserve {}", amount(order.reserve)));
    }
    line
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let all: Vec<String> = items.map(|i| i.to_string()).collect();
    if all.is_empty() { "nobody".into() } else { all.join(" ") }
}

fn amount(bytes: Bytes) -> String {
    show_amount(bytes.signed())
}
