//! Files that are new, ours, somebody else's, newer, damaged or in use.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hotshare_core::card::Card;
use hotshare_core::ledger::{Entry, EntryKind, PeriodKey};
use hotshare_core::record::{Change, Snapshot};
use hotshare_core::sim::Sim;
use hotshare_core::units::{Account, BucketId, Bytes, CardId, UnixTime};
use hotshare_store::{Reader, Store, StoreError};

fn entry(bytes: i64) -> Change {
    Change::Entry(Entry {
        at: UnixTime(1_795_000_000),
        account: Account::Bucket(BucketId::FIRST),
        period: PeriodKey(20_760),
        kind: EntryKind::Grant,
        bytes,
    })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_store_is_empty_and_only_its_owner_can_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let Snapshot {
        plan,
        cards,
        card,
        other_plans,
        last_card,
        people,
        wishes,
        last_bucket,
        figures,
        devices,
        totals,
        spent,
        leases,
        clock,
        generation,
        granted,
        settled,
        last_person,
        keys,
        last_key,
        marks,
        last_alert,
    } = store.snapshot().unwrap();
    assert!(wishes.is_empty() && last_bucket == 0 && figures.is_empty());
    assert!(cards.is_empty() && card.is_none() && other_plans.is_empty() && last_card == 0);
    assert!(
        plan.is_none() && people.is_empty() && devices.is_empty() && totals.is_empty() && spent.is_empty()
    );
    assert!(
        leases.is_empty()
            && clock.is_none()
            && generation.is_none()
            && granted.is_empty()
            && settled.is_empty()
    );
    assert!(keys.is_empty() && marks.is_empty());
    assert_eq!((last_person, last_key, last_alert.0), (0, 0, 0));
    store.commit(&[entry(1)]).unwrap();
    assert_eq!(mode(&dir.path().join("state")), 0o700);
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite-lock"] {
        assert_eq!(mode(&dir.path().join("state").join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_store_is_found_again_even_when_its_making_was_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    Store::open(&path).unwrap().commit(&[entry(7)]).unwrap();
    assert_eq!(mode(&path), 0o600);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.snapshot().unwrap().totals, [(Account::Bucket(BucketId::FIRST), PeriodKey(20_760), 7)]);
    store.verify().unwrap();
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let store = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Held { .. }), "{error}");
    assert!(error.to_string().contains("hotshare down"), "{error}");
    drop(store);
    Store::open(&path).unwrap();
}

#[test]
fn a_newer_format_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    Store::open(&path).unwrap().commit(&[entry(7)]).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 999).unwrap();
    drop(conn);
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    let StoreError::Newer { found: 999, known, .. } = error else { panic!("{error}") };
    let (text, up_to) = (error.to_string(), format!("up to {known}"));
    assert!(
        text.contains("format is 999") && text.contains(&up_to) && text.contains("ledger.sqlite"),
        "{text}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE recipes (id INTEGER PRIMARY KEY)").unwrap();
    drop(conn);
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let text = "this is a shopping list\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("ledger.sqlite") && error.to_string().contains("move it"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// Each page spoilt in turn: either it is noticed, and nothing is overwritten, or nothing was lost.
#[test]
fn a_damaged_file_is_noticed_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    for n in 1..=2000 {
        store.commit(&[entry(n)]).unwrap();
    }
    let whole = store.snapshot().unwrap().totals;
    drop(store);
    let good = fs::read(&path).unwrap();
    let mut noticed = 0;
    for page in 0..good.len() / 512 {
        let mut bad = good.clone();
        bad[page * 512..(page + 1) * 512].fill(0xa5);
        fs::write(&path, &bad).unwrap();
        match Store::open(&path).and_then(|store| store.snapshot()) {
            Ok(snapshot) => assert_eq!(snapshot.totals, whole, "page {page}"),
            Err(error) => {
                noticed += 1;
                assert!(matches!(error, StoreError::Damaged { .. }), "page {page}: {error:?}");
                assert_eq!(fs::read(&path).unwrap(), bad, "page {page}");
            }
        }
    }
    assert!(noticed * 10 > good.len() / 512 * 9, "{noticed} of {} noticed", good.len() / 512);
}

#[test]
fn a_file_cut_short_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    for n in 1..=2000 {
        store.commit(&[entry(n)]).unwrap();
    }
    drop(store);
    let good = fs::read(&path).unwrap();
    for part in [good.len() / 2, 5000, 100, 10] {
        fs::write(&path, &good[..part]).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{part}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), &good[..part]);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    for path in ["/proc/hotshare-store-test/ledger.sqlite", "/dev/null/ledger.sqlite"] {
        let error = Store::open(Path::new(path)).unwrap_err();
        assert!(error.to_string().contains(path.trim_end_matches("/ledger.sqlite")), "{error}");
    }
}

#[test]
fn entries_cannot_be_changed_removed_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.commit(&[entry(7)]).unwrap();
    let conn = rusqlite::Connection::open(&path).unwrap();
    for sql in ["UPDATE entries SET bytes = 0", "DELETE FROM entries", "UPDATE entries SET id = 8"] {
        let error = conn.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("post a correction"), "{sql}: {error}");
    }
    drop(conn);
    assert_eq!(
        Reader::open(&path).unwrap().totals().unwrap(),
        [(Account::Bucket(BucketId::FIRST), PeriodKey(20_760), 7)]
    );
}

#[test]
fn totals_that_are_not_the_sums_of_the_entries_are_noticed() {
    for lie in
        ["UPDATE totals SET bytes = bytes + 1", "DELETE FROM totals", "INSERT INTO totals VALUES (9, 9, 9)"]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let mut store = Store::open(&path).unwrap();
        store.commit(&[entry(7), entry(-2)]).unwrap();
        store.verify().unwrap();
        rusqlite::Connection::open(&path).unwrap().execute(lie, []).unwrap();
        let error = store.verify().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{lie}: {error}");
    }
}

/// No version of this program writes these.
#[test]
fn a_store_of_the_first_format_is_taken_over_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(include_str!("../migrations/0001-first.sql")).unwrap();
    conn.execute_batch(
        "INSERT INTO people VALUES (3, 'anna', NULL, NULL, 0, 2, 7, 0);
         INSERT INTO devices VALUES (5, 3, 0, NULL, 'phone', 8);",
    )
    .unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    drop(conn);
    let snapshot = Store::open(&path).unwrap().snapshot().unwrap();
    assert_eq!((snapshot.people[0].name.as_str(), snapshot.people[0].device_limit), ("anna", None));
    assert_eq!(
        (snapshot.devices[0].host_name.as_deref(), snapshot.devices[0].wireless),
        (Some("phone"), false)
    );
    assert_eq!((snapshot.keys.len(), snapshot.last_key), (0, 0));
}

/// From before modems were asked which SIM is in them.
#[test]
fn a_card_of_which_no_sim_was_known_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    for sql in [
        include_str!("../migrations/0001-first.sql"),
        include_str!("../migrations/0002-wifi.sql"),
        include_str!("../migrations/0003-plans.sql"),
        include_str!("../migrations/0004-alerts.sql"),
        include_str!("../migrations/0005-figures.sql"),
        include_str!("../migrations/0006-cards.sql"),
        include_str!("../migrations/0007-sites.sql"),
    ] {
        conn.execute_batch(sql).unwrap();
    }
    conn.execute_batch("INSERT INTO cards VALUES (1, 'wwan0', NULL, 1, 7, 0)").unwrap();
    conn.pragma_update(None, "user_version", 7).unwrap();
    drop(conn);
    let mut store = Store::open(&path).unwrap();
    let old = store.snapshot().unwrap().cards;
    let sim = |sim| Card {
        id: CardId::FIRST,
        interface: "wwan0".into(),
        network: None,
        sim,
        agreed: true,
        since: UnixTime(7),
    };
    assert_eq!(old, [sim(None)]);
    for roaming in [None, Some(false), Some(true)] {
        let known = sim(Some(Sim { number: "89490200001234567890".into(), roaming }));
        store.commit(&[Change::Card(known.clone())]).unwrap();
        assert_eq!(store.snapshot().unwrap().cards, [known]);
    }
}

#[test]
fn the_latest_figures_are_given_in_their_order() {
    use hotshare_core::reconcile::{FIGURES, Figure};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let told = |n: u64| Figure {
        card: CardId::FIRST,
        at: UnixTime(7),
        period: PeriodKey(9),
        told: Bytes(n),
        counted: Bytes(u64::MAX),
        in_period: n.is_multiple_of(2).then_some(Bytes(n)),
    };
    let all: Vec<Figure> = (0..100).map(told).collect();
    for figure in &all {
        store.commit(&[Change::Figure(*figure)]).unwrap();
    }
    assert_eq!(store.snapshot().unwrap().figures, all[100 - FIGURES..]);
}

#[test]
fn a_revoked_passphrase_is_not_in_the_file_any_more() {
    use hotshare_core::keys::{Key, KeyId, KeyOwner, Passphrase};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let (id, passphrase) = (KeyId(4), Passphrase::new("correct-horse-battery").unwrap());
    let key = Key { id, owner: KeyOwner::Network, passphrase, since: UnixTime(1), until: None };
    store.commit(&[Change::Key(key)]).unwrap();
    store.commit(&[Change::KeyGone(id)]).unwrap();
    assert_eq!((store.snapshot().unwrap().keys.len(), store.snapshot().unwrap().last_key), (0, 4));
    drop(store);
    let holds = |name: &str| {
        let bytes = fs::read(dir.path().join(name)).unwrap_or_default();
        bytes.windows(14).any(|part| part == b"correct-horse-")
    };
    assert!(!holds("ledger.sqlite") && !holds("ledger.sqlite-wal"));
}

#[test]
fn values_that_make_no_sense_are_damage() {
    for nonsense in [
        "INSERT INTO devices (mac, blocked, first_seen) VALUES (-1, 0, 0)",
        "INSERT INTO people (id, name, paused, slot, since) VALUES (1, 'Not A Name', 0, 2, 0)",
        "INSERT INTO leases VALUES (1, 'nowhere', NULL, NULL, 0)",
        "INSERT INTO keys VALUES (1, NULL, 'short', 0, NULL, 0)",
        "INSERT INTO plan (id, cap, period, days, from_date, until_date, zone, zone_rules, at_cap) VALUES (1, NULL, 'once', NULL, 'soon', 'later', 'UTC', x'', 'stop')",
        "INSERT INTO plan (id, cap, period, days, from_date, until_date, zone, zone_rules, at_cap) VALUES (1, NULL, 'monthly', 1, NULL, NULL, 'Europe/Zurich', x'00', 'stop')",
        "INSERT INTO plan (id, cap, period, days, from_date, until_date, zone, zone_rules, at_cap) VALUES (1, NULL, 'monthly', 1000, NULL, NULL, 'UTC', x'', 'stop')",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let store = Store::open(&path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute(nonsense, []).unwrap();
        let error = store.snapshot().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{nonsense}: {error:?}");
    }
}

#[test]
fn a_reader_cannot_write_and_a_missing_store_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    assert!(Reader::open(&path).is_err());
    assert!(!path.exists());
}
