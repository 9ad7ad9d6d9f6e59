//! The layout of the pinned maps, as `bpf/hotshare.h` has it. The tests below read that file.

use std::mem::{align_of, offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Changes when a layout or a meaning changes; maps outlive the daemon.
pub(super) const ABI: u32 = 2;
pub(super) const ACCOUNTS: u32 = hotshare_core::units::Slot::COUNT;
pub(super) const DEVICES: u32 = 4096;
pub(super) const EVENT_BYTES: u32 = 256 * 1024;
pub(super) const REASON_ROOM: u32 = 64;

pub(super) const OPEN: u32 = 1;
pub(super) const COUNT_ONLY: u32 = 2;
pub(super) const GLIDE: u32 = 4;
pub(super) const RATED: u32 = 8;

/// One account in the shared map. First cache line: the daemon writes. Second: the kernel writes. Third: rates.
#[repr(C)]
pub(super) struct AccountCell {
    pub(super) granted: AtomicU64,
    pub(super) low: AtomicU64,
    pub(super) later: AtomicU64,
    pub(super) reserve: AtomicU64,
    pub(super) expiry: AtomicU64,
    pub(super) parent: AtomicU32,
    pub(super) flags: AtomicU32,
    spare_daemon: [u64; 2],
    pub(super) spent: AtomicU64,
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
    pub(super) refused_up: AtomicU64,
    pub(super) refused_down: AtomicU64,
    tat: AtomicU64,
    pub(super) told: AtomicU64,
    spare_kernel: u64,
    pub(super) rate: AtomicU64,
    pub(super) due_up: AtomicU64,
    pub(super) due_down: AtomicU64,
    spare_rate: [u64; 5],
}

const _: () = assert!(size_of::<AccountCell>() == 192 && offset_of!(AccountCell, spent) == 64);
const _: () = assert!(offset_of!(AccountCell, rate) == 128);
const _: () = assert!(align_of::<AccountCell>() == 8);

/// Who a packet on the LAN is from, or for.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeviceKey {
    pub(super) ifindex: u32,
    pub(super) mac: [u8; 6],
    pub(super) zero: u16,
}

/// `ip4` is in network byte order.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceValue {
    pub(super) slot: u32,
    pub(super) ip4: u32,
    pub(super) flags: u32,
}

/// `gateway` and `lan_mask` are in network byte order.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct ConfigValue {
    pub(super) generation: u64,
    pub(super) abi: u32,
    pub(super) ok: u32,
    pub(super) from_uplink: u32,
    pub(super) slot_shift: u32,
    pub(super) gateway: u32,
    pub(super) lan_mask: u32,
    pub(super) uplink_l2: u32,
    pub(super) lan_l2: u32,
    pub(super) limited: u32,
    pub(super) spare: [u32; 5],
}

/// Where slowed packets wait. Interface numbers; `enter` is 0 while there is no queue.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct QueueValue {
    pub(super) enter: u32,
    pub(super) uplink: u32,
    pub(super) lan: u32,
    pub(super) spare: u32,
}

/// A class of the queue: this, with [`QUEUE_DOWN`] for downloads, and the person's slot.
pub(super) const QUEUE_HANDLE: u32 = 0x4853_0000;
pub(super) const QUEUE_DOWN: u32 = 0x1000;

const _: () = assert!(size_of::<QueueValue>() == 16);
const _: () = assert!(size_of::<DeviceKey>() == 12 && size_of::<DeviceValue>() == 12);
const _: () = assert!(size_of::<ConfigValue>() == 64);

/// Bytes of one event: kind, slot, last, spare, each a `u32`.
pub(super) const EVENT_LEN: usize = 16;
pub(super) const EVENT_LOW: u32 = 1;
pub(super) const EVENT_REFUSED: u32 = 2;

/// The marker that aya wants for what it copies to and from maps.
mod pod {
    #![allow(unsafe_code, reason = "aya's marker for plain old data is an unsafe trait")]

    use super::{ConfigValue, DeviceKey, DeviceValue, QueueValue};

    // SAFETY: each is `repr(C)`, made of integers only and without padding, so any bytes are a value.
    unsafe impl aya::Pod for DeviceKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for DeviceValue {}
    // SAFETY: as above.
    unsafe impl aya::Pod for ConfigValue {}
    // SAFETY: as above.
    unsafe impl aya::Pod for QueueValue {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::datapath::Reason;

    const HEADER: &str = include_str!("bpf/hotshare.h");

    fn defined(name: &str) -> u32 {
        let line = HEADER.lines().find_map(|l| l.strip_prefix(&format!("#define {name} "))).unwrap();
        let value = line.split("/*").next().unwrap().trim().trim_matches(['(', ')']);
        value.split('*').map(|n| n.trim().parse::<u32>().unwrap()).product()
    }

    #[test]
    fn numbers_are_those_of_the_header() {
        for (name, here) in [
            ("HOTSHARE_ABI", ABI),
            ("ACCOUNTS", ACCOUNTS),
            ("DEVICES", DEVICES),
            ("EVENT_BYTES", EVENT_BYTES),
            ("REASON_ROOM", REASON_ROOM),
            ("PLAN", hotshare_core::units::Slot::PLAN.0),
            ("OPEN", OPEN),
            ("COUNT_ONLY", COUNT_ONLY),
            ("GLIDE", GLIDE),
            ("RATED", RATED),
        ] {
            assert_eq!(defined(name), here, "{name}");
        }
        assert!(HEADER.contains(&format!("#define QUEUE_HANDLE {QUEUE_HANDLE:#x}")));
        assert!(HEADER.contains(&format!("#define QUEUE_DOWN {QUEUE_DOWN:#x}")));
        assert!(HEADER.contains(&format!("EVENT_LOW = {EVENT_LOW}")));
        assert!(HEADER.contains(&format!("EVENT_REFUSED = {EVENT_REFUSED}")));
    }

    #[test]
    fn reasons_stand_in_the_same_order() {
        let list = HEADER.split("enum reason {").nth(1).unwrap().split('}').next().unwrap();
        let there: Vec<String> = list
            .split(',')
            .filter_map(|w| w.trim().strip_prefix("REASON_"))
            .map(|w| w.to_ascii_lowercase().replace('_', "-"))
            .collect();
        let here: Vec<&str> = Reason::ALL.iter().map(|r| r.word()).collect();
        assert_eq!(there[1..], here[..], "REASON_NONE, then the same words");
        assert!(there.len() < REASON_ROOM as usize);
    }

    #[test]
    fn fields_stand_in_the_same_order() {
        for (name, fields) in [
            (
                "account",
                "granted low later reserve expiry parent flags spare_daemon spent up down refused_up \
                 refused_down tat told spare_kernel rate due_up due_down spare_rate",
            ),
            ("device_key", "ifindex mac zero"),
            ("device", "slot ip4 flags"),
            (
                "config",
                "generation abi ok from_uplink slot_shift gateway lan_mask uplink_l2 lan_l2 limited spare",
            ),
            ("queue", "enter uplink lan spare"),
            ("event", "kind slot last spare"),
        ] {
            let body = HEADER.split(&format!("struct {name} {{")).nth(1).unwrap().split("};").next().unwrap();
            let there: Vec<&str> = body
                .lines()
                .filter_map(|l| l.split(';').next().filter(|_| l.contains(';')))
                .map(|l| l.split_whitespace().last().unwrap().split('[').next().unwrap())
                .collect();
            assert_eq!(there, fields.split_whitespace().collect::<Vec<_>>(), "struct {name}");
        }
    }
}
