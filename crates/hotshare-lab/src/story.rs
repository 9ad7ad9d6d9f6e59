//! The story that `hotshare lab` plays: three people, one runs out mid-download and is topped up, the plan
//! ends. Each step says what was counted on each side.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hotshare_api::{Status, Verdict};
use tokio::task::JoinHandle;

use crate::lab::Lab;
use crate::observer::{Kind, Observer, Tally, Way};
use crate::phone::{Progress, Transfer};
use crate::run::LabOptions;
use crate::screen::{Screen, bar, grouped};
use crate::world::Rate;

/// The link's speed in the story: fast enough to be short, slow enough to watch.
pub(crate) const RATE: u64 = 100_000_000;
const PLAN: u64 = 96 << 20;
const ALLOWANCE: u64 = 24 << 20;
const TOP_UP: u64 = 12 << 20;
/// What everybody downloads at the beginning.
const TASTE: u64 = 4 << 20;
/// One merged packet as the packets that it is on the wire: as much of an allowance may stay unspent.
const MERGED: u64 = 65_535 + 46 * 60;
/// A step that would take longer is left out.
const PATIENCE: u64 = 40;

type Transfers = Vec<JoinHandle<Result<Transfer>>>;

struct Story<'a> {
    screen: &'a Screen,
    lab: &'a Lab,
    carrier: Observer,
    eyes: Vec<Observer>,
    /// Layer-3 bytes that passed before the daemon was there: its machine came up and looked around.
    earlier: u64,
    good: bool,
}

/// Plays it and removes the laboratory.
pub(crate) async fn play(screen: &Screen, mut lab: Lab, options: &LabOptions, rate: Rate) -> Result<()> {
    let plan = options.plan.unwrap_or(PLAN);
    let allowance = options.allowance.unwrap_or(ALLOWANCE);
    let begin = Instant::now();
    screen.title("A hotspot with one card and some phones");
    let carrier = lab.watch_carrier().await?;
    lab.up().await?;
    lab.api.set_cap(Some(plan)).await?;
    lab.people(None).await?;
    lab.api.set_allowance("phone-1", Some(allowance)).await?;
    lab.join().await?;
    let mut eyes = Vec::new();
    for place in 0..lab.phones.len() {
        eyes.push(lab.watch_phone(place).await?);
    }
    screen.line(&format!("  card: plan {} B, {} Mbit/s each way", grouped(plan), rate.0 / 1_000_000));
    screen.line(&format!("  phone-1 may use {} B, the others as much as the plan has", grouped(allowance)));
    screen.line(&format!("  ready after {} ms", begin.elapsed().as_millis()));
    // To look on while it plays; without it the story is the same.
    let doors = crate::run::doors(screen, &lab).await;
    if let Err(error) = &doors {
        screen.line(&format!("  the pages cannot be seen from here: {error:#}"));
    }
    let mut story = Story { screen, lab: &lab, carrier, eyes, earlier: 0, good: true };
    let (tally, status) = story.settled().await?;
    story.earlier = tally.billed().saturating_sub(status.plan.billed);
    story.taste().await?;
    story.run_out(allowance, rate).await?;
    story.top_up(allowance).await?;
    story.plan_ends(plan, rate).await?;
    story.summary().await?;
    let good = story.good;
    drop(story);
    drop(doors);
    lab.tear_down().await?;
    screen.line(&format!("\nEverything is removed; {} s in all.", begin.elapsed().as_secs()));
    if good { Ok(()) } else { bail!("the two sides do not agree: see the lines marked NO") }
}

impl Story<'_> {
    /// Everybody downloads a little.
    async fn taste(&mut self) -> Result<()> {
        self.screen.title("1  Everybody downloads at once");
        let progress = Progress::default();
        let transfers = self.lab.phones.iter().map(|p| p.download(p.web_port(), TASTE, &progress)).collect();
        let ended = self.follow(transfers, &progress, TASTE * self.lab.phones.len() as u64, 20).await?;
        self.expect(
            ended.iter().all(|t| t.complete),
            &format!("{} downloads of {} B done", ended.len(), grouped(TASTE)),
        );
        for place in 0..self.lab.phones.len() {
            self.compare(place).await?;
        }
        Ok(())
    }

    /// The first person downloads more than the allowance has.
    async fn run_out(&mut self, allowance: u64, rate: Rate) -> Result<()> {
        self.screen.title("2  phone-1 runs out in the middle of a download");
        if seconds(allowance, rate) > PATIENCE {
            self.screen.line("  left out: the allowance is too large for the link's rate");
            return Ok(());
        }
        let phone = &self.lab.phones[0];
        let progress = Progress::default();
        let transfers = (0..4).map(|_| phone.download(phone.web_port(), allowance, &progress)).collect();
        let begin = Instant::now();
        let ended = self.follow(transfers, &progress, allowance, PATIENCE).await?;
        let stopped = ended.iter().filter(|t| !t.complete).count();
        self.expect(
            stopped > 0,
            &format!("{stopped} of 4 downloads cut off after {} ms", begin.elapsed().as_millis()),
        );
        let verdict = self.verdict("phone-1", Verdict::Open).await?;
        self.expect(verdict == Verdict::AllowanceUsed, &format!("phone-1 is closed: {verdict:?}"));
        let outside = self.compare(0).await?;
        let short = allowance.saturating_sub(outside);
        self.expect(
            outside <= allowance && short <= MERGED,
            &format!(
                "allowance {} B, delivered {} B, {} B short",
                grouped(allowance),
                grouped(outside),
                grouped(short)
            ),
        );
        Ok(())
    }

    /// The owner gives more, and it works at once.
    async fn top_up(&mut self, allowance: u64) -> Result<()> {
        self.screen.title("3  phone-1 is topped up");
        let begin = Instant::now();
        self.lab.api.set_allowance("phone-1", Some(allowance + TOP_UP)).await?;
        let phone = &self.lab.phones[0];
        let progress = Progress::default();
        let transfers = vec![phone.download(phone.web_port(), TOP_UP / 2, &progress)];
        while progress.load(Ordering::Relaxed) == 0 && begin.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let first = begin.elapsed();
        let ended = self.follow(transfers, &progress, TOP_UP / 2, 20).await?;
        self.expect(
            ended.iter().all(|t| t.complete),
            &format!(
                "{} B more; its first byte came {} ms after the order",
                grouped(TOP_UP),
                first.as_millis()
            ),
        );
        self.compare(0).await?;
        Ok(())
    }

    /// All download and upload until the plan has nothing left.
    async fn plan_ends(&mut self, plan: u64, rate: Rate) -> Result<()> {
        self.screen.title("4  Everybody goes on until the plan is used up");
        let before = self.lab.api.status().await?.plan.billed;
        let left = plan.saturating_sub(before);
        if seconds(left, rate) > PATIENCE {
            self.screen.line("  left out: the plan is too large for the link's rate");
            return Ok(());
        }
        let progress = Progress::default();
        let mut transfers = Transfers::new();
        for phone in &self.lab.phones {
            transfers.push(phone.download(phone.web_port(), plan, &progress));
            transfers.push(phone.upload(phone.web_port(), plan, &progress));
        }
        let begin = Instant::now();
        let ended = self.follow(transfers, &progress, left, PATIENCE + 20).await?;
        self.expect(
            ended.iter().all(|t| !t.complete),
            &format!("all {} transfers cut off after {:.1} s", ended.len(), begin.elapsed().as_secs_f64()),
        );
        let verdict = self.verdict("phone-2", Verdict::Open).await?;
        self.expect(verdict == Verdict::PlanUsed, &format!("everybody is closed: {verdict:?}"));
        // What is still under way arrives.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let billed = self.carrier.exact()?.billed();
        self.expect(
            billed <= plan,
            &format!(
                "plan {} B, carrier0 counted {} B, {} B below",
                grouped(plan),
                grouped(billed),
                grouped(plan.saturating_sub(billed))
            ),
        );
        Ok(())
    }

    async fn summary(&mut self) -> Result<()> {
        self.screen.title("What was counted on each side, in bytes of layer 3");
        self.screen.line(&format!("  {:<10} {:>18} {:>18} {:>18}", "", "outside", "hotspot", "difference"));
        let (carrier, status) = self.settled().await?;
        for (place, phone) in self.lab.phones.iter().enumerate() {
            let name = phone.person();
            let (outside, ours) = (self.outside(place, &carrier)?, recorded(&status, &name)?);
            self.row(&name, outside, ours);
        }
        self.row("billed", carrier.billed() - self.earlier, status.plan.billed);
        let plan = &status.plan;
        self.screen.line(&format!(
            "  billed = delivered {} + refused {} + own {}",
            grouped(plan.delivered),
            grouped(plan.refused),
            grouped(plan.own)
        ));
        if let Some(cap) = plan.cap {
            let percent = u128::from(plan.billed) * 100 / u128::from(cap.max(1));
            self.screen.line(&format!("  plan   {} {percent} %", bar(plan.billed, cap, 40)));
        }
        Ok(())
    }

    fn row(&mut self, name: &str, outside: u64, ours: u64) {
        let difference = i128::from(ours) - i128::from(outside);
        self.good &= difference == 0;
        self.screen.line(&format!(
            "  {name:<10} {:>18} {:>18} {difference:>18}",
            grouped(outside),
            grouped(ours)
        ));
    }

    /// Waits for transfers to end, with a line that moves.
    async fn follow(
        &self,
        transfers: Transfers,
        progress: &Progress,
        whole: u64,
        patience: u64,
    ) -> Result<Vec<Transfer>> {
        let end = Instant::now() + Duration::from_secs(patience);
        let mut last = (Instant::now(), progress.load(Ordering::Relaxed));
        while transfers.iter().any(|t| !t.is_finished()) && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = (Instant::now(), progress.load(Ordering::Relaxed));
            let micros = u64::try_from((now.0 - last.0).as_micros()).unwrap_or(u64::MAX).max(1);
            let rate = (now.1 - last.1) * 8 / micros;
            self.screen.passing(&format!(
                "  {} {:>13} B {rate:>5} Mbit/s",
                bar(now.1, whole, 40),
                grouped(now.1)
            ));
            last = now;
        }
        let mut ended = Vec::new();
        for transfer in transfers {
            if !transfer.is_finished() {
                // Reported as neither complete nor cut off by a reset: the caller's sums show it.
                transfer.abort();
                continue;
            }
            ended.push(transfer.await??);
        }
        Ok(ended)
    }

    fn expect(&mut self, good: bool, text: &str) {
        self.good &= good;
        self.screen.finding(good, text);
    }

    /// A person's verdict, once it is another than `old`, or after two seconds.
    async fn verdict(&self, name: &str, old: Verdict) -> Result<Verdict> {
        let end = Instant::now() + Duration::from_secs(2);
        loop {
            let status = self.lab.api.status().await?;
            // With a single phone there is no second person to ask for.
            let person = status.people.iter().find(|p| p.name == name).or(status.people.first());
            let verdict = person.context("the status shows nobody")?.verdict;
            if verdict != old || Instant::now() > end {
                return Ok(verdict);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A person's bytes, counted outside and by the hotspot.
    async fn compare(&mut self, place: usize) -> Result<u64> {
        let (carrier, status) = self.settled().await?;
        let name = self.lab.phones[place].person();
        let (outside, ours) = (self.outside(place, &carrier)?, recorded(&status, &name)?);
        self.expect(
            outside == ours,
            &format!("{name}: counted outside {} B, by the hotspot {} B", grouped(outside), grouped(ours)),
        );
        Ok(outside)
    }

    /// Both sides at a moment when nothing passes: two equal readings around the status.
    async fn settled(&self) -> Result<(Tally, Status)> {
        let mut before = self.carrier.exact()?;
        for _ in 0..50 {
            let status = self.lab.api.status().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let after = self.carrier.exact()?;
            if after.billed() == before.billed() {
                return Ok((after, status));
            }
            before = after;
        }
        bail!("the link does not come to rest")
    }

    /// What reached a phone (at its own interface, forwarded once) and what it sent (beyond the uplink).
    fn outside(&self, place: usize, carrier: &Tally) -> Result<u64> {
        let port = self.lab.phones[place].web_port();
        let sent = carrier.sum(|way, kind| {
            way == Way::In && matches!(kind, Kind::V4 { service, ttl: 63, .. } if *service == port)
        });
        Ok(self.eyes[place].exact()?.with_ttl(Way::In, 63) + sent.bytes)
    }
}

fn recorded(status: &Status, name: &str) -> Result<u64> {
    let person =
        status.people.iter().find(|p| p.name == name).with_context(|| format!("nobody is called {name}"))?;
    Ok(person.up + person.down)
}

fn seconds(bytes: u64, rate: Rate) -> u64 {
    bytes.saturating_mul(8) / rate.0.max(1)
}
