//! The owner's diary: what happened, as a word for machines, in plain English, and as facts for whoever says it in
//! words of their own. Knows not when a line is written; the brain does.

use crate::alert::{self, AlertId, Channel, What};
use crate::card::Card;
use crate::people::{Claim, PersonName};
use crate::plan::{Date, SiteName};
use crate::policy::Why;
use crate::units::{Bytes, CardId, Mac, UnixTime};

/// A line of the diary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub at: UnixTime,
    /// A short stable word, for machines: see [`words`].
    pub kind: &'static str,
    /// The same for people, plain English.
    pub text: String,
    /// The same for whoever says it in other words. Most lines have few of them, and lines are kept among smaller things.
    pub facts: Box<Facts>,
}

/// What a line of the diary tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The uplink is this interface now.
    Uplink {
        name: String,
    },
    UplinkLost,
    /// So much was granted to maps that are gone, and counts as used.
    GrantsLost {
        bytes: Bytes,
    },
    /// It stops: nobody was there for so long.
    Idle {
        secs: u64,
    },
    /// What is left of the plan is for these sites; `None`: for all again.
    OnlySites {
        sites: Option<Vec<SiteName>>,
    },
    /// This card is in, or more is known of it.
    CardIs(Card),
    CardNew(Card),
    CardAgreed(Card),
    /// `another`: there was one before.
    KeyNew {
        name: PersonName,
        another: bool,
    },
    KeyRevoked {
        name: PersonName,
    },
    /// `guest`: whose it is without being asked about.
    DeviceNew {
        mac: Mac,
        guest: Option<PersonName>,
    },
    DeviceClaim {
        mac: Mac,
        claim: Claim,
    },
    AccountsFull {
        mac: Mac,
    },
    WrongKey {
        mac: Mac,
        attempts: u32,
        wait_secs: u64,
    },
    TooManyDevices {
        mac: Mac,
        name: Option<PersonName>,
        limit: u32,
    },
    PlanSlow,
    PlanFast,
    Open {
        name: PersonName,
    },
    Slow {
        name: PersonName,
        why: Why,
    },
    Closed {
        name: PersonName,
        why: Why,
    },
    AllClosed {
        why: Why,
    },
    /// `before`: why it was not.
    AllOpen {
        before: Option<Why>,
    },
    /// `reason`: of the operating system or the database.
    LedgerStuck {
        reason: String,
    },
    Asked {
        name: PersonName,
        bytes: Bytes,
    },
    Granted {
        name: PersonName,
        bytes: Bytes,
    },
    Denied {
        name: PersonName,
        bytes: Bytes,
    },
    Gift {
        from: PersonName,
        to: PersonName,
        bytes: Bytes,
    },
    /// There is a certificate for the pages, where there was none; `ends` is a day in the plan's zone, too.
    CertificateGot {
        ends: UnixTime,
        day: Date,
    },
    CertificateRenewed {
        ends: UnixTime,
        day: Date,
    },
    /// A try came to nothing, and the one before did not.
    CertificateFailed {
        reason: String,
    },
    /// The owner has another way in; `host`: where it is good.
    PasskeyNew {
        name: String,
        host: String,
    },
    PasskeyGone {
        name: String,
    },
    /// It was refused: its counter went back.
    PasskeyCopied {
        name: String,
    },
    /// The owner is told; `said` in the language of alerts.
    Alert {
        id: AlertId,
        what: What,
        said: String,
    },
    /// An alert is not tried any more.
    AlertFailed {
        channel: Channel,
        title: String,
        reason: String,
    },
}

/// A line's facts, where it has them. Names are those of then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub person: Option<String>,
    /// Who gets what `person` gives.
    pub other: Option<String>,
    pub device: Option<Mac>,
    /// Who a device's user says to be.
    pub claim: Option<String>,
    pub interface: Option<String>,
    pub card: Option<CardId>,
    /// How much: used, asked for, given, lost.
    pub bytes: Option<Bytes>,
    /// Of how much.
    pub limit: Option<Bytes>,
    pub percent: Option<u8>,
    /// How many attempts, or devices.
    pub count: Option<u32>,
    pub seconds: Option<u64>,
    /// When the period ends, or a certificate.
    pub ends: Option<UnixTime>,
    /// Names of sites, with spaces between them.
    pub sites: Option<String>,
    /// What the owner calls a passkey.
    pub passkey: Option<String>,
    /// With its currency, where that is known.
    pub money: Option<String>,
    pub channel: Option<Channel>,
    /// Why everybody was closed before.
    pub why: Option<Why>,
    /// Why something failed, in the words of whatever said so.
    pub reason: Option<String>,
    /// The alert that was raised.
    pub alert: Option<AlertId>,
}

/// The words of lines that are neither a verdict's nor an alert's. [`Happening::word`] has no others, so [`words`] are
/// all.
macro_rules! kinds {
    ($($name:ident = $word:literal),* $(,)?) => {
        $(const $name: &str = $word;)*
        const OTHERS: &[&str] = &[$($name),*];
    };
}

kinds! {
    UPLINK = "uplink",
    UPLINK_LOST = "uplink-lost",
    GRANTS_LOST = "grants-lost",
    IDLE = "idle",
    CARD = "card",
    CARD_NEW = "card-new",
    CARD_AGREED = "card-agreed",
    KEY_NEW = "key-new",
    KEY_REVOKED = "key-revoked",
    DEVICE_NEW = "device-new",
    DEVICE_CLAIM = "device-claim",
    ACCOUNTS_FULL = "accounts-full",
    WRONG_KEY = "wrong-key",
    TOO_MANY_DEVICES = "too-many-devices",
    PLAN_FAST = "plan-fast",
    OPEN = "open",
    SLOW = "slow",
    ASKED = "asked",
    GRANTED = "granted",
    DENIED = "denied",
    GIFT = "gift",
    CERTIFICATE_GOT = "certificate-got",
    CERTIFICATE_RENEWED = "certificate-renewed",
    CERTIFICATE_FAILED = "certificate-failed",
    PASSKEY_NEW = "passkey-new",
    PASSKEY_GONE = "passkey-gone",
    PASSKEY_COPIED = "passkey-copied",
    ALERT_FAILED = "alert-failed",
}

/// All words that a line can have.
pub fn words() -> impl Iterator<Item = &'static str> {
    let verdicts = Why::ALL.into_iter().map(Why::word);
    let alerts =
        alert::Kind::ALL.into_iter().filter(|kind| *kind != alert::Kind::Test).map(alert::Kind::word);
    OTHERS.iter().copied().chain(verdicts).chain(alerts)
}

impl Happening {
    /// The line of a moment.
    #[must_use]
    pub fn noted(&self, at: UnixTime) -> Noted {
        Noted { at, kind: self.word(), text: self.text(), facts: Box::new(self.facts()) }
    }

    /// A short stable word, for machines.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Happening::Uplink { .. } => UPLINK,
            Happening::UplinkLost => UPLINK_LOST,
            Happening::GrantsLost { .. } => GRANTS_LOST,
            Happening::Idle { .. } => IDLE,
            Happening::OnlySites { .. } => Why::OnlySites.word(),
            Happening::CardIs(_) => CARD,
            Happening::CardNew(_) => CARD_NEW,
            Happening::CardAgreed(_) => CARD_AGREED,
            Happening::KeyNew { .. } => KEY_NEW,
            Happening::KeyRevoked { .. } => KEY_REVOKED,
            Happening::DeviceNew { .. } => DEVICE_NEW,
            Happening::DeviceClaim { .. } => DEVICE_CLAIM,
            Happening::AccountsFull { .. } => ACCOUNTS_FULL,
            Happening::WrongKey { .. } => WRONG_KEY,
            Happening::TooManyDevices { .. } => TOO_MANY_DEVICES,
            Happening::PlanSlow => Why::PlanSlow.word(),
            Happening::PlanFast => PLAN_FAST,
            Happening::Open { .. } | Happening::AllOpen { .. } => OPEN,
            Happening::Slow { .. } => SLOW,
            Happening::Closed { why, .. } | Happening::AllClosed { why } => why.word(),
            Happening::LedgerStuck { .. } => Why::LedgerStuck.word(),
            Happening::Asked { .. } => ASKED,
            Happening::Granted { .. } => GRANTED,
            Happening::Denied { .. } => DENIED,
            Happening::Gift { .. } => GIFT,
            Happening::CertificateGot { .. } => CERTIFICATE_GOT,
            Happening::CertificateRenewed { .. } => CERTIFICATE_RENEWED,
            Happening::CertificateFailed { .. } => CERTIFICATE_FAILED,
            Happening::PasskeyNew { .. } => PASSKEY_NEW,
            Happening::PasskeyGone { .. } => PASSKEY_GONE,
            Happening::PasskeyCopied { .. } => PASSKEY_COPIED,
            Happening::Alert { what, .. } => what.kind().word(),
            Happening::AlertFailed { .. } => ALERT_FAILED,
        }
    }

    /// For people, in plain English.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Happening::Uplink { name } => format!("the uplink is {name}"),
            Happening::UplinkLost => "the uplink is gone; nothing is forwarded".into(),
            Happening::GrantsLost { bytes } => format!(
                "the power failed or the kernel was restarted: up to {} that were granted count as used",
                bytes.readable()
            ),
            Happening::Idle { secs } => {
                format!("nobody was there for {}: the hotspot stops", duration(*secs))
            }
            Happening::OnlySites { sites: Some(sites) } => {
                let names: Vec<&str> = sites.iter().map(SiteName::as_str).collect();
                format!("what is left of the plan is kept for some sites: {}", names.join(", "))
            }
            Happening::OnlySites { sites: None } => "everything can be reached again".into(),
            Happening::CardIs(card) => format!("the data card is {}", card.words()),
            Happening::CardNew(card) => format!(
                "the data card {} was never used here: nothing passes until you agree, with `hotshare cards agree {}`",
                card.words(),
                card.id.0
            ),
            Happening::CardAgreed(card) => format!("the data card {} may be used", card.words()),
            Happening::KeyNew { name, another: false } => format!("{name} has a Wi-Fi key"),
            Happening::KeyNew { name, another: true } => format!("{name} has another Wi-Fi key"),
            Happening::KeyRevoked { name } => format!("{name} has no Wi-Fi key any more"),
            Happening::DeviceNew { mac, guest: Some(_) } => format!("{mac} is new, and is a guest's"),
            Happening::DeviceNew { mac, guest: None } => {
                format!("{mac} is new, and waits for its owner")
            }
            Happening::DeviceClaim { mac, claim } => {
                format!("{mac} waits for its owner, and says to be “{}”", claim.as_str())
            }
            Happening::AccountsFull { mac } => format!("{mac} stays closed: all accounts are in use"),
            Happening::WrongKey { mac, attempts, wait_secs } => {
                format!("{mac} tried a wrong Wi-Fi passphrase {attempts} times; it has to wait {wait_secs} s")
            }
            Happening::TooManyDevices { mac, name, limit } => {
                let whose = name.as_ref().map_or_else(String::new, |name| format!("{name}'s "));
                format!(
                    "{mac} joined with {whose}key and was sent away: {limit} devices may be on the air at once"
                )
            }
            Happening::PlanSlow => format!("everybody is slow: {}", Why::PlanSlow.words()),
            Happening::PlanFast => "the plan is fast again".into(),
            Happening::Open { name } => format!("{name} is open again"),
            Happening::Slow { name, why } => format!("{name} is slow: {}", why.words()),
            Happening::Closed { name, why } => format!("{name} is closed: {}", why.words()),
            Happening::AllClosed { why } => format!("everybody is closed: {}", why.words()),
            Happening::AllOpen { before: Some(Why::LedgerStuck) } => "the ledger can be written again".into(),
            Happening::AllOpen { .. } => "the plan is open again".into(),
            Happening::LedgerStuck { reason } => {
                format!("the ledger cannot be written, and nothing more is granted until it can: {reason}")
            }
            Happening::Asked { name, bytes } => format!("{name} asks for {}", bytes.readable()),
            Happening::Granted { name, bytes } => format!("{name} gets {} more", bytes.readable()),
            Happening::Denied { name, bytes } => format!("{name} does not get {} more", bytes.readable()),
            Happening::Gift { from, to, bytes } => format!("{from} gives {} to {to}", bytes.readable()),
            Happening::CertificateGot { day, .. } => {
                format!("there is a certificate for the pages, good until {day}")
            }
            Happening::CertificateRenewed { day, .. } => {
                format!("the certificate of the pages is renewed, good until {day}")
            }
            Happening::CertificateFailed { reason } => {
                format!("there is no new certificate for the pages yet: {reason}")
            }
            Happening::PasskeyNew { name, host } => format!("a passkey was added: “{name}”, for {host}"),
            Happening::PasskeyGone { name } => format!("a passkey was removed: “{name}”"),
            Happening::PasskeyCopied { name } => format!(
                "the passkey “{name}” was refused: its counter went back, so there may be a copy of it"
            ),
            Happening::Alert { said, .. } => said.clone(),
            Happening::AlertFailed { channel, title, reason } => format!(
                "the alert “{title}” could not be delivered by {} and is not tried any more: {reason}",
                channel.word()
            ),
        }
    }

    /// The same as facts.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let none = Facts::default();
        let of = |name: &PersonName| Facts { person: Some(name.to_string()), ..Facts::default() };
        let at = |mac: &Mac| Facts { device: Some(*mac), ..Facts::default() };
        match self {
            Happening::UplinkLost
            | Happening::PlanSlow
            | Happening::PlanFast
            | Happening::AllClosed { .. } => none,
            Happening::Uplink { name } => Facts { interface: Some(name.clone()), ..none },
            Happening::GrantsLost { bytes } => Facts { bytes: Some(*bytes), ..none },
            Happening::Idle { secs } => Facts { seconds: Some(*secs), ..none },
            Happening::OnlySites { sites } => {
                let names = sites.iter().flatten().map(SiteName::as_str).collect::<Vec<_>>().join(" ");
                Facts { sites: Some(names), ..none }
            }
            Happening::CardIs(card) | Happening::CardNew(card) | Happening::CardAgreed(card) => {
                Facts { card: Some(card.id), interface: Some(card.interface.clone()), ..none }
            }
            Happening::KeyNew { name, .. }
            | Happening::KeyRevoked { name }
            | Happening::Open { name }
            | Happening::Slow { name, .. }
            | Happening::Closed { name, .. } => of(name),
            Happening::DeviceNew { mac, guest } => {
                Facts { person: guest.as_ref().map(PersonName::to_string), ..at(mac) }
            }
            Happening::DeviceClaim { mac, claim } => {
                Facts { claim: Some(claim.as_str().to_owned()), ..at(mac) }
            }
            Happening::AccountsFull { mac } => at(mac),
            Happening::WrongKey { mac, attempts, wait_secs } => {
                Facts { count: Some(*attempts), seconds: Some(*wait_secs), ..at(mac) }
            }
            Happening::TooManyDevices { mac, name, limit } => {
                let person = name.as_ref().map(PersonName::to_string);
                Facts { person, count: Some(*limit), ..at(mac) }
            }
            Happening::AllOpen { before } => Facts { why: *before, ..none },
            Happening::LedgerStuck { reason } => Facts { reason: Some(reason.clone()), ..none },
            Happening::Asked { name, bytes }
            | Happening::Granted { name, bytes }
            | Happening::Denied { name, bytes } => Facts { bytes: Some(*bytes), ..of(name) },
            Happening::Gift { from, to, bytes } => {
                Facts { other: Some(to.to_string()), bytes: Some(*bytes), ..of(from) }
            }
            Happening::CertificateGot { ends, .. } | Happening::CertificateRenewed { ends, .. } => {
                Facts { ends: Some(*ends), ..none }
            }
            Happening::CertificateFailed { reason } => Facts { reason: Some(reason.clone()), ..none },
            Happening::PasskeyNew { name, .. }
            | Happening::PasskeyGone { name }
            | Happening::PasskeyCopied { name } => Facts { passkey: Some(name.clone()), ..none },
            Happening::Alert { id, what, .. } => Facts { alert: Some(*id), ..told(what) },
            Happening::AlertFailed { channel, reason, .. } => {
                Facts { channel: Some(*channel), reason: Some(reason.clone()), ..none }
            }
        }
    }
}

/// The facts of an alert.
fn told(what: &What) -> Facts {
    let none = Facts::default();
    match what {
        What::PlanLevel { percent, used, limit, renews } => {
            Facts { percent: Some(*percent), bytes: Some(*used), limit: Some(*limit), ends: *renews, ..none }
        }
        What::AllowanceLevel { name, percent, used, limit, renews } => Facts {
            person: Some(name.to_string()),
            percent: Some(*percent),
            bytes: Some(*used),
            limit: Some(*limit),
            ends: *renews,
            ..none
        },
        What::UnusualUse { name, today, .. } => {
            Facts { person: Some(name.to_string()), bytes: Some(*today), ..none }
        }
        What::UnusualDevice { mac, owner, today, .. } => {
            Facts { person: Some(owner.to_string()), device: Some(*mac), bytes: Some(*today), ..none }
        }
        What::PlanRolls { ends, used, limit, .. } => {
            Facts { ends: Some(*ends), bytes: Some(*used), limit: *limit, ..none }
        }
        What::DeviceWaiting { mac, claim, .. } => {
            Facts { device: Some(*mac), claim: claim.as_ref().map(|claim| claim.as_str().to_owned()), ..none }
        }
        What::CertificateEnds { ends } => Facts { ends: Some(*ends), ..none },
        What::PriceStep { cost, .. } => Facts { money: Some(cost.clone()), ..none },
        What::Test => none,
    }
}

/// In the largest unit that says it exactly.
fn duration(secs: u64) -> String {
    match secs {
        _ if secs.is_multiple_of(3600) => format!("{} h", secs / 3600),
        _ if secs.is_multiple_of(60) => format!("{} min", secs / 60),
        _ => format!("{secs} s"),
    }
}
