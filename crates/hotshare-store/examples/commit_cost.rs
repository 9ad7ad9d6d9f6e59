//! What a commit costs here: `cargo run --release -p hotshare-store --example commit_cost -- FOLDER`.
//!
//! Commits what the brain commits at full speed: one grant for a person and the plan with what it settles, and
//! once in sixty the usage of ten devices. Time is the call's own; bytes are what the kernel says this process
//! sent to the disk (`write_bytes` in /proc/self/io), checkpoints included.
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::meter::{Reading, Usage};
use hotshare_core::record::{Change, Tally, Who};
use hotshare_core::units::{Account, BucketId, Bytes, CardId, Mac, PersonId, Slot, UnixTime};
use hotshare_store::Store;

const COMMITS: u32 = 5000;
const PERIOD: PeriodKey = PeriodKey(20_760);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder shall the store be made in?")?;
    let path = Path::new(&folder).join("commit-cost.sqlite");
    let mut store = Store::open(&path)?;
    let written = written_bytes()?;
    let mut times = Vec::new();
    for n in 0..COMMITS {
        let changes = changes(n);
        let began = Instant::now();
        store.commit(&changes)?;
        times.push(began.elapsed());
    }
    let written = written_bytes()? - written;
    let size = std::fs::metadata(&path)?.len();
    times.sort_unstable();
    let [half, most, nearly_all] =
        [50, 95, 99].map(|p| times.get(times.len() * p / 100).copied().unwrap_or_default());
    let sum: Duration = times.iter().sum();
    println!(
        "{COMMITS} commits: median {half:?}, 95 % {most:?}, 99 % {nearly_all:?}, mean {:?}",
        sum / COMMITS
    );
    println!(
        "{} bytes written per commit; at one a second, {} MB a day",
        written / u64::from(COMMITS),
        written / u64::from(COMMITS) * 86_400 / 1_000_000
    );
    println!("the file has grown by {} bytes per commit", size / u64::from(COMMITS));
    let began = Instant::now();
    drop(store);
    println!("closed in {:?}", began.elapsed());
    let began = Instant::now();
    let store = Store::open(&path)?;
    store.snapshot()?;
    println!("opened and read in {:?}", began.elapsed());
    drop(store);
    for end in ["", "-lock"] {
        std::fs::remove_file(format!("{}{end}", path.display()))?;
    }
    Ok(())
}

fn changes(n: u32) -> Vec<Change> {
    let at = UnixTime(1_795_000_000 + i64::from(n));
    let total = Bytes(u64::from(n) << 20);
    let person = Account::Person(PersonId(1 + n % 3));
    let entry = |account, kind, bytes| Change::Entry(Entry { at, account, period: PERIOD, kind, bytes });
    let mut changes = vec![
        entry(person, EntryKind::Grant, 1 << 20),
        entry(Account::Bucket(BucketId::FIRST), EntryKind::Grant, 1 << 20),
        Change::Granted {
            slot: Slot(2 + n % 3),
            total,
            account: Account::Person(PersonId(1 + n % 3)),
            period: PERIOD,
        },
        Change::Granted {
            slot: Slot::PLAN,
            total,
            account: Account::Bucket(BucketId::FIRST),
            period: PERIOD,
        },
        Change::Clock(at),
    ];
    if n.is_multiple_of(60) {
        let usage = Usage { up: Bytes(1 << 16), down: Bytes(1 << 20), ..Usage::default() };
        let reading = Reading { granted: total, spent: total, up: total, down: total, ..Reading::default() };
        changes.push(Change::Spent { tally: Tally::Billed(CardId::FIRST), day: PERIOD, usage });
        changes.push(Change::Spent { tally: Tally::Delivered(CardId::FIRST), day: PERIOD, usage });
        changes.push(Change::Usage { minute: at.0 / 60, who: Who::Plan, usage });
        for device in 0..10 {
            let id = PersonId(1 + u32::from(device) % 3);
            changes.push(Change::Usage {
                minute: at.0 / 60,
                who: Who::Device(Mac([2, 0, 0, 0, 0, device]), id),
                usage,
            });
            changes.push(Change::Spent { tally: Tally::Person(id), day: PERIOD, usage });
            changes.push(Change::Settled { slot: Slot(2 + u32::from(device)), reading });
        }
    }
    changes
}

/// What this process has sent to disks so far.
fn written_bytes() -> Result<u64, Box<dyn std::error::Error>> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line =
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).ok_or("the kernel counts no bytes")?;
    Ok(line.parse()?)
}
