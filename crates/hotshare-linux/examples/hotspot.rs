//! An access point steered by lines written into RUN_DIR/orders, for tests of the radio alone: no meter, no
//! addresses.
//!
//! ```text
//! hotspot RUN_DIR MODE COUNTRY UPLINK [CARD]
//!
//! key ID PASSPHRASE   nokey ID   network PASSPHRASE   deny MAC   allow MAC   kick MAC
//! admit MAC INDEX     cost metered|near|over          stop
//! ```

#![allow(clippy::print_stdout, reason = "it is for people to read")]

use std::error::Error;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Instant;

use hotshare_core::keys::{KeyId, Passphrase};
use hotshare_core::radio::{Cost, Mode, RadioOrders, RadioWish, Ssid};
use hotshare_core::units::Mac;
use hotshare_linux::radio::card::Card;
use hotshare_linux::radio::{Radio, RadioConfig, RadioView, decide, end_stray, journal_path};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [run_dir, mode, country, uplink, rest @ ..] = &args[..] else {
        return Err("see the head of examples/hotspot.rs for what to write".into());
    };
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    }
    let run_dir = Path::new(run_dir);
    let wish = RadioWish {
        ssid: Some(Ssid::new("Hotshare lab")?),
        mode: Mode::ALL.into_iter().find(|m| m.word() == mode).ok_or("no such mode")?,
        country: Some(country.parse()?),
        card: rest.first().cloned(),
        ..RadioWish::default()
    };
    let begun = Instant::now();
    let mut card = Card::open(&journal_path(run_dir))?;
    let choice = decide(&mut card, &wish, uplink).await?;
    println!("{:5} ms: chosen {choice:?}", begun.elapsed().as_millis());
    let mut orders = RadioOrders::default();
    orders.keys.insert(KeyId(1), Passphrase::new("correct horse battery")?);
    orders.network_key = Some(Passphrase::new("sealed horse battery")?);
    let config = RadioConfig {
        choice,
        wish,
        uplink: uplink.clone(),
        run_dir: run_dir.to_owned(),
        bridge: "hotshare0".into(),
    };
    let radio = match Radio::start(config, card, &orders).await {
        Ok(radio) => radio,
        Err(error) => {
            println!("{:5} ms: {error}", begun.elapsed().as_millis());
            end_stray(run_dir).await?;
            Card::open(&journal_path(run_dir))?.restore().await?;
            return Err(error.into());
        }
    };
    println!("{:5} ms: on", begun.elapsed().as_millis());

    let (orders_in, orders_out) = watch::channel(orders);
    let (kick, kicks) = mpsc::channel(8);
    let (news_in, mut news) = mpsc::channel(8);
    let (view_in, mut view) = watch::channel(RadioView::default());
    let stop = CancellationToken::new();
    let serving = radio.serve(orders_out, kicks, news_in, view_in, stop.clone());
    tokio::pin!(serving);
    let fifo = run_dir.join("orders");
    if !fifo.exists() {
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    }
    // Also for writing, so that it does not end with the first writer.
    let lines = pipe::OpenOptions::new().read_write(true).open_receiver(&fifo)?;
    let mut lines = BufReader::new(lines).lines();
    loop {
        let ms = begun.elapsed().as_millis();
        tokio::select! {
            ended = &mut serving => {
                println!("{ms:5} ms: ended {ended:?}");
                break;
            }
            Some(news) = news.recv() => println!("{ms:5} ms: {news:?}"),
            Ok(()) = view.changed() => {
                let view = view.borrow_and_update();
                println!("{ms:5} ms: {:?} {} {} MHz {:?}", view.state, view.interface, view.mhz, view.signals);
            }
            Ok(Some(line)) = lines.next_line() => {
                println!("{ms:5} ms: > {line}");
                if line == "stop" {
                    stop.cancel();
                } else if let Some(mac) = line.strip_prefix("kick ") {
                    kick.send(mac.parse()?).await?;
                } else {
                    orders_in.send_modify(|orders| match obey(orders, &line) {
                        Ok(()) => {}
                        Err(error) => println!("{error}"),
                    });
                }
            }
        }
    }
    Card::open(&journal_path(run_dir))?.restore().await?;
    println!("{:5} ms: restored", begun.elapsed().as_millis());
    Ok(())
}

fn obey(orders: &mut RadioOrders, line: &str) -> Result<()> {
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    match words[..] {
        ["key", id, passphrase] => {
            orders.keys.insert(KeyId::from_str(id)?, Passphrase::new(passphrase)?);
        }
        ["nokey", id] => {
            orders.keys.remove(&KeyId::from_str(id)?);
        }
        ["network", ..] => orders.network_key = Some(Passphrase::new(&line["network ".len()..])?),
        ["deny", mac] => {
            orders.denied.insert(Mac::from_str(mac)?);
        }
        ["allow", mac] => {
            orders.denied.remove(&Mac::from_str(mac)?);
        }
        ["admit", mac, index] => {
            orders.admitted.insert(Mac::from_str(mac)?, index.parse()?);
        }
        ["cost", "metered"] => orders.cost = Cost::Metered,
        ["cost", "near"] => orders.cost = Cost::NearLimit,
        ["cost", "over"] => orders.cost = Cost::OverLimit,
        _ => return Err(format!("what is “{line}”?").into()),
    }
    Ok(())
}
