//! The access point beside the loop: chosen at start, served as a task, and the card given back at the end.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use hotshare_core::book::Book;
use hotshare_core::brain::first_changes;
use hotshare_core::clock::Clock;
use hotshare_core::desired::WifiLan;
use hotshare_core::keys::Passphrase;
use hotshare_core::radio::{Choice, Mode, RadioOrders, RadioWish};
use hotshare_core::units::Mac;
use hotshare_linux::clock;
use hotshare_linux::radio::card::Card;
use hotshare_linux::radio::{self, Radio, RadioConfig, RadioError, RadioNews, RadioView};
use hotshare_store::Store;
use tokio::sync::{mpsc, watch};

use super::UpOptions;
use super::tasks::Tasks;
use crate::{cli, serve};

/// How the names of the stations' own interfaces begin.
const STATION_PORTS: &str = "hotshare.";

/// The card that was chosen, and how it is to be used.
pub(super) struct Chosen {
    pub(super) choice: Choice,
    card: Card,
}

/// Chooses card and channel, if there is to be Wi-Fi. Nothing is changed but the country whose rules hold.
pub(super) async fn decide(options: &UpOptions, uplink: &str) -> anyhow::Result<Option<Chosen>> {
    let Some(wifi) = &options.config.wifi else { return Ok(None) };
    let mut card = Card::open(&radio::journal_path(options.instance.run_dir()))?;
    let choice =
        radio::decide(&mut card, &RadioWish::from(wifi), uplink).await.map_err(|e| why_not(options, e))?;
    for why in &choice.why {
        tracing::info!("Wi-Fi: {why}");
    }
    Ok(Some(Chosen { choice, card }))
}

/// Who named no port may have meant to share wired ones.
fn why_not(options: &UpOptions, error: RadioError) -> anyhow::Error {
    if options.config.lan.interfaces.is_empty() {
        anyhow::Error::from(error)
            .context("no wired port is named with --lan, so people are to join by Wi-Fi, and that cannot be")
    } else {
        error.into()
    }
}

/// The same for a look ahead, which changes nothing.
pub(super) async fn preview(options: &UpOptions, uplink: &str) -> anyhow::Result<Option<Choice>> {
    match &options.config.wifi {
        Some(wifi) => {
            let choice = radio::preview(&RadioWish::from(wifi), uplink).await;
            choice.map(Some).map_err(|e| why_not(options, e))
        }
        None => Ok(None),
    }
}

/// The choice, as the API tells it.
pub(super) fn told(choice: &Choice) -> hotshare_api::WifiPreview {
    hotshare_api::WifiPreview {
        interface: choice.interface().to_owned(),
        name: choice.ssid.to_string(),
        mode: serve::mode_told(choice.mode),
        country: choice.country.to_string(),
        band: serve::band_told(choice.band),
        channel: choice.channel,
        why: choice.why.iter().map(ToString::to_string).collect(),
    }
}

/// The Wi-Fi part of the LAN. The bridge has the access point's own address: what a station was told of the
/// gateway stays true whichever interface carries it.
pub(super) fn part_of_lan(choice: &Choice) -> WifiLan {
    WifiLan {
        card: choice.interface().to_owned(),
        pattern: STATION_PORTS,
        station_ports: choice.station_ports,
        mac: choice.own_interface.as_ref().map_or(choice.card_mac, |(_, mac)| *mac),
    }
}

/// Writes what the first station needs to be there: the first person, or the network's key. What it is, when
/// something had to be made.
pub(super) fn prepare_book(
    options: &UpOptions,
    store: &mut Store,
    book: &mut Book,
) -> anyhow::Result<Option<Passphrase>> {
    let Some(wifi) = &options.config.wifi else { return Ok(None) };
    let now = clock::now();
    let at = Clock::new(book.clock, now).believe(now);
    let fresh = serve::fresh_passphrase()?;
    let changes = first_changes(book, wifi.mode, &fresh, at);
    if changes.is_empty() {
        return Ok(None);
    }
    store.commit(&changes)?;
    changes.iter().for_each(|change| book.apply(change));
    Ok(Some(fresh))
}

/// What the loop and the API get of a running access point.
pub(super) struct Air {
    pub(super) news: mpsc::Receiver<RadioNews>,
    pub(super) view: watch::Receiver<RadioView>,
}

/// Brings the access point up, and serves it until the tasks are stopped.
pub(super) async fn start(
    options: &UpOptions,
    chosen: Chosen,
    lan: &str,
    uplink: &str,
    orders: (RadioOrders, watch::Receiver<RadioOrders>),
    kicks: mpsc::Receiver<Mac>,
    tasks: &mut Tasks,
) -> anyhow::Result<Air> {
    let Chosen { choice, card } = chosen;
    let wish = options.config.wifi.as_ref().map(RadioWish::from).unwrap_or_default();
    let config = RadioConfig {
        choice,
        wish,
        uplink: uplink.to_owned(),
        run_dir: options.instance.run_dir().to_owned(),
        bridge: lan.to_owned(),
    };
    let (first, orders) = orders;
    let radio = Radio::start(config, card, &first).await?;
    let (news_in, news) = mpsc::channel(256);
    let (view_in, view) = watch::channel(RadioView::default());
    tasks.serve_radio(radio, orders, kicks, news_in, view_in);
    Ok(Air { news, view })
}

/// Ends an access point that still runs, and gives the card back: also what an earlier run left.
pub(super) async fn give_back(options: &UpOptions) -> anyhow::Result<()> {
    let run_dir = options.instance.run_dir();
    radio::end_stray(run_dir).await?;
    Card::open(&radio::journal_path(run_dir))?.restore().await.context("the Wi-Fi card was not given back")
}

/// On a terminal: how to join, when there was nobody yet. A log never gets it.
pub(super) fn welcome(choice: &Choice, fresh: Option<&Passphrase>) {
    let personal = choice.mode.is_personal();
    match fresh {
        Some(fresh) if std::io::stderr().is_terminal() => {
            let who = if personal { "owner" } else { "everybody" };
            cli::wifi::show_join(&choice.ssid, choice.mode, Some(fresh), who);
        }
        Some(_) if personal => {
            tracing::info!("the first person is “owner”; show the key with `hotshare people invite owner`");
        }
        Some(_) | None if choice.mode == Mode::Sealed => {
            tracing::info!("show the key with `hotshare wifi key`");
        }
        Some(_) | None => {}
    }
}
