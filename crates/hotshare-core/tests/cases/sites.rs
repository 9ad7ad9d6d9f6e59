//! A part of the plan that is kept for some sites: nothing of it is spent before the rules let nothing else be
//! reached; and off when nobody is there.

use std::collections::BTreeSet;

use hotshare_core::ask::{Answer, Ask, PlanChange, Refusal};
use hotshare_core::brain::{Command, Event};
use hotshare_core::people::Allowance;
use hotshare_core::plan::{BadPlan, Bucket, Only, Period, SiteName};
use hotshare_core::policy::{Verdict, Why};
use hotshare_core::record::Change;
use hotshare_core::units::{Account, BucketId, Bytes, Rate, Slot};

use crate::world::{Fate, World, name};
use crate::{MIB, download};

fn sites(names: &[&str]) -> BTreeSet<SiteName> {
    names.iter().map(|name| name.parse().expect("a site")).collect()
}

fn part(name: &str, mib: u64, names: &[&str]) -> Bucket {
    let only = Only { sites: sites(names), ..Only::default() };
    Bucket { name: name.into(), only, ..Bucket::main(Some(Bytes::mib(mib))) }
}

fn ask(world: &mut World, buckets: Vec<Bucket>) -> Answer {
    world.ask(Ask::PlanSet(PlanChange { buckets: Some(buckets), ..PlanChange::default() }))
}

/// 20 MiB for everything, and so many for the carrier's site.
fn kept(mib: u64) -> World {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    let parts = vec![part("plan", 20, &[]), part("last", mib, &["carrier.example"])];
    assert_eq!(ask(&mut world, parts), Answer::Done);
    world
}

fn place(heard: &[Command], what: impl Fn(&Command) -> bool) -> usize {
    heard.iter().position(what).expect("an order")
}

const LAST: Account = Account::Bucket(BucketId(1));

#[test]
fn the_gate_is_shut_before_the_rules_change_and_opens_when_they_hold() {
    let mut world = kept(10);
    assert_eq!(world.only_sites, None);
    world.heard = Some(Vec::new());
    let mut got = 0_u64;
    while world.only_sites.is_none() {
        assert_eq!(world.packet(1, false, 1500), Fate::Forwarded, "after {got}");
        got += 1500;
    }
    assert!(got.abs_diff(20 * MIB) < 4500, "{got}");
    assert_eq!(world.status().people[0].verdict, Verdict::OnlySites(None));
    let heard = world.heard.take().expect("all orders");
    let rules = place(&heard, |c| matches!(c, Command::Sites(s) if s.only.is_some()));
    let gate = |c: &Command, is_open| matches!(c, Command::Account(Slot::PLAN, o) if o.open == is_open);
    let shut = place(&heard, |c| gate(c, false));
    let drawn = |change: &Change| matches!(change, Change::Granted { account: LAST, .. });
    let roll = place(&heard, |c| matches!(c, Command::Post(_, changes) if changes.iter().any(drawn)));
    let opened = rules + place(&heard[rules..], |c| gate(c, true));
    assert!(shut < rules && rules < roll && rules < opened, "{shut} {rules} {roll} {opened}");
    let all = got + download(&mut world, 1, 1 << 40);
    assert!((29 * MIB..=30 * MIB).contains(&all), "{all}");
    world.pass(2000);
    let used = world.recorded(LAST);
    // Of a plan's last part a reserve is kept for what is in flight.
    let most = 10 * MIB as i64;
    assert!(used <= most && used > most - most / 100 - 4500, "{used}");
    assert_eq!(world.status().closed, Some(Verdict::Closed(Why::PlanUsed)));
    let notes = |kind| world.diary().into_iter().filter(|other| *other == kind).count();
    assert_eq!((notes("only-sites"), notes("plan-used")), (1, 1));
}

#[test]
fn what_is_billed_beyond_the_end_of_a_part_is_of_the_next() {
    let mut world = kept(10);
    download(&mut world, 1, 19 * MIB);
    // Nobody asked for it, and nobody stops it.
    world.patient = true;
    for _ in 0..3 * MIB / 1500 {
        world.packet(1, false, 1500);
    }
    world.patient = false;
    world.commit(true);
    world.pass(2000);
    let (common, last) = (world.recorded(Account::Bucket(BucketId::FIRST)), world.recorded(LAST));
    assert!(common <= 20 * MIB as i64, "{common}");
    assert!(last >= (world.truth.billed - 20 * MIB) as i64, "{common} {last} {}", world.truth.billed);
}

#[test]
fn nothing_passes_while_the_rules_cannot_be_changed() {
    let mut world = kept(10);
    world.stubborn = true;
    let got = download(&mut world, 1, 1 << 40);
    assert!(got <= 20 * MIB && got > 20 * MIB - 4500, "{got}");
    world.pass(120_000);
    for up in [false, true] {
        assert_eq!(world.packet(1, up, 100), Fate::Closed);
    }
    // A daemon that comes back is no way around.
    world.kill(true);
    world.start();
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
    world.stubborn = false;
    world.only_sites = Some(sites(&["carrier.example"]));
    world.tell(Event::SitesReady(world.only_sites.clone()));
    assert_eq!(world.packet(1, true, 100), Fate::Forwarded);
}

#[test]
fn the_rules_are_widened_when_nothing_granted_for_sites_is_left() {
    let mut world = kept(10);
    download(&mut world, 1, 22 * MIB);
    assert!(world.only_sites.is_some() && world.book.sites_granted().is_some());
    world.patient = true;
    // Bought: the common part goes on.
    let parts = vec![part("plan", 40, &[]), part("last", 10, &["carrier.example"])];
    let change = PlanChange { buckets: Some(parts), ..PlanChange::default() };
    world.ask_later(Ask::PlanSet(change));
    world.commit(true);
    // Now the common part is in use, but what is granted is still the other's.
    assert!(world.book.sites_granted().is_some() && world.only_sites.is_some());
    while world.book.sites_granted().is_some() {
        assert!(world.only_sites.is_some());
        world.commit(true);
    }
    assert_eq!(world.only_sites, None);
    world.patient = false;
    world.pass(1000);
    assert_eq!(world.status().people[0].verdict, Verdict::Open);
    let used = world.recorded(LAST);
    download(&mut world, 1, 5 * MIB);
    assert_eq!(world.recorded(LAST), used);
}

#[test]
fn it_holds_over_restarts_and_the_next_period() {
    for power in [false, true] {
        let mut world = kept(10_000);
        download(&mut world, 1, 22 * MIB);
        if power {
            world.cut_power(true)
        } else {
            world.kill(true)
        }
        world.start();
        if power {
            world.arrive(1);
        }
        world.pass(3000);
        assert_eq!(world.only_sites, Some(sites(&["carrier.example"])));
        assert_eq!(world.status().people[0].verdict, Verdict::OnlySites(None));
        assert_eq!(world.diary().into_iter().filter(|kind| *kind == "only-sites").count(), 1);
        world.wall += 31 * 86_400;
        world.pass(3000);
        assert_eq!((world.only_sites.clone(), world.status().people[0].verdict), (None, Verdict::Open));
    }
}

#[test]
fn two_parts_for_sites_narrow_step_by_step() {
    let mut world = World::new();
    world.person("anna", Allowance::Fair, 1);
    let wide = part("wide", 10, &["carrier.example", "help.example"]);
    let slow = Bucket { rate: Some(Rate(1000)), cap: None, ..part("slow", 0, &["topup.carrier.example"]) };
    assert_eq!(ask(&mut world, vec![wide.clone(), slow.clone()]), Answer::Done);
    assert_eq!(world.only_sites, Some(wide.only.sites.clone()));
    download(&mut world, 1, 5 * MIB);
    assert_eq!(world.status().people[0].verdict, Verdict::OnlySites(None));
    download(&mut world, 1, 6 * MIB);
    world.pass(1000);
    assert_eq!(world.only_sites, Some(slow.only.sites.clone()));
    assert_eq!(world.status().people[0].verdict, Verdict::OnlySites(Some(Rate(1000))));

    // The other way round more left would be worse.
    let refused = |buckets: Vec<Bucket>, world: &mut World| ask(world, buckets);
    let first = Bucket { cap: Some(Bytes::mib(5)), rate: None, ..slow };
    let bad = |answer: &Answer| matches!(answer, Answer::Refused(Refusal::BadPlan(BadPlan::Farther { .. })));
    assert!(bad(&refused(vec![first.clone(), wide], &mut world)));
    assert!(bad(&refused(vec![first, part("plan", 10, &[])], &mut world)));
}

#[test]
fn people_and_sites_go_together() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    world.person("bo", Allowance::Unlimited, 2);
    let mut last = part("last", 10, &["carrier.example"]);
    last.only.people = Some([name("anna")].into());
    let period = Period::Monthly { day: 1 };
    let buckets = Some(vec![part("plan", 5, &[]), last]);
    let change = PlanChange { buckets, period: Some(period), ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
    download(&mut world, 1, 6 * MIB);
    let verdicts: Vec<Verdict> = world.status().people.iter().map(|person| person.verdict).collect();
    assert_eq!(verdicts, [Verdict::OnlySites(None), Verdict::Closed(Why::KeptForOthers)]);
    assert_eq!(world.packet(2, true, 100), Fate::Closed);
}

#[test]
fn it_stops_when_nobody_was_there_for_so_long() {
    let mut world = World::before_first_start(hotshare_core::plan::Zone::utc(), crate::world::START);
    world.off_when_idle_secs = Some(600);
    world.start();
    world.person("anna", Allowance::Unlimited, 1);
    world.pass(3_600_000);
    assert!(!world.stopped, "anna is there");
    world.tell(Event::LeaseEnded(crate::world::mac(1)));
    world.pass(590_000);
    // A clock that is put right ends nothing.
    world.wall += 86_400;
    world.pass(5_000);
    assert!(!world.stopped);
    world.arrive(1);
    world.pass(60_000);
    world.tell(Event::LeaseEnded(crate::world::mac(1)));
    world.pass(599_000);
    assert!(!world.stopped);
    world.pass(3_000);
    assert!(world.stopped);
    assert_eq!(world.diary().last(), Some(&"idle"));
    let brain = world.brain.as_ref().expect("there");
    assert!(brain.is_done() && brain.stopped_when_idle());
    assert_eq!(world.packet(1, true, 100), Fate::Closed);
}

#[test]
fn without_the_setting_it_never_stops_by_itself() {
    let mut world = World::new();
    world.pass(3 * 86_400_000);
    assert!(!world.stopped);
}
