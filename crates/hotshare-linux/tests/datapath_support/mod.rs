//! A meter of its own for each test, and a second load of the same object on the same pinned maps, whose
//! programs can be run on made-up packets (`BPF_PROG_TEST_RUN`).
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use aya::programs::{SchedClassifier, TestRun as _, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::units::{BootTime, Bytes, Mac, Slot};
use hotshare_linux::datapath::{KnownDevice, LinkHeader, MarkBits, Meter, MeterConfig, Reason, remove};

pub mod backlog;
pub mod flows;
pub mod packet;
pub mod raw;
pub mod world;

pub static OBJECT: &[u8] = aya::include_bytes_aligned!("../../src/datapath/bpf/hotshare.bpfel.o");

pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const PHONE_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 23);
pub const PHONE: Mac = Mac([0x02, 0, 0, 0, 0, 0x23]);
pub const STRANGER: Mac = Mac([0x02, 0, 0, 0, 0, 0x99]);
pub const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);

pub const PERSON: Slot = Slot(2);
pub const DEVICE: Slot = Slot(3);
/// The loopback interface: what test runs pretend to come from.
pub const LO: u32 = 1;

/// TCX_NEXT and TCX_DROP, as a test run returns them.
pub const PASS: u32 = u32::MAX;
pub const DROP: u32 = 2;
pub const OK: u32 = 1 << 30;
pub const FROM_UPLINK: u32 = 1 << 29;

pub const NEVER: Bytes = Bytes(u64::MAX);
pub const NO_CAP: Bytes = Bytes(u64::MAX / 2);

/// A folder for pins that no other test uses, removed with all that is in it.
pub struct Pins(pub PathBuf);

impl Pins {
    pub fn new() -> Pins {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Pins(PathBuf::from(format!("/sys/fs/bpf/hotshare-test-{}-{n}", std::process::id())))
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if let Err(e) = remove(&self.0)
            && !std::thread::panicking()
        {
            panic!("pins stay: {e}");
        }
    }
}

pub fn now() -> BootTime {
    let t = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap();
    BootTime(u64::try_from(t.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(t.tv_nsec()).unwrap())
}

/// Long enough ago for the programs, whose clock moves with the kernel's tick.
pub fn just_now() -> BootTime {
    BootTime(now().0 - 20_000_000)
}

pub fn config() -> MeterConfig {
    MeterConfig {
        gateway: GATEWAY,
        prefix: 24,
        uplink: LinkHeader::Ethernet,
        mark: MarkBits::default(),
        limited: true,
    }
}

/// An open account with this much granted and the rest of a large balance to come.
pub fn granted(bytes: u64, parent: Slot) -> AccountOrder {
    AccountOrder {
        granted: Bytes(bytes),
        low: NEVER,
        later: NO_CAP,
        reserve: Bytes::ZERO,
        expiry: now().plus_secs(600),
        open: true,
        count_only: false,
        glide: false,
        parent,
        rate: None,
        weight: 1,
    }
}

/// The same, and nothing to come.
pub fn last(bytes: u64, parent: Slot) -> AccountOrder {
    AccountOrder { later: Bytes::ZERO, ..granted(bytes, parent) }
}

pub fn counts_only(parent: Slot) -> AccountOrder {
    AccountOrder { count_only: true, granted: Bytes::ZERO, ..granted(0, parent) }
}

pub fn phone(ifindex: u32) -> KnownDevice {
    KnownDevice { ifindex, mac: PHONE, slot: DEVICE, ip: PHONE_IP }
}

/// What a program sees beside the packet's bytes.
#[derive(Clone, Copy, Default)]
pub struct Skb {
    pub mark: u32,
    pub gso_size: u32,
    pub gso_segs: u32,
}

impl Skb {
    pub fn marked(mark: u32) -> Skb {
        Skb { mark, ..Skb::default() }
    }

    fn context(self) -> [u8; 192] {
        let mut ctx = [0; 192]; // struct __sk_buff
        ctx[8..12].copy_from_slice(&self.mark.to_ne_bytes());
        ctx[40..44].copy_from_slice(&LO.to_ne_bytes());
        ctx[164..168].copy_from_slice(&self.gso_segs.to_ne_bytes());
        ctx[176..180].copy_from_slice(&self.gso_size.to_ne_bytes());
        ctx
    }
}

/// A meter with one person who owns one phone, all open and well supplied.
pub struct Rig {
    pub meter: Meter,
    pub programs: Programs,
    pub pins: Pins,
}

impl Rig {
    pub fn new() -> Rig {
        let pins = Pins::new();
        let mut meter = Meter::open(&pins.0).expect("the meter needs root and Linux 6.6");
        meter.configure(&config()).unwrap();
        meter.set_device(&phone(LO)).unwrap();
        let rig = Rig { meter, programs: Programs::load(&pins.0), pins };
        rig.set(Slot::PLAN, granted(1 << 40, Slot(0)));
        rig.set(PERSON, granted(1 << 40, Slot::PLAN));
        rig.set(DEVICE, counts_only(PERSON));
        rig
    }

    pub fn set(&self, slot: Slot, order: AccountOrder) {
        self.meter.set_account(slot, &order).unwrap();
    }
    pub fn reading(&self, slot: Slot) -> Reading {
        self.meter.reading(slot).unwrap()
    }
    pub fn reason(&self, reason: Reason) -> u64 {
        self.meter.reasons().unwrap().into_iter().find(|(r, _)| *r == reason).unwrap().1
    }
    /// Runs a program once; the verdict, and the mark afterwards.
    pub fn run(&self, program: &'static str, packet: &[u8], skb: Skb) -> (u32, u32) {
        self.programs.run(program, packet, skb, 1)
    }
    /// One upload, already marked by `lan_in`.
    pub fn up(&self, packet: &[u8]) -> u32 {
        self.run("uplink_out", packet, Skb::marked(OK | DEVICE.0)).0
    }
    /// One download: billed, then delivered or not.
    pub fn down(&self, packet: &[u8]) -> u32 {
        let (verdict, mark) = self.run("uplink_in", packet, Skb::default());
        assert_eq!((verdict, mark), (PASS, FROM_UPLINK));
        self.run("lan_out", packet, Skb::marked(mark)).0
    }
}

pub struct Programs(Ebpf);

impl Programs {
    pub fn load(pins: &Path) -> Programs {
        let mut ebpf = EbpfLoader::new().btf(None).default_map_pin_directory(pins).load(OBJECT).unwrap();
        for (_, program) in ebpf.programs_mut() {
            let program: &mut SchedClassifier = program.try_into().unwrap();
            program.load().unwrap();
        }
        Programs(ebpf)
    }

    pub fn run(&self, program: &'static str, packet: &[u8], skb: Skb, repeat: u32) -> (u32, u32) {
        let program: &SchedClassifier = self.0.program(program).unwrap().try_into().unwrap();
        let context = skb.context();
        let mut after = [0; 192];
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        options.ctx_in = Some(&context);
        options.ctx_out = Some(&mut after);
        options.repeat = repeat;
        let verdict = program.test_run(options).expect("a test run").return_value;
        (verdict, u32::from_ne_bytes(after[8..12].try_into().unwrap()))
    }

    /// Nanoseconds per run, as the kernel measures them.
    pub fn time(&self, program: &'static str, packet: &[u8], skb: Skb, repeat: u32) -> u128 {
        let program: &SchedClassifier = self.0.program(program).unwrap().try_into().unwrap();
        let context = skb.context();
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        options.ctx_in = Some(&context);
        options.repeat = repeat;
        program.test_run(options).expect("a test run").duration.as_nanos()
    }
}
