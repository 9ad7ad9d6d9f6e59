//! Who may come to the owner's dashboard, from where, and for how long.
//!
//! Secrets never come here: of a session, a link and a token there is only a [`Digest`], of a password only what the
//! hand that judges it wrote. Of a passkey there is what is public of it.

mod book;
mod ceremonies;
mod crowd;
mod passkeys;
mod tries;

use std::fmt;

use crate::units::Mac;

pub use book::{AccessBook, AccessChange, LINK_LIFE_SECS, Link, MOST_TOKENS, NoToken, Session, Token};
pub use ceremonies::{CEREMONY_SECS, Ceremonies};
pub use crowd::{Crowd, GuestId, Room};
pub use passkeys::{MOST_PASSKEYS, NoPasskey, Passkey};
pub use tries::{Tries, Wait};

/// What is kept of a secret that nobody could guess: enough to know it again. 256 bits of a hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// What somebody at the dashboard may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Look, and change nothing.
    Viewer,
}

impl Role {
    pub const ALL: [Role; 2] = [Role::Owner, Role::Viewer];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Viewer => "viewer",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// What a token of the interface may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Look at everything but keys.
    Read,
    /// Look and change.
    Write,
    /// Figures for a monitor, nothing else.
    Metrics,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Metrics];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Metrics => "metrics",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// Who asks something of the interface through a door for browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Token(Scope),
    Session(Role),
}

/// Where figures for a monitor are.
const METRICS: &str = "/metrics";
/// What is about access itself: links, passwords, tokens.
const ACCESS: &str = "/v1/access";
/// Where a key can be read without a change.
const KEYS: [&str; 1] = ["/v1/wifi/key"];

/// May this caller ask this? `path` is as the interface's router matches it, without the query; `looks`: it changes
/// nothing.
#[must_use]
pub fn permits(caller: Caller, looks: bool, path: &str) -> bool {
    let metrics = path == METRICS;
    let interface = path.starts_with("/v1/");
    let about_access = path == ACCESS || path.strip_prefix(ACCESS).is_some_and(|rest| rest.starts_with('/'));
    match caller {
        // A token must not be able to make another one, or a way in.
        Caller::Token(_) if about_access => false,
        Caller::Session(Role::Viewer) if about_access => false,
        Caller::Token(Scope::Metrics) => metrics && looks,
        Caller::Token(Scope::Read) | Caller::Session(Role::Viewer) => {
            looks && (metrics || interface) && !KEYS.contains(&path)
        }
        Caller::Token(Scope::Write) | Caller::Session(Role::Owner) => (metrics && looks) || interface,
    }
}

/// From where the owner lets the dashboard be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdminFrom {
    /// The machine itself, and devices of people who are owners, or on which a one-time link was used.
    #[default]
    OwnerDevices,
    /// Every device on the LAN, too.
    Lan,
    /// The machine itself only.
    Machine,
}

impl AdminFrom {
    pub const ALL: [AdminFrom; 3] = [AdminFrom::OwnerDevices, AdminFrom::Lan, AdminFrom::Machine];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AdminFrom::OwnerDevices => "owner-devices",
            AdminFrom::Lan => "lan",
            AdminFrom::Machine => "machine",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<AdminFrom> {
        AdminFrom::ALL.into_iter().find(|from| from.word() == word)
    }
}

/// Where somebody is who asks for the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The machine itself.
    Machine,
    /// An owner's device on the LAN.
    OwnerDevice(Mac),
    /// Another device on the LAN.
    OtherDevice(Mac),
    /// Nobody that has an address from us: the side of the uplink, or a made-up address.
    Elsewhere,
}

impl Origin {
    /// Neither the machine nor an owner's device.
    pub(crate) fn is_strange(self) -> bool {
        matches!(self, Origin::OtherDevice(_) | Origin::Elsewhere)
    }
}

/// May the dashboard be reached from there? `by_link`: what is asked for is a page that a one-time link leads to; whoever
/// has that link is the owner, and makes the device one of theirs with it.
#[must_use]
pub fn may_reach(setting: AdminFrom, origin: Origin, by_link: bool) -> bool {
    match (origin, setting) {
        (Origin::Machine, _) => true,
        (Origin::Elsewhere, _) | (_, AdminFrom::Machine) => false,
        (Origin::OwnerDevice(_), AdminFrom::OwnerDevices | AdminFrom::Lan)
        | (Origin::OtherDevice(_), AdminFrom::Lan) => true,
        (Origin::OtherDevice(_), AdminFrom::OwnerDevices) => by_link,
    }
}

#[cfg(test)]
mod tests;
