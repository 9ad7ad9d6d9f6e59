//! `hotshare wifi`: how the network does, and who is on it.

use std::io::Write as _;

use clap::{Args, Subcommand};
use hotshare_api::{
    self as api, Admission, AirState, Band, Cost, Mode, NetworkKeyRotation, Station, Wifi as Air, WifiLine,
    WifiPreview, path,
};
use hotshare_core::ask::KeyTold;
use hotshare_core::keys::Passphrase;
use hotshare_core::radio as core;
use hotshare_core::radio::Ssid;
use hotshare_core::units::UnixTime;
use jiff::tz::TimeZone;

use super::join::{self, Files, Own, Shown};
use super::screen::{DIM, HEAD, LOW, OUT, Screen};
use super::session::{Session, terminal_width};
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::{escaped, fitted};
use crate::{serve, zone};

/// Show the Wi-Fi network and who is on it, or the key of a network with one key for all
#[derive(Debug, Args)]
pub(crate) struct Wifi {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the network and the devices on it (this is also what `hotshare wifi` alone does)
    Show,
    /// Show how to join a network with one key for all (in the modes “sealed” and “open”)
    Key {
        /// Make another key first; everybody must join again
        #[arg(long)]
        rotate: bool,
        #[command(flatten)]
        own: Own,
        #[command(flatten)]
        files: Files,
    },
}

impl Wifi {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::Show) {
            Action::Show => {
                let air: Air = session.get("cannot show the Wi-Fi", path::WIFI)?;
                session.show(&air, |air| screen(air, session.width, session.instance.command()))
            }
            Action::Key { rotate, own, files } => {
                let tried =
                    if rotate { "cannot change the Wi-Fi's key" } else { "cannot show the Wi-Fi's key" };
                let passphrase = own.passphrase(tried)?;
                let key: api::Key = if rotate {
                    session.post(tried, path::WIFI_KEY_ROTATE, &NetworkKeyRotation { passphrase })?
                } else if passphrase.is_some() {
                    let how =
                        "a passphrase of your own needs --rotate: it takes the place of the key in force";
                    return Err(Stop::refused(format!("{tried}: {how}")));
                } else {
                    session.get(tried, path::WIFI_KEY)?
                };
                files.show(session, &key, &Shown { person: None, zone: &zone::rules("UTC") })
            }
        }
    }
}

/// Shows on the terminal of `hotshare up` how to join, once, when there was nobody yet. `who`: whose the key is,
/// where keys are personal. Only for a terminal: what goes there goes into no log.
pub(crate) fn show_join(ssid: &Ssid, mode: core::Mode, passphrase: Option<&Passphrase>, who: &str) {
    let told = passphrase.cloned().map(|passphrase| KeyTold { passphrase, since: UnixTime(0), until: None });
    let key = serve::key_told(ssid, mode, told.as_ref());
    let shown = Shown { person: Some(who).filter(|_| mode.is_personal()), zone: &TimeZone::UTC };
    let screen = join::text(&key, &shown, terminal_width());
    // The terminal may be gone by now; the key is shown again by whoever asks for it.
    let _written = anstream::stderr().lock().write_all(format!("\n{screen}\n").as_bytes());
}

/// The whole screen, styled.
fn screen(air: &Air, width: usize, command: &str) -> String {
    let mut out = Screen::new(width);
    let name = if air.name.is_empty() { "no name yet".to_owned() } else { escaped(&air.name) };
    match (air.state, &air.off_because) {
        (AirState::On, _) => out.labelled("Wi-Fi", &format!("{name}, on the air{}", place(air))),
        (AirState::Starting, _) => out.labelled_as(LOW, "Wi-Fi", &format!("{name}, starting{}", place(air))),
        (AirState::Off | AirState::Unknown, because) => {
            let because = because.as_deref().unwrap_or("the daemon's log tells why");
            out.labelled_as(OUT, "Wi-Fi", &format!("{name}, off: {}", escaped(because)));
        }
    }
    if let Some(words) = radio_words(air) {
        out.labelled("Radio", &words);
    }
    for why in &air.why {
        out.labelled_as(DIM, "", &escaped(why));
    }
    out.labelled("Joining", mode_words(air.mode));
    if air.state == AirState::On && !air.station_ports {
        out.labelled_as(
            LOW,
            "",
            "This card cannot give each device a port of its own, so devices share the key for group traffic: one of them could fake what goes to all.",
        );
    }
    out.labelled("Cost", cost_words(air.cost));
    out.line("");
    stations(&mut out, air, width, command);
    for denied in &air.denied {
        let left = length(denied.seconds_left.saturating_mul(1000));
        let (mac, reason) = (escaped(&denied.mac), escaped(&denied.reason));
        out.labelled_as(LOW, "Denied", &format!("{mac} for {left}: {reason}"));
    }
    match air.wrong_keys {
        0 => {}
        1 => out.labelled("Wrong", "1 attempt with a wrong passphrase since the daemon started"),
        n => out.labelled("Wrong", &format!("{n} attempts with a wrong passphrase since the daemon started")),
    }
    out.into_text()
}

/// Devices on the air, one on a line; then those that are not admitted, with the reason.
fn stations(out: &mut Screen, air: &Air, width: usize, command: &str) {
    const COLUMNS: [(&str, Side); 6] = [
        ("Device", Side::Left),
        ("Whose", Side::Left),
        ("Calls itself", Side::Left),
        ("Signal", Side::Left),
        ("Down/up Mbit", Side::Right),
        ("Heard", Side::Right),
    ];
    if air.stations.is_empty() {
        let how = match air.mode {
            Mode::People | Mode::PeopleOld => format!("`{command} people invite NAME` shows how to join."),
            Mode::Sealed | Mode::Open | Mode::Unknown => format!("`{command} wifi key` shows how to join."),
        };
        out.wrapped("", &format!("Nobody is on the air. {how}"));
        return;
    }
    let rows: Vec<Vec<String>> = air
        .stations
        .iter()
        .map(|station| {
            vec![
                escaped(&station.mac),
                whose(station),
                station.host_name.as_deref().map(|name| fitted(name, 14)).unwrap_or_default(),
                station.signal_dbm.map_or_else(|| "—".to_owned(), signal_words),
                rates(station.down_kbit_s, station.up_kbit_s),
                station.heard_ms.map_or_else(|| "—".to_owned(), length),
            ]
        })
        .collect();
    // First goes what matters least when one asks who is on the air.
    let lines = fitting(&COLUMNS, &rows, &[&[2], &[4], &[5], &[3]], 1, width);
    let before = std::iter::once(None).chain(air.stations.iter().map(Some));
    for (line, station) in lines.iter().zip(before) {
        let style = match station.map(|station| station.admission) {
            None => HEAD,
            Some(Admission::Admitted) => anstyle::Style::new(),
            Some(Admission::Waiting | Admission::Unknown) => LOW,
            Some(Admission::TooManyDevices | Admission::KeyGone) => OUT,
        };
        out.line(&format!("{style}{line}{style:#}"));
    }
    for station in &air.stations {
        if let Some(reason) = &station.reason {
            out.wrapped("  ", &format!("{} is not let in: {}", escaped(&station.mac), escaped(reason)));
        }
    }
}

fn whose(station: &Station) -> String {
    station.person.as_deref().map_or_else(|| "waits for you".to_owned(), |person| fitted(person, 24))
}

fn place(air: &Air) -> String {
    match (&air.interface, &air.bssid) {
        (Some(interface), Some(bssid)) => format!(" on {} ({})", escaped(interface), escaped(bssid)),
        (Some(interface), None) => format!(" on {}", escaped(interface)),
        (None, _) => String::new(),
    }
}

fn radio_words(air: &Air) -> Option<String> {
    let mut words = vec![band_words(air.band?).to_owned(), format!("channel {}", air.channel?)];
    if let Some(mhz) = air.mhz {
        words.push(format!("{mhz} MHz"));
    }
    if let Some(wide) = air.width_mhz {
        words.push(format!("{wide} MHz wide"));
    }
    if let Some(country) = &air.country {
        words.push(format!("by the rules of {}", escaped(country)));
    }
    Some(words.join(", "))
}

/// One line of the dry run.
pub(super) fn choice_words(wifi: &WifiPreview) -> String {
    let (name, interface) = (escaped(&wifi.name), escaped(&wifi.interface));
    let (band, channel, country) = (band_words(wifi.band), wifi.channel, escaped(&wifi.country));
    format!(
        "{name} on {interface}, {band}, channel {channel}, by the rules of {country}; {}",
        mode_words(wifi.mode)
    )
}

/// One line of the status.
pub(super) fn status_words(line: &WifiLine) -> String {
    let name = escaped(&line.name);
    let radio = match (line.band, line.channel) {
        (Some(band), Some(channel)) => format!(", {}, channel {channel}", band_words(band)),
        _ => String::new(),
    };
    match line.state {
        AirState::On => {
            let stations = match line.stations {
                0 => "nobody on the air".to_owned(),
                1 => "1 device on the air".to_owned(),
                n => format!("{n} devices on the air"),
            };
            format!("{name}{radio}, {stations}")
        }
        AirState::Starting => format!("{name}{radio}, starting"),
        AirState::Off | AirState::Unknown => {
            let because = line.off_because.as_deref().unwrap_or("`hotshare wifi` tells more");
            format!("off: {}", escaped(because))
        }
    }
}

fn band_words(band: Band) -> &'static str {
    match band {
        Band::Two => "2.4 GHz",
        Band::Five => "5 GHz",
        Band::Six => "6 GHz",
        Band::Unknown => "unknown band",
    }
}

fn mode_words(mode: Mode) -> &'static str {
    match mode {
        Mode::People => "WPA2 with a key for each person (people)",
        Mode::PeopleOld => {
            "WPA2 with a key for each person, old devices allowed: those can be thrown off the air (people-old)"
        }
        Mode::Sealed => "WPA3 with one key for all; you say whose a device is (sealed)",
        Mode::Open => "encrypted without a key; you say whose a device is (open)",
        Mode::Unknown => "in a way that this release does not know",
    }
}

fn cost_words(cost: Cost) -> &'static str {
    match cost {
        Cost::Metered => "phones are told that this network has a limit",
        Cost::NearLimit => "phones are told that this network has a limit, and is near it",
        Cost::OverLimit => "phones are told that this network's limit is used up",
        Cost::Unknown => "phones are told something that this release does not know",
    }
}

fn signal_words(dbm: i32) -> String {
    let word = match dbm {
        -60.. => "good",
        -70.. => "fair",
        -80.. => "weak",
        _ => "very weak",
    };
    format!("{word} ({dbm} dBm)").replace('-', "−")
}

fn rates(down: Option<u64>, up: Option<u64>) -> String {
    if (down, up) == (None, None) { "—".to_owned() } else { format!("{}/{}", rate(down), rate(up)) }
}

/// In Mbit/s, such as `866` or `6.0`.
fn rate(kbit_s: Option<u64>) -> String {
    match kbit_s {
        None => "—".to_owned(),
        Some(rate @ ..10_000) => format!("{}.{}", rate / 1000, rate % 1000 / 100),
        Some(rate) => (rate / 1000).to_string(),
    }
}

/// Such as `0.3 s`, `40 s`, `12 min` or `3 h`.
fn length(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..60_000 => format!("{} s", ms / 1000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests;
