//! News from the kernel meter, through its ring buffer.

use std::io;
use std::path::Path;

use aya::maps::{Map, MapData, RingBuf};
use hotshare_core::units::Slot;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::abi::{EVENT_LEN, EVENT_LOW, EVENT_REFUSED};
use super::error::MeterError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    pub slot: Slot,
    pub kind: MeterEventKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterEventKind {
    /// `spent` reached the mark `low`.
    Low,
    /// A packet did not fit (for the plan also: was billed beyond the grant). Said once, until the account is
    /// set again. `last`: there was nothing `later` to be granted.
    Refused { last: bool },
}

/// A reader of the ring buffer. There should be one: each piece of news is read once.
pub struct MeterEvents {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl MeterEvents {
    pub(super) fn open(dir: &Path) -> Result<MeterEvents, MeterError> {
        let name = "events";
        let failed = |source| MeterError::Map { name, source };
        let map = Map::from_map_data(MapData::from_pin(dir.join(name)).map_err(failed)?).map_err(failed)?;
        let ring = RingBuf::try_from(map).map_err(failed)?;
        let ring = watch(ring).map_err(|source| MeterError::Events { source })?;
        Ok(MeterEvents { ring })
    }

    /// The next piece of news. May be dropped while it waits; nothing is lost.
    pub async fn next(&mut self) -> io::Result<MeterEvent> {
        loop {
            if let Some(event) = self.try_next() {
                return Ok(event);
            }
            let mut ready = self.ring.readable_mut().await?;
            ready.clear_ready();
            // What came between the look and the clearing would not wake us again.
            if let Some(event) = Self::take(ready.get_inner_mut()) {
                return Ok(event);
            }
        }
    }

    /// The next piece of news, if there is one already.
    pub fn try_next(&mut self) -> Option<MeterEvent> {
        Self::take(self.ring.get_mut())
    }

    fn take(ring: &mut RingBuf<MapData>) -> Option<MeterEvent> {
        while let Some(item) = ring.next() {
            if let Some(event) = parse(&item) {
                return Some(event);
            }
        }
        None
    }
}

#[allow(unsafe_code, reason = "tokio cannot see that the descriptor stays the same")]
fn watch(ring: RingBuf<MapData>) -> io::Result<AsyncFd<RingBuf<MapData>>> {
    // SAFETY: a ring buffer answers with the one descriptor that it owns until it is dropped.
    let watched = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
    watched.map_err(io::Error::from)
}

/// `None` for what this release does not know.
fn parse(bytes: &[u8]) -> Option<MeterEvent> {
    let bytes: &[u8; EVENT_LEN] = bytes.get(..EVENT_LEN)?.try_into().ok()?;
    let (words, _) = bytes.as_chunks::<4>();
    let [kind, slot, last, _] = words else { return None };
    let kind = match u32::from_ne_bytes(*kind) {
        EVENT_LOW => MeterEventKind::Low,
        EVENT_REFUSED => MeterEventKind::Refused { last: u32::from_ne_bytes(*last) != 0 },
        _ => return None,
    };
    Some(MeterEvent { slot: Slot(u32::from_ne_bytes(*slot)), kind })
}
