//! Pins: what outlives the daemon, what a new release replaces, what a vanished interface leaves. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod datapath_support;

use std::fs;
use std::process::Command;

use aya::maps::{Array, Map, MapData};
use aya::programs::{SchedClassifier, TcAttachType};
use datapath_support::packet::Packet;
use datapath_support::*;
use hotshare_core::units::{Bytes, Slot};
use hotshare_linux::datapath::{Meter, MeterError, Role, remove};
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};

const NONE: [Vec<u32>; 2] = [Vec::new(), Vec::new()];

/// A network namespace for this thread only; it goes with the thread.
fn own_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).expect("needs root");
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split_whitespace()).status().unwrap();
    assert!(done.success(), "ip {arguments}");
}

fn add(name: &str) -> u32 {
    ip(&format!("link add {name} type veth peer name {name}p"));
    ip(&format!("link set {name} up"));
    if_nametoindex(name).unwrap()
}

/// Ids of the programs on an interface: in, out.
fn programs(name: &str) -> [Vec<u32>; 2] {
    [TcAttachType::Ingress, TcAttachType::Egress].map(|way| {
        let (_, list) = SchedClassifier::query_tcx(name, way).unwrap();
        list.iter().map(aya::programs::ProgramInfo::id).collect()
    })
}

fn open(pins: &Pins) -> Meter {
    Meter::open(&pins.0).expect("the meter needs root and Linux 6.6")
}

#[test]
fn a_new_process_finds_counters_devices_and_generation() {
    let rig = Rig::new();
    assert!(rig.meter.is_fresh());
    rig.up(&Packet::up(948).bytes());
    let (generation, reading) = (rig.meter.generation(), rig.reading(PERSON));
    assert_eq!(reading.up, Bytes(1000));
    let Rig { meter, pins, programs } = rig;
    drop((meter, programs));

    let again = open(&pins);
    assert!(!again.is_fresh());
    assert_eq!(again.generation(), generation);
    assert_eq!(again.reading(PERSON).unwrap(), reading);
    assert_eq!(again.devices().unwrap(), [phone(LO)]);
    drop(again);

    // As after a power cut: nothing is pinned.
    remove(&pins.0).unwrap();
    let fresh = open(&pins);
    assert!(fresh.is_fresh());
    assert_ne!(fresh.generation(), generation);
    assert_eq!(fresh.reading(PERSON).unwrap().up, Bytes::ZERO);
}

#[test]
fn programs_stay_when_the_process_goes_and_are_replaced_in_place() {
    own_namespace();
    let pins = Pins::new();
    let lan = add("lan0");
    let uplink = add("uplink0");
    let mut first = open(&pins);
    assert!(matches!(first.attach(Role::Lan, lan), Err(MeterError::NotConfigured)));
    first.configure(&config()).unwrap();
    assert!(!first.is_attached(Role::Lan, lan).unwrap());
    first.attach(Role::Lan, lan).unwrap();
    first.attach(Role::Uplink, uplink).unwrap();
    let old = programs("lan0");
    assert_eq!(old.each_ref().map(Vec::len), [1, 1]);

    // Again: nothing changes.
    first.attach(Role::Lan, lan).unwrap();
    assert_eq!(programs("lan0"), old);
    assert!(first.is_attached(Role::Lan, lan).unwrap());
    assert!(!first.is_attached(Role::Lan, uplink).unwrap());
    drop(first);
    assert_eq!(programs("lan0"), old, "the process is gone, the programs are not");

    // An upgrade: the very same links, with new programs. (tcx counts each change of the list; a replacement
    // is one, taking off and putting on would be two.)
    let revision = |way| SchedClassifier::query_tcx("lan0", way).unwrap().0;
    let before = [TcAttachType::Ingress, TcAttachType::Egress].map(revision);
    let mut second = open(&pins);
    assert!(second.is_attached(Role::Lan, lan).unwrap(), "by the old programs");
    second.attach(Role::Lan, lan).unwrap();
    let new = programs("lan0");
    assert_eq!(new.each_ref().map(Vec::len), [1, 1]);
    assert!(new[0] != old[0] && new[1] != old[1]);
    let after = [TcAttachType::Ingress, TcAttachType::Egress].map(revision);
    assert_eq!(after, before.map(|n| n + 1));

    second.remove().unwrap();
    assert_eq!(programs("lan0"), NONE);
    assert_eq!(programs("uplink0"), NONE);
    assert!(!pins.0.exists());
}

#[test]
fn a_vanished_interface_is_noticed_and_its_successor_attached() {
    own_namespace();
    let pins = Pins::new();
    let mut meter = open(&pins);
    meter.configure(&config()).unwrap();
    let old = add("uplink0");
    meter.attach(Role::Uplink, old).unwrap();
    ip("link del uplink0");
    assert!(!meter.is_attached(Role::Uplink, old).unwrap());
    assert!(matches!(meter.attach(Role::Uplink, old), Err(MeterError::NoInterface { .. })));

    // The same name and the same index: only the pinned link, severed, knows that it is another one.
    ip(&format!("link add uplink0 index {old} type veth peer name uplink0p"));
    assert_eq!(if_nametoindex("uplink0").unwrap(), old);
    assert!(!meter.is_attached(Role::Uplink, old).unwrap());
    meter.attach(Role::Uplink, old).unwrap();
    assert!(meter.is_attached(Role::Uplink, old).unwrap());
    assert_eq!(programs("uplink0").map(|l| l.len()), [1, 1]);

    // Also across a restart of the daemon.
    ip("link del uplink0");
    drop(meter);
    let mut meter = open(&pins);
    let new = add("uplink0");
    meter.attach(Role::Uplink, new).unwrap();
    assert!(meter.is_attached(Role::Uplink, new).unwrap());
}

#[test]
fn a_role_moves_to_another_interface_and_can_be_taken_off() {
    own_namespace();
    let pins = Pins::new();
    let mut meter = open(&pins);
    meter.configure(&config()).unwrap();
    let (a, b) = (add("lan0"), add("lan1"));
    meter.attach(Role::Lan, a).unwrap();
    meter.attach(Role::Lan, b).unwrap();
    assert_eq!(programs("lan0"), NONE, "nothing stays behind");
    assert!(meter.is_attached(Role::Lan, b).unwrap());
    meter.detach(Role::Lan).unwrap();
    meter.detach(Role::Lan).unwrap();
    assert_eq!(programs("lan1"), NONE);
    assert!(!meter.is_attached(Role::Lan, b).unwrap());
}

#[test]
fn other_programs_on_the_interface_keep_their_place() {
    own_namespace();
    let lan = add("lan0");
    let theirs = Pins::new();
    let mut other = open(&theirs);
    other.configure(&config()).unwrap();
    other.attach(Role::Lan, lan).unwrap();
    let stranger = programs("lan0");
    let pins = Pins::new();
    let mut meter = open(&pins);
    meter.configure(&config()).unwrap();
    meter.attach(Role::Lan, lan).unwrap();
    let both = programs("lan0");
    assert_eq!((both[0].len(), both[0][1]), (2, stranger[0][0]), "we are first to see what comes in");
    assert_eq!((both[1].len(), both[1][0]), (2, stranger[1][0]), "and last to see what goes out");
    meter.remove().unwrap();
    assert_eq!(programs("lan0"), stranger);
}

#[test]
fn maps_of_another_release_are_refused_and_left_alone() {
    let pins = Pins::new();
    drop(open(&pins));
    // A map of another shape under the same name.
    let dev = pins.0.join("dev");
    fs::remove_file(&dev).unwrap();
    let other = aya::maps::HashMap::<MapData, u32, u32>::create(8, 0).unwrap();
    other.pin(&dev).unwrap();
    let error = Meter::open(&pins.0).err().expect("refused");
    assert!(
        matches!(&error, MeterError::Incompatible { what: "its key size", found: 4, wanted: 12, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("hotshare down"), "says what to do: {error}");
    assert!(dev.exists());
}

#[test]
fn another_abi_number_is_refused() {
    let pins = Pins::new();
    drop(open(&pins));
    let map = Map::from_map_data(MapData::from_pin(pins.0.join("cfg")).unwrap()).unwrap();
    let mut cfg = Array::<_, [u8; 64]>::try_from(map).unwrap();
    let mut value = cfg.get(&0, 0).unwrap();
    value[8] = 99;
    cfg.set(0, value, 0).unwrap();
    let error = Meter::open(&pins.0).err().expect("refused");
    assert!(matches!(error, MeterError::Incompatible { found: 99, .. }), "{error}");
}

#[test]
fn half_a_set_of_pins_is_what_a_crash_left_of_a_first_start() {
    let pins = Pins::new();
    let meter = open(&pins);
    meter.set_account(Slot(9), &granted(77, Slot::PLAN)).unwrap();
    drop(meter);
    fs::remove_file(pins.0.join("cfg")).unwrap();
    let meter = open(&pins);
    assert!(meter.is_fresh());
    assert_eq!(meter.reading(Slot(9)).unwrap().granted, Bytes::ZERO);
}

#[test]
fn nothing_is_left_and_removing_nothing_is_fine() {
    let pins = Pins::new();
    let inner = Pins(pins.0.join("v1"));
    open(&inner).remove().unwrap();
    assert!(!pins.0.exists(), "the empty folder above goes too");
    remove(&inner.0).unwrap();
    let outside = Meter::open(std::path::Path::new("/tmp/hotshare-test-pins")).err().expect("refused");
    assert!(matches!(outside, MeterError::NotBpffs { .. }), "{outside}");
    assert!(!std::path::Path::new("/tmp/hotshare-test-pins").exists());
}
