//! Whoever uses a device that nobody knows says who they are, and the owner hears of it.

use super::Brain;
use crate::ask::Refusal;
use crate::diary::Happening;
use crate::lease::pace::Pace;
use crate::people::{Claim, Device};
use crate::record::Change;
use crate::units::Mac;

/// From one device: so many at once, then one in so many milliseconds. Each is written to the disk, and anybody on the
/// LAN may send it.
const AT_ONCE: u64 = 3;
const APART_MILLIS: u64 = 60_000;
const DEVICES: usize = 256;

pub(super) fn pace() -> Pace {
    Pace::new(DEVICES, AT_ONCE, APART_MILLIS)
}

impl Brain {
    pub(super) fn claim(&mut self, mac: Mac, claim: &Claim) -> Result<Vec<Change>, Refusal> {
        let device = self.device(mac)?.clone();
        if device.person.is_some() || device.blocked {
            return Err(Refusal::NotWaiting(mac));
        }
        if device.claim.as_ref() == Some(claim) {
            return Ok(Vec::new());
        }
        if !self.claims.take(&mac.0, self.now.boot) {
            return Err(Refusal::TooOften);
        }
        let line = Change::Noted(Happening::DeviceClaim { mac, claim: claim.clone() }.noted(self.at));
        Ok(vec![Change::Device(Device { claim: Some(claim.clone()), ..device }), line])
    }
}
