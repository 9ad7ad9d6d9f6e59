//! What the kernel meter says, and how readings become usage.

use crate::units::{BootTime, Bytes, Rate, Slot};

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

impl Reading {
    /// Forwarded in both directions; for the plan: billed.
    #[must_use]
    pub fn used(&self) -> Bytes {
        self.up + self.down
    }
}

impl AccountOrder {
    /// Nothing passes, and nothing that was granted can be spent.
    #[must_use]
    pub fn closed(reading: &Reading) -> AccountOrder {
        AccountOrder {
            granted: reading.used(),
            low: Bytes(u64::MAX),
            later: Bytes::ZERO,
            reserve: Bytes::ZERO,
            expiry: BootTime(0),
            open: false,
            count_only: false,
            glide: false,
            parent: Slot(0),
            rate: None,
            weight: 1,
        }
    }
}

/// What the kernel is to hold for one account. Written only by the daemon; the kernel's own fields
/// (spent, up, down, refused) are never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOrder {
    /// Cumulative total that may be spent, counted like [`Reading::spent`].
    pub granted: Bytes,
    /// The packet that takes `spent` to this mark reports [`crate::brain::Event`] news: time for the next
    /// grant. `Bytes(u64::MAX)` for never.
    pub low: Bytes,
    /// Of the balance, what is not granted yet. 0: this is the last grant.
    pub later: Bytes,
    /// Not for people: kept for what is in flight when the plan closes, and for the box's own needs.
    pub reserve: Bytes,
    /// Closed from this boot time on.
    pub expiry: BootTime,
    pub open: bool,
    /// Counts, but holds no grants: devices.
    pub count_only: bool,
    /// Slows down towards the end: the plan, when it has a cap.
    pub glide: bool,
    /// Whose grants are taken as well; slot 0 for nobody's.
    pub parent: Slot,
    /// Not faster than this, in each direction: a person; or, on the plan's account, all people together, who
    /// share it by weight. The box's own traffic is not slowed. `None`: as fast as the line.
    pub rate: Option<Rate>,
    /// A person's part of the plan's rate, against the weights of the others who are active. 1 or more.
    pub weight: u16,
}
