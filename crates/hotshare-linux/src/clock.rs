//! What the kernel's clocks say.

use hotshare_core::units::{BootTime, Now, UnixTime};
use nix::time::{ClockId, clock_gettime};

/// Boot time, wall time, and whether the wall clock is disciplined.
#[must_use]
pub fn now() -> Now {
    Now { boot: boot(), wall: wall(), synced: synced() }
}

/// `CLOCK_BOOTTIME`: the clock that grants expire by.
#[must_use]
pub fn boot() -> BootTime {
    // Cannot fail: the clock exists on every kernel that has tcx.
    let Ok(time) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return BootTime(0) };
    let (seconds, nanos) = (time.tv_sec().unsigned_abs(), time.tv_nsec().unsigned_abs());
    BootTime(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

fn wall() -> UnixTime {
    UnixTime(clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| time.tv_sec()))
}

/// The kernel's own word (`STA_UNSYNC`), which chrony, ntpd and systemd-timesyncd all keep.
fn synced() -> bool {
    let (state, status) = adjtimex::read();
    state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0
}

mod adjtimex {
    #![allow(unsafe_code, reason = "nix has no adjtimex")]

    /// The clock's state and its status bits; changes nothing.
    pub(super) fn read() -> (i32, i32) {
        // SAFETY: timex is plain numbers, for which all zero is valid; modes 0 asks without changing anything.
        let mut timex: libc::timex = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a timex that lives through the call.
        let state = unsafe { libc::adjtimex(&raw mut timex) };
        if state < 0 { (libc::TIME_ERROR, libc::STA_UNSYNC) } else { (state, timex.status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_runs_on_and_the_wall_clock_is_of_this_century() {
        let first = now();
        let second = now();
        assert!(second.boot >= first.boot && first.boot.0 > 0);
        assert!(first.wall > UnixTime(1_600_000_000));
    }
}
