//! What the daemon costs: from its start to the first forwarded packet, its memory, and what it writes to the
//! disk per gigabyte forwarded. `cargo xtask bench` runs it; docs/benchmarks.md has the figures.
//!
//! Needs root and strace, and the laboratory for itself.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hotshare_lab::lab::Lab;
use hotshare_lab::layout;
use hotshare_lab::lock::Lock;
use hotshare_lab::world::Rate;

const STARTS: usize = 9;
/// Where the first packet is waited for. Nothing else uses the port.
const PORT: u16 = 20_000;
const GB: u64 = 1_000_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    starts().await?;
    println!(
        "\n| Download | commits a GB | MB written a GB | resident, MB | at most, MB |\n|---|--:|--:|--:|--:|"
    );
    traffic("2 GB at full speed", 2 * GB, 8, None).await?;
    traffic("100 MB at 50 Mbit/s", GB / 10, 2, Some(50_000_000)).await
}

async fn lab(rate: Option<u64>) -> Result<Lab> {
    let lock = Lock::wait(Duration::from_secs(900)).await?;
    let mut lab = Lab::build(lock, env!("CARGO_BIN_EXE_hotshare").into(), 1, rate.map(Rate)).await?;
    lab.up().await?;
    lab.api.set_cap(Some(1000 * GB)).await?;
    lab.people(Some(900 * GB)).await?;
    lab.join().await?;
    Ok(lab)
}

/// The phone has its address and sends all the time; the box is started, stopped, and started again.
async fn starts() -> Result<()> {
    let mut lab = lab(None).await?;
    // Where the gateway is must not be asked first: that is the phone's time, up to a second.
    let phone = lab.phones.first().context("a phone")?;
    let gateway = phone.lease()?.router.context("the lease names a gateway")?.to_string();
    let mac = phone.gateway_mac().await?.map(|b| format!("{b:02x}")).join(":");
    let neighbour =
        ["neigh", "replace", &gateway, "lladdr", &mac, "nud", "permanent", "dev", layout::PHONE_PORT];
    let done = Command::new("ip").args(["-n", &layout::phone_space(1)]).args(neighbour).status()?;
    anyhow::ensure!(done.success(), "ip neigh failed");

    let receiver = lab
        .internet
        .run(async { UdpSocket::bind((layout::WEB_ADDR, PORT)).context("listen in the Internet") })
        .await?;
    let sender = phone
        .inside()
        .run(async { UdpSocket::bind(("0.0.0.0", 0)).context("a socket on the phone") })
        .await?;
    let sending = Arc::new(AtomicBool::new(true));
    let goes_on = Arc::clone(&sending);
    let thread = std::thread::spawn(move || {
        while goes_on.load(Ordering::Relaxed) {
            // Refused while the box is down.
            drop(sender.send_to(&[0; 64], (layout::WEB_ADDR, PORT)));
            pause(Duration::from_micros(500));
        }
    });

    let mut first = Vec::new();
    for _ in 0..STARTS {
        lab.down().await?;
        drain(&receiver)?;
        receiver.set_read_timeout(Some(Duration::from_secs(10)))?;
        let waiting = receiver.try_clone()?;
        let begun = Instant::now();
        let seen = std::thread::spawn(move || waiting.recv(&mut [0; 64]).map(|_| begun.elapsed()));
        lab.up().await?;
        let seen = tokio::task::spawn_blocking(move || seen.join()).await?;
        first.push(seen.map_err(|_| anyhow::anyhow!("the receiver panicked"))?.context("no packet came")?);
    }
    sending.store(false, Ordering::Relaxed);
    thread.join().map_err(|_| anyhow::anyhow!("the sender panicked"))?;
    first.sort_unstable();
    println!("| Start to first forwarded packet | ms |\n|---|--:|");
    for (what, time) in [("fastest", first[0]), ("median", first[STARTS / 2]), ("slowest", first[STARTS - 1])]
    {
        println!("| {what} of {STARTS} | {:.0} |", time.as_secs_f64() * 1e3);
    }
    lab.down().await?;
    lab.tear_down().await
}

#[allow(clippy::disallowed_methods, reason = "on a thread of its own")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn drain(receiver: &UdpSocket) -> Result<()> {
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    while receiver.recv(&mut [0; 64]).is_ok() {}
    Ok(())
}

async fn traffic(what: &str, bytes: u64, flows: u64, rate: Option<u64>) -> Result<()> {
    let mut lab = lab(rate).await?;
    let pid = lab.daemon.as_ref().context("a daemon")?.pid();
    let written = || field(&format!("/proc/{pid}/io"), "write_bytes:");
    let counting = Commits::count(pid)?;
    let before = written()?;
    let progress = Arc::new(AtomicU64::new(0));
    let phone = lab.phones.first().context("a phone")?;
    let downloads: Vec<_> =
        (0..flows).map(|_| phone.download(phone.web_port(), bytes / flows, &progress)).collect();
    for download in downloads {
        anyhow::ensure!(download.await??.complete, "a download ended early");
    }
    // What is still to be posted is.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let gigabytes = bytes as f64 / GB as f64;
    let commits = counting.stop()? as f64 / gigabytes;
    let megabytes = (written()? - before) as f64 / 1e6 / gigabytes;
    let status = format!("/proc/{pid}/status");
    let [now, most] = [field(&status, "VmRSS:")?, field(&status, "VmHWM:")?].map(|kib| kib as f64 / 1024.0);
    println!("| {what} | {commits:.0} | {megabytes:.2} | {now:.1} | {most:.1} |");
    lab.down().await?;
    lab.tear_down().await
}

fn field(path: &str, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    let line =
        text.lines().find_map(|l| l.strip_prefix(name)).with_context(|| format!("{path} has no {name}"))?;
    Ok(line.split_whitespace().next().context("a number")?.parse()?)
}

/// Counts how often the daemon makes the disk flush: once for each durable commit.
struct Commits {
    strace: Child,
    log: String,
}

impl Commits {
    fn count(pid: u32) -> Result<Commits> {
        let log = format!("/tmp/hotshare-bench-{}.strace", std::process::id());
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=fdatasync,fsync", "-o", &log, "-p", &pid.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start strace (Debian: strace)")?;
        pause(Duration::from_millis(500));
        Ok(Commits { strace, log })
    }

    fn stop(mut self) -> Result<usize> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.strace.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT)?;
        self.strace.wait()?;
        let text = std::fs::read_to_string(Path::new(&self.log))?;
        std::fs::remove_file(&self.log)?;
        Ok(text.lines().filter(|l| l.contains("sync(")).count())
    }
}
