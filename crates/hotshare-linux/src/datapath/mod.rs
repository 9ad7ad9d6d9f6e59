//! The kernel meter: tcx programs, their pinned maps and links. `bpf/hotshare.bpf.c` says what they do.
//!
//! This module loads and feeds them. It decides nothing: grants, closing and opening come as
//! [`AccountOrder`]s. The programs go on when this process dies; accounts close by themselves at their expiry.

mod abi;
mod accounts;
mod config;
mod devices;
mod error;
mod events;
mod links;
mod pins;
mod queue;
mod reasons;

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use aya::maps::{Array, HashMap, MapData, PerCpuArray};
use aya::{Ebpf, EbpfLoader};
use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::units::{BootTime, Mac, Slot};

pub use config::{LinkHeader, MarkBits, MeterConfig};
pub use devices::KnownDevice;
pub use error::MeterError;
pub use events::{MeterEvent, MeterEventKind, MeterEvents};
pub use links::Role;
pub use queue::{Queue, QueueEnds, QueueError};
pub use reasons::Reason;

use abi::{ConfigValue, QueueValue};
use accounts::Accounts;
use devices::Devices;

/// Compiled from `bpf/hotshare.bpf.c` by `cargo xtask bpf`, which also proves that it is.
static OBJECT: &[u8] = aya::include_bytes_aligned!("bpf/hotshare.bpfel.o");

/// Where slowed packets wait, and where they go on to, as interface numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePath {
    pub ends: QueueEnds,
    pub uplink: u32,
    pub lan: u32,
}

/// The kernel meter, loaded. Dropping it leaves the programs attached, as pinned.
pub struct Meter {
    ebpf: Ebpf,
    accounts: Accounts,
    devices: Devices,
    config: Array<MapData, ConfigValue>,
    waiting: Array<MapData, QueueValue>,
    reasons: PerCpuArray<MapData, u64>,
    dir: PathBuf,
    generation: u64,
    fresh: bool,
}

impl Meter {
    /// Loads the programs and takes over the maps pinned in `dir`, or makes new ones. Needs root.
    ///
    /// `dir` must be on a BPF file system; one is mounted at `/sys/fs/bpf` if that is not one yet. Programs
    /// that an earlier process attached run on until [`Meter::attach`] replaces them.
    pub fn open(dir: &Path) -> Result<Meter, MeterError> {
        pins::ensure_folder(dir)?;
        let known = pins::check_maps(dir)?;
        let mut ebpf = EbpfLoader::new()
            .btf(None) // the programs need nothing of the running kernel's types
            .default_map_pin_directory(dir)
            .load(OBJECT)
            .map_err(|source| MeterError::Load { source: Box::new(source) })?;
        for hook in links::HOOKS {
            let name = hook.name;
            let program = links::program(&mut ebpf, name)?;
            program.load().map_err(|source| MeterError::Program { name, source: Box::new(source) })?;
        }
        let aya::maps::Map::Array(acct) = take(&mut ebpf, "acct")? else {
            return Err(MeterError::Missing { name: "acct" });
        };
        let accounts = Accounts::map(acct.fd().as_fd())?;
        let devices = HashMap::try_from(take(&mut ebpf, "dev")?).map_err(bad("dev"))?;
        let config = Array::try_from(take(&mut ebpf, "cfg")?).map_err(bad("cfg"))?;
        let waiting = Array::try_from(take(&mut ebpf, "waiting")?).map_err(bad("waiting"))?;
        let reasons = PerCpuArray::try_from(take(&mut ebpf, "reasons")?).map_err(bad("reasons"))?;
        let mut meter = Meter {
            ebpf,
            accounts,
            devices: Devices(devices),
            config,
            waiting,
            reasons,
            dir: dir.to_owned(),
            generation: 0,
            fresh: !known,
        };
        meter.generation = meter.ensure_generation()?;
        Ok(meter)
    }

    fn ensure_generation(&mut self) -> Result<u64, MeterError> {
        let mut value = self.config.get(&0, 0).map_err(bad("cfg"))?;
        if value.generation == 0 {
            value.generation = random()?.max(1);
            value.abi = abi::ABI;
            self.config.set(0, value, 0).map_err(bad("cfg"))?;
        }
        Ok(value.generation)
    }

    /// Random, drawn when the maps were made: counters of two generations have nothing to do with each other.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The maps were made just now: every counter begins at zero.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Tells the programs about the box. Before the first [`Meter::attach`], and when something changes.
    pub fn configure(&mut self, config: &MeterConfig) -> Result<(), MeterError> {
        let value = config.value(self.generation)?;
        self.config.set(0, value, 0).map_err(bad("cfg"))
    }

    /// Puts both programs of `role` on an interface of this network namespace; when older ones are there they
    /// are replaced, each at once. An interface that was deleted and made again needs this again.
    pub fn attach(&mut self, role: Role, ifindex: u32) -> Result<(), MeterError> {
        if self.config.get(&0, 0).map_err(bad("cfg"))?.ok == 0 {
            return Err(MeterError::NotConfigured);
        }
        links::attach(&mut self.ebpf, &self.dir, role, ifindex)
    }

    /// Takes both programs of `role` off. That there are none is fine.
    pub fn detach(&mut self, role: Role) -> Result<(), MeterError> {
        links::detach(&self.dir, role)
    }

    /// Whether both programs of `role` run on this very interface now.
    pub fn is_attached(&self, role: Role, ifindex: u32) -> Result<bool, MeterError> {
        links::is_attached(&self.dir, role, ifindex)
    }

    /// What an account's counters say.
    pub fn reading(&self, slot: Slot) -> Result<Reading, MeterError> {
        self.accounts.reading(slot)
    }

    /// Gives the kernel an order for one account, and returns what the counters say afterwards: `low` may have
    /// been passed already, which the kernel then does not report. When the order lowers `granted`, no packet
    /// that was measured by the old grant is under way any more on return (takes some milliseconds).
    pub fn set_account(&self, slot: Slot, order: &AccountOrder) -> Result<Reading, MeterError> {
        if self.accounts.set(slot, order)? {
            accounts::drain()?;
        }
        self.accounts.reading(slot)
    }

    /// Moves an account's expiry, and nothing else.
    pub fn renew(&self, slot: Slot, expiry: BootTime) -> Result<(), MeterError> {
        self.accounts.renew(slot, expiry)
    }

    /// Makes these devices known, and no others.
    pub fn ensure_devices(&mut self, devices: &[KnownDevice]) -> Result<(), MeterError> {
        if self.devices.ensure(devices)? { accounts::drain() } else { Ok(()) }
    }

    /// Makes one device known, or changes its address or account.
    pub fn set_device(&mut self, device: &KnownDevice) -> Result<(), MeterError> {
        self.devices.set(device)
    }

    /// Forgets one device. On return no packet of it is under way any more: its slot may be used again.
    pub fn remove_device(&mut self, ifindex: u32, mac: Mac) -> Result<(), MeterError> {
        self.devices.remove(ifindex, mac)?;
        accounts::drain()
    }

    /// The devices the kernel knows, sorted.
    pub fn devices(&self) -> Result<Vec<KnownDevice>, MeterError> {
        self.devices.list()
    }

    /// A reader of the kernel's news. Needs a tokio runtime with I/O; there should be one reader.
    pub fn events(&self) -> Result<MeterEvents, MeterError> {
        MeterEvents::open(&self.dir)
    }

    /// Lets slowed packets wait in a queue before they go on to `uplink` or `lan`. Once more after one of these has
    /// another number. `None`: there is no queue, and who is too fast is refused at once.
    pub fn queue_through(&mut self, path: Option<QueuePath>) -> Result<(), MeterError> {
        if let Some(QueuePath { ends, .. }) = path {
            self.attach(Role::QueueOut, ends.front)?;
            self.attach(Role::QueueIn, ends.back)?;
        }
        let value = path.map_or_else(QueueValue::default, |q| QueueValue {
            enter: q.ends.front,
            uplink: q.uplink,
            lan: q.lan,
            spare: 0,
        });
        self.waiting.set(0, value, 0).map_err(bad("waiting"))
    }

    /// How many packets were dropped or passed on unmarked, and why, since the maps were made.
    pub fn reasons(&self) -> Result<Vec<(Reason, u64)>, MeterError> {
        (1..)
            .zip(Reason::ALL)
            .map(|(i, reason)| {
                let per_cpu = self.reasons.get(&i, 0).map_err(bad("reasons"))?;
                Ok((reason, per_cpu.iter().sum()))
            })
            .collect()
    }

    /// Takes everything away: programs, links, maps, the folder. The mount of the BPF file system stays.
    pub fn remove(self) -> Result<(), MeterError> {
        let Meter { dir, .. } = self;
        remove(&dir)
    }
}

/// Takes away what a meter left in `dir`, without loading one: what a release that is gone left behind. That
/// there is nothing is fine.
pub fn remove(dir: &Path) -> Result<(), MeterError> {
    detach(dir)?;
    pins::remove_folder(dir)
}

/// Takes the programs off, and leaves the maps with what they counted.
pub fn detach(dir: &Path) -> Result<(), MeterError> {
    // Whoever marks packets goes first; the charge points go last.
    Role::ALL.into_iter().try_for_each(|role| links::detach(dir, role))
}

fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<aya::maps::Map, MeterError> {
    ebpf.take_map(name).ok_or(MeterError::Missing { name })
}

fn bad(name: &'static str) -> impl Fn(aya::maps::MapError) -> MeterError {
    move |source| MeterError::Map { name, source }
}

fn random() -> Result<u64, MeterError> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut f| f.read_exact(&mut bytes))
        .map_err(|source| MeterError::Random { source })?;
    Ok(u64::from_ne_bytes(bytes))
}
