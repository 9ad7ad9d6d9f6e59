//! Every state of a station, as tables of what it sends and what comes back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::units::{BootTime, Now};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 168, 99, 7);
const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);
const BEN: Mac = Mac([2, 0, 0, 0, 0, 2]);

/// A table, a clock, and what would be on disk.
struct Scene {
    table: LeaseTable,
    now: Now,
    disk: Vec<Leased>,
    writes: usize,
}

impl Scene {
    fn with(rules: LeaseRules) -> Scene {
        let now = Now { boot: BootTime(1_000_000_000_000), wall: UnixTime(1_800_000_000), synced: true };
        Scene { table: LeaseTable::new(rules, Vec::new(), now), now, disk: Vec::new(), writes: 0 }
    }

    fn new() -> Scene {
        Scene::with(LeaseRules::new(GATEWAY, 24))
    }

    /// A network of five addresses.
    fn small() -> Scene {
        Scene::with(LeaseRules::new(GATEWAY, 29))
    }

    fn pass(&mut self, secs: u64) {
        self.now.boot = self.now.boot.plus_secs(secs);
        self.now.wall.0 += i64::try_from(secs).unwrap();
    }

    /// Handles a message and writes what it changes.
    fn send(&mut self, request: &Request) -> Outcome {
        let outcome = self.send_unwritten(request);
        if let Some(written) = outcome.written() {
            self.table.written(written);
        }
        for change in &outcome.changes {
            self.writes += 1;
            match change.clone() {
                LeaseChange::Kept(leased) => {
                    self.disk.retain(|other| other.mac != leased.mac);
                    self.disk.push(leased);
                }
                LeaseChange::Gone(mac) => self.disk.retain(|other| other.mac != mac),
                LeaseChange::Declined { .. } | LeaseChange::PoolFull { .. } => {}
            }
        }
        outcome
    }

    fn send_unwritten(&mut self, request: &Request) -> Outcome {
        self.table.handle(self.now, request)
    }

    /// DISCOVER, REQUEST: the address that a station gets, if it gets one.
    fn join(&mut self, mac: Mac) -> Option<Ipv4Addr> {
        let offer = self.send(&message(Kind::Discover, mac));
        let Answer::Reply(offer) = offer.answer else { return None };
        assert_eq!(offer.kind, ReplyKind::Offer);
        let ack = self.send(&selecting(mac, offer.yours));
        let Answer::Reply(ack) = ack.answer else { panic!("offered, but not given") };
        assert_eq!((ack.kind, ack.yours), (ReplyKind::Ack, offer.yours));
        Some(ack.yours)
    }

    fn restart(&mut self) {
        self.table = LeaseTable::new(self.table.rules.clone(), self.disk.clone(), self.now);
    }
}

fn message(kind: Kind, mac: Mac) -> Request {
    Request {
        kind,
        source: mac,
        mac,
        client: Ipv4Addr::UNSPECIFIED,
        relay: Ipv4Addr::UNSPECIFIED,
        requested: None,
        server: None,
        client_id: None,
        host_name: None,
        broadcast: false,
        wants: None,
    }
}

fn selecting(mac: Mac, ip: Ipv4Addr) -> Request {
    Request { requested: Some(ip), server: Some(GATEWAY), ..message(Kind::Request, mac) }
}

fn init_reboot(mac: Mac, ip: Ipv4Addr) -> Request {
    Request { requested: Some(ip), ..message(Kind::Request, mac) }
}

fn renewing(mac: Mac, ip: Ipv4Addr) -> Request {
    Request { client: ip, ..message(Kind::Request, mac) }
}

fn mac(n: u16) -> Mac {
    let [high, low] = n.to_be_bytes();
    Mac([2, 0, 0, 1, high, low])
}

fn kind(outcome: &Outcome) -> Option<ReplyKind> {
    match &outcome.answer {
        Answer::Reply(reply) => Some(reply.kind),
        Answer::Silent(_) => None,
    }
}

fn silence(outcome: &Outcome) -> Option<Silence> {
    match &outcome.answer {
        Answer::Reply(_) => None,
        Answer::Silent(why) => Some(*why),
    }
}

#[test]
fn a_station_joins_and_the_disk_knows_it() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    assert!(scene.table.pool.contains(ip));
    let expires = UnixTime(scene.now.wall.0 + 7200);
    let leased = Leased { mac: ANNA, ip, client_id: None, host_name: None, expires };
    assert_eq!(scene.disk, [leased]);
    assert_eq!(scene.writes, 1, "an offer writes nothing");
}

#[test]
fn every_kind_of_request_has_its_answer() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    let other = scene.join(BEN).unwrap();
    let free = (2..250).map(|n| Ipv4Addr::new(10, 7, 0, n)).find(|free| ![ip, other].contains(free)).unwrap();
    let stranger = mac(9);
    let foreign_server = Request { server: Some(Ipv4Addr::new(10, 7, 0, 99)), ..selecting(ANNA, ip) };
    let ack = Some(ReplyKind::Ack);
    let nak = Some(ReplyKind::Nak);
    let table = [
        ("selecting its own", selecting(ANNA, ip), ack),
        ("selecting another's", selecting(ANNA, other), nak),
        ("selecting another free one while it has one", selecting(ANNA, free), nak),
        ("selecting the gateway's", selecting(stranger, GATEWAY), nak),
        ("selecting the network's", selecting(stranger, Ipv4Addr::new(10, 7, 0, 0)), nak),
        ("selecting the broadcast address", selecting(stranger, Ipv4Addr::new(10, 7, 0, 255)), nak),
        ("selecting outside", selecting(stranger, ELSEWHERE), nak),
        ("selecting another server", foreign_server, None),
        ("selecting nothing", Request { requested: None, ..selecting(ANNA, ip) }, None),
        ("rebooting with its own", init_reboot(ANNA, ip), ack),
        ("rebooting with another's", init_reboot(ANNA, other), nak),
        ("rebooting from another network", init_reboot(ANNA, ELSEWHERE), nak),
        ("rebooting with what nobody knows", init_reboot(stranger, free), nak),
        ("renewing its own", renewing(ANNA, ip), ack),
        ("renewing another's", renewing(ANNA, other), nak),
        ("renewing on another network", renewing(ANNA, ELSEWHERE), nak),
        ("renewing what nobody knows", renewing(stranger, free), nak),
        ("saying nothing", message(Kind::Request, ANNA), None),
    ];
    for (what, request, expected) in table {
        assert_eq!(kind(&scene.send(&request)), expected, "{what}");
    }
    assert_eq!(scene.join(ANNA), Some(ip), "none of it moved the station");
}

#[test]
fn a_refusal_tells_nothing_and_goes_to_everybody() {
    let mut scene = Scene::new();
    let outcome = scene.send(&renewing(ANNA, ELSEWHERE));
    let Answer::Reply(nak) = outcome.answer else { panic!("no reply") };
    assert_eq!(nak.delivery, Delivery::Broadcast);
    assert_eq!((nak.yours, nak.client), (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));
    assert_eq!((nak.lease_secs, nak.options), (None, Vec::new()));
    assert_eq!(outcome.changes, []);
}

#[test]
fn replies_go_where_the_station_can_hear_them() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    let table = [
        (message(Kind::Discover, ANNA), Delivery::Station(ip)),
        (Request { broadcast: true, ..message(Kind::Discover, ANNA) }, Delivery::Broadcast),
        (selecting(ANNA, ip), Delivery::Station(ip)),
        (Request { broadcast: true, ..selecting(ANNA, ip) }, Delivery::Broadcast),
        (Request { broadcast: true, ..renewing(ANNA, ip) }, Delivery::Station(ip)),
    ];
    for (request, expected) in table {
        let Answer::Reply(reply) = scene.send(&request).answer else { panic!("no reply") };
        assert_eq!(reply.delivery, expected, "{request:?}");
    }
}

#[test]
fn forged_relayed_and_impossible_senders_are_not_heard() {
    let mut scene = Scene::new();
    let discover = message(Kind::Discover, ANNA);
    let table = [
        (Request { source: BEN, ..discover.clone() }, Silence::Forged),
        (Request { relay: Ipv4Addr::new(10, 7, 0, 9), ..discover.clone() }, Silence::Relayed),
        (Request { mac: Mac([0; 6]), source: Mac([0; 6]), ..discover.clone() }, Silence::NotAStation),
        (Request { mac: Mac([0xff; 6]), source: Mac([0xff; 6]), ..discover }, Silence::NotAStation),
    ];
    for (request, expected) in table {
        assert_eq!(silence(&scene.send(&request)), Some(expected));
    }
    assert!(scene.table.is_empty());
}

#[test]
fn a_station_has_one_address_whatever_it_calls_itself() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    for n in 0..10 {
        let discover = Request { client_id: Some(vec![n; 8]), ..message(Kind::Discover, ANNA) };
        let Answer::Reply(offer) = scene.send(&discover).answer else { panic!("no offer") };
        assert_eq!(offer.yours, ip);
        let request = Request { client_id: Some(vec![n; 8]), ..selecting(ANNA, ip) };
        assert_eq!(kind(&scene.send(&request)), Some(ReplyKind::Ack));
    }
    assert_eq!(scene.table.len(), 1);
    assert_eq!(scene.disk.len(), 1);
}

#[test]
fn a_wish_is_granted_if_free_and_the_address_does_not_change_with_the_table() {
    let mut scene = Scene::new();
    let wish = Ipv4Addr::new(10, 7, 0, 77);
    let discover = Request { requested: Some(wish), ..message(Kind::Discover, ANNA) };
    let Answer::Reply(offer) = scene.send(&discover).answer else { panic!("no offer") };
    assert_eq!(offer.yours, wish);
    let taken = Request { requested: Some(wish), ..message(Kind::Discover, BEN) };
    let Answer::Reply(offer) = scene.send(&taken).answer else { panic!("no offer") };
    assert_ne!(offer.yours, wish);
    let first = Scene::new().join(BEN).unwrap();
    let mut later = Scene::new();
    later.join(mac(7)).unwrap();
    assert_eq!(later.join(BEN).unwrap(), first, "the same address on every box");
}

#[test]
fn renewals_are_rarely_written_and_never_promise_more_than_the_disk() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    for _ in 0..20 {
        scene.pass(1800);
        assert_eq!(kind(&scene.send(&renewing(ANNA, ip))), Some(ReplyKind::Ack));
        assert!(scene.disk[0].expires.0 >= scene.now.wall.0 + 3600);
    }
    assert!(scene.writes <= 8, "{} writes for 20 renewals", scene.writes);
    let before = scene.writes;
    let named = Request { host_name: Some("phone".into()), ..renewing(ANNA, ip) };
    scene.send(&named);
    scene.send(&named);
    assert_eq!(scene.writes, before + 1, "a new name is written, once");
}

#[test]
fn what_could_not_be_written_is_written_next_time() {
    let mut scene = Scene::new();
    let Answer::Reply(offer) = scene.send(&message(Kind::Discover, ANNA)).answer else { panic!("no offer") };
    let first = scene.send_unwritten(&selecting(ANNA, offer.yours));
    let second = scene.send_unwritten(&selecting(ANNA, offer.yours));
    assert_eq!(first.changes, second.changes);
    assert_eq!(first.changes.len(), 1);
    scene.send(&selecting(ANNA, offer.yours));
    assert_eq!(scene.send(&selecting(ANNA, offer.yours)).changes, []);
}

#[test]
fn a_declined_address_is_nobodys_for_a_while() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    let decline = Request { requested: Some(ip), server: Some(GATEWAY), ..message(Kind::Decline, ANNA) };
    let not_ours = Request { mac: BEN, source: BEN, ..decline.clone() };
    assert_eq!(scene.send(&not_ours).changes, [], "only who has it can decline it");
    let outcome = scene.send(&decline);
    assert_eq!(outcome.changes, [LeaseChange::Gone(ANNA), LeaseChange::Declined { mac: ANNA, ip }]);
    assert_eq!(silence(&outcome), Some(Silence::Done));
    assert_eq!(scene.disk, []);
    assert_eq!(kind(&scene.send(&init_reboot(ANNA, ip))), Some(ReplyKind::Nak));
    assert_eq!(kind(&scene.send(&selecting(BEN, ip))), Some(ReplyKind::Nak));
    assert_ne!(scene.join(ANNA), Some(ip));
    scene.pass(QUARANTINE_SECS + 1);
    let discover = Request { requested: Some(ip), ..message(Kind::Discover, BEN) };
    let Answer::Reply(offer) = scene.send(&discover).answer else { panic!("no offer") };
    assert_eq!(offer.yours, ip);
}

#[test]
fn one_station_cannot_decline_the_whole_pool_away() {
    let mut scene = Scene::small();
    for _ in 0..50 {
        let ip = scene.join(ANNA).expect("there is always an address left");
        let decline = Request { requested: Some(ip), server: Some(GATEWAY), ..message(Kind::Decline, ANNA) };
        scene.send(&decline);
    }
    assert!(scene.join(BEN).is_some());
}

#[test]
fn a_lease_that_runs_out_is_told_once_and_its_address_waits_for_the_station() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    scene.join(BEN).unwrap();
    scene.pass(3599);
    let renew = |client| Request { client, ..message(Kind::Request, BEN) };
    let bens = scene.table.holding(BEN).unwrap().ip;
    scene.send(&renew(bens));
    assert_eq!(scene.table.run_out(scene.now.boot), []);
    scene.pass(1);
    assert_eq!(scene.table.run_out(scene.now.boot), [LeaseChange::Gone(ANNA)]);
    assert_eq!(scene.table.run_out(scene.now.boot), [], "once");
    // It comes back with its old address, which has to be written anew.
    let reboot = Request { requested: Some(ip), ..message(Kind::Request, ANNA) };
    let back = scene.send(&reboot);
    assert!(matches!(&back.changes[..], [LeaseChange::Kept(leased)] if leased.ip == ip), "{back:?}");
    scene.restart();
    assert_eq!(scene.table.run_out(scene.now.boot), []);
    scene.pass(3 * 3600);
    scene.restart();
    assert_eq!(scene.table.run_out(scene.now.boot), [LeaseChange::Gone(ANNA), LeaseChange::Gone(BEN)]);
}

#[test]
fn a_released_address_is_kept_for_its_station_while_nobody_needs_it() {
    let mut scene = Scene::small();
    let ip = scene.join(ANNA).unwrap();
    let release = Request { client: ip, server: Some(GATEWAY), ..message(Kind::Release, ANNA) };
    let foreign = Request { mac: BEN, source: BEN, ..release.clone() };
    assert_eq!(scene.send(&foreign).changes, []);
    assert_eq!(scene.send(&release).changes, [LeaseChange::Gone(ANNA)]);
    assert_eq!(scene.send(&release).changes, [], "twice is once");
    assert_eq!(scene.table.live(scene.now.boot).count(), 0);
    scene.join(BEN).unwrap();
    assert_eq!(scene.join(ANNA), Some(ip));
    scene.send(&release);
    for n in 0..4 {
        assert!(scene.join(mac(n)).is_some(), "the fifth address is free too");
    }
    assert_eq!(scene.join(ANNA), None);
}

#[test]
fn a_full_pool_takes_from_who_was_away_longest_and_else_is_silent() {
    let mut scene = Scene::small();
    let first = scene.join(mac(0)).unwrap();
    for n in 1..5 {
        scene.pass(60);
        scene.join(mac(n)).unwrap();
    }
    let outcome = scene.send(&message(Kind::Discover, ANNA));
    assert_eq!(silence(&outcome), Some(Silence::PoolFull));
    assert_eq!(outcome.changes, [LeaseChange::PoolFull { mac: ANNA }]);
    assert_eq!(scene.send(&message(Kind::Discover, BEN)).changes, [], "said once a minute");
    scene.pass(61);
    assert_eq!(scene.send(&message(Kind::Discover, BEN)).changes.len(), 1);
    scene.pass(3600 - 4 * 60 - 61 + 1);
    let offer = scene.send(&message(Kind::Discover, ANNA));
    assert_eq!(offer.changes, [], "an offer writes nothing, even if it takes an address");
    let outcome = scene.send(&selecting(ANNA, first));
    assert_eq!(outcome.changes[0], LeaseChange::Gone(mac(0)));
    assert!(matches!(&outcome.changes[1], LeaseChange::Kept(leased) if leased.ip == first));
    assert_eq!(scene.disk.len(), 5);
    assert_eq!(kind(&scene.send(&renewing(mac(0), first))), Some(ReplyKind::Nak));
}

#[test]
fn a_flood_of_questions_does_not_use_up_the_pool() {
    let mut scene = Scene::new();
    let ip = scene.join(ANNA).unwrap();
    for n in 0..5000 {
        scene.send(&message(Kind::Discover, mac(n)));
    }
    assert!(scene.table.len() <= 65);
    assert!(scene.join(BEN).is_some());
    assert_eq!(scene.join(ANNA), Some(ip));
    scene.pass(OFFER_SECS + 1);
    scene.send(&renewing(ANNA, ip));
    assert_eq!(scene.table.len(), 2, "offers that nobody took are forgotten");
}

#[test]
fn a_jump_of_the_wall_clock_ends_no_lease() {
    for jump in [-500_000_000, 500_000_000] {
        let mut scene = Scene::new();
        let ip = scene.join(ANNA).unwrap();
        scene.now.wall.0 += jump;
        scene.now.boot = scene.now.boot.plus_secs(3599);
        assert_eq!(scene.table.live(scene.now.boot).collect::<Vec<_>>(), [(ANNA, ip)]);
        scene.now.boot = scene.now.boot.plus_secs(1);
        assert_eq!(scene.table.live(scene.now.boot).count(), 0);
    }
}

#[test]
fn a_clock_that_is_put_right_is_put_right_on_disk_with_the_next_renewal() {
    let mut scene = Scene::new();
    scene.now.wall = UnixTime(100);
    let ip = scene.join(ANNA).unwrap();
    scene.now.wall.0 += 1_800_000_000;
    scene.send(&renewing(ANNA, ip));
    assert_eq!(scene.disk[0].expires, UnixTime(scene.now.wall.0 + 7200));
    let before = scene.writes;
    scene.now.wall.0 -= 3_000_000;
    scene.send(&renewing(ANNA, ip));
    assert_eq!(scene.writes, before, "later than needed does no harm: a restart cuts it");
    scene.restart();
    assert_eq!(scene.table.live(scene.now.boot.plus_secs(7_199)).count(), 1);
    assert_eq!(scene.table.live(scene.now.boot.plus_secs(7_201)).count(), 0);
}

#[test]
fn a_restart_keeps_leases_for_as_long_as_they_were_promised() {
    // After how long, by a good clock or not, is a lease still running?
    let table = [
        (60, 0, true, true),
        (3_599, 0, true, true),
        (7_201, 0, true, false),
        // The clock jumped back: still at most as long as a lease can be kept for.
        (60, -900_000_000, true, true),
        // Nobody vouches for the clock: a whole lease time, whatever it shows.
        (60, 900_000_000, false, true),
        (60, -900_000_000, false, true),
    ];
    for (after, jump, synced, runs) in table {
        let mut scene = Scene::new();
        let ip = scene.join(ANNA).unwrap();
        scene.pass(after);
        scene.now.boot = BootTime(5_000_000_000);
        scene.now.wall.0 += jump;
        scene.now.synced = synced;
        scene.restart();
        let live = scene.table.live(scene.now.boot).count() == 1;
        assert_eq!(live, runs, "{after} s later, clock {jump}, synced {synced}");
        assert_eq!(scene.table.live(scene.now.boot.plus_secs(7_201)).count(), 0);
        assert_eq!(kind(&scene.send(&init_reboot(ANNA, ip))), Some(ReplyKind::Ack), "remembered in any case");
    }
}

#[test]
fn what_does_not_fit_is_not_loaded() {
    let leased =
        |mac, ip, expires| Leased { mac, ip, client_id: None, host_name: None, expires: UnixTime(expires) };
    let here = Ipv4Addr::new(10, 7, 0, 50);
    let soon = 1_800_000_100;
    let kept = vec![
        leased(ANNA, here, soon),
        leased(BEN, here, soon + 50),
        leased(mac(1), ELSEWHERE, soon),
        leased(mac(2), GATEWAY, soon),
        leased(Mac([1; 6]), Ipv4Addr::new(10, 7, 0, 51), soon),
        leased(BEN, Ipv4Addr::new(10, 7, 0, 52), soon),
    ];
    let scene = Scene::new();
    let table = LeaseTable::new(LeaseRules::new(GATEWAY, 24), kept, scene.now);
    assert_eq!(table.live(scene.now.boot).collect::<Vec<_>>(), [(BEN, here)]);
}

#[test]
fn options_are_those_that_were_asked_for() {
    let mut rules = LeaseRules::new(GATEWAY, 24);
    rules.mtu = Some(1400);
    rules.captive_portal = Some("https://hotshare.internal/api".into());
    let mut scene = Scene::with(rules);
    let codes = |scene: &mut Scene, wants: Option<Vec<u8>>| {
        let discover = Request { wants, ..message(Kind::Discover, ANNA) };
        let Answer::Reply(offer) = scene.send(&discover).answer else { panic!("no offer") };
        offer.options.iter().map(ReplyOption::code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&mut scene, None), [1, 3, 6, 28, 26, 43, 114]);
    assert_eq!(codes(&mut scene, Some(vec![6, 1, 3, 252, 33])), [1, 3, 6]);
    assert_eq!(codes(&mut scene, Some(vec![43])), [43]);
    assert_eq!(codes(&mut scene, Some(vec![])), []);
    let mut plain = Scene::with(LeaseRules { metered: false, ..LeaseRules::new(GATEWAY, 24) });
    assert_eq!(codes(&mut plain, Some((0..=255).collect())), [1, 3, 6, 28]);
}

#[test]
fn who_has_an_address_of_its_own_is_told_the_rest() {
    let mut scene = Scene::new();
    let own = Ipv4Addr::new(10, 7, 0, 200);
    let inform = Request { client: own, ..message(Kind::Inform, ANNA) };
    let Answer::Reply(ack) = scene.send(&inform).answer else { panic!("no reply") };
    assert_eq!((ack.kind, ack.lease_secs, ack.yours), (ReplyKind::Ack, None, Ipv4Addr::UNSPECIFIED));
    assert_eq!(ack.delivery, Delivery::Station(own));
    assert!(scene.table.is_empty());
    let outside = Request { client: ELSEWHERE, ..inform };
    assert_eq!(silence(&scene.send(&outside)), Some(Silence::Pointless));
}

#[test]
fn names_of_stations_are_made_harmless() {
    let table: [(&[u8], Option<&str>); 7] = [
        (b"Annas-iPhone", Some("Annas-iPhone")),
        (b"\x1b[31mred\x07\0", Some("[31mred")),
        ("T\u{e9}l\u{e9}phone \u{202e}evil".as_bytes(), Some("T\u{e9}l\u{e9}phone evil")),
        (b"caf\xe9", Some("caf")),
        (b"  \t ", None),
        (b"", None),
        (&[b'x'; 255], Some("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")),
    ];
    for (raw, expected) in table {
        assert_eq!(host_name(raw).as_deref(), expected);
    }
}

#[test]
fn a_pool_is_the_network_without_three_addresses() {
    for (prefix, size) in [(30, 1), (29, 5), (24, 253), (22, 1021), (16, 65533)] {
        let pool = Pool::new(GATEWAY, prefix);
        assert_eq!(pool.size(), size);
        let walked: std::collections::BTreeSet<_> = pool.walk(ANNA).collect();
        assert_eq!(walked.len(), usize::try_from(size).unwrap());
        assert!(walked.iter().all(|&ip| pool.contains(ip)));
    }
}
