//! What holds of the lease table whatever stations send, in any order, at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hotshare_core::lease::{
    Answer, Kind, LeaseChange, LeaseRules, LeaseTable, Leased, MOST_LEASES, Pool, ReplyKind, Request,
};
use hotshare_core::units::{BootTime, Mac, Now, UnixTime};
use proptest::prelude::*;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    Send(Box<Request>, bool),
    Wait(u64),
    Jump(i64),
    Restart { synced: bool },
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        8 => (0..40u8).prop_map(|n| Ipv4Addr::new(10, 7, 0, n)),
        1 => Just(Ipv4Addr::UNSPECIFIED),
        1 => any::<u32>().prop_map(Ipv4Addr::from_bits),
    ]
}

fn station() -> impl Strategy<Value = Mac> {
    prop_oneof![20 => (0..24u8).prop_map(|n| Mac([2, 0, 0, 0, 0, n])), 1 => any::<[u8; 6]>().prop_map(Mac)]
}

fn request() -> impl Strategy<Value = Request> {
    let kind = prop_oneof![
        4 => Just(Kind::Discover),
        6 => Just(Kind::Request),
        1 => Just(Kind::Decline),
        1 => Just(Kind::Release),
        1 => Just(Kind::Inform),
    ];
    let ours = prop_oneof![3 => Just(GATEWAY), 1 => address()];
    let client = prop_oneof![3 => Just(Ipv4Addr::UNSPECIFIED), 2 => address()];
    let parts = (
        kind,
        station(),
        client,
        proptest::option::of(address()),
        proptest::option::of(ours),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..4)),
        any::<bool>(),
        prop_oneof![30 => Just(None), 1 => station().prop_map(Some)],
    );
    parts.prop_map(|(kind, mac, client, requested, server, client_id, broadcast, forged)| Request {
        kind,
        source: forged.unwrap_or(mac),
        mac,
        client,
        relay: Ipv4Addr::UNSPECIFIED,
        requested,
        server,
        client_id,
        host_name: None,
        broadcast,
        wants: None,
    })
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        40 => (request(), any::<bool>()).prop_map(|(request, written)| Move::Send(Box::new(request), written)),
        4 => (0..4000u64).prop_map(Move::Wait),
        1 => (-1_000_000_000..1_000_000_000i64).prop_map(Move::Jump),
        1 => any::<bool>().prop_map(|synced| Move::Restart { synced }),
    ];
    proptest::collection::vec(one, 1..200)
}

/// The addresses that stations were told they have, by the last ACK, and until when.
#[derive(Default)]
struct Promises(BTreeMap<Mac, (Ipv4Addr, BootTime)>);

impl Promises {
    fn live_holders(&self, ip: Ipv4Addr, now: BootTime) -> Vec<Mac> {
        let holds = |(_, (theirs, until)): &(&Mac, &(Ipv4Addr, BootTime))| *theirs == ip && *until > now;
        self.0.iter().filter(holds).map(|(mac, _)| *mac).collect()
    }
}

fn play(prefix: u8, moves: Vec<Move>) -> Result<(), TestCaseError> {
    let rules = LeaseRules::new(GATEWAY, prefix);
    let pool = Pool::new(GATEWAY, prefix);
    let mut now = Now { boot: BootTime(1_000_000_000), wall: UnixTime(1_800_000_000), synced: true };
    let mut table = LeaseTable::new(rules.clone(), Vec::new(), now);
    let mut disk: BTreeMap<Mac, Leased> = BTreeMap::new();
    let mut promises = Promises::default();
    let mut clock_is_honest = true;
    for one in moves {
        match one {
            Move::Wait(secs) => {
                now.boot = now.boot.plus_secs(secs);
                now.wall.0 += i64::try_from(secs).expect("small");
            }
            Move::Jump(secs) => {
                now.wall.0 += secs;
                clock_is_honest = false;
            }
            Move::Restart { synced } => {
                now.synced = synced;
                table = LeaseTable::new(rules.clone(), disk.values().cloned().collect(), now);
                if !clock_is_honest {
                    // Nothing can be promised over a restart whose clock lies.
                    promises.0.clear();
                    clock_is_honest = true;
                    let wall = now.wall.0;
                    disk.values_mut().for_each(|leased| leased.expires = leased.expires.min(UnixTime(wall)));
                    table = LeaseTable::new(rules.clone(), Vec::new(), now);
                    disk.clear();
                }
            }
            Move::Send(request, written) => {
                let outcome = table.handle(now, &request);
                let pending = outcome.written();
                let needs_disk = !outcome.changes.is_empty();
                if needs_disk && !written {
                    // The disk refused: the reply stays here, and nothing is recorded.
                    continue;
                }
                for change in &outcome.changes {
                    match change {
                        LeaseChange::Kept(leased) => {
                            disk.insert(leased.mac, leased.clone());
                        }
                        LeaseChange::Gone(mac) => {
                            disk.remove(mac);
                            promises.0.remove(mac);
                        }
                        LeaseChange::Declined { .. } | LeaseChange::PoolFull { .. } => {}
                    }
                }
                if let Some(pending) = pending {
                    table.written(pending);
                }
                if let Answer::Reply(reply) = &outcome.answer {
                    prop_assert_eq!(request.source, request.mac);
                    if reply.kind != ReplyKind::Nak && reply.lease_secs.is_some() {
                        prop_assert!(pool.contains(reply.yours), "{} is not in the pool", reply.yours);
                    }
                    if reply.kind == ReplyKind::Ack && reply.lease_secs.is_some() {
                        let others = promises.live_holders(reply.yours, now.boot);
                        prop_assert!(
                            others.iter().all(|other| *other == request.mac),
                            "{} was promised to {others:?} and now to {}",
                            reply.yours,
                            request.mac
                        );
                        let kept = disk.get(&request.mac);
                        prop_assert!(
                            kept.is_some_and(|kept| kept.ip == reply.yours),
                            "confirmed, but not on disk"
                        );
                        promises.0.insert(request.mac, (reply.yours, now.boot.plus_secs(3600)));
                    }
                }
            }
        }
        let live: Vec<(Mac, Ipv4Addr)> = table.live(now.boot).collect();
        let addresses: BTreeSet<Ipv4Addr> = live.iter().map(|(_, ip)| *ip).collect();
        prop_assert_eq!(addresses.len(), live.len(), "two live leases share an address");
        prop_assert!(live.iter().all(|(_, ip)| pool.contains(*ip)));
        prop_assert!(table.len() <= usize::try_from(pool.size()).expect("small").min(MOST_LEASES));
        prop_assert!(disk.len() <= 2 * usize::try_from(pool.size()).expect("small"));
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_small_network_keeps_its_promises(moves in moves()) {
        play(29, moves)?;
    }

    #[test]
    fn an_ordinary_network_keeps_its_promises(moves in moves()) {
        play(24, moves)?;
    }
}

#[test]
fn the_table_is_bounded_in_a_large_network() {
    let mut now = Now { boot: BootTime(1_000_000_000), wall: UnixTime(1_800_000_000), synced: true };
    let mut table = LeaseTable::new(LeaseRules::new(Ipv4Addr::new(10, 7, 0, 1), 16), Vec::new(), now);
    let mut given = 0;
    for n in 0..10_000u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let mac = Mac([2, 0, 0, a, b, c]);
        now.boot = now.boot.plus_millis(1);
        let request = |kind, requested, server| Request {
            kind,
            source: mac,
            mac,
            client: Ipv4Addr::UNSPECIFIED,
            relay: Ipv4Addr::UNSPECIFIED,
            requested,
            server,
            client_id: None,
            host_name: None,
            broadcast: false,
            wants: None,
        };
        let offer = table.handle(now, &request(Kind::Discover, None, None));
        let Answer::Reply(offer) = offer.answer else { continue };
        let ack =
            table.handle(now, &request(Kind::Request, Some(offer.yours), Some(Ipv4Addr::new(10, 7, 0, 1))));
        given += usize::from(matches!(ack.answer, Answer::Reply(reply) if reply.kind == ReplyKind::Ack));
    }
    assert_eq!(given, MOST_LEASES);
    assert_eq!(table.len(), MOST_LEASES);
}
