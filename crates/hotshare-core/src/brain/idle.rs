//! Off when nobody is there.

use super::Brain;
use crate::diary::Happening;

impl Brain {
    /// Stops as the owner would, when nobody's device has been there for as long as was set. By boot time: a clock
    /// that is put right ends nothing. Somebody on a wire is there until the lease ends.
    pub(super) fn stop_when_idle(&mut self) {
        let Some(secs) = self.settings.off_when_idle_secs else { return };
        let leased = self.book.leases.keys().filter_map(|mac| self.book.devices.get(mac));
        if leased.into_iter().any(|device| !device.blocked && self.is_there(device)) {
            self.last_there = self.now.boot;
        }
        if self.stopping || self.now.boot < self.last_there.plus_secs(secs) {
            return;
        }
        self.note(Happening::Idle { secs });
        self.idle = true;
        self.stop();
    }

    /// It stopped because nobody was there.
    #[must_use]
    pub fn stopped_when_idle(&self) -> bool {
        self.idle
    }
}
