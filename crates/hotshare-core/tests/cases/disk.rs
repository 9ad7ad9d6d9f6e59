//! Disks that are full, slow or dead, and floods that would wear them out.

use hotshare_core::ask::{Answer, Ask, PlanChange};
use hotshare_core::brain::Event;
use hotshare_core::ledger::EntryKind;
use hotshare_core::people::Allowance;
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::record::Change;
use hotshare_core::units::{Account, Bytes, PersonId};

use crate::world::{Fate, PLAN, World, mac, name};
use crate::{MIB, download, month};

const ANNA: Account = Account::Person(PersonId(1));

fn cap(world: &mut World, mib: u64) {
    let change = PlanChange { cap: Some(Some(Bytes::mib(mib))), ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
}

#[test]
fn hours_of_a_full_disk_cost_nothing_afterwards() {
    let mut world = World::new();
    world.person("anna", month(1600), 1);
    world.patient = true;
    let mut got = download(&mut world, 1, 1 << 40);
    for second in 0..7200u32 {
        world.commit(false);
        world.pass(1000);
        world.arrive(u8::try_from(second % 40 + 10).expect("small"));
        got += download(&mut world, 1, 3000);
    }
    assert!(matches!(world.status().people[0].verdict, Verdict::Closed(Why::LedgerStuck)));
    world.patient = false;
    for _ in 0..3 {
        world.commit(true);
        world.pass(2000);
    }
    assert_eq!(world.packet(1, false, 1500), Fate::Forwarded);
    got += 1500;
    let recorded = world.recorded(ANNA);
    assert!(recorded >= got as i64 && recorded <= (got + 33 * MIB) as i64, "{recorded} of {got}");
    assert!(world.diary().len() <= 300, "{}", world.diary().len());
}

#[test]
fn who_leaves_and_returns_while_the_disk_is_full_is_served() {
    let mut world = World::new();
    world.person("anna", month(1600), 1);
    download(&mut world, 1, MIB);
    world.tell(Event::LeaseEnded(mac(1)));
    world.arrive(1);
    world.patient = true;
    world.tell(Event::LeaseEnded(mac(1)));
    world.commit(true);
    world.commit(false);
    world.arrive(1);
    world.commit(true);
    assert_eq!(world.packet(1, false, 1500), Fate::Forwarded, "a part of the grant is left");
}

#[test]
fn a_first_start_on_a_full_disk_waits_and_loses_nothing() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    let mut got = download(&mut world, 1, 3 * MIB);
    world.patient = true;
    world.cut_power(true);
    world.start();
    for _ in 0..20 {
        world.commit(false);
        world.arrive(1);
        world.ask_later(Ask::PersonPause { name: name("anna"), paused: false });
        world.pass(1000);
        got += download(&mut world, 1, 15_000);
    }
    world.patient = false;
    world.commit(true);
    world.pass(2000);
    assert_eq!(world.book.generation, Some(2));
    got += download(&mut world, 1, 1 << 40);
    assert!(got <= 100 * MIB && got + 8 * MIB > 100 * MIB, "{got}");
    world.kill(true);
    world.start();
    assert!(world.recorded(ANNA) >= got as i64);
}

#[test]
fn a_stop_on_a_full_disk_keeps_the_maps_to_be_settled() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    let got = download(&mut world, 1, 3 * MIB);
    world.patient = true;
    world.tell(Event::Stop);
    world.commit(false);
    assert!(world.stopped && world.brain.as_ref().is_some_and(|brain| !brain.is_done()));
    assert_eq!(world.packet(1, false, 1500), Fate::Closed);
    world.patient = false;
    world.kill(false);
    world.start();
    world.tell(Event::Stop);
    assert!(world.stopped && world.brain.as_ref().is_some_and(|brain| brain.is_done()));
    assert_eq!(world.recorded(ANNA), got as i64);
}

#[test]
fn a_disk_that_hangs_is_said_to() {
    let mut world = World::new();
    world.person("anna", month(100), 1);
    world.patient = true;
    download(&mut world, 1, 1 << 40);
    for n in 0..1000 {
        world.arrive(u8::try_from(n % 250).expect("small"));
    }
    world.pass(20_000);
    let status = world.status();
    assert_eq!(status.people[0].verdict, Verdict::Closed(Why::LedgerStuck));
    let turned_away = world.acks.iter().filter(|(_, durable)| !durable).count();
    assert!(turned_away >= 700, "{turned_away}");
    world.patient = false;
    world.commit(true);
    assert_eq!(world.status().people[0].verdict, Verdict::Open);
}

#[test]
fn what_nobody_can_stop_wears_out_no_disk_and_is_written_all_the_same() {
    let mut world = World::new();
    cap(&mut world, 50);
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 1 << 40);
    world.pass(1000);
    let (commits, reports) = (world.commits, world.reports);
    for _ in 0..600 {
        for _ in 0..80 {
            assert_ne!(world.packet(1, false, 65_000), Fate::Forwarded);
        }
        world.pass(1000);
    }
    assert!(world.commits - commits <= 75, "{} commits in ten minutes", world.commits - commits);
    assert!(world.reports - reports <= 1300, "{} refusals told", world.reports - reports);
    assert!(world.recorded(PLAN) >= world.truth.billed as i64 - 11 * 80 * 65_000);
    world.pass(60_000);
    assert_eq!(world.recorded(PLAN), world.truth.billed as i64);
    assert_eq!(world.diary().iter().filter(|kind| **kind == "plan-used").count(), 1);
}

#[test]
fn grants_do_not_keep_the_owner_waiting() {
    let mut world = World::new();
    for n in 1..=20 {
        world.person(&format!("p{n}"), month(1600), n);
    }
    world.patient = true;
    let ask = Ask::PersonPause { name: name("p1"), paused: true };
    let asked = world.ask_later(ask);
    let mut commits = 0;
    while !world.answers.iter().any(|(id, _)| *id == asked) {
        // While one posting is written, others come to need one.
        let device = u8::try_from(commits % 19 + 2).expect("small");
        download(&mut world, device, 1 << 40);
        world.commit(true);
        commits += 1;
        assert!(commits < 6, "the owner waits for ever");
    }
}

#[test]
fn an_answer_comes_when_it_is_in_force() {
    let mut world = World::new();
    world.person("anna", month(10), 1);
    download(&mut world, 1, 1 << 40);
    world.patient = true;
    let asked = world.ask_later(Ask::PersonSet { name: name("anna"), allowance: month(20) });
    while !world.answers.iter().any(|(id, _)| *id == asked) {
        assert_ne!(world.packet(1, false, 1500), Fate::Forwarded);
        world.commit(true);
    }
    assert_eq!(world.packet(1, false, 1500), Fate::Forwarded);
}

#[test]
fn late_news_of_a_refusal_closes_nobody() {
    let mut world = World::new();
    world.person("anna", month(10), 1);
    download(&mut world, 1, 9 * MIB);
    let slot = world.book.people[&PersonId(1)].slot;
    world.tell(Event::Refused { slot, last: true });
    world.tell(Event::Refused { slot, last: false });
    assert_eq!(world.status().people[0].verdict, Verdict::Open);
}

#[test]
fn a_return_is_in_force_before_it_is_written() {
    let mut world = World::new();
    world.person("anna", month(1600), 1);
    download(&mut world, 1, 100 * MIB);
    world.patient = true;
    world.tell(Event::LeaseEnded(mac(1)));
    world.commit(true);
    let mut passed = world.truth.forwarded[&PersonId(1)];
    for reached in [true, true] {
        world.arrive(1);
        passed += download(&mut world, 1, 2 * MIB);
        world.commit(reached);
    }
    assert_eq!(world.truth.forwarded[&PersonId(1)], passed);
    world.cut_power(true);
    assert!(world.recorded(ANNA) >= passed as i64);
    let returns = |c: &&Change| matches!(c, Change::Entry(e) if e.kind == EntryKind::Return);
    assert!(world.log.iter().filter(returns).count() > 0);
}
