//! Keys of the Wi-Fi network. Each person has one of their own, so that whoever joins with it is that person;
//! a network without personal keys has one for everybody.

use std::fmt;

use crate::units::{PersonId, UnixTime};

mod draw;
mod judge;

pub use draw::{Drawn, MADE_BITS, NoDraw, draw};
pub use judge::{Guess, OWN_GUESSES_LOG10, WeakPassphrase, judge};

/// The number of a key, never given twice: what hostapd calls `keyid`, written `k17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyOwner {
    Person(PersonId),
    /// Everybody's, in a network where the key does not say who it is.
    Network,
}

/// A key that is in force until it is revoked, or until its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub owner: KeyOwner,
    pub passphrase: Passphrase,
    pub since: UnixTime,
    /// Not in force from this moment on. `None`: no end.
    pub until: Option<UnixTime>,
}

impl Key {
    #[must_use]
    pub fn is_in_force(&self, at: UnixTime) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// What is typed to join: 8 to 63 characters of printable ASCII (IEEE 802.11-2020, J.4.1).
///
/// It shows itself only when asked by [`Passphrase::secret`].
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassphrase {
    #[error("a passphrase has 8 to 63 characters, this one has {0}")]
    Length(usize),
    #[error(
        "a passphrase is made of plain ASCII letters, digits, spaces and signs, because not every device can type the rest"
    )]
    Character,
    #[error("a passphrase cannot begin or end with a space: nobody would see it")]
    Space,
}

impl Passphrase {
    /// # Errors
    /// When IEEE 802.11 has no such passphrase, or people could not type it.
    pub fn new(text: &str) -> Result<Passphrase, BadPassphrase> {
        let length = text.chars().count();
        if !(8..=63).contains(&length) {
            return Err(BadPassphrase::Length(length));
        }
        if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(BadPassphrase::Character);
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return Err(BadPassphrase::Space);
        }
        Ok(Passphrase(text.to_owned()))
    }

    /// In the clear. Never for a log, an argument or a file that others can read.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{}” is not the name of a key", .0.escape_debug())]
pub struct NotAKey(pub String);

impl std::str::FromStr for KeyId {
    type Err = NotAKey;
    fn from_str(text: &str) -> Result<KeyId, NotAKey> {
        let number = text.strip_prefix('k').filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        number.and_then(|n| n.parse().ok()).map(KeyId).ok_or_else(|| NotAKey(text.to_owned()))
    }
}
