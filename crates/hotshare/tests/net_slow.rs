//! *Slow*, *pay* and *last drop* as the owner orders them, measured at the far side. Needs root.

mod net;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hotshare_api::{Part, Pay, PersonChange, PlanChange, Terms, Verdict};
use hotshare_lab::Flood;
use hotshare_lab::lab::Lab;
use hotshare_lab::observer::{Kind, Observer, Way};
use hotshare_lab::phone::Progress;
use net::{ENDLESS, Eyes, MIB, gather, person, verb, wait_verdict};
use tokio::task::AbortHandle;

/// 8 Mbit/s.
const RATE: u64 = 1_000_000;
/// After a flow has begun: TCP finds its speed.
const WARM_UP: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(2);
/// The dialogue, and what is in flight.
const TOLERANCE: f64 = 0.05;

#[derive(Clone, Copy, Debug)]
enum Load {
    Tcp(usize),
    Udp,
}

/// What runs until it is dropped.
struct Running(Vec<AbortHandle>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

fn start(lab: &Lab, place: usize, way: Way, load: Load) -> Running {
    let phone = &lab.phones[place];
    let progress = Progress::default();
    // Four times as fast as it may be; in bits.
    let flood = Flood { size: 1200, rate: 4 * 8 * RATE, millis: 20_000 };
    Running(match (load, way) {
        (Load::Tcp(flows), Way::In) => {
            (0..flows).map(|_| phone.download(phone.web_port(), ENDLESS, &progress).abort_handle()).collect()
        }
        (Load::Tcp(flows), Way::Out) => {
            (0..flows).map(|_| phone.upload(phone.web_port(), ENDLESS, &progress).abort_handle()).collect()
        }
        (Load::Udp, Way::In) => vec![phone.flood_down(flood, &progress).abort_handle()],
        (Load::Udp, Way::Out) => vec![phone.flood_up(phone.sink_port(), flood).abort_handle()],
    })
}

/// Bytes so far of one phone at its far side: the phone of downloads (`In`), the carrier of uploads.
fn far_side(eyes: &Eyes, lab: &Lab, place: usize, way: Way) -> Result<u64> {
    match way {
        Way::In => eyes.down(place),
        Way::Out => sent_by(&eyes.carrier, &lab.phones[place]),
    }
}

/// Each phone has ports of its own at the carrier.
fn sent_by(carrier: &Observer, phone: &hotshare_lab::phone::Phone) -> Result<u64> {
    let (web, sink) = (phone.web_port(), phone.sink_port());
    let own = move |way: Way, kind: &Kind| {
        way == Way::In && matches!(kind, Kind::V4 { service, .. } if *service == web || *service == sink)
    };
    Ok(carrier.exact()?.sum(own).bytes)
}

/// Bytes a second of these phones, over the same time.
async fn speeds(eyes: &Eyes, lab: &Lab, places: &[(usize, Way)], long: Duration) -> Result<Vec<f64>> {
    let all = || -> Result<Vec<u64>> {
        places.iter().map(|(place, way)| far_side(eyes, lab, *place, *way)).collect()
    };
    let (before, begin) = (all()?, Instant::now());
    tokio::time::sleep(long).await;
    let (after, took) = (all()?, begin.elapsed().as_secs_f64());
    Ok(before.iter().zip(&after).map(|(before, after)| (after - before) as f64 / took).collect())
}

fn part(name: &str) -> Part {
    Part { name: name.into(), ..Part::default() }
}

fn parts(parts: impl Into<Vec<Part>>) -> PlanChange {
    PlanChange { parts: Some(parts.into()), ..PlanChange::default() }
}

fn slow(rate: u64) -> Part {
    Part { rate: Some(rate), ..part("slow") }
}

/// Tries once more what a stalled machine may have spoilt: a rate is a figure of time, not of bytes.
async fn holds(what: &str, speed: impl AsyncFn() -> Result<Vec<f64>>, ideal: &[f64], off: f64) -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen = speed().await?;
        let far = seen.iter().zip(ideal).map(|(seen, ideal)| (seen / ideal - 1.0).abs());
        let worst = far.fold(0.0, f64::max);
        println!("{what}: {seen:.0?} bytes a second, off by {:.1} %", worst * 100.0);
        if worst <= off {
            return Ok(());
        }
    }
    anyhow::bail!("{what}: {seen:.0?} bytes a second and not {ideal:.0?}")
}

/// The rate of a slow part, for one and for many flows, TCP and UDP, both ways; and it is shared equally.
#[tokio::test]
async fn a_slow_plan_holds_its_rate_and_is_shared() -> Result<()> {
    let _backlog = net::Backlog::widen()?;
    let lab = net::ready(2, None, None, None).await?;
    lab.api.change_plan(&parts([slow(RATE)])).await?;
    let eyes = Eyes::open(&lab).await?;
    for way in [Way::In, Way::Out] {
        for load in [Load::Tcp(1), Load::Tcp(20), Load::Udp] {
            let _running = start(&lab, 0, way, load);
            tokio::time::sleep(WARM_UP).await;
            let speed = async || speeds(&eyes, &lab, &[(0, way)], LONG).await;
            holds(&format!("{load:?} {way:?}"), speed, &[RATE as f64], TOLERANCE).await?;
        }
        for other in [Load::Tcp(20), Load::Udp] {
            let _one = start(&lab, 0, way, Load::Tcp(1));
            let _many = start(&lab, 1, way, other);
            tokio::time::sleep(WARM_UP).await;
            let speed = async || speeds(&eyes, &lab, &[(0, way), (1, way)], LONG).await;
            let half = RATE as f64 / 2.0;
            holds(&format!("one flow beside {other:?} {way:?}"), speed, &[half, half], 0.10).await?;
        }
    }
    let status = lab.api.status().await?;
    let one = person(&status, "phone-1")?;
    ensure!(one.verdict == Verdict::Slow, "{one:?}");
    lab.api.change_person("phone-1", &PersonChange { weight: Some(3), ..PersonChange::default() }).await?;
    let _one = start(&lab, 0, Way::In, Load::Tcp(1));
    let _many = start(&lab, 1, Way::In, Load::Tcp(20));
    tokio::time::sleep(WARM_UP).await;
    let speed = async || speeds(&eyes, &lab, &[(0, Way::In), (1, Way::In)], LONG).await;
    holds("weights 3 and 1", speed, &[RATE as f64 * 0.75, RATE as f64 * 0.25], 0.10).await?;
    drop((_one, _many));

    // Somebody takes the queue away: the rate holds, and the queue is made again.
    let _running = start(&lab, 0, Way::In, Load::Tcp(20));
    net::in_box("ip", &["link", "del", "hs-queue0"])?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let speed = async || speeds(&eyes, &lab, &[(0, Way::In)], LONG).await;
    holds("a queue that was taken away", speed, &[RATE as f64], TOLERANCE).await?;
    drop(_running);
    let links = net::in_box("ip", &["-o", "link"])?;
    ensure!(String::from_utf8_lossy(&links.stdout).contains("hs-queue0"), "the queue was not made again");
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    lab.tear_down().await
}

/// In the middle of a transfer the fast part ends to the byte and the slow one begins; and the other way round.
#[tokio::test]
async fn a_tier_changes_within_a_fifth_of_a_second() -> Result<()> {
    const FAST: u64 = 40 * MIB;
    const AT_ONCE: Duration = Duration::from_millis(200);
    let lab = net::ready(1, Some(80_000_000), None, None).await?;
    let eyes = Eyes::open(&lab).await?;
    let before = lab.api.status().await?.plan.billed;
    let fast = Part { cap: Some(before + FAST), ..part("plan") };
    lab.api.change_plan(&parts([fast.clone(), slow(RATE / 8)])).await?;
    for load in [Load::Tcp(1), Load::Tcp(20)] {
        let begun = eyes.carrier.exact()?.billed();
        let _running = start(&lab, 0, Way::In, load);
        // The moment in which the part is used up, as the phone sees it: the last fast instant.
        let (mut at, mut seen) = (Instant::now(), eyes.down(0)?);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let (now, down) = (Instant::now(), eyes.down(0)?);
            let speed = (down - seen) as f64 / (now - at).as_secs_f64();
            (at, seen) = (now, down);
            if speed < RATE as f64 && down > MIB && eyes.carrier.exact()?.billed() - begun > FAST / 2 {
                break;
            }
            ensure!(now < deadline, "the fast part does not end");
        }
        tokio::time::sleep(AT_ONCE.saturating_sub(at.elapsed())).await;
        let speed = async || speeds(&eyes, &lab, &[(0, Way::In)], Duration::from_secs(2)).await;
        holds(&format!("{load:?} after the change"), speed, &[RATE as f64 / 8.0], 0.1).await?;
        let verdict = lab.api.person("phone-1").await?.verdict;
        ensure!(verdict == Verdict::Slow, "{verdict:?}");

        // More of the fast part: fast again.
        let billed = lab.api.status().await?.plan.billed;
        let more = Part { cap: Some(billed + FAST), ..fast.clone() };
        lab.api.change_plan(&parts([more, slow(RATE / 8)])).await?;
        let verdict = wait_verdict(&lab, "phone-1", Verdict::Open, AT_ONCE).await?;
        tokio::time::sleep(AT_ONCE.saturating_sub(verdict)).await;
        let now = speeds(&eyes, &lab, &[(0, Way::In)], Duration::from_millis(500)).await?[0];
        println!("{load:?} after more was bought: {now:.0} bytes a second");
        ensure!(now > 4.0 * RATE as f64 / 8.0, "{load:?}: {now:.0} bytes a second after the change");
    }
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    lab.tear_down().await
}

/// A person goes on slowly after the allowance; another one is as fast as before.
#[tokio::test]
async fn after_the_allowance_a_person_is_slow() -> Result<()> {
    let _backlog = net::Backlog::widen()?;
    let lab = net::ready(2, Some(80_000_000), None, None).await?;
    lab.api.set_allowance("phone-1", Some(8 * MIB)).await?;
    let then = PersonChange { then_rate: Some(Some(RATE / 4)), ..PersonChange::default() };
    lab.api.change_person("phone-1", &then).await?;
    let eyes = Eyes::open(&lab).await?;
    for way in [Way::In, Way::Out] {
        for load in [Load::Tcp(1), Load::Tcp(20), Load::Udp] {
            let _running = start(&lab, 0, way, load);
            wait_verdict(&lab, "phone-1", Verdict::Slow, Duration::from_secs(10)).await?;
            tokio::time::sleep(WARM_UP).await;
            let speed = async || speeds(&eyes, &lab, &[(0, way)], LONG).await;
            holds(&format!("{load:?} {way:?}"), speed, &[RATE as f64 / 4.0], TOLERANCE).await?;
        }
    }
    let progress = Progress::default();
    let got = lab.phones[1].download(lab.phones[1].web_port(), 16 * MIB, &progress);
    let got =
        tokio::time::timeout(Duration::from_secs(6), got).await.context("the other one is slow")???;
    ensure!(got.complete, "{got:?}");
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    let one = person(&status, "phone-1")?;
    ensure!(one.up + one.down > 8 * MIB, "{one:?}");
    lab.tear_down().await
}

/// Money: nothing passes without consent, each step is asked for again, and the limit is never passed.
#[tokio::test]
async fn pay_never_passes_the_limit() -> Result<()> {
    const UNIT: u64 = 1_000_000;
    let lab = net::bare(2, Some(100_000_000)).await?;
    // From the first packet that the box ever sends.
    let carrier = lab.watch_carrier().await?;
    let lab = net::ready_with(lab, "", None, None).await?;
    let pay = Pay { price: "0.01".into(), unit: UNIT, limit: "0.25".into(), step: "0.10".into() };
    let terms = Terms { currency: Some("EUR".into()), ..Terms::default() };
    let more = Part { pay: Some(pay), ..part("plan") };
    lab.api.change_plan(&PlanChange { terms: Some(terms), ..parts([more]) }).await?;
    let eyes = Eyes::with_carrier(&lab, carrier).await?;
    wait_verdict(&lab, "phone-1", Verdict::AsksForMoney, Duration::from_secs(2)).await?;

    let mut agreed = 0;
    // 0.10, 0.10, and what the limit leaves: 0.05.
    for cents in [10, 10, 5] {
        let refused = lab.api.agree("0.20").await;
        ensure!(refused.is_err(), "a step that nobody asked for was taken");
        lab.api.agree(&format!("0.{cents:02}")).await?;
        agreed += cents;
        let progress = Progress::default();
        let mut transfers = Vec::new();
        for phone in &lab.phones {
            for _ in 0..8 {
                transfers.push(phone.download(phone.web_port(), ENDLESS, &progress));
                transfers.push(phone.upload(phone.web_port(), ENDLESS, &progress));
            }
        }
        // After the last step nobody is asked any more.
        let end = if agreed == 25 { Verdict::PlanUsed } else { Verdict::AsksForMoney };
        wait_verdict(&lab, "phone-1", end, Duration::from_secs(30)).await?;
        let _hanging = gather(transfers, Duration::from_secs(3)).await?;
        let (tally, status) = eyes.settle(&lab).await?;
        let billed = tally.billed();
        let units = billed.div_ceil(UNIT);
        println!("agreed {agreed} cents, the carrier asks for {units}; billed {billed}");
        ensure!(units <= agreed, "{units} cents for {billed} bytes, and {agreed} were agreed to");
        ensure!(units * 10 >= agreed * 9, "only {units} of {agreed} cents could be used");
        eyes.check_billed(&tally, &status)?;
    }
    let verdict = lab.api.person("phone-1").await?.verdict;
    ensure!(verdict == Verdict::PlanUsed, "{verdict:?}");
    let refused = lab.api.agree("0.10").await.err().context("more than the limit was agreed to")?;
    println!("{refused:#}");
    lab.tear_down().await
}

/// The last drop is for those it is kept for, and nobody else gets a byte of it.
#[tokio::test]
async fn the_last_drop_admits_whom_it_should() -> Result<()> {
    let lab = net::ready(2, Some(80_000_000), None, None).await?;
    let before = lab.api.status().await?.plan.billed;
    let common = Part { cap: Some(before + 8 * MIB), ..part("plan") };
    let kept = Part { cap: Some(8 * MIB), people: Some(vec!["phone-1".into()]), ..part("last") };
    lab.api.change_plan(&parts([common, kept])).await?;
    let eyes = Eyes::open(&lab).await?;
    let progress = Progress::default();
    let using: Vec<_> =
        (0..4).map(|_| lab.phones[1].download(lab.phones[1].web_port(), ENDLESS, &progress)).collect();
    wait_verdict(&lab, "phone-2", Verdict::KeptForOthers, Duration::from_secs(10)).await?;
    gather(using, Duration::from_secs(3)).await?;
    eyes.settle(&lab).await?;
    let before = (far_side(&eyes, &lab, 1, Way::In)?, far_side(&eyes, &lab, 1, Way::Out)?);

    let trying: Vec<_> =
        (0..4).map(|_| lab.phones[1].download(lab.phones[1].web_port(), ENDLESS, &progress)).collect();
    let flood = Flood { size: 1200, rate: 8 * RATE, millis: 2000 };
    let flooding = lab.phones[1].flood_up(lab.phones[1].sink_port(), flood);
    let own = Progress::default();
    let got = lab.phones[0].download(lab.phones[0].web_port(), 4 * MIB, &own).await??;
    ensure!(got.complete, "{got:?}");
    flooding.await??;
    gather(trying, Duration::from_secs(1)).await?;
    let after = (far_side(&eyes, &lab, 1, Way::In)?, far_side(&eyes, &lab, 1, Way::Out)?);
    ensure!(after == before, "phone-2 got {after:?} after {before:?}");
    // And it ends, for everybody. Many flows: towards the end of a plan one alone waits long for its next try.
    let rest: Vec<_> =
        (0..16).map(|_| lab.phones[0].download(lab.phones[0].web_port(), ENDLESS, &own)).collect();
    wait_verdict(&lab, "phone-1", Verdict::PlanUsed, Duration::from_secs(30)).await?;
    gather(rest, Duration::from_secs(3)).await?;
    let (tally, status) = eyes.settle(&lab).await?;
    eyes.check_billed(&tally, &status)?;
    let (code, text) = verb(&lab, &["--lab", "plan"]).await?;
    println!("{text}");
    ensure!(code == Some(0), "{text}");
    lab.tear_down().await
}
