//! Killed, cut off, frozen: nothing is given away, nothing is lost but the rest of a grant. Needs root.

mod net;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotshare_api::Verdict;
use hotshare_lab::daemon::Daemon;
use hotshare_lab::lab::Lab;
use hotshare_lab::phone::Progress;
use hotshare_lab::{Flood, layout};
use net::{ENDLESS, Eyes, MIB, grows, person, wait_verdict};
use nix::sys::signal::Signal;

/// `kill -9`, 200 times, at any moment between the start and a while after it: the transfers go on, and in
/// the end every byte is in the ledger once.
#[tokio::test]
async fn two_hundred_kills_lose_nothing() -> Result<()> {
    const KILLS: u64 = 200;
    let mut lab = net::ready(2, Some(60_000_000), None, Some(8 << 30)).await?;
    let eyes = Eyes::open(&lab).await?;
    let (down, up) = (Progress::default(), Progress::default());
    let mut transfers = vec![lab.phones[0].download(lab.phones[0].web_port(), ENDLESS, &down)];
    transfers.push(lab.phones[1].upload(lab.phones[1].web_port(), ENDLESS, &up));
    let flood = Flood { size: 300, rate: 2_000_000, millis: 600_000 };
    let flooding = lab.phones[0].flood_up(lab.phones[0].sink_port(), flood);
    grows(&down, 100_000, Duration::from_secs(3)).await?;

    let start = lab.start().clone();
    let begin = Instant::now();
    let mut chance = 88_172_645_463_325_252_u64; // xorshift: the same moments in every run
    for kill in 0..KILLS {
        lab.kill()?;
        lab.daemon = Some(Daemon::spawn(&start, lab.hotspot.space())?);
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        tokio::time::sleep(Duration::from_micros(chance % 400_000)).await;
        if kill % 20 == 19 {
            // Now and then it may live: what is due gets written, and a grant renewed.
            let daemon = lab.daemon.as_mut().expect("just started");
            daemon.ready(&lab.api, Duration::from_secs(10)).await?;
            // TCP waits longer after each loss, and a start that is cut off again and again loses a lot.
            for (what, progress, transfer) in [("down", &down, &transfers[0]), ("up", &up, &transfers[1])] {
                if let Err(error) = grows(progress, 50_000, Duration::from_secs(20)).await {
                    let (ended, status) = (transfer.is_finished(), lab.api.status().await?);
                    return Err(
                        error.context(format!("{what} after {} kills: ended {ended}, {status:?}", kill + 1))
                    );
                }
            }
        }
    }
    println!("{KILLS} kills in {:.1} s", begin.elapsed().as_secs_f64());
    lab.kill()?;
    lab.up().await?;
    ensure!(transfers.iter().all(|t| !t.is_finished()), "a transfer was cut off");
    grows(&down, 100_000, Duration::from_secs(10)).await?;
    grows(&up, 100_000, Duration::from_secs(10)).await?;
    flooding.abort();
    for transfer in transfers {
        transfer.abort();
    }
    let (tally, status) = eyes.settle(&lab).await?;
    let recorded: u64 = ["phone-1", "phone-2"]
        .iter()
        .map(|name| person(&status, name).map(|p| p.up + p.down))
        .sum::<Result<_>>()?;
    ensure!(recorded == eyes.delivered()?, "recorded {recorded}, counted {}", eyes.delivered()?);
    eyes.check_billed(&tally, &status)?;
    println!("recorded = counted = {recorded}");
    lab.tear_down().await
}

/// A power cut: no daemon, no maps, and the database as it was at that instant.
#[tokio::test]
async fn a_power_cut_costs_at_most_the_rest_of_a_grant() -> Result<()> {
    /// A first grant at this allowance and plan (`Position::usual`): what each new start grants besides.
    const GRANT: u64 = 8 * MIB;
    let mut lab = net::ready(2, Some(20_000_000), Some(4 << 30), Some(1 << 30)).await?;
    let eyes = Eyes::open(&lab).await?;
    let begun = lab.api.status().await?.plan.billed;
    for cut in 1..=3 {
        let progress = Progress::default();
        let transfers = [
            lab.phones[0].download(lab.phones[0].web_port(), ENDLESS, &progress),
            lab.phones[1].upload(lab.phones[1].web_port(), ENDLESS, &progress),
        ];
        grows(&progress, 1_000_000 * cut, Duration::from_secs(6)).await?;
        // The power goes: the process first, then at once everything that was only in memory.
        let copy = Path::new(layout::RUN_DIR).join("copy");
        let before = lab.api.status().await?;
        lab.kill()?;
        copy_dir(&layout::state_dir(), &copy)?;
        std::fs::remove_dir_all(layout::PIN_DIR)?;
        std::fs::remove_dir_all(layout::state_dir())?;
        std::fs::rename(&copy, layout::state_dir())?;
        for transfer in transfers {
            transfer.abort();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        lab.up().await?;
        let (tally, status) = eyes.settle(&lab).await?;
        for (what, recorded, counted, had) in [
            ("people", recorded_people(&status)?, eyes.delivered()?, recorded_people(&before)?),
            ("plan", status.plan.recorded, begun + tally.billed(), before.plan.recorded),
        ] {
            println!("cut {cut}, {what}: counted {counted}, recorded {recorded}, before the cut {had}");
            ensure!(recorded >= counted, "cut {cut}, {what}: {} bytes given away", counted - recorded);
            // What was granted at that instant counts as used, and what passed since the status was asked for.
            let (most, spare) = (had.max(counted), if what == "people" { 2 * GRANT } else { GRANT });
            ensure!(recorded <= most + spare + MIB / 4, "cut {cut}, {what}: {} too much", recorded - most);
        }
    }
    // And it works on: what is left can be used.
    let progress = Progress::default();
    // Endless: some of it may be here before `grows` first looks.
    let transfer = lab.phones[0].download(80, ENDLESS, &progress);
    grows(&progress, MIB, Duration::from_secs(5)).await?;
    transfer.abort();
    lab.tear_down().await
}

/// A frozen daemon cannot renew: the gate closes by itself, and opens again when it thaws.
#[tokio::test]
async fn a_frozen_daemon_closes_the_gate() -> Result<()> {
    const EXPIRY: u64 = 5;
    let lab = net::bare(1, None).await?;
    let config = format!("[grants]\nexpiry_seconds = {EXPIRY}\n");
    let lab = net::ready_with(lab, &config, None, None).await?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Progress::default();
    let phone = &lab.phones[0];
    let flood = Flood { size: 600, rate: 4_000_000, millis: 25_000 };
    let flows = [phone.flood_down(flood, &progress), phone.flood_up(phone.sink_port(), flood)];
    grows(&progress, 100_000, Duration::from_secs(2)).await?;
    let daemon = lab.daemon.as_ref().expect("it runs");
    // Renewed well before: it flows for longer than one expiry.
    tokio::time::sleep(Duration::from_secs(EXPIRY + 2)).await;
    grows(&progress, 10_000, Duration::from_millis(500)).await?;

    daemon.signal(Signal::SIGSTOP)?;
    let frozen = Instant::now();
    let (mut down, mut up) = ((0, Duration::ZERO), (0, Duration::ZERO));
    while frozen.elapsed() < Duration::from_secs(EXPIRY + 3) {
        for (last, now) in [(&mut down, eyes.down_all()?), (&mut up, eyes.up_all()?)] {
            if now != last.0 {
                *last = (now, frozen.elapsed());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.signal(Signal::SIGCONT)?;
    println!("frozen: last byte down after {:?}, up after {:?}", down.1, up.1);
    let bound = Duration::from_secs(EXPIRY + 1);
    ensure!(down.1 <= bound && up.1 <= bound, "the gate stayed open: down {:?}, up {:?}", down.1, up.1);
    ensure!(down.1 > Duration::from_secs(EXPIRY / 2), "not renewed well before the expiry: {:?}", down.1);
    let back = grows(&progress, 10_000, Duration::from_secs(3)).await?;
    println!("thawed: traffic again after {back:?}");
    for flow in flows {
        flow.abort();
    }
    lab.api.pause("phone-1", true).await?; // the far end floods on
    let (_, status) = eyes.settle_down(&lab).await?;
    let person = person(&status, "phone-1")?;
    ensure!((person.up, person.down) == (eyes.up_all()?, eyes.down_all()?), "{person:?}");
    lab.tear_down().await
}

/// A full disk: nothing new may be granted, so the gate closes when the last grant is spent. Nothing is
/// lost, and it opens when there is room.
#[tokio::test]
async fn a_full_disk_closes_the_gate() -> Result<()> {
    const DISK: u64 = 4 * MIB;
    let lab = net::bare(1, Some(100_000_000)).await?;
    hotshare_lab::world::small_disk(DISK)?;
    let lab = net::ready_with(lab, "", Some(4 << 30), Some(2 << 30)).await?;
    let eyes = Eyes::open(&lab).await?;
    let begun = person(&lab.api.status().await?, "phone-1")?.down;
    let progress = Progress::default();
    let flood = Flood { size: 1200, rate: 60_000_000, millis: 60_000 };
    let flow = lab.phones[0].flood_down(flood, &progress);
    grows(&progress, 100_000, Duration::from_secs(2)).await?;
    let ballast = layout::state_dir().join("ballast");
    fill(&ballast)?;
    // It is noticed when the next grant is due; what was granted before may be used up.
    let begin = Instant::now();
    while lab.api.status().await?.closed != Some(Verdict::LedgerStuck) {
        ensure!(begin.elapsed() < Duration::from_secs(30), "nobody notices that the disk is full");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("full: noticed after {:?}", begin.elapsed());
    let mut stuck = (0, Instant::now());
    while stuck.1.elapsed() < Duration::from_secs(1) {
        let now = eyes.down_all()?;
        if now != stuck.0 {
            stuck = (now, Instant::now());
        }
        ensure!(
            begin.elapsed() < Duration::from_secs(40),
            "the gate stays open though nothing can be written"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("full: closed after {:?}", stuck.1 - begin);
    std::fs::remove_file(&ballast)?;
    let back = grows(&progress, 10_000, Duration::from_secs(15)).await?;
    println!("room again: traffic after {back:?}");
    flow.abort();
    wait_verdict(&lab, "phone-1", Verdict::Open, Duration::from_secs(2)).await?;
    lab.api.pause("phone-1", true).await?;
    let (_, status) = eyes.settle_down(&lab).await?;
    let person = person(&status, "phone-1")?;
    ensure!(person.down - begun == eyes.down_all()?, "{person:?}, counted {}", eyes.down_all()?);
    lab.tear_down().await
}

fn recorded_people(status: &hotshare_api::Status) -> Result<u64> {
    ["phone-1", "phone-2"].iter().map(|name| Ok(person(status, name)?.recorded)).sum()
}

fn fill(path: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    let block = [0x42; 4096];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&block[..1]).is_ok() {}
    Ok(())
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A database that a newer release wrote is refused, untouched, and the host is left as it was.
#[tokio::test]
async fn a_newer_database_is_refused() -> Result<()> {
    let mut lab = net::ready(1, None, None, Some(MIB)).await?;
    lab.down().await?;
    let before = net::dump::dump(&lab)?;
    let ledger = layout::state_dir().join("ledger.sqlite");
    let mut bytes = std::fs::read(&ledger)?;
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes()); // user_version (SQLite file format, 1.3)
    std::fs::write(&ledger, &bytes)?;
    let (code, text) = start_and_fail(&lab).await?;
    ensure!(code == Some(2) || code == Some(1), "{code:?}: {text}");
    ensure!(text.contains("newer"), "the message does not say what is wrong: {text}");
    ensure!(std::fs::read(&ledger)? == bytes, "the database was changed");
    net::dump::unchanged(&lab, &before).await?;
    lab.tear_down().await
}

async fn start_and_fail(lab: &Lab) -> Result<(Option<i32>, String)> {
    let args = [
        "--lab",
        "up",
        "--uplink",
        "uplink0",
        "--lan",
        "lan1",
        "--config",
        "/run/hotshare-lab/hotshare.toml",
    ];
    tokio::time::timeout(Duration::from_secs(10), net::verb(lab, &args)).await?
}
