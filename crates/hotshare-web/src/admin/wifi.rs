//! The Wi-Fi network, and who is on it.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{
    Admission, AirState, Band, Denied, Key, Mode, NetworkKeyRotation, OffCode, Secret, Station, WhyDenied,
    Wifi, WifiReason, WifiReasonCode, path,
};

use super::fields::Fields;
use super::person::invited;
use super::{Asked, Desk, Frame, Sorry, Why, shown};
use crate::messages::Text;
use crate::show::{self, safe};

#[derive(Template)]
#[template(path = "admin/wifi.html")]
struct Page {
    f: Frame,
    name: String,
    on: bool,
    state: String,
    off: Option<Off>,
    mode: String,
    channel: Option<String>,
    country: Option<String>,
    cost: String,
    wrong_keys: u64,
    why: Vec<Reason>,
    one_key: bool,
    stations: Vec<OnAir>,
    denied: Vec<KeptOut>,
}

/// Why it is off. `detail`: what the operating system or hostapd said, in English.
struct Off {
    words: Option<String>,
    detail: Option<String>,
}

/// Why this country, card or channel. `detail`: what stands against a better one, in English.
struct Reason {
    words: Option<String>,
    detail: Option<String>,
}

struct KeptOut {
    mac: String,
    left: u64,
    why: String,
}

struct OnAir {
    mac: String,
    name: Option<String>,
    person: Option<String>,
    signal: Option<i32>,
    heard: Option<u64>,
    up: Option<String>,
    down: Option<String>,
    /// How far it has come.
    state: String,
    is_in: bool,
}

pub(super) async fn show(State(desk): State<Desk>, asked: Asked) -> Response {
    match desk.api.get::<Wifi>(path::WIFI).await {
        Ok(wifi) => shown(&page(asked, wifi)),
        Err(error) => Sorry { asked, why: Why::Api(error), back: "/admin".into() }.into_response(),
    }
}

fn page(asked: Asked, wifi: Wifi) -> Page {
    let t = asked.t;
    let station = |station: Station| OnAir {
        mac: station.mac,
        name: station.host_name.as_deref().map(safe),
        person: station.person.as_deref().map(safe),
        signal: station.signal_dbm,
        heard: station.heard_ms.map(|ms| ms / 1000),
        up: station.up_kbit_s.map(|kbit| show::rate(kbit.saturating_mul(125))),
        down: station.down_kbit_s.map(|kbit| show::rate(kbit.saturating_mul(125))),
        state: admission(t, station.admission, station.limit),
        is_in: station.admission == Admission::Admitted,
    };
    let kept_out = |denied: Denied| KeptOut {
        mac: denied.mac,
        left: denied.seconds_left,
        why: t.say(match denied.why {
            WhyDenied::WrongKey => "denied-wrong-key",
            WhyDenied::TooManyDevices => "denied-too-many-devices",
            WhyDenied::Unknown => "denied-unknown",
        }),
    };
    Page {
        name: safe(&wifi.name),
        on: wifi.state == AirState::On,
        state: t.say(match wifi.state {
            AirState::Starting => "air-starting",
            AirState::On => "air-on",
            AirState::Off | AirState::Unknown => "air-off",
        }),
        off: off(t, wifi.off_code, wifi.off_because),
        mode: mode(t, wifi.mode),
        channel: channel(t, wifi.band, wifi.channel),
        country: wifi.country,
        cost: t.say(match wifi.cost {
            hotshare_api::Cost::NearLimit => "cost-near",
            hotshare_api::Cost::OverLimit => "cost-over",
            hotshare_api::Cost::Metered | hotshare_api::Cost::Unknown => "cost-metered",
        }),
        wrong_keys: wifi.wrong_keys,
        why: reasons(t, wifi.reasons, wifi.why),
        one_key: matches!(wifi.mode, Mode::Sealed | Mode::Open),
        stations: wifi.stations.into_iter().map(station).collect(),
        denied: wifi.denied.into_iter().map(kept_out).collect(),
        f: asked.frame("/admin/wifi"),
    }
}

fn admission(t: Text, admission: Admission, limit: Option<u32>) -> String {
    match (admission, limit) {
        (Admission::Admitted, _) => t.say("station-admitted"),
        (Admission::Waiting, _) => t.say("station-waiting"),
        (Admission::TooManyDevices, Some(limit)) => t.one("station-too-many-devices", "count", limit),
        (Admission::KeyGone, _) => t.say("station-key-gone"),
        (Admission::TooManyDevices | Admission::Unknown, _) => t.say("station-unknown"),
    }
}

fn off(t: Text, code: Option<OffCode>, because: Option<String>) -> Option<Off> {
    let detail = because.as_deref().map(safe);
    let key = match code {
        None | Some(OffCode::Unknown) => {
            return detail.map(|detail| Off { words: None, detail: Some(detail) });
        }
        Some(OffCode::Died) => "off-died",
        Some(OffCode::Hung) => "off-hung",
        Some(OffCode::CardGone) => "off-card-gone",
        Some(OffCode::Silent) => "off-silent",
        Some(OffCode::UplinkMoved) => "off-uplink-moved",
        Some(OffCode::UplinkLost) => "off-uplink-lost",
        Some(OffCode::Failed) => "off-failed",
        Some(OffCode::Stopped) => "off-stopped",
    };
    // Of these two more is known than the word says.
    let detail = detail.filter(|_| matches!(code, Some(OffCode::Died | OffCode::Failed)));
    Some(Off { words: Some(t.say(key)), detail })
}

/// In the page's words; where there are none, in the interface's: `texts` are the same, in the same order.
fn reasons(t: Text, reasons: Vec<WifiReason>, texts: Vec<String>) -> Vec<Reason> {
    let mut texts = texts.into_iter();
    let mut told: Vec<Reason> = Vec::new();
    for reason in reasons {
        let text = texts.next();
        let words = reason_words(t, &reason);
        let detail = if words.is_some() { reason.detail } else { text };
        told.push(Reason { words, detail: detail.as_deref().map(safe) });
    }
    told.extend(texts.map(|text| Reason { words: None, detail: Some(safe(&text)) }));
    told
}

fn reason_words(t: Text, reason: &WifiReason) -> Option<String> {
    let country = |key| Some(t.one(key, "country", safe(reason.country.as_deref()?)));
    let card = |key| Some(t.one(key, "card", safe(reason.card.as_deref()?)));
    let card_with = |key| {
        let (card, interface) = (safe(reason.card.as_deref()?), safe(reason.interface.as_deref()?));
        Some(t.with(key, &[("card", card.into()), ("interface", interface.into())]))
    };
    let channel = |key| {
        let channel = [
            ("channel", reason.channel?.to_string().into()),
            ("band", gigahertz(reason.band?)?.into()),
            ("width", reason.width_mhz?.to_string().into()),
        ];
        Some(t.with(key, &channel))
    };
    match reason.code {
        WifiReasonCode::CountryConfigured => country("radio-country-configured"),
        WifiReasonCode::CountryOfUplink => country("radio-country-of-uplink"),
        WifiReasonCode::CountryOfLocale => country("radio-country-of-locale"),
        WifiReasonCode::CardIsUplinks => card_with("radio-card-is-uplinks"),
        WifiReasonCode::CardLeaves => card_with("radio-card-leaves"),
        WifiReasonCode::CardFree if reason.configured => card("radio-card-named"),
        WifiReasonCode::CardFree => card("radio-card-free"),
        WifiReasonCode::ChannelOnlyUplinks => channel("radio-channel-only-uplinks"),
        WifiReasonCode::ChannelUplinks => channel("radio-channel-uplinks"),
        WifiReasonCode::ChannelConfigured => channel("radio-channel-configured"),
        WifiReasonCode::ChannelRadar => channel("radio-channel-radar"),
        WifiReasonCode::ChannelFirst => channel("radio-channel-first"),
        WifiReasonCode::PortsOwn => Some(t.say("radio-ports-own")),
        WifiReasonCode::PortsShared => Some(t.say("radio-ports-shared")),
        WifiReasonCode::PortsNotBuilt => Some(t.say("radio-ports-not-built")),
        WifiReasonCode::Unknown => None,
    }
}

fn mode(t: Text, mode: Mode) -> String {
    t.say(match mode {
        Mode::People => "mode-people",
        Mode::PeopleOld => "mode-people-old",
        Mode::Sealed => "mode-sealed",
        Mode::Open | Mode::Unknown => "mode-open",
    })
}

fn channel(t: Text, band: Option<Band>, channel: Option<u32>) -> Option<String> {
    let band = gigahertz(band?)?;
    Some(t.with("air-channel", &[("band", band.into()), ("channel", channel?.to_string().into())]))
}

fn gigahertz(band: Band) -> Option<&'static str> {
    match band {
        Band::Two => Some("2.4"),
        Band::Five => Some("5"),
        Band::Six => Some("6"),
        Band::Unknown => None,
    }
}

/// The key of a network with one key for all: shown, or made anew.
pub(super) async fn key(State(desk): State<Desk>, asked: Asked, Form(fields): Form<Fields>) -> Response {
    let made = async {
        let zone = show::zone(&desk.status().await?.plan.zone);
        let key: Key = if fields.is_set("rotate") {
            let passphrase = fields.filled("passphrase").map(Secret::from);
            desk.api.send(Method::POST, path::WIFI_KEY_ROTATE, &NetworkKeyRotation { passphrase }).await?
        } else {
            desk.api.get(path::WIFI_KEY).await?
        };
        Ok::<_, Why>((key, zone))
    };
    match made.await {
        Ok((key, zone)) => {
            let name = key.name.clone();
            invited(asked, "/admin/wifi", &name, "/admin/wifi".into(), &key, &zone)
        }
        Err(why) => Sorry { asked, why, back: "/admin/wifi".into() }.into_response(),
    }
}
