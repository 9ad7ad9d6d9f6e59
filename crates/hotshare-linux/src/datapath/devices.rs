//! Which account a device on the LAN belongs to, for the kernel.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aya::maps::{HashMap, MapData, MapError};
use hotshare_core::units::{Mac, Slot};

use super::abi::{DeviceKey, DeviceValue};
use super::error::MeterError;

/// A device as the kernel meter knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownDevice {
    /// The LAN interface (the bridge, when there is one).
    pub ifindex: u32,
    pub mac: Mac,
    pub slot: Slot,
    /// Its lease; unspecified (0.0.0.0): none yet.
    pub ip: Ipv4Addr,
}

impl KnownDevice {
    fn key(&self) -> DeviceKey {
        key(self.ifindex, self.mac)
    }
    fn value(&self) -> DeviceValue {
        DeviceValue { slot: self.slot.0, ip4: u32::from_ne_bytes(self.ip.octets()), flags: 0 }
    }
}

fn key(ifindex: u32, mac: Mac) -> DeviceKey {
    DeviceKey { ifindex, mac: mac.0, zero: 0 }
}

fn failed(source: MapError) -> MeterError {
    MeterError::Map { name: "dev", source }
}

pub(super) struct Devices(pub(super) HashMap<MapData, DeviceKey, DeviceValue>);

impl Devices {
    pub(super) fn set(&mut self, device: &KnownDevice) -> Result<(), MeterError> {
        self.0.insert(device.key(), device.value(), 0).map_err(failed)
    }

    /// That it is not there is fine.
    pub(super) fn remove(&mut self, ifindex: u32, mac: Mac) -> Result<(), MeterError> {
        match self.0.remove(&key(ifindex, mac)) {
            Err(MapError::KeyNotFound) => Ok(()),
            Err(MapError::SyscallError(e)) if e.io_error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done.map_err(failed),
        }
    }

    /// Sorted. The daemon is the only writer, so that nothing moves while the map is walked.
    pub(super) fn list(&self) -> Result<Vec<KnownDevice>, MeterError> {
        Ok(self
            .read()?
            .into_iter()
            .map(|(k, v)| KnownDevice {
                ifindex: k.ifindex,
                mac: Mac(k.mac),
                slot: Slot(v.slot),
                ip: Ipv4Addr::from(v.ip4.to_ne_bytes()),
            })
            .collect())
    }

    fn read(&self) -> Result<BTreeMap<DeviceKey, DeviceValue>, MeterError> {
        self.0.iter().collect::<Result<_, _>>().map_err(failed)
    }

    /// Makes the map hold exactly these: strangers leave before anyone comes. True when a device left or
    /// changed its account, whose packets may still be under way.
    pub(super) fn ensure(&mut self, wanted: &[KnownDevice]) -> Result<bool, MeterError> {
        let mut there = self.read()?;
        let wanted: BTreeMap<_, _> = wanted.iter().map(|d| (d.key(), d.value())).collect();
        let mut left = false;
        for key in there.keys().filter(|k| !wanted.contains_key(k)) {
            self.0.remove(key).map_err(failed)?;
            left = true;
        }
        for (key, value) in wanted {
            let before = there.remove(&key);
            if before != Some(value) {
                self.0.insert(key, value, 0).map_err(failed)?;
                left |= before.is_some_and(|b| b.slot != value.slot);
            }
        }
        Ok(left)
    }
}
