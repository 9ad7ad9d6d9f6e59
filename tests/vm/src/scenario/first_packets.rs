//! A thousand associations, each of a station that sends from its first moment: nothing passes that is not booked,
//! and of devices that have no lease nothing passes at all.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::inside::Inside;
use tokio::net::UdpSocket;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::world::{Guest, World, scene};
use crate::internet::Ports;
use crate::measure::{ms, tool_in, within};
use crate::miscount::miscounted;
use crate::pace::stretched;
use crate::station::JOINED;

/// Stations that keep their address, and those that take another each time.
const STEADY: u8 = 2;
const CHANGING: u8 = 1;
/// How long a station stays: enough to be let in, when the box is quick.
const STAY: Duration = Duration::from_millis(50);
/// How long they come and go: `most` times or for a time, but `enough` times in any case.
#[derive(Clone, Copy)]
struct Ends {
    most: u32,
    enough: u32,
    after: Duration,
}
/// Who has not done enough by then does not come to an end.
const LATEST: Duration = Duration::from_secs(240);
/// In each run of the suite: as many as a slow machine does in little more than a minute.
const SHORT: Ends = Ends { most: 1000, enough: 40, after: Duration::from_secs(75) };
/// On request: all of a thousand.
const THOUSAND: Ends = Ends { most: 1000, enough: 1000, after: Duration::from_secs(1100) };
/// Datagrams of so many bytes, so far apart.
const SIZE: usize = 200;
const EVERY: Duration = Duration::from_millis(10);

pub(crate) fn run() -> Result<()> {
    scene(play(SHORT))
}

pub(crate) fn run_thousand() -> Result<()> {
    scene(play(THOUSAND))
}

async fn play(ends: Ends) -> Result<()> {
    let world = World::new(u32::from(1 + STEADY + CHANGING), "people").await?;
    let names = ["ada", "bo", "cy", "dee", "eve", "fay", "gus"];
    let mut guests = Vec::new();
    for (number, name) in (1..=STEADY + CHANGING).zip(names) {
        let mut guest = world.guest(number, name, None).await?;
        guest.network.quiet = true;
        guest.network.more = "scan_res_valid_for_connect=600\n".to_owned();
        guest.join().await?;
        guests.push(guest);
    }
    // hostapd asks for each new station's interface before it is there, and the kernel then looks for a module of that
    // name: a program to start, which an emulated processor takes a second for, while hostapd waits. All modules
    // that are needed are loaded by now.
    std::fs::write("/proc/sys/kernel/modprobe", "\n")
        .context("cannot keep the kernel from looking for modules")?;
    let began = Instant::now();
    let turns = Turns {
        until: Instant::now() + ends.after,
        latest: Instant::now() + ends.after.max(stretched(LATEST)),
        enough: ends.enough,
        done: Cell::new(0),
        left: Cell::new(ends.most),
        one: Mutex::new(()),
    };
    let mut ways = Vec::new();
    for guest in &guests {
        ways.push(Way::of(guest).await?);
        if guest.ports.0 > STEADY {
            // From here on it is nobody that the box has given an address.
            guest.station.control()?.order("DISCONNECT").await?;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut playing = Vec::new();
    let mut moving = Vec::new();
    for (guest, way) in guests.iter().zip(&ways) {
        moving.push(Shooter::start(guest));
        playing.push(come_and_go(guest, way, &turns, guest.ports.0 > STEADY));
    }
    let counts = futures(playing).await?;
    let took = began.elapsed();
    let mut fired = 0;
    for shooter in moving {
        fired += shooter.stop().await?;
    }
    let sum: u32 = counts.iter().sum();
    println!("{sum} associations in {} ms; {fired} datagrams fired", ms(took));
    ensure!(sum >= ends.enough, "only {sum} associations");
    let steady: Vec<(&str, Ports)> = guests.iter().take(usize::from(STEADY)).map(Guest::person).collect();
    world.compare(&steady, None).await?;
    let mut passed = 0;
    for guest in &guests {
        let far = world.internet.settled(guest.ports).await?;
        passed += far.packets_up;
        if guest.ports.0 > STEADY {
            let booked = world.hotspot.person(guest.name).await?;
            println!(
                "{}: another address each time, no lease: {} packets passed",
                guest.name, far.packets_up
            );
            miscounted(far.packets_up > 0 || booked.up > 0, || {
                format!("{far:?} passed without a lease, booked {booked:?}")
            })?;
        }
    }
    println!("{passed} of {fired} datagrams passed, every byte of them booked");
    ensure!(passed > 0, "nothing passed: this shows nothing");
    ensure!(
        passed < fired + 1000,
        "everything passed: nobody sent before they were let in, this shows nothing"
    );
    world.down().await
}

/// All of them to their end, at once.
async fn futures(playing: Vec<impl Future<Output = Result<u32>>>) -> Result<Vec<u32>> {
    let mut playing: Vec<_> = playing.into_iter().map(Box::pin).collect();
    let mut counts = vec![0; playing.len()];
    let mut open: Vec<bool> = vec![true; playing.len()];
    std::future::poll_fn(|context| {
        for (at, play) in playing.iter_mut().enumerate() {
            if !open[at] {
                continue;
            }
            if let std::task::Poll::Ready(done) = play.as_mut().poll(context) {
                open[at] = false;
                match done {
                    Ok(count) => counts[at] = count,
                    Err(error) => return std::task::Poll::Ready(Err(error)),
                }
            }
        }
        if open.contains(&true) { std::task::Poll::Pending } else { std::task::Poll::Ready(Ok(())) }
    })
    .await?;
    Ok(counts)
}

/// Whose turn it is, and how many there are to come.
struct Turns {
    /// When they may end, if there were `enough`.
    until: Instant,
    latest: Instant,
    enough: u32,
    done: Cell<u32>,
    left: Cell<u32>,
    one: Mutex<()>,
}

impl Turns {
    fn are_over(&self) -> bool {
        let now = Instant::now();
        let may_end = now > self.until && self.done.get() >= self.enough;
        self.left.get() == 0 || may_end || now > self.latest
    }
}

/// Leaves and joins again, until all of them together have done so often enough; says how often it has joined.
async fn come_and_go(guest: &Guest, way: &Way, turns: &Turns, changes: bool) -> Result<u32> {
    let control = guest.station.control()?;
    let (mut joined, mut failed) = (0, 0);
    for turn in 0.. {
        // One at a time: hostapd waits for the kernel to make and remove interfaces, and answers others too late.
        let alone = turns.one.lock().await;
        if turns.are_over() {
            break;
        }
        control.order("DISCONNECT").await?;
        within(Duration::from_secs(20), "the end of an association", || async {
            Ok((control.status("wpa_state").await?.as_deref() == Some("DISCONNECTED")).then_some(()))
        })
        .await?;
        if changes {
            take_another_address(guest, way, turn)?;
        }
        let begin = Instant::now();
        control.order("RECONNECT").await?;
        if control.wait_for(JOINED, Some(begin), Duration::from_secs(4)).await.is_err() {
            // A busy machine lost an answer; the supplicant would only try again after ten seconds.
            failed += 1;
            control.order("ENABLE_NETWORK 0").await?;
            continue;
        }
        joined += 1;
        turns.left.set(turns.left.get().saturating_sub(1));
        turns.done.set(turns.done.get() + 1);
        drop(alone);
        tokio::time::sleep(STAY).await;
    }
    println!("{}: {joined} associations, {failed} that failed", guest.name);
    Ok(joined)
}

/// A locally administered address that nobody has had, with the address and the way out of the last lease.
fn take_another_address(guest: &Guest, way: &Way, turn: u32) -> Result<()> {
    let [_, _, high, low] = turn.to_be_bytes();
    let mac = format!("02:00:aa:{:02x}:{high:02x}:{low:02x}", guest.ports.0);
    let interface = guest.station.interface();
    let batch = format!(
        "link set {interface} down\nlink set {interface} address {mac}\nlink set {interface} up\n\
         route replace default via {gateway} dev {interface}\n{known}\n",
        gateway = way.gateway,
        known = way.known(interface),
    );
    let file = format!("/tmp/{}.batch", guest.name);
    std::fs::write(&file, batch)?;
    tool_in(guest.station.inside().space(), "ip", &["-batch", &file]).map(drop)
}

/// The gateway, so well known that nothing has to be asked before the first datagram.
struct Way {
    gateway: Ipv4Addr,
    mac: String,
}

impl Way {
    async fn of(guest: &Guest) -> Result<Way> {
        let gateway = guest.station.gateway()?;
        guest.station.ping(gateway, 1).await?;
        let space = guest.station.inside().space();
        let entry = tool_in(space, "ip", &["neigh", "show", &gateway.to_string()])?;
        let mac = entry.split_whitespace().skip_while(|word| *word != "lladdr").nth(1);
        let mac = mac.with_context(|| format!("{} knows no gateway: {entry}", guest.name))?.to_owned();
        let way = Way { gateway, mac };
        let words = way.known(guest.station.interface());
        tool_in(space, "ip", &words.split(' ').collect::<Vec<_>>())?;
        Ok(way)
    }

    fn known(&self, interface: &str) -> String {
        format!("neigh replace {} lladdr {} dev {interface} nud permanent", self.gateway, self.mac)
    }
}

/// Fires datagrams without end, whatever becomes of them.
struct Shooter {
    stop: Arc<AtomicBool>,
    fired: Arc<AtomicU64>,
    task: JoinHandle<Result<()>>,
}

impl Shooter {
    fn start(guest: &Guest) -> Shooter {
        let (stop, fired) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = fire(guest.station.inside(), guest.ports, Arc::clone(&stop), Arc::clone(&fired));
        Shooter { stop, fired, task }
    }

    async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await??;
        Ok(self.fired.load(Ordering::Relaxed))
    }
}

fn fire(
    inside: &Inside,
    ports: Ports,
    stop: Arc<AtomicBool>,
    fired: Arc<AtomicU64>,
) -> JoinHandle<Result<()>> {
    inside.start(async move {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let payload = [0x66; SIZE];
        while !stop.load(Ordering::Relaxed) {
            // Without a link there is no way, and the next one comes soon.
            if socket.send_to(&payload, ports.sink()).await.is_ok() {
                fired.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(EVERY).await;
        }
        Ok(())
    })
}
