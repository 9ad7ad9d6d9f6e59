//! What breaks comes back by itself within ten seconds, and nothing passes uncounted meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_lab::Flood;
use hotshare_lab::layout::WEB_ADDR;
use nix::sys::signal::Signal;

use super::world::{Guest, MIB, World, scene};
use crate::air::{BOX_RADIO, card_state};
use crate::box_::{Hotspot, RUN, hostapd_pid, signal_hostapd};
use crate::measure::{Pings, ms, within};
use crate::pace::stretched;

/// The promise.
const SOON: Duration = Duration::from_secs(10);
/// How long a scenario looks for it, to say how late it came.
const PATIENCE: Duration = Duration::from_secs(25);

/// The address of another card.
const OTHER_MAC: &str = "02:00:00:00:77:00";

/// A little traffic all the time, so that there is something to count at every moment.
fn flood(seconds: u64) -> Flood {
    Flood { size: 400, rate: 300_000, millis: seconds * 1000 }
}

/// hostapd is killed, hangs, or cannot be talked to any more.
pub(crate) fn run_hostapd() -> Result<()> {
    scene(async {
        let world = World::new(3, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        anna.join().await?;
        let flooding = anna.station.flood(anna.ports.sink(), flood(45));
        type Fault = (&'static str, fn() -> Result<()>);
        let faults: [Fault; 3] = [
            ("hostapd killed", || signal_hostapd(Signal::SIGKILL)),
            ("hostapd hangs", || signal_hostapd(Signal::SIGSTOP)),
            ("both ends of hostapd's control sockets removed", || remove_all(&["hostapd", "hostapd-asks"])),
        ];
        let mut late = Vec::new();
        for (what, fault) in faults {
            let booked = world.hotspot.person("anna").await?.up;
            let old = hostapd_pid()?;
            let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(500)).await;
            let begin = Instant::now();
            fault()?;
            let (_, restarted) = within(PATIENCE, "another hostapd", || async {
                Ok(hostapd_pid().ok().filter(|pid| *pid != old))
            })
            .await
            .context(what)?;
            let took = again(&anna, begin, begin + restarted).await.context(what)?;
            let pings = pinger.stop().await?;
            println!(
                "{what}: another one after {} ms, anna back after {} ms; {pings}",
                ms(restarted),
                ms(took)
            );
            if took > stretched(SOON) {
                late.push(format!("{what}: {} ms", ms(took)));
            }
            let after = world.hotspot.person("anna").await?.up;
            ensure!(after >= booked, "{what}: what was booked went from {booked} to {after}");
        }

        // Only hostapd's end: who is connected already goes on, so what counts is that orders still arrive.
        let begin = Instant::now();
        remove_all(&["hostapd"])?;
        let mut bo = world.guest(2, "bo", None).await?;
        bo.join().await?;
        let took = again(&bo, begin, begin).await?;
        println!("hostapd's control socket removed: somebody new is served after {} ms", ms(took));
        if took > stretched(SOON) {
            late.push(format!("socket removed: {} ms", ms(took)));
        }
        flooding.abort();
        ensure!(late.is_empty(), "not back in time: {late:?}");
        anna.get(MIB / 4).await?;
        world.compare_all(&[anna.person(), bo.person()]).await?;
        world.down().await
    })
}

/// Removes every file of folders of the daemon's.
fn remove_all(folders: &[&str]) -> Result<()> {
    for folder in folders {
        for entry in std::fs::read_dir(Path::new(RUN).join(folder))? {
            std::fs::remove_file(entry?.path())?;
        }
    }
    Ok(())
}

/// The card is pulled out and put back; then another takes its place.
pub(crate) fn run_card() -> Result<()> {
    scene(async {
        let world = World::new(2, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        anna.join().await?;
        let flooding = anna.station.flood(anna.ports.sink(), flood(50));
        let card = world.air.interface(BOX_RADIO)?.to_owned();
        let mut late = Vec::new();
        for other in [false, true] {
            let what = if other { "another card" } else { "the same card" };
            tokio::time::sleep(Duration::from_millis(500)).await;
            let booked = world.hotspot.person("anna").await?.up;
            let pulled = world.air.pull(BOX_RADIO)?;
            within(SOON, "the daemon notices that the card is gone", || async {
                Ok((!world.hotspot.on_the_air().await?).then_some(()))
            })
            .await?;
            let wifi = world.hotspot.wifi().await?;
            println!("the card is out: {}", wifi.off_because.unwrap_or_default());
            if other {
                pulled.change(&card, "wlxother", OTHER_MAC)?;
            }
            let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
            let begin = Instant::now();
            pulled.put_back()?;
            let took = again(&anna, begin, begin).await.context(what)?;
            let pings: Pings = pinger.stop().await?;
            println!("{what} is put back: anna back after {} ms; {pings}", ms(took));
            if took > stretched(SOON) {
                late.push(format!("{what}: {} ms", ms(took)));
            }
            let after = world.hotspot.person("anna").await?.up;
            ensure!(after >= booked, "{what}: what was booked went from {booked} to {after}");
        }
        flooding.abort();
        ensure!(late.is_empty(), "not back in time: {late:?}");
        world.compare(&[anna.person()], Some("anna")).await?;
        anna.get(MIB / 4).await?;
        // The other card is what was in use last: it is as it was when it came.
        ensure!(world.hotspot.down().await?.success(), "hotshare does not stop in order");
        let left = card_state("wlxother")?;
        ensure!(left.kind == "managed" && left.mac == OTHER_MAC, "{left:?}");
        Ok(())
    })
}

/// The daemon is killed and started again.
pub(crate) fn run_daemon() -> Result<()> {
    scene(async {
        let mut world = World::new(2, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        anna.join().await?;
        anna.get(MIB).await?;
        let flooding = anna.station.flood(anna.ports.sink(), flood(40));
        let mut late = Vec::new();
        for pause in [0, 4] {
            let booked = world.hotspot.person("anna").await?.up;
            let pinger = anna.station.ping_on(WEB_ADDR, Duration::from_millis(50));
            let config = world.hotspot.kill()?;
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let begin = Instant::now();
            world.hotspot = Hotspot::up(config).await?;
            let ready = begin.elapsed();
            let took = again(&anna, begin, begin + ready).await?;
            let pings = pinger.stop().await?;
            println!(
                "the daemon killed, started again after {pause} s: anna is served {} ms after its start; {pings}",
                ms(took)
            );
            if took > stretched(SOON) {
                late.push(format!("{pause} s: {} ms", ms(took)));
            }
            let after = world.hotspot.person("anna").await?.up;
            ensure!(after >= booked, "what was booked went from {booked} to {after}");
        }
        flooding.abort();
        ensure!(late.is_empty(), "not back in time: {late:?}");
        world.compare(&[anna.person()], Some("anna")).await?;
        anna.get(MIB / 4).await?;
        world.down().await
    })
}

/// The machine sleeps and wakes. The kernel's own test of that puts all devices to sleep and wakes them by itself:
/// nothing in a guest would press a key.
pub(crate) fn run_suspend() -> Result<()> {
    scene(async {
        let world = World::new(2, "people").await?;
        let mut anna = world.guest(1, "anna", None).await?;
        anna.join().await?;
        anna.get(MIB / 4).await?;
        let booked = world.hotspot.person("anna").await?.up;
        std::fs::write("/sys/power/pm_test", "devices")?;
        std::fs::write("/sys/module/suspend/parameters/pm_test_delay", "3")?;
        let slept = Instant::now();
        tokio::task::spawn_blocking(|| std::fs::write("/sys/power/state", "freeze")).await??;
        let begin = Instant::now();
        let took = again(&anna, begin, begin).await?;
        println!("slept for {} ms, anna back {} ms after waking", ms(begin - slept), ms(took));
        ensure!(took <= stretched(SOON), "not back in time, but {} ms", ms(took));
        ensure!(world.hotspot.person("anna").await?.up >= booked, "what was booked is less than before");
        anna.get(MIB / 4).await?;
        world.compare(&[anna.person()], Some("anna")).await?;
        world.down().await
    })
}

/// How long after `begin` a ping that is sent after `not_before` is answered for the first time.
async fn again(guest: &Guest, begin: Instant, not_before: Instant) -> Result<Duration> {
    let pinger = guest.station.ping_on(WEB_ADDR, Duration::from_millis(50));
    let found =
        within(PATIENCE, "an answer from the Internet", || async { Ok(pinger.answered_after(not_before)) })
            .await;
    pinger.stop().await?;
    let (at, _) =
        found.with_context(|| format!("{} does not come back:\n{}", guest.name, guest.station.log_tail()))?;
    Ok(at.saturating_duration_since(begin))
}
