//! The Wi-Fi network, and who is on it.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hotshare_api::{AirState, Band, Key, Mode, NetworkKeyRotation, Secret, Station, Wifi, path};

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
    off_because: Option<String>,
    mode: String,
    channel: Option<String>,
    country: Option<String>,
    cost: String,
    wrong_keys: u64,
    /// Sentences in English, as the radio's choice was explained.
    why: Vec<String>,
    one_key: bool,
    stations: Vec<OnAir>,
    denied: Vec<(String, u64)>,
}

struct OnAir {
    mac: String,
    name: Option<String>,
    person: Option<String>,
    signal: Option<i32>,
    heard: Option<u64>,
    up: Option<String>,
    down: Option<String>,
    reason: Option<String>,
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
        reason: station.reason,
    };
    Page {
        name: safe(&wifi.name),
        on: wifi.state == AirState::On,
        state: t.say(match wifi.state {
            AirState::Starting => "air-starting",
            AirState::On => "air-on",
            AirState::Off | AirState::Unknown => "air-off",
        }),
        off_because: wifi.off_because,
        mode: mode(t, wifi.mode),
        channel: channel(t, wifi.band, wifi.channel),
        country: wifi.country,
        cost: t.say(match wifi.cost {
            hotshare_api::Cost::NearLimit => "cost-near",
            hotshare_api::Cost::OverLimit => "cost-over",
            hotshare_api::Cost::Metered | hotshare_api::Cost::Unknown => "cost-metered",
        }),
        wrong_keys: wifi.wrong_keys,
        why: wifi.why,
        one_key: matches!(wifi.mode, Mode::Sealed | Mode::Open),
        stations: wifi.stations.into_iter().map(station).collect(),
        denied: wifi.denied.into_iter().map(|denied| (denied.mac, denied.seconds_left)).collect(),
        f: asked.frame("/admin/wifi"),
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
    let band = match band? {
        Band::Two => "2.4",
        Band::Five => "5",
        Band::Six => "6",
        Band::Unknown => return None,
    };
    Some(t.with("air-channel", &[("band", band.into()), ("channel", channel?.to_string().into())]))
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
