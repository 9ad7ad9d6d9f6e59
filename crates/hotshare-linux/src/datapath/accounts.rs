//! The accounts, in memory shared with the kernel: plain loads and stores, no system call.
//!
//! The daemon's fields and the kernel's fields are disjoint (but for `told`), so that no store can lose a
//! packet's bytes. A map update would: it writes the whole element.
#![allow(unsafe_code, reason = "memory shared with the kernel programs")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use hotshare_core::meter::{AccountOrder, Reading};
use hotshare_core::units::{BootTime, Bytes, Rate, Slot};

use super::abi::{ACCOUNTS, AccountCell, COUNT_ONLY, GLIDE, OPEN, RATED};
use super::error::MeterError;
use crate::clock;

const LENGTH: usize = ACCOUNTS as usize * size_of::<AccountCell>();

/// As the programs have it, in ns.
const RATE_BURST: u64 = 300_000_000;
/// Faster than any line, and no product with it overflows.
const FASTEST: u64 = 1_000_000_000_000;

pub(super) struct Accounts {
    first: NonNull<AccountCell>,
}

// SAFETY: the memory belongs to this value until it is dropped, and all of it is atomics.
unsafe impl Send for Accounts {}
// SAFETY: as above.
unsafe impl Sync for Accounts {}

impl Accounts {
    /// Maps the accounts of `fd`, an array map made with `BPF_F_MMAPABLE` of the size in `abi`.
    pub(super) fn map(fd: BorrowedFd<'_>) -> Result<Accounts, MeterError> {
        // SAFETY: a new shared mapping of a descriptor that is open; it touches no existing memory.
        let at = unsafe {
            libc::mmap(
                null_mut(),
                LENGTH,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        let failed = || MeterError::Mmap { source: io::Error::last_os_error() };
        if at == libc::MAP_FAILED {
            return Err(failed());
        }
        Ok(Accounts { first: NonNull::new(at.cast()).ok_or_else(failed)? })
    }

    fn cell(&self, slot: Slot) -> Result<&AccountCell, MeterError> {
        if slot.0 == 0 || slot.0 >= ACCOUNTS {
            return Err(MeterError::NoAccount(slot.0));
        }
        // SAFETY: the mapping holds ACCOUNTS cells, page-aligned, for as long as `self`; the slot is below.
        Ok(unsafe { self.first.add(slot.0 as usize).as_ref() })
    }

    /// What was forwarded is read before what was taken: a reading never shows more used than spent.
    pub(super) fn reading(&self, slot: Slot) -> Result<Reading, MeterError> {
        let a = self.cell(slot)?;
        Ok(Reading {
            up: Bytes(a.up.load(Acquire)),
            down: Bytes(a.down.load(Acquire)),
            refused_up: Bytes(a.refused_up.load(Acquire)),
            refused_down: Bytes(a.refused_down.load(Acquire)),
            spent: Bytes(a.spent.load(Acquire)),
            granted: Bytes(a.granted.load(Acquire)),
        })
    }

    /// Stores an order so that every state in between is at most as generous as before or after: what takes
    /// away goes first, what gives comes last. True when `granted` went down: packets that saw the old grant
    /// may still be on their way.
    pub(super) fn set(&self, slot: Slot, order: &AccountOrder) -> Result<bool, MeterError> {
        let a = self.cell(slot)?;
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let flags = flag(order.open, OPEN)
            | flag(order.count_only, COUNT_ONLY)
            | flag(order.glide, GLIDE)
            | flag(order.rate.is_some(), RATED);
        let (granted, later, reserve) = (order.granted.0, order.later.0, order.reserve.0);
        let lowered = granted < a.granted.load(Relaxed);

        if !order.open {
            a.flags.store(flags, Release);
        }
        a.parent.store(order.parent.0, Release);
        if lowered {
            a.granted.store(granted, SeqCst);
        }
        if reserve > a.reserve.load(Relaxed) {
            a.reserve.store(reserve, Release);
        }
        if later < a.later.load(Relaxed) {
            a.later.store(later, Release);
        }
        set_rate(a, order);
        a.low.store(order.low.0, Release);
        a.expiry.store(order.expiry.0, Release);
        a.granted.store(granted, SeqCst);
        a.later.store(later, Release);
        a.reserve.store(reserve, Release);
        a.told.store(0, Release);
        a.flags.store(flags, Release);
        Ok(lowered)
    }

    pub(super) fn renew(&self, slot: Slot, expiry: BootTime) -> Result<(), MeterError> {
        self.cell(slot)?.expiry.store(expiry.0, Release);
        Ok(())
    }
}

/// Before the flags: whoever sees that there is a rate sees which. A changed one holds at once, also for what was
/// let through already: it is due as much sooner or later as the rate is higher or lower.
fn set_rate(a: &AccountCell, order: &AccountOrder) {
    let Some(Rate(rate)) = order.rate else { return };
    let (rate, before) = (rate.clamp(1, FASTEST), a.rate.load(Relaxed));
    let had = a.flags.load(Relaxed) & RATED != 0;
    if had && rate == before {
        return;
    }
    a.rate.store(rate, Release);
    let now = clock::boot().0;
    for due in [&a.due_up, &a.due_down] {
        let moved = |due: u64| {
            // Who was not slowed before begins in the middle, with half a burst.
            let ahead = if had { due.saturating_sub(now) } else { RATE_BURST / 2 };
            let scaled =
                if had { u128::from(ahead) * u128::from(before) / u128::from(rate) } else { ahead.into() };
            Some(now.saturating_add(u64::try_from(scaled).unwrap_or(u64::MAX)))
        };
        let _ = due.fetch_update(AcqRel, Relaxed, moved);
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        // SAFETY: the very mapping that `map` made; nothing borrowed from it outlives `self`.
        unsafe { libc::munmap(self.first.as_ptr().cast(), LENGTH) };
    }
}

/// Returns once no packet is under way that saw the kernel's maps as they were before the call.
pub(super) fn drain() -> Result<(), MeterError> {
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: a system call without pointers. It waits for an RCU grace period, and programs run within one.
    let r = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if r == 0 {
        return Ok(());
    }
    let source = io::Error::last_os_error();
    match source.raw_os_error() {
        // A kernel without it, or with CPUs that have no tick. A packet is under way for microseconds.
        Some(libc::ENOSYS | libc::EINVAL) => Ok(()),
        _ => Err(MeterError::Drain { source }),
    }
}
