//! What is written of access is there again, whatever was done to it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hotshare_core::access::{AccessBook, AccessChange, Digest, Link, Passkey, Role, Scope, Session, Token};
use hotshare_core::diary::Happening;
use hotshare_core::people::{Allowance, Person, PersonName};
use hotshare_core::record::Change;
use hotshare_core::units::{Mac, PersonId, Slot, UnixTime};
use hotshare_store::Store;
use proptest::collection::vec;
use proptest::prelude::*;

fn digest() -> impl Strategy<Value = Digest> {
    (0_u8..4).prop_map(|n| Digest([n; 32]))
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Owner), Just(Role::Viewer)]
}

fn at() -> impl Strategy<Value = UnixTime> {
    any::<i32>().prop_map(|at| UnixTime(at.into()))
}

fn mac() -> impl Strategy<Value = Mac> {
    (0_u8..3).prop_map(|n| Mac([2, 0, 0x5e, 0xff, 0x80, n]))
}

/// Each has its name: two of one name are refused (below).
fn passkey() -> impl Strategy<Value = Passkey> {
    (digest(), vec(any::<u8>(), 16..64), any::<[u8; 7]>(), at(), proptest::option::of(at())).prop_map(
        |(digest, bytes, state, since, used)| Passkey {
            digest,
            name: format!("key {}", digest.0[0]),
            host: "box.example.org".into(),
            credential: bytes.clone(),
            user: [digest.0[0]; 16],
            key: bytes,
            state,
            since,
            used,
        },
    )
}

fn change() -> impl Strategy<Value = AccessChange> {
    prop_oneof![
        (role(), proptest::option::of("[a-z$]{1,9}"))
            .prop_map(|(role, hash)| AccessChange::Password(role, hash)),
        (digest(), role(), any::<bool>(), proptest::option::of(digest()), at(), at()).prop_map(
            |(digest, role, at_machine, passkey, begun, used)| {
                AccessChange::Session(Session { digest, role, at_machine, passkey, begun, used })
            }
        ),
        passkey().prop_map(AccessChange::Passkey),
        digest().prop_map(AccessChange::PasskeyGone),
        digest().prop_map(AccessChange::SessionGone),
        Just(AccessChange::SessionsGone),
        (digest(), role(), at()).prop_map(|(digest, role, made)| AccessChange::Link(Link {
            digest,
            role,
            made
        })),
        digest().prop_map(AccessChange::LinkGone),
        digest().prop_map(AccessChange::TokenGone),
        (mac(), at()).prop_map(|(mac, since)| AccessChange::OwnerDevice(mac, since)),
        mac().prop_map(AccessChange::OwnerDeviceGone),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(changes in vec(change(), 0..60)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let mut store = Store::open(&path).unwrap();
        let mut book = AccessBook::default();
        for part in changes.chunks(7) {
            store.commit_access(part).unwrap();
            part.iter().for_each(|change| book.apply(change));
        }
        prop_assert_eq!(&store.access().unwrap(), &book);
        drop(store);
        prop_assert_eq!(Store::open(&path).unwrap().access().unwrap(), book);
    }
}

fn token(n: u8, name: &str) -> AccessChange {
    let scope = Scope::ALL[usize::from(n) % 3];
    AccessChange::Token(Token { digest: Digest([n; 32]), name: name.into(), scope, since: UnixTime(7) })
}

/// All or none: a name that two tokens have is refused by the disk as well.
#[test]
fn a_change_that_cannot_be_leaves_nothing_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("ledger.sqlite")).unwrap();
    store.commit_access(&[token(1, "a"), token(2, "b"), token(3, "c")]).unwrap();
    let before = store.access().unwrap();
    assert_eq!(before.tokens.len(), 3);
    let session = AccessChange::SessionGone(Digest([9; 32]));
    assert!(
        store.commit_access(&[AccessChange::TokenGone(Digest([1; 32])), session, token(4, "b")]).is_err()
    );
    assert_eq!(store.access().unwrap(), before);
}

/// Who comes later with the name of somebody who is gone is somebody else.
#[test]
fn an_owner_is_a_person_and_not_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("ledger.sqlite")).unwrap();
    let anna: PersonName = "anna".parse().unwrap();
    let person =
        |id| Change::Person(Person::new(PersonId(id), anna.clone(), Allowance::Fair, Slot(id), UnixTime(7)));
    let owner = |store: &Store| store.access().unwrap().people.contains(&anna);
    store.commit_access(&[AccessChange::OwnerPerson(anna.clone())]).unwrap();
    assert!(!owner(&store), "nobody has that name");
    store.commit(&[person(1)]).unwrap();
    store.commit_access(&[AccessChange::OwnerPerson(anna.clone())]).unwrap();
    assert!(owner(&store));
    store.commit(&[Change::PersonGone(PersonId(1)), person(2)]).unwrap();
    assert!(!owner(&store), "another anna");
    store.commit_access(&[AccessChange::OwnerPerson(anna.clone())]).unwrap();
    store.commit_access(&[AccessChange::OwnerPersonGone(anna.clone())]).unwrap();
    assert!(!owner(&store));
}

/// What is told of access is in the owner's diary, with all that is in it.
#[test]
fn a_note_is_a_line_of_the_diary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.sqlite");
    let mut store = Store::open(&path).unwrap();
    let new = Happening::PasskeyNew { name: "phone".into(), host: "localhost".into() };
    let noted = new.noted(UnixTime(7));
    store.commit_access(&[AccessChange::Noted(Box::new(noted.clone()))]).unwrap();
    let events = hotshare_store::Reader::open(&path).unwrap().events(UnixTime(0), 9).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].at, &*events[0].kind, &events[0].facts), (noted.at, noted.kind, &*noted.facts));
}

/// Two passkeys of one name are refused by the disk as well.
#[test]
fn two_passkeys_have_two_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("ledger.sqlite")).unwrap();
    let passkey = |n: u8| Passkey {
        digest: Digest([n; 32]),
        name: "phone".into(),
        host: "localhost".into(),
        credential: vec![n; 16],
        user: [7; 16],
        key: vec![1],
        state: [0; 7],
        since: UnixTime(7),
        used: None,
    };
    store.commit_access(&[AccessChange::Passkey(passkey(1))]).unwrap();
    assert!(store.commit_access(&[AccessChange::Passkey(passkey(2))]).is_err());
    assert_eq!(store.access().unwrap().passkeys.len(), 1);
}
