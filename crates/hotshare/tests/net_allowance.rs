//! A person gets the allowance to the byte, whatever is thrown at it: delivered <= granted, and short by less
//! than one merged packet. Counted at the phones (down) and at the carrier (up). Needs root.

mod net;

use std::time::Duration;

use anyhow::{Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::Flood;
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::phone::Progress;
use net::{ENDLESS, Eyes, MERGED, MIB, gather, person, wait_verdict};

const ALLOWANCE: u64 = 100 * MIB;
const FLOWS: usize = 64;
/// As fast as one core makes datagrams, for longer than the allowance lasts.
const FLOOD: Flood = Flood { size: 1400, rate: 0, millis: 2500 };

#[derive(Clone, Copy, Debug)]
enum Load {
    TcpDown,
    TcpUp,
    TcpBoth,
    UdpUp,
    UdpDown,
}

/// Two devices of one person at once, in every load, with merged packets and without.
#[tokio::test]
async fn an_allowance_is_exact() -> Result<()> {
    let _backlog = net::Backlog::widen()?;
    let lab = net::ready(2, None, None, None).await?;
    let mut wrong = Vec::new();
    for merged in [true, false] {
        lab.set_offloads(merged).await?;
        for load in [Load::TcpDown, Load::TcpUp, Load::TcpBoth, Load::UdpUp, Load::UdpDown] {
            match exhaust(&lab, load, merged).await {
                Ok(line) => println!("{line}"),
                Err(error) => wrong.push(format!("{load:?}, merged packets {merged}: {error:#}")),
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.tear_down().await
}

async fn exhaust(lab: &Lab, load: Load, merged: bool) -> Result<String> {
    // A new person each time, so that the count begins at zero.
    let name = format!("{load:?}-{merged}").to_lowercase();
    lab.api.add_person(&name, Some(ALLOWANCE)).await?;
    for phone in &lab.phones {
        lab.api.assign(&layout::phone_mac_text(phone.number()), &name).await?;
    }
    let eyes = Eyes::open(lab).await?;
    let progress = Progress::default();
    let begin = std::time::Instant::now();
    let mut transfers = Vec::new();
    let mut floods = Vec::new();
    for phone in &lab.phones {
        for flow in 0..FLOWS / lab.phones.len() {
            let down = match load {
                Load::TcpDown => true,
                Load::TcpUp => false,
                Load::TcpBoth => flow % 2 == 0,
                Load::UdpUp | Load::UdpDown => break,
            };
            transfers.push(if down {
                phone.download(phone.web_port(), ENDLESS, &progress)
            } else {
                phone.upload(phone.web_port(), ENDLESS, &progress)
            });
        }
        match load {
            Load::UdpUp => floods.push(phone.flood_up(phone.sink_port(), FLOOD)),
            Load::UdpDown => floods.push(phone.flood_down(FLOOD, &progress)),
            Load::TcpDown | Load::TcpUp | Load::TcpBoth => {}
        }
    }
    let flows = transfers.len();
    wait_verdict(lab, &name, Verdict::AllowanceUsed, Duration::from_secs(20)).await?;
    let spent_in = begin.elapsed();
    // Everything that is still open gets a reset; nobody waits for a timeout.
    let (_, hanging) = gather(transfers, Duration::from_secs(4)).await?;
    for flood in floods {
        flood.await??;
    }
    let (_, status) = eyes.settle(lab).await?;
    let (down, up) = (eyes.down_all()?, eyes.up_all()?);
    let delivered = down + up;
    let recorded = person(&status, &name)?;
    let sides = format!("recorded {recorded:?}; counted up {up}, down {down}");
    ensure!(delivered <= ALLOWANCE, "{} more than granted; {sides}", delivered - ALLOWANCE);
    let short = ALLOWANCE - delivered;
    ensure!(short < MERGED, "{short} short; {sides}");
    ensure!((recorded.up, recorded.down) == (up, down), "recorded {recorded:?}, counted up {up} down {down}");
    ensure!(hanging == 0, "{hanging} of {flows} flows were not reset");
    Ok(format!("{name}: delivered {delivered}, short {short}, {} ms", spent_in.as_millis()))
}

/// Who runs out stops the far end too: the Internet does not go on sending.
#[tokio::test]
async fn the_far_end_stops_sending() -> Result<()> {
    let lab = net::ready(1, Some(200_000_000), None, Some(8 * MIB)).await?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Progress::default();
    let phone = &lab.phones[0];
    let transfers = (0..8).map(|_| phone.download(phone.web_port(), ENDLESS, &progress)).collect();
    wait_verdict(&lab, "phone-1", Verdict::AllowanceUsed, Duration::from_secs(10)).await?;
    let (_, hanging) = gather(transfers, Duration::from_secs(2)).await?;
    ensure!(hanging == 0, "{hanging} downloads were not reset");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = eyes.billed()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = eyes.billed()?;
    ensure!(
        after - before < 20_000,
        "{} bytes on the uplink in two seconds after everybody was reset",
        after - before
    );
    // What was refused had been billed, and says so.
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    ensure!(status.plan.delivered == eyes.delivered()?, "delivered {}", status.plan.delivered);
    ensure!(status.plan.billed == status.plan.delivered + status.plan.refused + status.plan.own);
    lab.tear_down().await
}
