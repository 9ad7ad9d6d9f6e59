//! The radio's hands: the card is prepared and given back ([`card`]), and hostapd, which makes it an access point,
//! is configured, started, spoken to and watched.
//!
//! ```text
//!   survey -> core chooses -> prepare -> hostapd.conf -> hostapd <-- control socket --> serve
//!   RadioOrders (keys, denied, admitted, cost) ----------------------------------------^
//!   stations, wrong keys <-------------------------------------------------------------'
//! ```
//!
//! Identity comes from hostapd's list of stations alone; its events only say when to look. A station's own
//! interface is born outside the bridge, and joins it when the brain says that the station is booked.

pub mod card;
pub mod reply;
pub(crate) mod nm;

mod config;
mod control;
mod features;
mod files;
mod frames;
mod process;
mod serve;

pub use card::Signal;
pub use control::ControlError;
pub use files::PORT_PREFIX;
pub use process::ProcessError;
pub use serve::Radio;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use hotshare_core::radio::{
    self, Band, Choice, Country, Mode, NoRadio, Ports, RadioSeen, RadioWish, Reason, StationSeen, Why,
};
use hotshare_core::units::Mac;

use crate::host::port::PortError;
use card::{Card, CardError};
use features::Features;
use files::RunDir;
use process::Process;

/// What the access point is made from.
#[derive(Clone, Debug)]
pub struct RadioConfig {
    /// From [`decide`].
    pub choice: Choice,
    /// What it was chosen for: it is chosen again when the card comes back or the uplink changes its channel.
    pub wish: RadioWish,
    /// The interface of the uplink.
    pub uplink: String,
    /// Where the run-time files are: only root may write here.
    pub run_dir: PathBuf,
    /// The LAN bridge.
    pub bridge: String,
}

/// What the daemon is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioNews {
    /// All stations that have proven their key, now.
    Stations(Vec<StationSeen>),
    /// A station tried a passphrase that is nobody's. hostapd says so up to four times per attempt.
    WrongKey(Mac),
    /// The access point is on this interface now.
    Card(String),
}

/// How the access point is, for people.
#[derive(Clone, Debug, Default)]
pub struct RadioView {
    pub state: AccessPoint,
    /// The access point's own address.
    pub bssid: Option<Mac>,
    pub ssid: String,
    pub mode: Mode,
    pub country: Option<Country>,
    pub channel: u32,
    pub mhz: u32,
    pub width_mhz: u32,
    pub band: Option<Band>,
    pub interface: String,
    /// Each station has an interface of its own.
    pub station_ports: bool,
    /// Why this card, band and channel.
    pub why: Vec<Reason>,
    pub signals: BTreeMap<Mac, Signal>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessPoint {
    #[default]
    Starting,
    On,
    Off {
        /// `None`: it was stopped.
        why: Option<Why>,
        /// The same in words; more of it where more is known.
        words: String,
    },
}

/// Why there is no access point.
#[derive(Debug, thiserror::Error)]
pub enum RadioError {
    #[error(transparent)]
    Card(#[from] CardError),
    #[error(transparent)]
    None(#[from] NoRadio),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("this hostapd ({}) cannot do mode {}: it was built without it; {}", program.display(), mode.word(), works(.working))]
    Mode { program: PathBuf, mode: Mode, working: Vec<Mode> },
    #[error("a sealed network needs its passphrase before it can start: there is none yet")]
    NoKey,
    #[error("the file {} cannot be written", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("hostapd could not make {interface} an access point{}", said(.words))]
    Ended { interface: String, words: String },
    #[error("hostapd did not make {interface} an access point within {secs} s{}", said(.words))]
    TooSlow { interface: String, secs: u64, words: String },
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("the daemon no longer listens to the radio")]
    NobodyListens,
}

fn works(modes: &[Mode]) -> String {
    match modes {
        [] => "none of the modes works with it; install your distribution's hostapd".into(),
        modes => format!("these work: {}", modes.iter().map(|m| m.word()).collect::<Vec<_>>().join(", ")),
    }
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("; it says: {words}") }
}

/// Where [`Card::open`] finds how the card was before.
#[must_use]
pub fn journal_path(run_dir: &Path) -> PathBuf {
    run_dir.join("radio.json")
}

/// What would be chosen now. Changes nothing: channels are judged by the rules that the kernel applies now.
///
/// # Errors
/// When there can be no access point.
pub async fn preview(wish: &RadioWish, uplink: &str) -> Result<Choice, RadioError> {
    let program = process::find()?;
    let features = checked(&program, wish.mode).await?;
    let seen = survey(uplink).await?;
    Ok(chosen(seen, wish, uplink, &features)?)
}

/// Chooses card, band and channel, after the kernel has been told the country. The card is not touched yet.
///
/// # Errors
/// When there can be no access point.
pub async fn decide(card: &mut Card, wish: &RadioWish, uplink: &str) -> Result<Choice, RadioError> {
    let program = process::find()?;
    let features = checked(&program, wish.mode).await?;
    let country = radio::country(&survey(uplink).await?, wish)?;
    card.set_country(country).await?;
    let seen = survey(uplink).await?;
    Ok(chosen(seen, wish, uplink, &features)?)
}

/// Without a card there is nothing else to be put right first.
async fn survey(uplink: &str) -> Result<RadioSeen, RadioError> {
    let seen = card::survey(uplink).await?;
    if seen.cards.is_empty() { Err(NoRadio::NoCard.into()) } else { Ok(seen) }
}

fn chosen(
    mut seen: RadioSeen,
    wish: &RadioWish,
    uplink: &str,
    features: &Features,
) -> Result<Choice, NoRadio> {
    seen.hostapd = features.seen;
    for card in &mut seen.cards {
        card.station_ports &= features.station_ports;
    }
    let mut choice = radio::choose(&seen, wish, uplink)?;
    if !features.station_ports {
        choice.why.push(Reason::Ports(Ports::NotBuilt));
    }
    Ok(choice)
}

async fn checked(program: &Path, mode: Mode) -> Result<Features, RadioError> {
    let features = features::of(program).await;
    if features.can(mode) {
        return Ok(features);
    }
    let working = Mode::ALL.into_iter().filter(|mode| features.can(*mode)).collect();
    Err(RadioError::Mode { program: program.to_owned(), mode, working })
}

/// Ends the hostapd that a killed run left, and removes its files. Before the card is given back, and when
/// there is to be no Wi-Fi any more.
///
/// # Errors
/// When it does not end.
pub async fn end_stray(run_dir: &Path) -> Result<(), RadioError> {
    let dir = RunDir::new(run_dir);
    if let Some(process) = Process::earlier(&dir.pid(), &dir.config()) {
        tracing::debug!(pid = process.pid(), "ending the hostapd of an earlier run");
        process.end(serve::was_told_to_end(&dir).await).await?;
    }
    dir.clear();
    Ok(())
}
