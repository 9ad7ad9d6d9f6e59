//! What the network tests share. Every byte they compare is counted by an observer outside the box.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hotshare_api::{Status, Verdict};
use hotshare_lab::Flood;
use hotshare_lab::lab::Lab;
use hotshare_lab::lock::Lock;
use hotshare_lab::observer::{Kind, Observer, Tally, Way};
use hotshare_lab::phone::{Progress, Transfer};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

pub mod dump;

/// One merged packet, as the packets that it is on the wire: as much of an allowance may stay unspent.
pub const MERGED: u64 = 65_535 + 46 * 60;
pub const MIB: u64 = 1 << 20;
/// More than any test transfers.
pub const ENDLESS: u64 = 1 << 40;

/// A time to live that says: forwarded once. What the box sends itself has 64.
pub const FORWARDED: u8 = 63;

/// A laboratory with phones that nobody has configured, and no daemon yet.
pub async fn bare(phones: u8, rate: Option<u64>) -> Result<Lab> {
    let lock = Lock::wait(Duration::from_secs(900)).await?;
    let rate = rate.map(hotshare_lab::world::Rate);
    Lab::build(lock, env!("CARGO_BIN_EXE_hotshare").into(), phones, rate).await
}

/// A laboratory with a running daemon, a person for each phone, and all phones on the LAN.
pub async fn ready(phones: u8, rate: Option<u64>, plan: Option<u64>, allowance: Option<u64>) -> Result<Lab> {
    ready_with(bare(phones, rate).await?, "", plan, allowance).await
}

/// The same on a laboratory of one's own, with more lines in the configuration.
pub async fn ready_with(
    mut lab: Lab,
    config: &str,
    plan: Option<u64>,
    allowance: Option<u64>,
) -> Result<Lab> {
    let mut start = lab.start().clone();
    start.config.push_str(config);
    lab.up_with(&start).await?;
    lab.api.set_cap(plan).await?;
    lab.people(allowance).await?;
    lab.join().await?;
    Ok(lab)
}

/// Room for packets between two ends of a link. A laboratory's link is a queue in front of a busy processor:
/// what overflows there was sent, and charged, but no far side can count it. It is the host's, and put back.
pub struct Backlog {
    usual: Vec<u8>,
}

const BACKLOG: &str = "/proc/sys/net/core/netdev_max_backlog";

impl Backlog {
    pub fn widen() -> Result<Backlog> {
        let usual = std::fs::read(BACKLOG)?;
        std::fs::write(BACKLOG, "200000")?;
        Ok(Backlog { usual })
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        // Whoever may raise it may lower it.
        drop(std::fs::write(BACKLOG, &self.usual));
    }
}

/// Observers everywhere, and what they had seen when they were last asked.
pub struct Eyes {
    pub carrier: Observer,
    pub phones: Vec<Observer>,
    /// What the daemon had billed when the observers began, less what they had seen by then.
    begun: i128,
}

impl Eyes {
    pub async fn open(lab: &Lab) -> Result<Eyes> {
        let carrier = lab.watch_carrier().await?;
        Eyes::with_carrier(lab, carrier).await
    }

    /// With a carrier's observer that began before the daemon did.
    pub async fn with_carrier(lab: &Lab, carrier: Observer) -> Result<Eyes> {
        let mut phones = Vec::new();
        for place in 0..lab.phones.len() {
            phones.push(lab.watch_phone(place).await?);
        }
        Eyes { carrier, phones, begun: 0 }.after(lab).await
    }

    /// Compares both sides at rest: from here on, they must move alike.
    async fn after(mut self, lab: &Lab) -> Result<Eyes> {
        let (tally, status) = self.settle(lab).await?;
        self.begun = i128::from(status.plan.billed) - i128::from(tally.billed());
        Ok(self)
    }

    /// What the daemon should have billed when the carrier counted this.
    pub fn expected(&self, counted: u64) -> i128 {
        i128::from(counted) + self.begun
    }

    /// The daemon's figure is the carrier's.
    pub fn check_billed(&self, tally: &Tally, status: &Status) -> Result<()> {
        let (recorded, counted) = (i128::from(status.plan.billed), self.expected(tally.billed()));
        if recorded == counted {
            return Ok(());
        }
        bail!("billed: recorded {recorded}, counted {counted}; seen: {:?}", tally.rows())
    }

    /// Bytes from the Internet that reached a phone.
    pub fn down(&self, place: usize) -> Result<u64> {
        Ok(self.phones[place].exact()?.with_ttl(Way::In, FORWARDED))
    }

    /// Bytes from the Internet that reached any phone.
    pub fn down_all(&self) -> Result<u64> {
        (0..self.phones.len()).map(|place| self.down(place)).sum()
    }

    /// Bytes of phones that passed the uplink.
    pub fn up_all(&self) -> Result<u64> {
        Ok(self.carrier.exact()?.with_ttl(Way::In, FORWARDED))
    }

    /// Bytes both ways that were delivered for people.
    pub fn delivered(&self) -> Result<u64> {
        Ok(self.down_all()? + self.up_all()?)
    }

    /// What the carrier counted, both ways.
    pub fn billed(&self) -> Result<u64> {
        Ok(self.carrier.exact()?.billed())
    }

    /// Waits until nothing passes any more: what is under way has arrived, and both sides can be compared.
    pub async fn settle(&self, lab: &Lab) -> Result<(Tally, Status)> {
        self.rest(lab, true).await
    }

    /// The same for what reaches the phones, while something may still be refused.
    pub async fn settle_down(&self, lab: &Lab) -> Result<(Tally, Status)> {
        self.rest(lab, false).await
    }

    async fn rest(&self, lab: &Lab, uplink: bool) -> Result<(Tally, Status)> {
        let mut before = (self.billed()?, self.down_all()?);
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let status = lab.api.status().await?;
            let tally = self.carrier.exact()?;
            let after = (tally.billed(), self.down_all()?);
            if before.1 == after.1 && (before.0 == after.0 || !uplink) {
                return Ok((tally, status));
            }
            before = after;
        }
        bail!("the link does not come to rest: {:?}", self.carrier.tally()?.rows())
    }
}

/// What the first phone gets through, with everything that it tries; observed at the carrier.
pub async fn try_all(lab: &Lab, eyes: &Eyes) -> Result<(u64, u64)> {
    let before = (eyes.up_all()?, eyes.down_all()?);
    let phone = &lab.phones[0];
    let progress = Progress::default();
    let flood = Flood { size: 1200, rate: 20_000_000, millis: 1500 };
    let flooding = phone.flood_up(phone.sink_port(), flood);
    let trying = vec![
        phone.download(phone.web_port(), MIB, &progress),
        phone.upload(phone.web_port(), MIB, &progress),
    ];
    gather(trying, Duration::from_secs(2)).await?;
    flooding.await??;
    Ok((eyes.up_all()? - before.0, eyes.down_all()? - before.1))
}

/// The first phone's download arrives whole.
pub async fn fetch(lab: &Lab, bytes: u64) -> Result<bool> {
    let progress = Progress::default();
    let phone = &lab.phones[0];
    let (done, hanging) =
        gather(vec![phone.download(phone.web_port(), bytes, &progress)], Duration::from_secs(20)).await?;
    Ok(hanging == 0 && done.iter().all(|transfer| transfer.complete))
}

/// One person of a status.
pub fn person<'a>(status: &'a Status, name: &str) -> Result<&'a hotshare_api::Person> {
    status
        .people
        .iter()
        .find(|p| p.name == name)
        .with_context(|| format!("the status has nobody called {name}"))
}

/// Waits until a person's verdict is this one, and says how long it took.
pub async fn wait_verdict(lab: &Lab, name: &str, wanted: Verdict, patience: Duration) -> Result<Duration> {
    let begin = Instant::now();
    loop {
        let verdict = lab.api.person(name).await?.verdict;
        if verdict == wanted {
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > patience {
            bail!("{name} is {verdict:?} and not {wanted:?} after {patience:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for transfers; those that do not end are ended, and count as not complete. Says how many those were.
pub async fn gather(
    transfers: Vec<JoinHandle<Result<Transfer>>>,
    patience: Duration,
) -> Result<(Vec<Transfer>, usize)> {
    let end = Instant::now() + patience;
    let (mut ended, mut hanging) = (Vec::new(), 0);
    for transfer in transfers {
        let abort = transfer.abort_handle();
        let left = end.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, transfer).await {
            Ok(result) => ended.push(result??),
            Err(_) => {
                abort.abort();
                hanging += 1;
            }
        }
    }
    Ok((ended, hanging))
}

/// Waits until a counter has grown by so much.
pub async fn grows(progress: &Progress, by: u64, patience: Duration) -> Result<Duration> {
    let start = progress.load(std::sync::atomic::Ordering::Relaxed);
    let begin = Instant::now();
    while progress.load(std::sync::atomic::Ordering::Relaxed) < start + by {
        if begin.elapsed() > patience {
            bail!("nothing came for {patience:?}");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(begin.elapsed())
}

/// Bytes of a tally between a moment and now.
pub fn is_v4_of(service: u16) -> impl Fn(Way, &Kind) -> bool {
    move |_, kind| matches!(kind, Kind::V4 { service: s, .. } if *s == service)
}

/// Runs a program in the box's namespace and returns what it printed; tests may use real tools to look.
pub fn in_box(program: &str, args: &[&str]) -> Result<std::process::Output> {
    in_space(hotshare_lab::layout::BOX, program, args)
}

/// The same in any namespace, as a user would: `ip netns exec`.
pub fn in_space(space: &str, program: &str, args: &[&str]) -> Result<std::process::Output> {
    std::process::Command::new("ip")
        .args(["netns", "exec", space, program])
        .args(args)
        .output()
        .with_context(|| format!("run {program} in {space}"))
}

/// Runs a verb of the binary under test, in the box's namespace, to its end.
pub async fn verb(lab: &Lab, args: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hotshare"));
    command.args(args);
    let space = lab.hotspot.space().try_clone()?;
    let output = tokio::task::spawn_blocking(move || space.command(command)?.output()).await??;
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.code(), text))
}

/// A program of the Python environment that `cargo xtask test` makes.
pub fn python(program: &str) -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_hotshare"));
    let target = built.ancestors().nth(2).context("the program is in a folder of the target folder")?;
    let found = target.join("tools/python/bin").join(program);
    ensure!(found.exists(), "{} is missing; `cargo xtask test net` makes it", found.display());
    Ok(found)
}

/// Carries connections from TCP to the daemon's socket: the tools speak nothing else.
pub async fn bridge(listener: TcpListener, socket: PathBuf) {
    let mut open = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.expect("a socket that listens");
        let socket = socket.clone();
        open.spawn(async move {
            if let Ok(mut far) = UnixStream::connect(socket).await {
                drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
            }
        });
        while open.try_join_next().is_some() {}
    }
}
