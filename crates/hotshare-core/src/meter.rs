//! What the kernel meter says, and how readings become usage.

use crate::units::Bytes;

/// One account's cumulative counters, as the kernel holds them since the maps were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The grant total that the kernel was last given.
    pub granted: Bytes,
    /// Taken from the grants. May for an instant include a packet that is about to be refunded.
    pub spent: Bytes,
    /// Forwarded, as the device sees it. For the plan: billed.
    pub up: Bytes,
    pub down: Bytes,
    /// Refused uploads (never sent) and downloads (billed by the carrier, delivered to nobody).
    pub refused_up: Bytes,
    pub refused_down: Bytes,
}

/// The difference of two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub up: Bytes,
    pub down: Bytes,
    pub refused_up: Bytes,
    pub refused_down: Bytes,
}

impl Usage {
    #[must_use]
    pub fn total(&self) -> Bytes {
        self.up + self.down
    }
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Usage::default()
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, o: Usage) {
        self.up += o.up;
        self.down += o.down;
        self.refused_up += o.refused_up;
        self.refused_down += o.refused_down;
    }
}

impl Reading {
    /// Usage since `earlier`, a reading of the same map. Counters only grow; if one seems to shrink it is
    /// nothing, never a huge number.
    #[must_use]
    pub fn since(&self, earlier: &Reading) -> Usage {
        Usage {
            up: self.up.saturating_sub(earlier.up),
            down: self.down.saturating_sub(earlier.down),
            refused_up: self.refused_up.saturating_sub(earlier.refused_up),
            refused_down: self.refused_down.saturating_sub(earlier.refused_down),
        }
    }
}
