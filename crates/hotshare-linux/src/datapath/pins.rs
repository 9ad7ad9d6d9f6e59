//! The folder of pins: made, checked, removed. A pinned map or link lives on when the daemon dies.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::{Map, MapData, MapInfo, MapType};
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::abi::{
    ABI, ACCOUNTS, AccountCell, ConfigValue, DEVICES, DeviceKey, DeviceValue, EVENT_BYTES, QueueValue,
    REASON_ROOM,
};
use super::error::MeterError;

/// Where every system has its BPF file system, or lacks one.
const BPFFS: &str = "/sys/fs/bpf";
const BPF_F_MMAPABLE: u32 = 1 << 10;

struct Wanted {
    name: &'static str,
    kind: MapType,
    key: usize,
    value: usize,
    entries: u32,
    flags: u32,
}

const WANTED: [Wanted; 6] = [
    Wanted {
        name: "acct",
        kind: MapType::Array,
        key: 4,
        value: size_of::<AccountCell>(),
        entries: ACCOUNTS,
        flags: BPF_F_MMAPABLE,
    },
    Wanted {
        name: "dev",
        kind: MapType::Hash,
        key: size_of::<DeviceKey>(),
        value: size_of::<DeviceValue>(),
        entries: DEVICES,
        flags: 0,
    },
    Wanted {
        name: "cfg",
        kind: MapType::Array,
        key: 4,
        value: size_of::<ConfigValue>(),
        entries: 1,
        flags: 0,
    },
    Wanted { name: "events", kind: MapType::RingBuf, key: 0, value: 0, entries: EVENT_BYTES, flags: 0 },
    Wanted {
        name: "waiting",
        kind: MapType::Array,
        key: 4,
        value: size_of::<QueueValue>(),
        entries: 1,
        flags: 0,
    },
    Wanted { name: "reasons", kind: MapType::PerCpuArray, key: 4, value: 8, entries: REASON_ROOM, flags: 0 },
];

fn is_bpffs(path: &Path) -> bool {
    statfs(path).is_ok_and(|s| s.filesystem_type() == BPF_FS_MAGIC)
}

/// Makes `dir`, on a BPF file system. One is mounted at its usual place when nothing is there yet.
pub(super) fn ensure_folder(dir: &Path) -> Result<(), MeterError> {
    if dir.starts_with(BPFFS) {
        ensure_mounted(Path::new(BPFFS))?;
    }
    let failed = |source| MeterError::Folder { path: dir.to_owned(), source };
    let existing = dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    if !is_bpffs(existing) {
        return Err(MeterError::NotBpffs { path: dir.to_owned() });
    }
    fs::create_dir_all(dir).map_err(failed)
}

/// Under a lock on the parent folder: a second mount would hide the pins below the first.
fn ensure_mounted(at: &Path) -> Result<(), MeterError> {
    let failed = |source| MeterError::Mount { path: at.to_owned(), source };
    if is_bpffs(at) {
        return Ok(());
    }
    let parent = File::open(at.parent().unwrap_or(at)).map_err(failed)?;
    let _locked = Flock::lock(parent, FlockArg::LockExclusive).map_err(|(_, e)| failed(e.into()))?;
    if is_bpffs(at) {
        return Ok(());
    }
    let options = Some("mode=0700");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("bpf"), at, Some("bpf"), flags, options).map_err(|e| failed(e.into()))
}

/// Whether all maps are pinned here, and fit. Fewer than all are what a crash left of a first start, before
/// anything was counted: they are removed.
pub(super) fn check_maps(dir: &Path) -> Result<bool, MeterError> {
    let pinned = WANTED.iter().filter(|w| dir.join(w.name).exists()).count();
    if pinned < WANTED.len() {
        for w in &WANTED {
            unpin(&dir.join(w.name))?;
        }
        return Ok(false);
    }
    for w in &WANTED {
        check_map(dir.join(w.name), w)?;
    }
    let path = dir.join("cfg");
    let found = read_config(&path)?;
    if found.abi != ABI && found.abi != 0 {
        let (found, wanted) = (found.abi.into(), ABI.into());
        return Err(MeterError::Incompatible { path, what: "its ABI number", found, wanted });
    }
    Ok(found.generation != 0)
}

fn check_map(path: PathBuf, w: &Wanted) -> Result<(), MeterError> {
    let read = |source| MeterError::Pinned { path: path.clone(), source };
    let info = MapInfo::from_pin(&path).map_err(read)?;
    let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let kind = info.map_type().map_err(read)?;
    for (what, found, wanted) in [
        ("its type", kind as u64, w.kind as u64),
        ("its key size", info.key_size().into(), size(w.key)),
        ("its value size", info.value_size().into(), size(w.value)),
        ("its size", info.max_entries().into(), w.entries.into()),
        ("its flags word", info.map_flags().into(), w.flags.into()),
    ] {
        if found != wanted {
            return Err(MeterError::Incompatible { path, what, found, wanted });
        }
    }
    Ok(())
}

fn read_config(path: &Path) -> Result<ConfigValue, MeterError> {
    let read = |source| MeterError::Pinned { path: path.to_owned(), source };
    let map = Map::from_map_data(MapData::from_pin(path).map_err(read)?).map_err(read)?;
    let array = aya::maps::Array::<_, ConfigValue>::try_from(map).map_err(read)?;
    array.get(&0, 0).map_err(read)
}

/// Removes one pin; that there is none is fine.
pub(super) fn unpin(path: &Path) -> Result<(), MeterError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(MeterError::Folder { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes all pins, the folder, and those above it that are empty and ours to remove.
pub(super) fn remove_folder(dir: &Path) -> Result<(), MeterError> {
    for w in &WANTED {
        unpin(&dir.join(w.name))?;
    }
    let failed = |source| MeterError::Folder { path: dir.to_owned(), source };
    match fs::remove_dir(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let Some(parent) = dir.parent().filter(|p| p.starts_with(BPFFS) && *p != Path::new(BPFFS)) else {
        return Ok(());
    };
    match fs::remove_dir(parent) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Err(failed(e))
        }
        _ => Ok(()),
    }
}
