//! Passkeys of the owner: which there are, and what follows when one is added, used or removed.
//!
//! Whether an answer is right is judged by a hand; here is what is kept of a passkey, none of which is secret.

use super::book::is_name;
use super::{AccessBook, AccessChange, Digest, Role};
use crate::diary::Happening;
use crate::units::UnixTime;

/// More than a household has devices.
pub const MOST_PASSKEYS: usize = 32;

/// A key pair on a device of the owner's, or in their password manager, that lets them in (a discoverable credential of
/// `WebAuthn` level 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Of `credential`.
    pub digest: Digest,
    /// As its owner called it.
    pub name: String,
    /// The name of the host that it is good at (the RP ID): browsers offer it nowhere else.
    pub host: String,
    /// Its id, as the device that holds it chose it (4, credential ID).
    pub credential: Vec<u8>,
    /// Whose it is, as the device was told (4, user handle).
    pub user: [u8; 16],
    /// Its public key, as the hand that judges answers wrote it.
    pub key: Vec<u8>,
    /// What changes when it is used, the counter of its signatures among it (6.1.1), as that hand wrote it.
    pub state: [u8; 7],
    pub since: UnixTime,
    pub used: Option<UnixTime>,
}

/// Why there is no such passkey, or it stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPasskey {
    #[error("a passkey's name has 1 to 40 letters, digits, spaces, dots, dashes or underscores")]
    BadName,
    #[error("there is already a passkey named “{0}”; choose another name, or remove that one")]
    NameTaken(String),
    #[error("this passkey is here already, as “{0}”")]
    There(String),
    #[error("there are {MOST_PASSKEYS} passkeys already; remove one that is not used")]
    Full,
    #[error("there is no passkey named “{0}”; `hotshare access passkeys` lists them")]
    NoSuchName(String),
    #[error(
        "“{0}” is the owner's only way in; add another passkey first, or set a password with `hotshare access password`"
    )]
    LastWay(String),
}

impl AccessBook {
    /// The owner can log in, by a password or a passkey; without that only a one-time link lets them in.
    #[must_use]
    pub fn owner_can_log_in(&self) -> bool {
        self.passwords.contains_key(&Role::Owner) || !self.passkeys.is_empty()
    }

    /// Those that are good at a host, in the order of their digests.
    pub fn passkeys_at(&self, host: &str) -> impl Iterator<Item = &Passkey> {
        self.passkeys.values().filter(move |passkey| passkey.host == host)
    }

    /// Is there room for a passkey of this name?
    ///
    /// # Errors
    /// The name is none, or taken, or there are too many.
    pub fn may_add_passkey(&self, name: &str) -> Result<(), NoPasskey> {
        if !is_name(name) {
            return Err(NoPasskey::BadName);
        }
        if self.passkeys.values().any(|passkey| passkey.name == name) {
            return Err(NoPasskey::NameTaken(name.to_owned()));
        }
        if self.passkeys.len() >= MOST_PASSKEYS {
            return Err(NoPasskey::Full);
        }
        Ok(())
    }

    /// # Errors
    /// As [`AccessBook::may_add_passkey`]; or it is here already.
    pub fn add_passkey(&self, passkey: Passkey) -> Result<Vec<AccessChange>, NoPasskey> {
        self.may_add_passkey(&passkey.name)?;
        if let Some(there) = self.passkeys.get(&passkey.digest) {
            return Err(NoPasskey::There(there.name.clone()));
        }
        let new = Happening::PasskeyNew { name: passkey.name.clone(), host: passkey.host.clone() };
        let noted = AccessChange::Noted(Box::new(new.noted(passkey.since)));
        Ok(vec![AccessChange::Passkey(passkey), noted])
    }

    /// It was used, and its answer was right. Nothing, when it was removed meanwhile, or another answer came first:
    /// `seen` is the state that the answer was judged by.
    #[must_use]
    pub fn use_passkey(
        &self,
        digest: Digest,
        seen: [u8; 7],
        state: [u8; 7],
        now: UnixTime,
    ) -> Option<AccessChange> {
        let passkey = self.passkeys.get(&digest).filter(|passkey| passkey.state == seen)?;
        Some(AccessChange::Passkey(Passkey { state, used: Some(now), ..passkey.clone() }))
    }

    /// It answered rightly, and yet the counter of its signatures did not go on: somebody has a copy of it (6.1.1).
    #[must_use]
    pub fn passkey_copied(&self, digest: Digest, now: UnixTime) -> Option<AccessChange> {
        let copied = Happening::PasskeyCopied { name: self.passkeys.get(&digest)?.name.clone() };
        Some(AccessChange::Noted(Box::new(copied.noted(now))))
    }

    /// Removes a passkey; who was let in by it is out.
    ///
    /// # Errors
    /// There is none of this name, or nothing else lets the owner in.
    pub fn remove_passkey(&self, name: &str, now: UnixTime) -> Result<Vec<AccessChange>, NoPasskey> {
        let passkey = self.passkeys.values().find(|passkey| passkey.name == name);
        let passkey = passkey.ok_or_else(|| NoPasskey::NoSuchName(name.to_owned()))?;
        if self.passkeys.len() == 1 && !self.passwords.contains_key(&Role::Owner) {
            return Err(NoPasskey::LastWay(name.to_owned()));
        }
        let begun = self.sessions.values().filter(|session| session.passkey == Some(passkey.digest));
        let mut changes: Vec<AccessChange> = begun.map(|s| AccessChange::SessionGone(s.digest)).collect();
        changes.push(AccessChange::PasskeyGone(passkey.digest));
        let gone = Happening::PasskeyGone { name: name.to_owned() };
        changes.push(AccessChange::Noted(Box::new(gone.noted(now))));
        Ok(changes)
    }
}
