#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::vec;
use proptest::prelude::*;

mod passkeys;

use super::*;
use crate::people::PersonName;
use crate::units::{BootTime, UnixTime};

const NOW: UnixTime = UnixTime(1_795_455_000);
const HOUR: i64 = 3600;

fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0x5e, 0, 0, n])
}

fn after(secs: i64) -> UnixTime {
    UnixTime(NOW.0 + secs)
}

fn boot(secs: u64) -> BootTime {
    BootTime::default().plus_secs(100_000 + secs)
}

fn session(n: u8, begun: UnixTime, used: UnixTime) -> Session {
    Session { digest: digest(n), role: Role::Owner, at_machine: true, passkey: None, begun, used }
}

fn applied(book: &mut AccessBook, changes: &[AccessChange]) {
    changes.iter().for_each(|change| book.apply(change));
}

#[test]
fn words_read_back() {
    assert!(Role::ALL.iter().all(|role| Role::from_word(role.word()) == Some(*role)));
    assert!(Scope::ALL.iter().all(|scope| Scope::from_word(scope.word()) == Some(*scope)));
    assert!(AdminFrom::ALL.iter().all(|from| AdminFrom::from_word(from.word()) == Some(*from)));
    assert_eq!(
        (Role::from_word("root"), Scope::from_word(""), AdminFrom::from_word("all")),
        (None, None, None)
    );
    assert_eq!(format!("{:?}", digest(7)), "Digest(…)");
}

#[test]
fn from_where_the_dashboard_is_reached() {
    use AdminFrom::{Lan, Machine, OwnerDevices};
    let (own, other) = (Origin::OwnerDevice(mac(1)), Origin::OtherDevice(mac(2)));
    for (setting, origin, page, by_link) in [
        (OwnerDevices, Origin::Machine, true, true),
        (OwnerDevices, own, true, true),
        (OwnerDevices, other, false, true),
        (Lan, Origin::Machine, true, true),
        (Lan, own, true, true),
        (Lan, other, true, true),
        (Machine, Origin::Machine, true, true),
        (Machine, own, false, false),
        (Machine, other, false, false),
        (OwnerDevices, Origin::Elsewhere, false, false),
        (Lan, Origin::Elsewhere, false, false),
        (Machine, Origin::Elsewhere, false, false),
    ] {
        let found = (may_reach(setting, origin, false), may_reach(setting, origin, true));
        assert_eq!(found, (page, by_link), "{setting:?} {origin:?}");
    }
}

#[test]
fn what_each_caller_may_ask() {
    use Caller::{Session, Token};
    let asks = [
        ("/v1/status", true),
        ("/v1/people", false),
        ("/v1/wifi/key", true),
        ("/metrics", true),
        ("/v1/access", true),
        ("/v1/access/tokens", false),
        ("/admin", true),
        ("/v2/status", true),
    ];
    for (caller, may) in [
        (Token(Scope::Read), "yn n y n n n n"),
        (Token(Scope::Write), "yy y y n n n n"),
        (Token(Scope::Metrics), "nn n y n n n n"),
        (Session(Role::Owner), "yy y y y y n n"),
        (Session(Role::Viewer), "yn n y n n n n"),
    ] {
        let found: String =
            asks.iter().map(|(path, looks)| if permits(caller, *looks, path) { 'y' } else { 'n' }).collect();
        assert_eq!(found, may.replace(' ', ""), "{caller:?}");
    }
    // Only what is below it, and not what begins the same.
    assert!(permits(Token(Scope::Read), true, "/v1/accessories"));
    assert!(!permits(Session(Role::Owner), false, "/metrics"));
}

#[test]
fn a_session_ends() {
    for (begun, used, now, over) in [
        (0, 0, 0, false),
        (0, 0, 12 * HOUR - 1, false),
        (0, 0, 12 * HOUR, true),
        (0, 7 * 24 * HOUR - 1, 7 * 24 * HOUR - 1, false),
        (0, 7 * 24 * HOUR - 1, 7 * 24 * HOUR, true),
        // The clock was set back: a little is nothing, more is another clock.
        (0, 0, -300, false),
        (0, 0, -301, true),
    ] {
        assert_eq!(session(1, after(begun), after(used)).is_over(after(now)), over, "{begun} {used} {now}");
    }
    let mut book = AccessBook::default();
    let changes = book.begin(session(1, NOW, NOW), None);
    applied(&mut book, &changes);
    assert_eq!(book.session(digest(1), false, NOW), None, "at the other door");
    assert_eq!(book.session(digest(2), true, NOW), None);
    assert!(matches!(book.session(digest(1), true, after(60)), Some((_, None))), "not written each time");
    let (_, used) = book.session(digest(1), true, after(HOUR)).unwrap();
    book.apply(&used.unwrap());
    assert!(book.session(digest(1), true, after(12 * HOUR)).is_some());
    assert_eq!(book.session(digest(1), true, after(13 * HOUR)), None);
}

#[test]
fn another_password_ends_what_the_old_one_began() {
    let mut book = AccessBook::default();
    let viewer = Session { role: Role::Viewer, ..session(2, NOW, NOW) };
    let changes = book.begin(session(1, NOW, NOW), None);
    applied(&mut book, &changes);
    let changes = book.begin(viewer, None);
    applied(&mut book, &changes);
    let changes = book.set_password(Role::Owner, Some("hash".into()));
    applied(&mut book, &changes);
    assert_eq!(book.sessions.keys().copied().collect::<Vec<_>>(), [digest(2)]);
    let changes = book.begin(session(3, NOW, NOW), Some(digest(2)));
    applied(&mut book, &changes);
    assert_eq!(book.sessions.keys().copied().collect::<Vec<_>>(), [digest(3)], "the browser's old one");
    book.apply(&AccessChange::SessionsGone);
    assert!(book.sessions.is_empty());
}

#[test]
fn a_link_is_good_once_and_for_an_hour() {
    let mut book = AccessBook::default();
    let link = Link { digest: digest(1), role: Role::Owner, made: NOW };
    let changes = book.make_link(link);
    applied(&mut book, &changes);
    assert_eq!(book.link(digest(1), after(HOUR - 1)), Some(link));
    assert_eq!(book.link(digest(1), after(HOUR)), None);
    assert_eq!(book.link(digest(1), after(-HOUR)), None, "made under another clock");
    let changes = book.use_link(&link, Origin::OtherDevice(mac(5)), NOW);
    applied(&mut book, &changes);
    assert_eq!(book.link(digest(1), NOW), None);
    assert_eq!(book.origin(mac(5), None), Origin::OwnerDevice(mac(5)));
    assert_eq!(book.origin(mac(6), None), Origin::OtherDevice(mac(6)));

    let viewers = Link { digest: digest(2), role: Role::Viewer, made: NOW };
    let changes = book.make_link(viewers);
    applied(&mut book, &changes);
    let changes = book.use_link(&viewers, Origin::OtherDevice(mac(6)), NOW);
    applied(&mut book, &changes);
    assert_eq!(book.origin(mac(6), None), Origin::OtherDevice(mac(6)), "a viewer is no owner");
    let anna: PersonName = "anna".parse().unwrap();
    book.apply(&AccessChange::OwnerPerson(anna.clone()));
    assert_eq!(book.origin(mac(6), Some(&anna)), Origin::OwnerDevice(mac(6)));
    book.apply(&AccessChange::OwnerPersonGone(anna.clone()));
    assert_eq!(book.origin(mac(6), Some(&anna)), Origin::OtherDevice(mac(6)));
}

#[test]
fn tokens_have_names() {
    let mut book = AccessBook::default();
    let token =
        |n, name: &str| Token { digest: digest(n), name: name.into(), scope: Scope::Read, since: NOW };
    for bad in ["", " a", "a\n", "a/b", &"x".repeat(41), "<b>"] {
        assert_eq!(book.add_token(token(1, bad)), Err(NoToken::BadName), "{bad:?}");
    }
    book.apply(&book.add_token(token(1, "Home Assistant")).unwrap());
    assert_eq!(book.add_token(token(2, "Home Assistant")), Err(NoToken::NameTaken("Home Assistant".into())));
    assert!(matches!(book.remove_token("other"), Err(NoToken::NoSuchName(_))));
    book.apply(&book.remove_token("Home Assistant").unwrap());
    assert!(book.tokens.is_empty());
    for n in 0..u8::try_from(MOST_TOKENS).unwrap() {
        book.apply(&book.add_token(token(n, &format!("t{n}"))).unwrap());
    }
    assert_eq!(book.add_token(token(200, "one more")), Err(NoToken::Full));
}

#[test]
fn tries_wait_longer_and_others_do_not() {
    let mut tries = Tries::default();
    let mut now = boot(0);
    let mut waits = Vec::new();
    for _ in 0..12 {
        tries.begin(Origin::Machine, now).unwrap();
        let wait = tries.wait(Origin::Machine, now).map_or(0, |wait| wait.secs);
        waits.push(wait);
        if wait > 0 {
            assert_eq!(tries.begin(Origin::Machine, now), Err(Wait { secs: wait }));
            assert_eq!(tries.wait(Origin::Machine, now), Some(Wait { secs: wait }), "asking costs nothing");
        }
        assert_eq!(tries.wait(Origin::OwnerDevice(mac(1)), now), None);
        now = now.plus_secs(wait);
    }
    assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    tries.was_right(Origin::Machine);
    assert_eq!(tries.wait(Origin::Machine, now), None);
}

#[test]
fn many_addresses_are_no_way_to_try_more_often() {
    let mut tries = Tries::default();
    let mut heard = 0;
    // An hour of tries each second, each from another device.
    for second in 0..3600 {
        let other = Origin::OtherDevice(Mac([
            2,
            0,
            0,
            0,
            u8::try_from(second / 256).unwrap(),
            u8::try_from(second % 256).unwrap(),
        ]));
        if tries.begin(other, boot(second)).is_ok() {
            heard += 1;
        }
        assert_eq!(
            tries.wait(Origin::OwnerDevice(mac(1)), boot(second)),
            None,
            "the owner gets in meanwhile"
        );
    }
    assert!((100..=140).contains(&heard), "{heard}");
}

proptest! {
    /// Never a lock-out: whatever was tried, a try is heard a minute later at most.
    #[test]
    fn nobody_is_locked_out(tried in vec((0_u8..100, 0_u64..200), 0..200)) {
        let mut tries = Tries::default();
        let mut now = boot(0);
        let origin = |n: u8| match n {
            0 => Origin::Machine,
            1..=4 => Origin::OwnerDevice(mac(n)),
            n => Origin::OtherDevice(mac(n)),
        };
        for (n, later) in tried {
            now = now.plus_secs(later);
            let heard = tries.begin(origin(n), now);
            if let Err(wait) = heard {
                prop_assert!((1..=60).contains(&wait.secs));
            }
        }
        for n in 0..100 {
            prop_assert!(tries.wait(origin(n), now.plus_secs(60)).is_none());
        }
        prop_assert!(tries.len() <= 64);
    }

    /// However many come, there is never more than there is room for, and whoever asks at once is served as long as
    /// somebody only stands there.
    #[test]
    fn a_crowd_is_bounded(steps in vec((0_u8..4, 0_u8..6, 0_usize..20), 1..300)) {
        let mut crowd = Crowd::new(8, 3);
        let mut inside: Vec<(GuestId, bool)> = Vec::new();
        for (what, from, which) in steps {
            let from = IpAddr::V4(Ipv4Addr::new(10, 0, 0, from));
            match what {
                0 | 1 => match crowd.enter(from) {
                    Room::Free(new) => inside.push((new, false)),
                    Room::InsteadOf { new, out } => {
                        let at = inside.iter().position(|(id, _)| *id == out).unwrap();
                        prop_assert!(!inside[at].1, "who is served is not put out");
                        inside.remove(at);
                        inside.push((new, false));
                    }
                    Room::None => prop_assert!(inside.iter().filter(|(_, served)| *served).count() >= 3),
                },
                2 => {
                    let count = inside.len();
                    if let Some(guest) = inside.get_mut(which % count.max(1)) {
                        prop_assert!(crowd.serve(guest.0));
                        guest.1 = true;
                    }
                }
                _ => {
                    if !inside.is_empty() {
                        let (id, _) = inside.remove(which % inside.len());
                        crowd.leave(id);
                        prop_assert!(!crowd.serve(id));
                    }
                }
            }
            prop_assert_eq!(crowd.len(), inside.len());
            prop_assert!(crowd.len() <= 8 && crowd.is_empty() == inside.is_empty());
        }
    }

    /// Whatever happens, what is kept is bounded.
    #[test]
    fn the_book_is_bounded(steps in vec((0_u8..3, any::<u8>(), 0_i64..20_000), 0..300)) {
        let mut book = AccessBook::default();
        let mut now = NOW;
        for (what, n, later) in steps {
            now = UnixTime(now.0 + later);
            let changes = match what {
                0 => book.begin(session(n, now, now), None),
                1 => book.make_link(Link { digest: digest(n), role: Role::Owner, made: now }),
                _ => {
                    let link = Link { digest: digest(n), role: Role::Owner, made: now };
                    book.use_link(&link, Origin::OtherDevice(mac(n)), now)
                }
            };
            applied(&mut book, &changes);
            prop_assert!(book.sessions.len() <= 32 && book.links.len() <= 8 && book.devices.len() <= 64);
            if what == 0 {
                prop_assert!(book.session(digest(n), true, now).is_some(), "whoever logs in is in");
            }
        }
    }
}
