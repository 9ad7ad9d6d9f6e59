//! What can go wrong between the daemon and the kernel meter.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    #[error("cannot mount a BPF file system at {}: is this root, on Linux 6.6 or newer?", path.display())]
    Mount { path: PathBuf, source: io::Error },
    #[error("cannot prepare the folder {} for the meter's pins", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} is not on a BPF file system: the meter's pins must be, for example below /sys/fs/bpf", path.display())]
    NotBpffs { path: PathBuf },
    #[error(
        "the pinned map {} was made by another release of Hotshare ({what} is {found}, not {wanted}): run \
         `hotshare down` of that release, or restart the machine; what was used is in the ledger already",
        path.display()
    )]
    Incompatible { path: PathBuf, what: &'static str, found: u64, wanted: u64 },
    #[error("cannot read the pinned map {}", path.display())]
    Pinned { path: PathBuf, source: aya::maps::MapError },
    #[error(
        "the kernel does not take the meter's programs: is this root, on Linux 6.6 or newer with BPF and tcx?"
    )]
    Load { source: Box<aya::EbpfError> },
    #[error("the kernel does not take the meter's program `{name}`: Linux 6.6 or newer is needed")]
    Program { name: &'static str, source: Box<aya::programs::ProgramError> },
    #[error("the meter's object lacks `{name}`: the build is broken")]
    Missing { name: &'static str },
    #[error("cannot use the meter's map `{name}`")]
    Map { name: &'static str, source: aya::maps::MapError },
    #[error("cannot map the accounts into memory")]
    Mmap { source: io::Error },
    #[error("cannot draw a random number for the new maps")]
    Random { source: io::Error },
    #[error("there is no interface with index {ifindex}: it is gone, or in another network namespace")]
    NoInterface { ifindex: u32 },
    #[error("cannot attach `{name}` to {interface}")]
    Attach { name: &'static str, interface: String, source: Box<aya::programs::ProgramError> },
    #[error("cannot pin or unpin the link {}", path.display())]
    Link { path: PathBuf, source: io::Error },
    #[error("cannot read the pinned link {}", path.display())]
    PinnedLink { path: PathBuf, source: aya::programs::links::LinkError },
    #[error("the meter must be configured before it is attached")]
    NotConfigured,
    #[error(
        "mark bits must not overlap: OK {ok:#x}, from uplink {from_uplink:#x}, slot {slot:#x}; choose others"
    )]
    MarkBits { ok: u32, from_uplink: u32, slot: u32 },
    #[error("a LAN prefix of {0} bits has no room for a gateway and devices: use 8 to 30")]
    Prefix(u8),
    #[error("there is no account {0}: slots go from 1 to {last}", last = hotshare_core::units::Slot::COUNT - 1)]
    NoAccount(u32),
    #[error("cannot wait for packets on their way through the meter")]
    Drain { source: io::Error },
    #[error("cannot watch the meter's events")]
    Events { source: io::Error },
}
