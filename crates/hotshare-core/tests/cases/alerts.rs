//! Alerts in the life of a hotspot: each is written once, whatever becomes of the disk and the daemon.

use std::collections::BTreeMap;

use hotshare_core::alert::{Channel, Kind, Raise};
use hotshare_core::ask::{Answer, Ask, PlanChange};
use hotshare_core::people::Allowance;
use hotshare_core::record::{Change, Tally};
use hotshare_core::units::Bytes;

use crate::world::{World, mac, name};
use crate::{MIB, download, month};

fn raised(world: &World) -> Vec<&Raise> {
    let raises = world.log.iter().filter_map(|change| match change {
        Change::Alert(raise) => Some(&**raise),
        _ => None,
    });
    raises.collect()
}

fn kinds(world: &World) -> Vec<(Kind, Option<u8>)> {
    raised(world).into_iter().map(|raise| (raise.alert.kind, raise.alert.percent)).collect()
}

/// Numbered without a gap, no topic told twice with the same news, and each with its line in the diary.
pub(crate) fn each_is_there_once(world: &World) {
    let mut last = BTreeMap::new();
    for (raise, n) in raised(world).into_iter().zip(1..) {
        assert_eq!((raise.alert.id.0, raise.mark.alert.0), (n, n));
        let (level, used) = (raise.mark.level, raise.mark.used);
        if let Some((before, then)) = last.insert((raise.mark.topic, raise.mark.period), (level, used)) {
            assert!(level > before || used > then, "told twice: {raise:?}");
        }
    }
    let lines = world.diary().into_iter().filter(|kind| Kind::from_word(kind).is_some()).count();
    assert_eq!(lines, raised(world).len());
    let newest = raised(world).last().map(|raise| raise.alert.id).unwrap_or_default();
    assert_eq!(world.book.last_alert, newest);
}

fn cap(world: &mut World, mib: u64) {
    let change = PlanChange { cap: Some(Some(Bytes::mib(mib))), ..PlanChange::default() };
    assert_eq!(world.ask(Ask::PlanSet(change)), Answer::Done);
}

#[test]
fn levels_of_plan_and_person_are_told_and_a_restart_tells_nothing_again() {
    let mut world = World::new();
    cap(&mut world, 1000);
    world.person("anna", month(100), 1);
    world.pass(5000);
    // The device waited for a moment before it was assigned.
    let waited = kinds(&world);
    download(&mut world, 1, 60 * MIB);
    world.pass(5000);
    download(&mut world, 1, 1 << 40);
    world.pass(5000);
    let told = [(Kind::AllowanceLevel, Some(50)), (Kind::AllowanceLevel, Some(100))];
    assert_eq!(kinds(&world).get(waited.len()..), Some(&told[..]));
    for power in [false, true] {
        if power {
            world.cut_power(true)
        } else {
            world.kill(true)
        }
        world.start();
        world.pass(70_000);
    }
    assert_eq!(kinds(&world).len(), waited.len() + 2);
    // Another allowance, and another month, are news.
    world.ask(Ask::PersonSet { name: name("anna"), allowance: month(200) });
    download(&mut world, 1, 65 * MIB);
    world.pass(5000);
    world.wall += 40 * 86_400;
    world.pass(5000);
    download(&mut world, 1, 120 * MIB);
    world.pass(5000);
    let levels: Vec<_> =
        kinds(&world).into_iter().filter(|(kind, _)| *kind == Kind::AllowanceLevel).skip(2).collect();
    assert_eq!(levels, [(Kind::AllowanceLevel, Some(80)), (Kind::AllowanceLevel, Some(50))]);
    each_is_there_once(&world);
    assert!(raised(&world).iter().all(|raise| raise.channels == Channel::ALL));
}

#[test]
fn the_plan_that_closes_before_its_cap_is_told_to_be_used_up() {
    let mut world = World::new();
    cap(&mut world, 50);
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 1 << 40);
    world.pass(3000);
    assert!(kinds(&world).contains(&(Kind::PlanLevel, Some(100))), "{:?}", kinds(&world));
    each_is_there_once(&world);
}

#[test]
fn a_disk_that_fails_neither_loses_nor_doubles_an_alert() {
    let mut world = World::new();
    cap(&mut world, 100);
    world.person("anna", Allowance::Unlimited, 1);
    download(&mut world, 1, 49 * MIB);
    world.pass(3000);
    let before = kinds(&world).len();
    world.patient = true;
    download(&mut world, 1, 2 * MIB);
    for _ in 0..5 {
        world.pass(3000);
        world.commit(false);
    }
    assert_eq!(kinds(&world).len(), before);
    for _ in 0..5 {
        world.pass(3000);
        world.commit(true);
    }
    assert_eq!(kinds(&world).get(before..).map(<[_]>::len), Some(1), "{:?}", kinds(&world));
    // Killed while it is written: whether it reached the disk or not.
    for (reached, upto) in [(false, 85), (true, 97)] {
        while world.truth.billed < upto * MIB {
            if download(&mut world, 1, MIB) == 0 {
                world.pass(1000);
                world.commit(true);
            }
        }
        world.pass(3000);
        world.kill(reached);
        world.start();
        for _ in 0..4 {
            world.pass(3000);
            world.commit(true);
        }
    }
    let plan: Vec<_> = kinds(&world).into_iter().filter(|(kind, _)| *kind == Kind::PlanLevel).collect();
    assert_eq!(plan.iter().filter_map(|(_, percent)| *percent).collect::<Vec<_>>(), [50, 80, 95]);
    each_is_there_once(&world);
}

#[test]
fn a_device_that_waits_is_told_once_and_a_flood_of_them_is_not() {
    let mut world = World::new();
    for device in 1..60 {
        world.arrive(device);
        world.pass(2000);
    }
    let waiting = kinds(&world).into_iter().filter(|(kind, _)| *kind == Kind::DeviceWaiting).count();
    assert_eq!(waiting, 5);
    let about = raised(&world).first().and_then(|raise| raise.alert.about.clone());
    assert_eq!(about, Some(mac(1).to_string()));
    each_is_there_once(&world);
}

#[test]
fn a_day_far_out_of_the_ordinary_is_told() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    for _ in 0..5 {
        download(&mut world, 1, 15 * MIB);
        world.pass(61_000);
        world.wall += 86_400;
        world.pass(61_000);
    }
    let unusual = |world: &World| kinds(world).iter().filter(|(kind, _)| *kind == Kind::UnusualUse).count();
    download(&mut world, 1, 140 * MIB);
    world.pass(61_000);
    assert_eq!(unusual(&world), 0);
    download(&mut world, 1, 80 * MIB);
    world.pass(61_000);
    download(&mut world, 1, 80 * MIB);
    world.pass(61_000);
    assert_eq!(unusual(&world), 1);
    each_is_there_once(&world);
}

#[test]
fn a_device_far_out_of_its_ordinary_is_told_though_its_person_is_not() {
    let mut world = World::new();
    world.person("anna", Allowance::Unlimited, 1);
    world.arrive(2);
    world.ask(Ask::DeviceAssign { mac: mac(2), person: name("anna") });
    for _ in 0..5 {
        download(&mut world, 1, 100 * MIB);
        download(&mut world, 2, 15 * MIB);
        world.pass(61_000);
        world.wall += 86_400;
        world.pass(61_000);
    }
    download(&mut world, 1, 100 * MIB);
    download(&mut world, 2, 220 * MIB);
    world.pass(61_000);
    let told: Vec<Option<String>> = raised(&world)
        .into_iter()
        .filter(|raise| raise.alert.kind == Kind::UnusualUse)
        .map(|raise| raise.alert.about.clone())
        .collect();
    assert_eq!(told, [Some(mac(2).to_string())]);
    each_is_there_once(&world);
    world.ask(Ask::DeviceForget { mac: mac(2) });
    assert!(
        !world.book.spent.keys().any(|(tally, _)| *tally == Tally::Device(mac(2))),
        "it is forgotten with it"
    );
}
