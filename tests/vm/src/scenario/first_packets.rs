//! A thousand associations, each of a station that sends from its first moment: nothing passes that is not booked,
//! and of devices that have no lease nothing passes at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::inside::Inside;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::world::{Guest, World, scene};
use crate::internet::Ports;
use crate::measure::{ms, tool_in};
use crate::station::{JOINED, LEFT, Station};

const ASSOCIATIONS: u32 = 1000;
/// Stations that keep their address, and those that take another each time.
const STEADY: u8 = 5;
const CHANGING: u8 = 2;
/// How long a station stays: enough to be let in, when the box is quick.
const STAY: Duration = Duration::from_millis(70);
/// Datagrams of so many bytes, so far apart.
const SIZE: usize = 200;
const EVERY: Duration = Duration::from_millis(15);

pub(crate) fn run() -> Result<()> {
    scene(play())
}

async fn play() -> Result<()> {
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
    let began = Instant::now();
    let share = ASSOCIATIONS / u32::from(STEADY + CHANGING) + 1;
    let mut playing = Vec::new();
    let mut moving = Vec::new();
    for guest in &guests {
        let changes = guest.ports.0 > STEADY;
        moving.push(Shooter::start(guest).await?);
        playing.push(come_and_go(guest, share, changes));
    }
    let counts = futures(playing).await?;
    let took = began.elapsed();
    let mut fired = 0;
    for shooter in moving {
        fired += shooter.stop().await?;
    }
    let sum: u32 = counts.iter().sum();
    println!("{sum} associations in {} ms; {fired} datagrams fired", ms(took));
    ensure!(sum >= ASSOCIATIONS, "only {sum} associations");
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
            ensure!(
                far.packets_up == 0 && booked.up == 0,
                "{far:?} passed without a lease, booked {booked:?}"
            );
        }
    }
    println!("{passed} of {fired} datagrams passed, every byte of them booked");
    ensure!(passed > 0, "nothing passed: this shows nothing");
    ensure!(passed < fired, "everything passed: nobody sent before they were let in, this shows nothing");
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

/// Leaves and joins again, so many times; says how often it has joined.
async fn come_and_go(guest: &Guest, times: u32, changes: bool) -> Result<u32> {
    let control = guest.station.control()?;
    let lease = guest.station.lease()?;
    let mut joined = 0;
    for turn in 0..times {
        let begin = Instant::now();
        control.order("DISCONNECT").await?;
        control.wait_for(LEFT, Some(begin), Duration::from_secs(5)).await?;
        if changes {
            take_another_address(&guest.station, &lease, turn, guest.ports.0)?;
        }
        let begin = Instant::now();
        control.order("RECONNECT").await?;
        let joining = control.wait_for(JOINED, Some(begin), Duration::from_secs(10)).await;
        joining
            .with_context(|| format!("{}, association {turn}:\n{}", guest.name, guest.station.log_tail()))?;
        joined += 1;
        tokio::time::sleep(STAY).await;
    }
    Ok(joined)
}

/// A locally administered address that nobody has had, and the way out by the address of the last lease.
fn take_another_address(
    station: &Station,
    lease: &crate::station::Lease,
    turn: u32,
    number: u8,
) -> Result<()> {
    let [_, _, high, low] = turn.to_be_bytes();
    let mac = format!("02:00:aa:{number:02x}:{high:02x}:{low:02x}");
    let interface = station.interface();
    let gateway = lease.router.to_string();
    let batch = format!(
        "ip link set {interface} down; ip link set {interface} address {mac}; ip link set {interface} up; \
         ip route replace default via {gateway} dev {interface}; \
         ip neigh replace {gateway} lladdr 02:00:00:00:00:01 dev {interface} nud permanent"
    );
    tool_in(station.inside().space(), "sh", &["-c", &batch]).map(drop)
}

/// Fires datagrams without end, whatever becomes of them.
struct Shooter {
    stop: Arc<AtomicBool>,
    fired: Arc<AtomicU64>,
    task: JoinHandle<Result<()>>,
}

impl Shooter {
    async fn start(guest: &Guest) -> Result<Shooter> {
        // Known for ever, so that nothing has to be asked before the first datagram.
        let station = &guest.station;
        let gateway = station.gateway()?;
        station.ping(gateway, 1).await?;
        let entry = tool_in(station.inside().space(), "ip", &["neigh", "show", &gateway.to_string()])?;
        let mac = entry.split_whitespace().skip_while(|word| *word != "lladdr").nth(1);
        let mac = mac.with_context(|| format!("{} knows no gateway: {entry}", guest.name))?;
        let words = [
            "neigh",
            "replace",
            &gateway.to_string(),
            "lladdr",
            mac,
            "dev",
            station.interface(),
            "nud",
            "permanent",
        ];
        tool_in(station.inside().space(), "ip", &words)?;
        let (stop, fired) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = fire(station.inside(), guest.ports, Arc::clone(&stop), Arc::clone(&fired));
        Ok(Shooter { stop, fired, task })
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
        let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).await?;
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
