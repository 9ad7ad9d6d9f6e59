//! People and their devices. A person owns an allowance; a device spends it.

use crate::units::{Bytes, Mac, PersonId, Slot, UnixTime};

pub use crate::plan::{Every, Hours};
pub use crate::policy::AtEnd;
pub use crate::units::{NotAName, PersonName};

/// What a person may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allowance {
    Unlimited,
    Limited {
        bytes: Bytes,
        every: Every,
    },
    /// A part of what the plan has, by weight; see [`crate::share`].
    Fair,
}

impl Device {
    /// One that was not seen before: nobody's.
    #[must_use]
    pub fn new(mac: Mac, first_seen: UnixTime) -> Device {
        Device {
            mac,
            person: None,
            blocked: false,
            wireless: false,
            slot: None,
            host_name: None,
            first_seen,
            claim: None,
        }
    }
}

/// Somebody who shares the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: PersonName,
    pub allowance: Allowance,
    pub paused: bool,
    /// The kernel account.
    pub slot: Slot,
    pub since: UnixTime,
    /// How many of the person's devices may be on the air at once; `None`: as many as come.
    pub device_limit: Option<u32>,
    /// How much more than another's counts: for fair shares, and for who gets how much of a slow plan. 1 to 100.
    pub weight: u16,
    /// What happens when the allowance is used up.
    pub at_end: AtEnd,
    /// Closed at these hours of the week, by the plan's civil time.
    pub bed_times: Hours,
    /// Closed from then on; `None`: stays.
    pub until: Option<UnixTime>,
}

impl Person {
    /// Somebody new.
    #[must_use]
    pub fn new(id: PersonId, name: PersonName, allowance: Allowance, slot: Slot, since: UnixTime) -> Person {
        Person {
            id,
            name,
            allowance,
            paused: false,
            slot,
            since,
            device_limit: None,
            weight: 1,
            at_end: AtEnd::Stop,
            bed_times: Hours::default(),
            until: None,
        }
    }
}

/// A device, known by its address on the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub mac: Mac,
    /// `None`: nobody's yet; closed, and waiting for the owner.
    pub person: Option<PersonId>,
    pub blocked: bool,
    /// It came over the air: while there is Wi-Fi it spends nothing unless it is on the air, whoever else uses
    /// its address.
    pub wireless: bool,
    /// The kernel account, while it has one.
    pub slot: Option<Slot>,
    /// What it calls itself: hostile text, already cut to 64 characters.
    pub host_name: Option<String>,
    pub first_seen: UnixTime,
    /// Who its user says to be, while it is nobody's.
    pub claim: Option<Claim>,
}

/// What somebody answers when they are asked who they are: a stranger's text, for the owner to judge. Of 40 characters
/// at most, and only of such as cannot harm wherever it is shown: letters and digits of any script, spaces, `-`, `_`,
/// `.` and `'`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim(String);

/// There is nothing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that says nobody's name: write 1 to 40 letters or digits")]
pub struct NotAClaim;

impl Claim {
    /// Reads no more than so much of a text.
    const LONGEST: usize = 40;

    /// What of a text may be kept: other characters are left out, and of several spaces one is kept.
    ///
    /// # Errors
    /// Neither a letter nor a digit is in it.
    pub fn new(text: &str) -> Result<Claim, NotAClaim> {
        let fits = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\'');
        let words = text.split_whitespace().map(|word| word.chars().filter(fits).collect::<String>());
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        let text: String = words.join(" ").chars().take(Claim::LONGEST).collect();
        let text = text.trim_end().to_owned();
        if text.chars().any(char::is_alphanumeric) { Ok(Claim(text)) } else { Err(NotAClaim) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_short_and_harmless() {
        for (text, kept) in [
            ("Bo", "Bo"),
            ("  Anna\tMaria \r\n O'Neill-Weiß ", "Anna Maria O'Neill-Weiß"),
            ("小明", "小明"),
            ("<script>alert(1)</script>", "scriptalert1script"),
            ("a\u{202e}b\u{0}c\u{1b}[2J", "abc2J"),
            ("< & >  x", "x"),
        ] {
            assert_eq!(
                Claim::new(text).map(|claim| claim.as_str().to_owned()),
                Ok(kept.to_owned()),
                "{text:?}"
            );
        }
        for text in ["", "   ", "\u{202e}", "<>&", "-- ..", "\u{300}"] {
            assert_eq!(Claim::new(text), Err(NotAClaim), "{text:?}");
        }
        let long = Claim::new(&"ab ".repeat(10_000)).expect("a claim");
        assert!(long.as_str().chars().count() <= 40, "{long:?}");
        assert_eq!(Claim::new(long.as_str()), Ok(long));
    }
}
