//! What happened, in the page's own words: by the kind of a line of the diary and its facts.

use hotshare_api::{EventFacts, EventKind, Status, Verdict};
use jiff::tz::TimeZone;

use super::plan::card_words;
use crate::messages::Text;
use crate::show::{self, safe};

/// A line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The page has no words for it, and these are the interface's.
    pub(super) is_foreign: bool,
    /// In the words of whatever failed, in English.
    pub(super) reason: Option<String>,
}

/// Tells in one language, with what is known now of devices and cards.
pub(super) struct Teller<'a> {
    pub(super) t: Text,
    pub(super) status: &'a Status,
    pub(super) zone: &'a TimeZone,
}

impl Teller<'_> {
    /// `text`: the interface's words, which stand in where the facts are not known. An older release wrote none.
    pub(super) fn line(&self, kind: &str, facts: &EventFacts, text: &str) -> Line {
        match self.own(kind, facts) {
            Some(own) => Line { text: own, is_foreign: false, reason: facts.reason.as_deref().map(safe) },
            None => Line { text: safe(text), is_foreign: true, reason: None },
        }
    }

    /// `None`: a newer kind, or one of which not all facts are there.
    fn own(&self, kind: &str, facts: &EventFacts) -> Option<String> {
        let t = self.t;
        let person = facts.person.as_deref().map(safe);
        let device = facts.device.as_deref().map(|mac| self.device(mac));
        let amount = facts.bytes.map(show::bytes);
        let of_person = |key: &str| Some(t.one(key, "name", person.clone()?));
        let of_device = |key: &str| Some(t.one(key, "device", device.clone()?));
        let of_card = |key: &str| Some(t.one(key, "card", self.card(facts)?));
        let day = || Some(show::day(show::civil(facts.ends?, self.zone).date(), t.0));
        let until = |key: &str| Some(t.one(key, "day", day()?));
        let of_passkey = |key: &str| Some(t.one(key, "passkey", safe(facts.passkey.as_deref()?)));
        let how_much = |key: &str| {
            Some(t.with(key, &[("name", person.clone()?.into()), ("amount", amount.clone()?.into())]))
        };
        let why = || word::<Verdict>(kind).map(|verdict| t.why(verdict));
        match word::<EventKind>(kind)? {
            EventKind::Uplink => Some(t.one("event-uplink", "interface", safe(facts.interface.as_deref()?))),
            EventKind::UplinkLost => Some(t.say("event-uplink-lost")),
            EventKind::GrantsLost => Some(t.one("event-grants-lost", "amount", amount?)),
            EventKind::Idle => Some(t.one("event-idle", "time", span(facts.seconds?))),
            EventKind::Card => of_card("event-card"),
            EventKind::CardNew => of_card("event-card-new"),
            EventKind::CardAgreed => of_card("event-card-agreed"),
            EventKind::KeyNew => of_person("event-key-new"),
            EventKind::KeyRevoked => of_person("event-key-revoked"),
            EventKind::DeviceNew => match person {
                Some(name) => {
                    let words = [("device", device?.into()), ("name", name.into())];
                    Some(t.with("event-device-new-of", &words))
                }
                None => of_device("event-device-new"),
            },
            EventKind::DeviceClaim => {
                let claim = safe(facts.claim.as_deref()?);
                Some(t.with("event-device-claim", &[("device", device?.into()), ("claim", claim.into())]))
            }
            EventKind::AccountsFull => of_device("event-accounts-full"),
            EventKind::WrongKey => {
                let (count, time) = (facts.count?, span(facts.seconds?));
                let words = [("device", device?.into()), ("count", count.into()), ("time", time.into())];
                Some(t.with("event-wrong-key", &words))
            }
            EventKind::TooManyDevices => {
                let words =
                    [("device", device?.into()), ("name", person?.into()), ("count", facts.count?.into())];
                Some(t.with("event-too-many-devices", &words))
            }
            EventKind::PlanSlow => Some(t.say("event-plan-slow")),
            EventKind::PlanFast => Some(t.say("event-plan-fast")),
            EventKind::Open => match person {
                Some(name) => Some(t.one("event-open", "name", name)),
                None => Some(t.one("event-open-all", "why", t.why(facts.why?))),
            },
            EventKind::Slow => of_person("event-slow"),
            EventKind::Paused
            | EventKind::Ended
            | EventKind::BedTime
            | EventKind::AllowanceUsed
            | EventKind::KeptForOthers => {
                Some(t.with("event-closed", &[("name", person?.into()), ("why", why()?.into())]))
            }
            EventKind::CardUnknown
            | EventKind::NewCard
            | EventKind::AsksForMoney
            | EventKind::PlanUsed
            | EventKind::PlanOver
            | EventKind::NoUplink => Some(t.one("event-closed-all", "why", why()?)),
            EventKind::LedgerStuck => facts.reason.as_ref().map(|_| t.say("event-ledger-stuck")),
            EventKind::OnlySites => match facts.sites.as_deref()? {
                "" => Some(t.say("event-all-sites")),
                sites => Some(t.one("event-only-sites", "sites", safe(&sites.replace(' ', ", ")))),
            },
            EventKind::Asked => how_much("event-asked"),
            EventKind::Granted => how_much("event-granted"),
            EventKind::Denied => how_much("event-denied"),
            EventKind::Gift => {
                let other = safe(facts.other.as_deref()?);
                let words = [("name", person?.into()), ("amount", amount?.into()), ("other", other.into())];
                Some(t.with("event-gift", &words))
            }
            EventKind::CertificateGot => until("event-certificate-got"),
            EventKind::CertificateRenewed => until("event-certificate-renewed"),
            EventKind::CertificateEnds => until("event-certificate-ends"),
            EventKind::CertificateFailed => facts.reason.as_ref().map(|_| t.say("event-certificate-failed")),
            EventKind::PasskeyNew => of_passkey("event-passkey-new"),
            EventKind::PasskeyGone => of_passkey("event-passkey-gone"),
            EventKind::PasskeyCopied => of_passkey("event-passkey-copied"),
            EventKind::AlertFailed => {
                Some(t.one("event-alert-failed", "channel", safe(facts.channel.as_deref()?)))
            }
            EventKind::PlanLevel => {
                let (percent, all) = (facts.percent?, show::bytes(facts.limit?));
                let words = [("percent", percent.into()), ("used", amount?.into()), ("all", all.into())];
                Some(t.with("event-plan-level", &words))
            }
            EventKind::AllowanceLevel => {
                let (percent, all) = (facts.percent?, show::bytes(facts.limit?));
                let words = [
                    ("name", person?.into()),
                    ("percent", percent.into()),
                    ("used", amount?.into()),
                    ("all", all.into()),
                ];
                Some(t.with("event-allowance-level", &words))
            }
            EventKind::UnusualUse => match device {
                Some(device) => {
                    let words =
                        [("device", device.into()), ("name", person?.into()), ("amount", amount?.into())];
                    Some(t.with("event-unusual-device", &words))
                }
                None => how_much("event-unusual-use"),
            },
            EventKind::PlanRollsSoon => {
                Some(t.with("event-plan-rolls-soon", &[("day", day()?.into()), ("used", amount?.into())]))
            }
            EventKind::DeviceWaiting => match facts.claim.as_deref().map(safe) {
                Some(claim) => {
                    let words = [("device", device?.into()), ("claim", claim.into())];
                    Some(t.with("event-device-claim", &words))
                }
                None => of_device("event-device-waiting"),
            },
            EventKind::PriceStep => Some(t.one("event-price-step", "money", safe(facts.money.as_deref()?))),
            EventKind::Unknown => None,
        }
    }

    /// What it calls itself now, if it is still known, and its address.
    fn device(&self, mac: &str) -> String {
        let known = self.status.devices.iter().find(|device| device.mac == mac);
        match known.and_then(|device| device.host_name.as_deref()) {
            Some(name) => format!("{} ({})", show::foreign(name), safe(mac)),
            None => safe(mac),
        }
    }

    /// As it is known now; where it is forgotten, by its interface.
    fn card(&self, facts: &EventFacts) -> Option<String> {
        let known = self.status.cards.iter().find(|card| Some(card.number) == facts.card);
        known.map(|card| card_words(self.t, card)).or_else(|| facts.interface.as_deref().map(safe))
    }
}

/// What a word of the interface means.
fn word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// In the largest unit that says it exactly.
fn span(seconds: u64) -> String {
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests;
