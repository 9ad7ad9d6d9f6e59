//! What was acknowledged is there, whenever the power goes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::record::{Change, Granted};
use hotshare_core::units::{Account, BucketId, Bytes, PersonId, Slot, UnixTime};
use hotshare_store::{Reader, Store};

/// Where the child that is to be killed keeps its store.
const CHILD: &str = "HOTSHARE_STORE_TEST_CHILD";
const PERIOD: PeriodKey = PeriodKey(20_760);

/// Posting number `n`: the plan and a person are granted `n` bytes.
fn posting(n: i64) -> [Change; 4] {
    let entry = |account| {
        Change::Entry(Entry { at: UnixTime(n), account, period: PERIOD, kind: EntryKind::Grant, bytes: n })
    };
    let total = Bytes(n.unsigned_abs());
    [
        entry(Account::Bucket(BucketId::FIRST)),
        entry(Account::Person(PersonId(1))),
        Change::Granted {
            slot: Slot::PLAN,
            total,
            account: Account::Bucket(BucketId::FIRST),
            period: PERIOD,
        },
        Change::Granted { slot: Slot(2), total, account: Account::Person(PersonId(1)), period: PERIOD },
    ]
}

/// The number of the last posting that is there, if all before it are, each of them whole.
fn last_posting(path: &Path) -> i64 {
    let store = Store::open(path).unwrap();
    store.verify().unwrap();
    let snapshot = store.snapshot().unwrap();
    let last = snapshot.granted.first().map_or(0, |(_, granted)| i64::try_from(granted.total.0).unwrap());
    if last > 0 {
        let sum = last * (last + 1) / 2;
        assert_eq!(
            snapshot.totals,
            [(Account::Bucket(BucketId::FIRST), PERIOD, sum), (Account::Person(PersonId(1)), PERIOD, sum)],
            "{last} postings"
        );
        let total = Bytes(last.unsigned_abs());
        let plan = Granted { total, account: Account::Bucket(BucketId::FIRST), period: PERIOD };
        let person = Granted { account: Account::Person(PersonId(1)), ..plan };
        assert_eq!(snapshot.granted, [(Slot::PLAN, plan), (Slot(2), person)]);
    }
    let entries = Reader::open(path)
        .unwrap()
        .entries(UnixTime(0), Some(Account::Bucket(BucketId::FIRST)), u32::MAX)
        .unwrap();
    assert_eq!(
        entries.iter().map(|p| p.entry.bytes).rev().collect::<Vec<_>>(),
        (1..=last).collect::<Vec<_>>()
    );
    last
}

/// Not a test of its own: what the killed child does.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let last = store.snapshot().unwrap().granted.first().map_or(0, |(_, granted)| granted.total.0);
    let mut out = std::io::stderr().lock();
    for n in i64::try_from(last).unwrap() + 1.. {
        store.commit(&posting(n)).unwrap();
        writeln!(out, "{n}").unwrap();
    }
}

/// Runs the child until `wait` has gone by since it began to post, kills it, and gives the last number that it
/// acknowledged. `meanwhile` sees the numbers as they come.
fn run_child(path: &Path, wait: Duration, mut meanwhile: impl FnMut(i64)) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = 0;
    let mut began = None;
    let mut killed = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        // The last line may be half a number.
        let Some(n) = line.unwrap().parse().ok().filter(|&n| last == 0 || n == last + 1) else { continue };
        last = n;
        if killed {
            continue;
        }
        meanwhile(last);
        if began.get_or_insert_with(Instant::now).elapsed() >= wait {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    last
}

#[test]
fn killed_at_any_moment_all_that_was_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    for round in 0..20_u64 {
        let acknowledged = run_child(&path, Duration::from_micros(round * round * 317), |_| ());
        assert!(acknowledged > 0);
        let found = last_posting(&path);
        // The kill may come between the commit and the acknowledgement, but the posting is whole.
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "{acknowledged} acknowledged, {found} found"
        );
    }
}

/// The disk as it was at an instant: the log is copied while it is being written, so that its end may be torn.
#[test]
fn copies_of_the_files_open_to_all_that_was_acknowledged_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let copies = tempfile::tempdir().unwrap();
    let mut taken = Vec::new();
    let mut wanted = 1;
    run_child(&path, Duration::from_secs(3), |acknowledged| {
        if acknowledged < wanted || taken.len() >= 30 {
            return;
        }
        wanted = acknowledged * 5 / 4 + 1;
        let copy = copies.path().join(format!("{acknowledged}.sqlite"));
        // The log is copied again until neither file was checkpointed or begun anew on the way.
        for _ in 0..10 {
            let before = fs::metadata(&path).unwrap().modified().unwrap();
            let log = fs::read(path.with_extension("sqlite-wal")).unwrap();
            fs::copy(&path, &copy).unwrap();
            if fs::metadata(&path).unwrap().modified().unwrap() == before {
                fs::write(copy.with_extension("sqlite-wal"), log).unwrap();
                taken.push((acknowledged, copy));
                return;
            }
        }
    });
    assert!(taken.len() > 5, "{} copies", taken.len());
    for (acknowledged, copy) in taken {
        let found = last_posting(&copy);
        assert!(found >= acknowledged, "{acknowledged} acknowledged, {found} found");
    }
}

/// The log cut at every length: each opens to a prefix of the postings, and none to half a posting.
#[test]
fn a_log_cut_anywhere_opens_to_whole_postings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let mut lengths = Vec::new();
    let log = path.with_extension("sqlite-wal");
    for n in 1..=12 {
        store.commit(&posting(n)).unwrap();
        lengths.push(fs::metadata(&log).unwrap().len());
    }
    let (file, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    drop(store);
    let copy = dir.path().join("copy.sqlite");
    for cut in (usize::try_from(lengths[0]).unwrap()..=whole.len()).step_by(97) {
        fs::write(&copy, &file).unwrap();
        fs::write(copy.with_extension("sqlite-wal"), &whole[..cut]).unwrap();
        let _ = fs::remove_file(copy.with_extension("sqlite-shm"));
        let acknowledged = lengths.iter().filter(|&&length| length <= cut as u64).count();
        assert_eq!(last_posting(&copy), i64::try_from(acknowledged).unwrap(), "cut at {cut}");
    }
}
