//! The Wi-Fi: what the brain knows and what the radio tells, put together; and the keys to it.

use axum::Json;
use axum::extract::State;
use hotshare_api::{self as api, Code, Secret};
use hotshare_core::ask::{Admission, Answer, Ask, KeyTold, StationStatus, Status, WhyDenied, WifiStatus};
use hotshare_core::keys::Passphrase;
use hotshare_core::radio::{Band, Because, Cost, Job, Mode, Ports, Reason, Source, Ssid, Why, join_text};
use hotshare_core::units::UnixTime;
use hotshare_linux::radio::{AccessPoint, RadioView};

use super::failure::No;
use super::passphrase::{fresh_passphrase, judged};
use super::routes::{Body, OfPerson, Place, Reply};
use super::{AppState, translate};

/// The Wi-Fi and who is on it.
#[utoipa::path(
    get, path = api::path::WIFI, tag = "wifi",
    responses((status = 200, body = api::Wifi), (status = 409, description = "`no-wifi`"))
)]
pub(super) async fn wifi(State(state): State<AppState>) -> Reply<api::Wifi> {
    let air = state.air().await?;
    let status = state.status().await?;
    let view = state.view().unwrap_or_default();
    Ok(Json(told(&air, &status, &view)))
}

/// The person's Wi-Fi key, made when there is none.
#[utoipa::path(
    post, path = api::path::PERSON_INVITE, tag = "wifi", params(OfPerson), request_body = api::Invite,
    responses(
        (status = 200, body = api::Key),
        (status = 404, description = "`no-such-person`"),
        (status = 409, description = "`no-wifi`, `wrong-mode`, `has-key`"),
        (status = 422, description = "`ends-in-the-past`, `bad-passphrase`"),
    )
)]
pub(super) async fn invite(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::Invite>,
) -> Reply<api::Key> {
    let name = translate::name(&name)?;
    let api::Invite { expires, passphrase } = body.0;
    if passphrase.is_some() && state.status().await?.people.iter().any(|p| p.name == name && p.key.is_some())
    {
        return Err(No::new(
            Code::HasKey,
            format!("{name} has a key already; `hotshare people rotate {name}` takes another one instead"),
        ));
    }
    let fresh = state.passphrase(passphrase, name.as_str()).await?;
    let until = expires.map(|expires| expires.map(UnixTime));
    state.key(Ask::Invite { name, fresh, until }).await
}

/// Another key instead of the person's; whoever joined with the old one is put off the air, and nobody else.
#[utoipa::path(
    post, path = api::path::PERSON_KEY_ROTATE, tag = "wifi", params(OfPerson), request_body = api::KeyRotation,
    responses(
        (status = 200, body = api::Key),
        (status = 404, description = "`no-such-person`, `no-key`"),
        (status = 409, description = "`no-wifi`, `wrong-mode`"),
        (status = 422, description = "`ends-in-the-past`, `bad-passphrase`"),
    )
)]
pub(super) async fn key_rotate(
    State(state): State<AppState>,
    Place(name): Place,
    body: Body<api::KeyRotation>,
) -> Reply<api::Key> {
    let name = translate::name(&name)?;
    let api::KeyRotation { expires, passphrase } = body.0;
    let fresh = state.passphrase(passphrase, name.as_str()).await?;
    let until = match expires {
        Some(expires) => expires.map(UnixTime),
        None => {
            let status = state.status().await?;
            let person = status.people.iter().find(|person| person.name == name);
            // An end that has passed was the old key's alone.
            let until = person.and_then(|person| person.key).and_then(|key| key.until);
            until.filter(|until| *until > status.at)
        }
    };
    state.key(Ask::KeyRotate { name, fresh, until }).await
}

/// Takes the person's key away; their devices are put off the air and cannot come back.
#[utoipa::path(
    delete, path = api::path::PERSON_KEY, tag = "wifi", params(OfPerson),
    responses(
        (status = 200, body = api::Done),
        (status = 404, description = "`no-such-person`, `no-key`"),
        (status = 409, description = "`no-wifi`, `wrong-mode`"),
    )
)]
pub(super) async fn key_revoke(State(state): State<AppState>, Place(name): Place) -> Reply<api::Done> {
    state.change(Ask::KeyRevoke { name: translate::name(&name)? }).await
}

/// The key of a network without personal keys, made when there is none.
#[utoipa::path(
    get, path = api::path::WIFI_KEY, tag = "wifi",
    responses(
        (status = 200, body = api::Key),
        (status = 409, description = "`no-wifi`, `wrong-mode`"),
        (status = 500, description = "`not-written`"),
    )
)]
pub(super) async fn network_key(State(state): State<AppState>) -> Reply<api::Key> {
    let fresh = state.passphrase(None, "").await?;
    state.network_key(Ask::NetworkKey { fresh, rotate: false }).await
}

/// Another key instead; everybody must join again.
#[utoipa::path(
    post, path = api::path::WIFI_KEY_ROTATE, tag = "wifi", request_body = api::NetworkKeyRotation,
    responses(
        (status = 200, body = api::Key),
        (status = 409, description = "`no-wifi`, `wrong-mode`"),
        (status = 422, description = "`bad-passphrase`"),
    )
)]
pub(super) async fn network_key_rotate(
    State(state): State<AppState>,
    body: Body<api::NetworkKeyRotation>,
) -> Reply<api::Key> {
    let fresh = state.passphrase(body.0.passphrase, "").await?;
    state.network_key(Ask::NetworkKey { fresh, rotate: true }).await
}

impl AppState {
    /// How the radio does now; `None`: there is no Wi-Fi.
    fn view(&self) -> Option<RadioView> {
        self.radio.as_ref().map(|radio| radio.borrow().clone())
    }

    async fn air(&self) -> Result<WifiStatus, No> {
        match self.ask(Ask::Wifi).await? {
            Answer::Wifi(air) => Ok(*air),
            Answer::Done | Answer::Status(_) | Answer::Key(_) | Answer::Refused(_) => {
                Err(No::new(Code::Busy, "the daemon does not tell who is on the air"))
            }
        }
    }

    /// The network in a line; `None`: there is no Wi-Fi.
    pub(super) async fn wifi_line(&self) -> Result<Option<api::WifiLine>, No> {
        let Some(view) = self.view() else { return Ok(None) };
        let air = self.air().await?;
        let (state, off_because, _) = state_told(&view.state);
        Ok(Some(api::WifiLine {
            state,
            off_because,
            name: view.ssid,
            band: view.band.map(band_told),
            channel: some(view.channel),
            stations: u32::try_from(air.stations.len()).unwrap_or(u32::MAX),
        }))
    }

    /// The passphrase that was sent, if it is a good one, or one that is made.
    async fn passphrase(&self, own: Option<Secret>, person: &str) -> Result<Passphrase, No> {
        let Some(own) = own else {
            return fresh_passphrase().map_err(|e| No::new(Code::Busy, e.to_string()));
        };
        let known = [self.view().map(|view| view.ssid).unwrap_or_default(), person.to_owned()];
        // The judge takes its time, and the runtime's thread has more to do.
        let judged =
            tokio::task::spawn_blocking(move || judged(&own.0, &known.each_ref().map(String::as_str)));
        match judged.await {
            Ok(verdict) => verdict.map_err(|why| No::new(Code::BadPassphrase, why.to_string())),
            Err(_) => Err(No::new(Code::Busy, "the passphrase could not be judged")),
        }
    }

    /// Asks for a key, and tells how to join with it.
    async fn key(&self, ask: Ask) -> Reply<api::Key> {
        let mode = self.air().await?.mode;
        match self.ask(ask).await? {
            Answer::Key(told) => self.join(mode, Some(&told)),
            Answer::Done | Answer::Status(_) | Answer::Wifi(_) | Answer::Refused(_) => {
                Err(No::new(Code::Busy, "the daemon has no key to tell"))
            }
        }
    }

    async fn network_key(&self, ask: Ask) -> Reply<api::Key> {
        match self.air().await?.mode {
            Mode::Open => self.join(Mode::Open, None),
            Mode::People | Mode::PeopleOld | Mode::Sealed => self.key(ask).await,
        }
    }

    fn join(&self, mode: Mode, key: Option<&KeyTold>) -> Reply<api::Key> {
        let view = self.view().unwrap_or_default();
        let ssid = Ssid::new(&view.ssid).map_err(|_| {
            No::new(
                Code::Busy,
                "the Wi-Fi has not been on the air yet, so it has no name; `hotshare wifi` tells why",
            )
        })?;
        Ok(Json(key_told(&ssid, mode, key)))
    }
}

/// How to join.
pub(crate) fn key_told(ssid: &Ssid, mode: Mode, key: Option<&KeyTold>) -> api::Key {
    let passphrase = key.map(|key| &key.passphrase);
    api::Key {
        schema: api::SCHEMA,
        name: ssid.as_str().to_owned(),
        mode: mode_told(mode),
        passphrase: passphrase.map(|passphrase| passphrase.secret().into()),
        since: key.map(|key| key.since.0),
        until: key.and_then(|key| key.until).map(|until| until.0),
        join: Secret(join_text(ssid, mode, passphrase)),
    }
}

fn told(air: &WifiStatus, status: &Status, view: &RadioView) -> api::Wifi {
    let (state, off_because, off_code) = state_told(&view.state);
    let station = |seen: &StationStatus| {
        let device = status.devices.iter().find(|device| device.mac == seen.mac);
        let signal = view.signals.get(&seen.mac);
        let (admission, reason) = admission(seen);
        api::Station {
            mac: seen.mac.to_string(),
            person: seen.person.as_ref().map(ToString::to_string),
            host_name: device.and_then(|device| device.host_name.clone()),
            address: device.and_then(|device| device.address).map(|address| address.to_string()),
            since: seen.since.0,
            admission,
            reason,
            limit: match seen.admission {
                Admission::TooManyDevices { limit } => Some(limit),
                Admission::Waiting | Admission::Admitted | Admission::KeyGone => None,
            },
            // 0 dBm is a driver that has heard nothing yet: nothing is that loud.
            signal_dbm: signal.and_then(|signal| signal.dbm).filter(|dbm| *dbm < 0),
            up_kbit_s: signal.and_then(|signal| signal.rx_kbit).map(u64::from),
            down_kbit_s: signal.and_then(|signal| signal.tx_kbit).map(u64::from),
            heard_ms: signal.and_then(|signal| signal.heard_ms).map(u64::from),
        }
    };
    api::Wifi {
        schema: api::SCHEMA,
        at: status.at.0,
        state,
        off_because,
        off_code,
        name: view.ssid.clone(),
        mode: mode_told(air.mode),
        interface: Some(view.interface.clone()).filter(|name| !name.is_empty()),
        bssid: view.bssid.map(|bssid| bssid.to_string()),
        country: view.country.map(|country| country.to_string()),
        band: view.band.map(band_told),
        channel: some(view.channel),
        mhz: some(view.mhz),
        width_mhz: some(view.width_mhz),
        station_ports: view.station_ports,
        why: view.why.iter().map(ToString::to_string).collect(),
        reasons: view.why.iter().map(reason).collect(),
        cost: match air.cost {
            Cost::Metered => api::Cost::Metered,
            Cost::NearLimit => api::Cost::NearLimit,
            Cost::OverLimit => api::Cost::OverLimit,
        },
        stations: air.stations.iter().map(station).collect(),
        denied: air
            .denied
            .iter()
            .map(|denied| {
                let (why, reason) = match denied.why {
                    WhyDenied::WrongKey { attempts } => {
                        (api::WhyDenied::WrongKey, format!("{attempts} attempts with a wrong passphrase"))
                    }
                    WhyDenied::TooManyDevices { limit } => {
                        (api::WhyDenied::TooManyDevices, too_many(None, limit))
                    }
                };
                let (mac, seconds_left) = (denied.mac.to_string(), denied.seconds_left);
                api::Denied { mac, seconds_left, why, reason }
            })
            .collect(),
        wrong_keys: air.wrong_keys,
    }
}

fn admission(seen: &StationStatus) -> (api::Admission, Option<String>) {
    match seen.admission {
        Admission::Admitted => (api::Admission::Admitted, None),
        Admission::Waiting => {
            (api::Admission::Waiting, Some("it is being written down whose it is".to_owned()))
        }
        Admission::TooManyDevices { limit } => {
            let person = seen.person.as_ref().map(|person| person.as_str());
            (api::Admission::TooManyDevices, Some(too_many(person, limit)))
        }
        Admission::KeyGone => (
            api::Admission::KeyGone,
            Some("the key that it joined with was taken away, or has ended".to_owned()),
        ),
    }
}

fn too_many(person: Option<&str>, limit: u32) -> String {
    let whose = person.unwrap_or("its person");
    let devices = if limit == 1 { "device" } else { "devices" };
    format!("{whose} may have {limit} {devices} on the air at once (`hotshare people limit`)")
}

/// How it does; where it is off, why, in words and as a word.
fn state_told(state: &AccessPoint) -> (api::AirState, Option<String>, Option<api::OffCode>) {
    match state {
        AccessPoint::Starting => (api::AirState::Starting, None, None),
        AccessPoint::On => (api::AirState::On, None, None),
        AccessPoint::Off { why, words } => {
            let code = match why {
                None => api::OffCode::Stopped,
                Some(Why::Died) => api::OffCode::Died,
                Some(Why::Hung) => api::OffCode::Hung,
                Some(Why::CardGone) => api::OffCode::CardGone,
                Some(Why::Silent) => api::OffCode::Silent,
                Some(Why::UplinkMoved(_)) => api::OffCode::UplinkMoved,
                Some(Why::UplinkLost) => api::OffCode::UplinkLost,
                Some(Why::Failed) => api::OffCode::Failed,
            };
            (api::AirState::Off, Some(words.clone()), Some(code))
        }
    }
}

fn reason(reason: &Reason) -> api::WifiReason {
    use api::WifiReasonCode as Code;
    let bare = |code| api::WifiReason {
        code,
        country: None,
        card: None,
        interface: None,
        configured: false,
        band: None,
        channel: None,
        width_mhz: None,
        detail: None,
    };
    match reason {
        Reason::Country { country, source } => api::WifiReason {
            country: Some(country.to_string()),
            configured: *source == Source::Configuration,
            ..bare(match source {
                Source::Configuration => Code::CountryConfigured,
                Source::UplinkNetwork => Code::CountryOfUplink,
                Source::Locale => Code::CountryOfLocale,
            })
        },
        Reason::Card { card, named, job } => {
            let (code, interface) = match job {
                Job::Uplink(name) => (Code::CardIsUplinks, Some(name.clone())),
                Job::Left(name) => (Code::CardLeaves, Some(name.clone())),
                Job::Free(_) => (Code::CardFree, None),
            };
            api::WifiReason { card: Some(card.clone()), interface, configured: *named, ..bare(code) }
        }
        Reason::Channel { at, width_mhz, because } => api::WifiReason {
            configured: matches!(because, Because::Configured { .. }),
            band: Some(band_told(at.band)),
            channel: Some(at.channel),
            width_mhz: Some(*width_mhz),
            detail: because.not_five(),
            ..bare(match because {
                Because::OnlyUplinks => Code::ChannelOnlyUplinks,
                Because::Uplinks => Code::ChannelUplinks,
                Because::Configured { radar: false } => Code::ChannelConfigured,
                Because::Configured { radar: true } => Code::ChannelRadar,
                Because::First { .. } => Code::ChannelFirst,
            })
        },
        Reason::Ports(ports) => bare(match ports {
            Ports::Own => Code::PortsOwn,
            Ports::Shared => Code::PortsShared,
            Ports::NotBuilt => Code::PortsNotBuilt,
        }),
    }
}

pub(crate) fn mode_told(mode: Mode) -> api::Mode {
    match mode {
        Mode::People => api::Mode::People,
        Mode::PeopleOld => api::Mode::PeopleOld,
        Mode::Sealed => api::Mode::Sealed,
        Mode::Open => api::Mode::Open,
    }
}

pub(crate) fn band_told(band: Band) -> api::Band {
    match band {
        Band::Two => api::Band::Two,
        Band::Five => api::Band::Five,
        Band::Six => api::Band::Six,
    }
}

/// Nothing has the number 0.
fn some(number: u32) -> Option<u32> {
    Some(number).filter(|number| *number != 0)
}
