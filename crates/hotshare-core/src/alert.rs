//! Alerts: what the owner is told without having asked, each of it once.
//!
//! Decides what is to be told, and when a delivery is tried again. Knows no channel beyond its name: sending is
//! the hands' work.

mod due;
mod marks;
mod patience;
mod words;

#[cfg(test)]
mod tests;

pub use due::{
    CertificateFacts, DeviceFacts, Facts, Limited, PersonFacts, PlanFacts, PriceStep, Waiting, due, usual,
};
pub use marks::{Mark, Marks, PERIODS};
pub use patience::{Patience, is_due};
pub use words::words;

use crate::people::{Claim, PersonName};
use crate::units::{Bytes, Mac, PersonId, UnixTime};

/// The number of an alert, for ever: ascending from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub u64);

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    PlanLevel,
    AllowanceLevel,
    UnusualUse,
    PlanRolls,
    DeviceWaiting,
    PriceStep,
    CertificateEnds,
    /// The owner wants to see whether alerts arrive. Never raised by the brain.
    Test,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::PlanLevel,
        Kind::AllowanceLevel,
        Kind::UnusualUse,
        Kind::PlanRolls,
        Kind::DeviceWaiting,
        Kind::PriceStep,
        Kind::CertificateEnds,
        Kind::Test,
    ];

    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::PlanLevel => "plan-level",
            Kind::AllowanceLevel => "allowance-level",
            Kind::UnusualUse => "unusual-use",
            Kind::PlanRolls => "plan-rolls-soon",
            Kind::DeviceWaiting => "device-waiting",
            Kind::PriceStep => "price-step",
            Kind::CertificateEnds => "certificate-ends",
            Kind::Test => "test",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A way to the owner, beside the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Desktop,
    Webhook,
    Mail,
    Mqtt,
}

impl Channel {
    pub const ALL: [Channel; 4] = [Channel::Desktop, Channel::Webhook, Channel::Mail, Channel::Mqtt];

    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Channel::Desktop => "desktop",
            Channel::Webhook => "webhook",
            Channel::Mail => "mail",
            Channel::Mqtt => "mqtt",
        }
    }

    /// The channel of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// Whom or what an alert is about, for telling it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Plan,
    /// The machine and its pages.
    Hotspot,
    Person(PersonId),
    Device(Mac),
}

/// What is told once per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    pub kind: Kind,
    pub subject: Subject,
}

/// What is so, with its amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// So much of the plan is used. `renews`: when the period ends.
    PlanLevel {
        percent: u8,
        used: Bytes,
        limit: Bytes,
        renews: Option<UnixTime>,
    },
    AllowanceLevel {
        name: PersonName,
        percent: u8,
        used: Bytes,
        limit: Bytes,
        renews: Option<UnixTime>,
    },
    /// `usual` is the median of the person's last days with use.
    UnusualUse {
        name: PersonName,
        today: Bytes,
        usual: Bytes,
    },
    /// The same of one device, while its person's use is not out of the ordinary.
    UnusualDevice {
        mac: Mac,
        host_name: Option<String>,
        owner: PersonName,
        today: Bytes,
        usual: Bytes,
    },
    /// `again`: it renews; else it ends for good. `limit`: without a cap there is none.
    PlanRolls {
        ends: UnixTime,
        again: bool,
        used: Bytes,
        limit: Option<Bytes>,
    },
    /// `claim`: who its user says to be.
    DeviceWaiting {
        mac: Mac,
        host_name: Option<String>,
        claim: Option<Claim>,
    },
    /// `cost` as the plan tells it, with its currency.
    PriceStep {
        step: u32,
        cost: String,
    },
    /// The certificate of the pages, and there is no later one.
    CertificateEnds {
        ends: UnixTime,
    },
    Test,
}

impl What {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            What::PlanLevel { .. } => Kind::PlanLevel,
            What::AllowanceLevel { .. } => Kind::AllowanceLevel,
            What::UnusualUse { .. } | What::UnusualDevice { .. } => Kind::UnusualUse,
            What::PlanRolls { .. } => Kind::PlanRolls,
            What::DeviceWaiting { .. } => Kind::DeviceWaiting,
            What::PriceStep { .. } => Kind::PriceStep,
            What::CertificateEnds { .. } => Kind::CertificateEnds,
            What::Test => Kind::Test,
        }
    }
}

/// An alert as it is kept and sent. What it says is fixed when it is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: AlertId,
    pub at: UnixTime,
    pub kind: Kind,
    /// The person's name or the device's address.
    pub about: Option<String>,
    /// The level that was passed.
    pub percent: Option<u8>,
    pub used: Option<Bytes>,
    pub limit: Option<Bytes>,
    pub title: String,
    /// One sentence or two. It may hold what a device calls itself.
    pub text: String,
}

impl Alert {
    /// `zone`: whose dates are meant.
    #[must_use]
    pub fn new(
        id: AlertId,
        at: UnixTime,
        what: &What,
        language: Language,
        zone: &crate::plan::Zone,
    ) -> Alert {
        let (title, text) = words(what, language, zone);
        let bare = Alert {
            id,
            at,
            kind: what.kind(),
            about: None,
            percent: None,
            used: None,
            limit: None,
            title,
            text,
        };
        match what {
            What::PlanLevel { percent, used, limit, .. } => {
                Alert { percent: Some(*percent), used: Some(*used), limit: Some(*limit), ..bare }
            }
            What::AllowanceLevel { name, percent, used, limit, .. } => Alert {
                about: Some(name.to_string()),
                percent: Some(*percent),
                used: Some(*used),
                limit: Some(*limit),
                ..bare
            },
            What::UnusualUse { name, today, .. } => {
                Alert { about: Some(name.to_string()), used: Some(*today), ..bare }
            }
            What::UnusualDevice { mac, today, .. } => {
                Alert { about: Some(mac.to_string()), used: Some(*today), ..bare }
            }
            What::PlanRolls { used, limit, .. } => Alert { used: Some(*used), limit: *limit, ..bare },
            What::DeviceWaiting { mac, .. } => Alert { about: Some(mac.to_string()), ..bare },
            What::PriceStep { .. } | What::CertificateEnds { .. } | What::Test => bare,
        }
    }

    /// The same for the same alert whenever it is sent, and never another's: its number alone begins again
    /// with a new ledger.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("{}-{}", self.id.0, self.at.0)
    }
}

/// An alert that is raised: what to send, where, and the mark that keeps it from being raised again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    pub alert: Alert,
    pub mark: Mark,
    pub channels: Vec<Channel>,
}

/// The language that alerts are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    #[default]
    English,
    /// Simplified.
    Chinese,
}

/// What the owner wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub language: Language,
    /// Percent of plan and allowance, 1 to 100, ascending. Empty: none is told.
    pub levels: Vec<u8>,
    /// So many days before the plan's period ends; 0: not at all.
    pub roll_notice_days: u16,
    /// `None`: not at all.
    pub unusual: Option<Unusual>,
    pub device_waiting: bool,
    pub channels: Vec<Channel>,
}

/// When a day's use is out of the ordinary: more than `factor` times what is usual, and more than `floor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    pub factor: u32,
    pub floor: Bytes,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            language: Language::English,
            levels: vec![50, 80, 95, 100],
            roll_notice_days: 2,
            unusual: Some(Unusual { factor: 10, floor: Bytes(200_000_000) }),
            device_waiting: true,
            channels: Vec::new(),
        }
    }
}
