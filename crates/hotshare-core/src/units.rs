//! The words that every stage shares: bytes, times, addresses and ids.

use std::fmt;
use std::str::FromStr;

/// A number of layer-3 bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Bytes {
    pub const ZERO: Bytes = Bytes(0);
    pub const KIB: Bytes = Bytes(1 << 10);
    pub const MIB: Bytes = Bytes(1 << 20);
    pub const GIB: Bytes = Bytes(1 << 30);

    #[must_use]
    pub const fn mib(n: u64) -> Bytes {
        Bytes(n << 20)
    }
    #[must_use]
    pub const fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
    #[must_use]
    pub const fn saturating_add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
    /// As a signed amount for a ledger entry; saturates at `i64::MAX` (8 EiB).
    #[must_use]
    pub fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
    /// From a ledger sum; a negative sum is nothing.
    #[must_use]
    pub fn from_signed(n: i64) -> Bytes {
        Bytes(u64::try_from(n).unwrap_or(0))
    }

    /// As people read amounts: “8.4 MB”. Rounded up, so that a loss is not made smaller.
    #[must_use]
    pub fn readable(self) -> String {
        let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
        let mut tenths = u128::from(self.0) * 10;
        if self.0 < 1000 {
            return format!("{} B", self.0);
        }
        for unit in units {
            tenths = tenths.div_ceil(1000);
            if tenths < 10_000 {
                return format!("{}.{} {unit}", tenths / 10, tenths % 10);
            }
        }
        self.to_string()
    }
}

impl std::ops::Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        self.saturating_add(other)
    }
}
impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}
impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        iter.fold(Bytes::ZERO, |a, b| a + b)
    }
}
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", self.0)
    }
}

/// Layer-3 bytes a second on the wire, each direction by itself. 0 is treated as 1: to let nothing pass, close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

impl Rate {
    /// From bits a second, as lines are sold.
    #[must_use]
    pub const fn bits(n: u64) -> Rate {
        Rate(n / 8)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B/s", self.0)
    }
}

/// Nanoseconds since boot, suspend included (`CLOCK_BOOTTIME`): never jumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(pub u64);

impl BootTime {
    #[must_use]
    pub const fn plus_millis(self, ms: u64) -> BootTime {
        BootTime(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }
    #[must_use]
    pub const fn plus_secs(self, s: u64) -> BootTime {
        self.plus_millis(s.saturating_mul(1_000))
    }
    #[must_use]
    pub const fn millis_since(self, earlier: BootTime) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// Seconds since 1970-01-01 UTC, as the wall clock says. It may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

/// What the hands' clocks say at the moment of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub boot: BootTime,
    pub wall: UnixTime,
    /// The kernel says that the wall clock is disciplined (NTP or equal; `STA_UNSYNC` is clear).
    pub synced: bool,
}

/// A hardware (MAC) address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// A unicast address that a station may own: not all zero, group bit clear.
    #[must_use]
    pub const fn is_station(self) -> bool {
        self.0[0] & 1 == 0 && !matches!(self.0, [0, 0, 0, 0, 0, 0])
    }
    /// The locally administered bit: phones that rotate their address set it (IEEE 802c).
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.0[0] & 2 != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a hardware address: write six pairs of hex digits, such as 02:00:5e:10:00:01")]
pub struct NotAMac(pub String);

impl FromStr for Mac {
    type Err = NotAMac;
    fn from_str(s: &str) -> Result<Mac, NotAMac> {
        let wrong = || NotAMac(s.to_owned());
        let mut mac = [0; 6];
        let mut parts = s.split([':', '-']);
        for byte in &mut mac {
            let part = parts.next().ok_or_else(wrong)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() { Err(wrong()) } else { Ok(Mac(mac)) }
    }
}

/// A person, for ever: never given to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub u32);

/// A person's name: 1 to 32 characters, lower-case letters, digits, `-` and `_`, first a letter or digit.
/// Short and plain, because it is typed, printed in terminals and used in addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{}” is not a name a person can have: use 1 to 32 letters (any script, lower case), digits, “-” and “_”, beginning with a letter or digit",
    .0.escape_debug()
)]
pub struct NotAName(pub String);

impl PersonName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PersonName {
    type Err = NotAName;
    fn from_str(s: &str) -> Result<PersonName, NotAName> {
        let fits = |c: char| c.is_alphanumeric() && !c.is_uppercase();
        let good = s.chars().count() <= 32
            && s.chars().next().is_some_and(fits)
            && s.chars().all(|c| fits(c) || c == '-' || c == '_');
        if good { Ok(PersonName(s.to_owned())) } else { Err(NotAName(s.to_owned())) }
    }
}

/// An account's place in the kernel's account map. 0 is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// The plan of the uplink.
    pub const PLAN: Slot = Slot(1);
    /// The first one that a person or a device may have.
    pub const FIRST_FREE: Slot = Slot(2);
    /// As many accounts as the kernel map holds.
    pub const COUNT: u32 = 4096;
}

/// A part of a plan, for ever: never given to another. 0 is the main part of the first plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(pub u32);

impl BucketId {
    pub const FIRST: BucketId = BucketId(0);
}

/// A data card of this box, for ever: never given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardId(pub u32);

impl CardId {
    pub const FIRST: CardId = CardId(1);
}

/// Whose account. What is *used* and what is *credited* on top of a cap or an allowance are kept apart, so that a
/// gift does not look like less use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Used of a part of a plan.
    Bucket(BucketId),
    /// Used by a person.
    Person(PersonId),
    /// On top of the part's cap: rolled over, or bought.
    BucketCredit(BucketId),
    /// On top of the person's allowance: given by the owner or by others; negative when given away.
    PersonCredit(PersonId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (8_388_608, "8.4 MB"),
            (999_950_001, "1.0 GB"),
            (u64::MAX, "18.5 EB"),
        ] {
            assert_eq!(Bytes(bytes).readable(), text);
        }
    }
}
