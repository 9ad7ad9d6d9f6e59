//! What Hotshare sees of the Wi-Fi cards: worth attaching to a report of a fault. Also prepares a card and restores
//! it, as tests in a virtual machine want it.
//!
//! ```text
//! radio survey [UPLINK]           all that a choice is made from
//! radio watch                     the Wi-Fi interfaces, at first and after each change
//! radio signals INDEX…            of the stations of these interfaces
//! radio country CC JOURNAL        set the country, as a start does
//! radio prepare CARD CC JOURNAL   make a card ready; CARD+ makes an interface beside it
//! radio restore JOURNAL           give it back
//! ```

#![allow(clippy::print_stdout, reason = "it is for people to read")]

use std::error::Error;
use std::path::Path;

use hotshare_core::radio::{Band, CardInterface, Choice, Mode, Ssid};
use hotshare_core::units::Mac;
use hotshare_linux::radio::card::{AirWatch, Card, interfaces, signals, survey};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["survey"] => println!("{:#?}", survey("").await?),
        ["survey", uplink] => println!("{:#?}", survey(uplink).await?),
        ["watch"] => watch().await?,
        ["signals", ref indices @ ..] => {
            let indices =
                indices.iter().map(|index| index.parse()).collect::<std::result::Result<Vec<u32>, _>>()?;
            println!("{:#?}", signals(&indices).await?);
        }
        ["country", country, journal] => {
            Card::open(Path::new(journal))?.set_country(country.parse()?).await?
        }
        ["prepare", card, country, journal] => {
            let choice = choice(card, country).await?;
            Card::open(Path::new(journal))?.prepare(&choice).await?;
        }
        ["restore", journal] => {
            let mut card = Card::open(Path::new(journal))?;
            println!("leftovers: {}", card.has_leftovers());
            card.restore().await?;
        }
        _ => return Err("see the head of examples/radio.rs for what to write".into()),
    }
    Ok(())
}

async fn watch() -> Result<()> {
    let mut watch = AirWatch::open().await?;
    loop {
        println!("{:?}", interfaces().await?);
        watch.changed().await;
    }
}

async fn choice(card: &str, country: &str) -> Result<Choice> {
    let (card, beside) = card.strip_suffix('+').map_or((card, false), |card| (card, true));
    let (phy, seen) =
        interfaces().await?.into_iter().find(|(_, i)| i.name == card).ok_or("there is no such card")?;
    let Mac([first, rest @ ..]) = seen.mac;
    let own = [&[first | 0x06][..], &rest].concat().try_into().map(Mac).unwrap_or_default();
    Ok(Choice {
        phy,
        card: card.to_owned(),
        card_mac: seen.mac,
        own_interface: beside.then(|| (CardInterface::OWN.to_owned(), own)),
        mhz: 2412,
        channel: 1,
        band: Band::Two,
        width_mhz: 20,
        radar: false,
        ht: true,
        vht: false,
        he: false,
        country: country.parse()?,
        mode: Mode::People,
        ssid: Ssid::new("Hotshare")?,
        station_ports: true,
        follows: None,
        why: Vec::new(),
    })
}
