//! Passkeys, and the questions that browsers answer with them.

use super::*;

const MACHINE: &str = "http://localhost:4680";

fn passkey(n: u8, name: &str) -> Passkey {
    Passkey {
        digest: digest(n),
        name: name.into(),
        host: "localhost".into(),
        credential: vec![n; 16],
        user: [7; 16],
        key: vec![1, n],
        state: [0; 7],
        since: NOW,
        used: None,
    }
}

fn with(passkeys: &[(u8, &str)]) -> AccessBook {
    let mut book = AccessBook::default();
    for (n, name) in passkeys {
        let changes = book.add_passkey(passkey(*n, name)).unwrap();
        applied(&mut book, &changes);
    }
    book
}

fn notes(changes: &[AccessChange]) -> Vec<&'static str> {
    let note = |change: &AccessChange| {
        if let AccessChange::Noted(noted) = change { Some(noted.kind) } else { None }
    };
    changes.iter().filter_map(note).collect()
}

#[test]
fn passkeys_have_names_and_are_here_once() {
    let book = with(&[(1, "phone"), (2, "手机")]);
    for bad in ["", " phone", "a/b", "x\n", &"x".repeat(41), "\u{202e}x"] {
        assert_eq!(book.add_passkey(passkey(3, bad)), Err(NoPasskey::BadName), "{bad:?}");
    }
    assert_eq!(book.add_passkey(passkey(3, "phone")), Err(NoPasskey::NameTaken("phone".into())));
    assert_eq!(book.add_passkey(passkey(1, "other")), Err(NoPasskey::There("phone".into())));
    let added = book.add_passkey(passkey(3, "key 2.0_a-b")).unwrap();
    assert_eq!(notes(&added), ["passkey-new"]);

    let names: Vec<String> = (0..MOST_PASSKEYS).map(|n| format!("key {n}")).collect();
    let all: Vec<(u8, &str)> = (0..).zip(names.iter().map(String::as_str)).collect();
    let full = with(&all);
    assert_eq!(full.passkeys.len(), MOST_PASSKEYS);
    assert_eq!(full.add_passkey(passkey(99, "one more")), Err(NoPasskey::Full));
}

#[test]
fn where_a_passkey_is_good() {
    let mut book = with(&[(1, "phone")]);
    let tls = Passkey { host: "box.example.org".into(), ..passkey(2, "desk") };
    let changes = book.add_passkey(tls).unwrap();
    applied(&mut book, &changes);
    let at = |host| book.passkeys_at(host).map(|passkey| passkey.name.as_str()).collect::<Vec<_>>();
    assert_eq!((at("localhost"), at("box.example.org"), at("org")), (vec!["phone"], vec!["desk"], vec![]));
}

#[test]
fn what_is_used_says_so_and_a_copy_too() {
    let mut book = with(&[(1, "phone")]);
    let used = book.use_passkey(digest(1), [0; 7], [9; 7], after(5)).unwrap();
    applied(&mut book, &[used]);
    let kept = &book.passkeys[&digest(1)];
    assert_eq!((kept.used, kept.state, kept.since), (Some(after(5)), [9; 7], NOW));
    let copied = book.passkey_copied(digest(1), after(6)).unwrap();
    assert_eq!(notes(std::slice::from_ref(&copied)), ["passkey-copied"]);
    let before = book.clone();
    applied(&mut book, &[copied]);
    assert_eq!(book, before);
    // Of two answers at once, one is judged by what is old by then.
    assert_eq!(book.use_passkey(digest(1), [0; 7], [8; 7], NOW), None);
    // Removed meanwhile: it does not come back.
    assert_eq!(book.use_passkey(digest(2), [0; 7], [9; 7], NOW), None);
    assert_eq!(book.passkey_copied(digest(2), NOW), None);
}

#[test]
fn the_last_way_in_stays() {
    let mut book = with(&[(1, "phone")]);
    assert!(book.owner_can_log_in() && !AccessBook::default().owner_can_log_in());
    assert_eq!(book.remove_passkey("phone", NOW), Err(NoPasskey::LastWay("phone".into())));
    assert_eq!(book.remove_passkey("desk", NOW), Err(NoPasskey::NoSuchName("desk".into())));
    // Viewers' password lets no owner in.
    applied(&mut book, &[AccessChange::Password(Role::Viewer, Some("x".into()))]);
    assert!(book.remove_passkey("phone", NOW).is_err());
    applied(&mut book, &[AccessChange::Password(Role::Owner, Some("x".into()))]);
    assert!(book.remove_passkey("phone", NOW).is_ok());
    assert!(with(&[(1, "phone"), (2, "desk")]).remove_passkey("phone", NOW).is_ok());
}

#[test]
fn who_came_in_by_a_removed_passkey_is_out() {
    let mut book = with(&[(1, "phone"), (2, "desk")]);
    for (n, passkey) in [(11, Some(digest(1))), (12, Some(digest(2))), (13, None)] {
        let changes = book.begin(Session { passkey, ..session(n, NOW, NOW) }, None);
        applied(&mut book, &changes);
    }
    let changes = book.remove_passkey("phone", after(9)).unwrap();
    assert_eq!(notes(&changes), ["passkey-gone"]);
    applied(&mut book, &changes);
    assert_eq!(book.sessions.keys().copied().collect::<Vec<_>>(), [digest(12), digest(13)]);
    assert_eq!(book.passkeys.keys().copied().collect::<Vec<_>>(), [digest(2)]);
}

#[test]
fn a_question_is_good_once_for_a_while_at_its_door() {
    let mut asked = Ceremonies::default();
    for challenge in 1..=4 {
        asked.begin(challenge, Origin::Machine, MACHINE, boot(0), challenge);
    }
    assert_eq!(asked.take(1, MACHINE, boot(299)), Some(1));
    assert_eq!(asked.take(1, MACHINE, boot(299)), None, "once");
    assert_eq!(asked.take(2, "https://box.example.org", boot(1)), None, "the other door");
    assert_eq!(asked.take(2, MACHINE, boot(1)), None, "and it is gone");
    assert_eq!(asked.take(3, MACHINE, boot(300)), None, "too late");
    assert_eq!(asked.take(9, MACHINE, boot(0)), None, "never asked");
    asked.begin(5, Origin::Machine, MACHINE, boot(300), 5);
    assert_eq!(asked.len(), 1, "what is over goes");
}

proptest! {
    /// However many are asked for: what is kept is bounded, and strangers never push out what an owner was asked.
    #[test]
    fn many_questions_keep_nobody_out(strangers in vec(0_u8..40, 0..300)) {
        let mut asked = Ceremonies::default();
        asked.begin(u128::MAX, Origin::Machine, MACHINE, boot(0), ());
        asked.begin(u128::MAX - 1, Origin::OwnerDevice(mac(99)), MACHINE, boot(0), ());
        for (challenge, n) in (0..).zip(&strangers) {
            asked.begin(challenge, Origin::OtherDevice(mac(*n)), MACHINE, boot(1), ());
            prop_assert!(asked.len() <= 64);
        }
        prop_assert!(asked.take(u128::MAX, MACHINE, boot(2)).is_some());
        prop_assert!(asked.take(u128::MAX - 1, MACHINE, boot(2)).is_some());
        if let (Some(last), false) = (strangers.len().checked_sub(1), strangers.is_empty()) {
            prop_assert!(asked.take(last as u128, MACHINE, boot(2)).is_some(), "the latest is there");
        }
    }

    /// One origin has no more than its share.
    #[test]
    fn one_origin_has_its_share(many in 0_u128..200) {
        let mut asked = Ceremonies::default();
        for challenge in 0..many {
            asked.begin(challenge, Origin::Machine, MACHINE, boot(1), ());
            prop_assert!(asked.len() <= 8);
        }
        prop_assert_eq!(many.checked_sub(1).and_then(|last| asked.take(last, MACHINE, boot(2))), many.checked_sub(1).map(|_| ()));
    }
}
