//! A disk that fills up, and has space again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::record::{Change, Noted};
use hotshare_core::units::{Account, BucketId, UnixTime};
use hotshare_store::{Reader, Store};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// A file system of its own size, gone at the end.
struct Disk(PathBuf);

impl Disk {
    fn new(dir: &Path, size: &str) -> Disk {
        let options = format!("size={size},mode=700");
        mount(Some("tmpfs"), dir, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .expect("mounting a small disk needs root; `cargo xtask test` says how to run this");
        Disk(dir.to_owned())
    }

    /// Leaves `spare` bytes free.
    fn fill(&self, spare: usize) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(spare as u64)).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).unwrap();
    }
}

/// A posting of one entry and some text, so that a disk is soon full.
fn posting(n: i64) -> [Change; 2] {
    let entry = Entry {
        at: UnixTime(n),
        account: Account::Bucket(BucketId::FIRST),
        period: PeriodKey(20_760),
        kind: EntryKind::Grant,
        bytes: n,
    };
    [
        Change::Entry(entry),
        Change::Noted(Noted {
            at: UnixTime(n),
            kind: "test",
            text: "a line of the diary ".repeat(20),
            facts: Box::default(),
        }),
    ]
}

fn sum(store: &Store) -> i64 {
    store.snapshot().unwrap().totals.first().map_or(0, |&(.., bytes)| bytes)
}

#[test]
fn a_full_disk_is_said_nothing_is_half_written_and_work_goes_on_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(dir.path(), "8m");
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let mut n = 0;
    let mut expected = 0;
    for (round, spare) in [0, 4096, 8192, 40_960, 200_000].into_iter().enumerate() {
        disk.fill(spare);
        let error = loop {
            match store.commit(&posting(n + 1)) {
                Ok(()) => {
                    n += 1;
                    expected += n;
                }
                Err(error) => break error,
            }
            assert!(n < 100_000, "the disk does not fill up");
        };
        assert!(error.is_full(), "round {round}: {error:?}");
        assert!(
            error.to_string().contains("is full") && error.to_string().contains("ledger.sqlite"),
            "{error}"
        );
        // It stays so, it can still be read, and nothing of what failed is there.
        assert!(store.commit(&posting(n + 1)).unwrap_err().is_full());
        assert_eq!(sum(&store), expected);
        store.verify().unwrap();
        let newest = Reader::open(&path).unwrap().events(UnixTime(0), 1).unwrap();
        assert_eq!(newest.first().map_or(0, |event| event.at.0), n);
        disk.free();
        for _ in 0..50 {
            n += 1;
            expected += n;
            store.commit(&posting(n)).unwrap();
        }
        assert_eq!(sum(&store), expected);
    }
    // And all of it is there after a restart. One on the full disk says so, or works.
    disk.fill(0);
    drop(store);
    match Store::open(&path) {
        Ok(store) => assert_eq!(sum(&store), expected),
        Err(error) => assert!(error.is_full(), "{error:?}"),
    }
    disk.free();
    let store = Store::open(&path).unwrap();
    assert_eq!(sum(&store), expected);
    store.verify().unwrap();
}

#[test]
fn a_store_cannot_be_made_on_a_full_disk_and_can_be_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(dir.path(), "1m");
    let path = dir.path().join("ledger.sqlite");
    for spare in [0, 4096, 8192, 16_384] {
        disk.fill(spare);
        let error = Store::open(&path).unwrap_err();
        assert!(error.is_full(), "{spare}: {error:?}");
        disk.free();
    }
    let mut store = Store::open(&path).unwrap();
    store.commit(&posting(1)).unwrap();
    assert_eq!(sum(&store), 1);
}
