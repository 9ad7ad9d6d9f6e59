//! What is known of passwords, passkeys, sessions, links, tokens and owners, and what follows from a change.
//!
//! The book is a mirror of what is written: ask it for the changes, have them written, then [`AccessBook::apply`] them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Digest, Origin, Passkey, Role, Scope};
use crate::diary::Noted;
use crate::people::PersonName;
use crate::units::{Mac, UnixTime};

/// A session that nothing is asked in for so long is over: a browser that was left open.
const IDLE_SECS: i64 = 12 * 3600;
/// After so long it is over in any case.
const LIFE_SECS: i64 = 7 * 24 * 3600;
/// A session that begins so much later than now was begun under another clock.
const CLOCK_SLACK_SECS: i64 = 300;
/// When a session was last used is written so often at most: it is only for [`IDLE_SECS`], and disks wear.
const USED_STEP_SECS: i64 = 15 * 60;
/// A one-time link is good for so long.
pub const LINK_LIFE_SECS: i64 = 3600;
/// More than people have browsers; the one that was not used for longest gives way.
const MOST_SESSIONS: usize = 32;
const MOST_LINKS: usize = 8;
/// Devices that are remembered as the owner's by a link; the oldest gives way.
const MOST_DEVICES: usize = 64;
pub const MOST_TOKENS: usize = 64;

/// Somebody has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub digest: Digest,
    pub role: Role,
    /// It began by the machine's own door, and is good there only; otherwise by the LAN's.
    pub at_machine: bool,
    /// The passkey that it was begun by: it ends with that one.
    pub passkey: Option<Digest>,
    pub begun: UnixTime,
    pub used: UnixTime,
}

impl Session {
    /// It has ended, by now.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        now.0 - self.used.0 >= IDLE_SECS
            || now.0 - self.begun.0 >= LIFE_SECS
            || self.begun.0 - now.0 > CLOCK_SLACK_SECS
    }
}

/// A way in that works once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub digest: Digest,
    pub role: Role,
    pub made: UnixTime,
}

impl Link {
    #[must_use]
    pub fn is_good(&self, now: UnixTime) -> bool {
        now.0 - self.made.0 < LINK_LIFE_SECS && self.made.0 - now.0 <= CLOCK_SLACK_SECS
    }
}

/// A program's way to the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub digest: Digest,
    pub name: String,
    pub scope: Scope,
    pub since: UnixTime,
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// `None`: nobody gets in by a password of this role any more.
    Password(Role, Option<String>),
    /// A new passkey, or that it was used.
    Passkey(Passkey),
    PasskeyGone(Digest),
    /// A new session, or that it was used.
    Session(Session),
    SessionGone(Digest),
    /// All of them.
    SessionsGone,
    Link(Link),
    LinkGone(Digest),
    Token(Token),
    TokenGone(Digest),
    OwnerPerson(PersonName),
    OwnerPersonGone(PersonName),
    OwnerDevice(Mac, UnixTime),
    OwnerDeviceGone(Mac),
    /// A line of the owner's diary.
    Noted(Box<Noted>),
}

/// Why there is no such token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    #[error("a token's name has 1 to 40 letters, digits, spaces, dots, dashes or underscores")]
    BadName,
    #[error("there is already a token named “{0}”; choose another name, or remove that one")]
    NameTaken(String),
    #[error("there is no token named “{0}”; `hotshare access tokens` lists them")]
    NoSuchName(String),
    #[error("there are {MOST_TOKENS} tokens already; remove one that nothing uses")]
    Full,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessBook {
    /// As the hand that judges them wrote them.
    pub passwords: BTreeMap<Role, String>,
    pub passkeys: BTreeMap<Digest, Passkey>,
    pub sessions: BTreeMap<Digest, Session>,
    pub links: BTreeMap<Digest, Link>,
    pub tokens: BTreeMap<Digest, Token>,
    /// Whose devices are an owner's.
    pub people: BTreeSet<PersonName>,
    /// Devices on which a link was used, and when.
    pub devices: BTreeMap<Mac, UnixTime>,
}

impl AccessBook {
    /// Takes over what was written.
    pub fn apply(&mut self, change: &AccessChange) {
        match change.clone() {
            AccessChange::Password(role, Some(hash)) => drop(self.passwords.insert(role, hash)),
            AccessChange::Password(role, None) => drop(self.passwords.remove(&role)),
            AccessChange::Passkey(passkey) => drop(self.passkeys.insert(passkey.digest, passkey)),
            AccessChange::PasskeyGone(digest) => drop(self.passkeys.remove(&digest)),
            AccessChange::Session(session) => drop(self.sessions.insert(session.digest, session)),
            AccessChange::SessionGone(digest) => drop(self.sessions.remove(&digest)),
            AccessChange::SessionsGone => self.sessions.clear(),
            AccessChange::Link(link) => drop(self.links.insert(link.digest, link)),
            AccessChange::LinkGone(digest) => drop(self.links.remove(&digest)),
            AccessChange::Token(token) => drop(self.tokens.insert(token.digest, token)),
            AccessChange::TokenGone(digest) => drop(self.tokens.remove(&digest)),
            AccessChange::OwnerPerson(name) => drop(self.people.insert(name)),
            AccessChange::OwnerPersonGone(name) => drop(self.people.remove(&name)),
            AccessChange::OwnerDevice(mac, since) => drop(self.devices.insert(mac, since)),
            AccessChange::OwnerDeviceGone(mac) => drop(self.devices.remove(&mac)),
            // The diary is kept elsewhere.
            AccessChange::Noted(_) => {}
        }
    }

    /// Whose a device on the LAN is: `person` is whose device the brain says it is.
    #[must_use]
    pub fn origin(&self, mac: Mac, person: Option<&PersonName>) -> Origin {
        if self.devices.contains_key(&mac) || person.is_some_and(|person| self.people.contains(person)) {
            Origin::OwnerDevice(mac)
        } else {
            Origin::OtherDevice(mac)
        }
    }

    /// The session, if it goes on, and what is to be written of its being used.
    #[must_use]
    pub fn session(
        &self,
        digest: Digest,
        at_machine: bool,
        now: UnixTime,
    ) -> Option<(Session, Option<AccessChange>)> {
        let session = self.sessions.get(&digest)?;
        if session.is_over(now) || session.at_machine != at_machine {
            return None;
        }
        let used = Session { used: now, ..*session };
        let step = now.0 - session.used.0 >= USED_STEP_SECS;
        Some((*session, step.then_some(AccessChange::Session(used))))
    }

    /// Begins a session; `old` is the one that the browser had. What is over goes, and so do those that are too many.
    #[must_use]
    pub fn begin(&self, session: Session, old: Option<Digest>) -> Vec<AccessChange> {
        let gone = |s: &&Session| s.is_over(session.begun) || Some(s.digest) == old;
        let mut changes: Vec<AccessChange> =
            self.sessions.values().filter(gone).map(|s| AccessChange::SessionGone(s.digest)).collect();
        let mut kept: Vec<&Session> = self.sessions.values().filter(|s| !gone(s)).collect();
        kept.sort_by_key(|s| (s.used, s.digest));
        let too_many = (kept.len() + 1).saturating_sub(MOST_SESSIONS);
        changes.extend(kept.iter().take(too_many).map(|s| AccessChange::SessionGone(s.digest)));
        changes.push(AccessChange::Session(session));
        changes
    }

    /// Another password: whoever was logged in by the old one is not any more.
    #[must_use]
    pub fn set_password(&self, role: Role, hash: Option<String>) -> Vec<AccessChange> {
        let of_role = self.sessions.values().filter(|s| s.role == role);
        let mut changes: Vec<AccessChange> = of_role.map(|s| AccessChange::SessionGone(s.digest)).collect();
        changes.push(AccessChange::Password(role, hash));
        changes
    }

    /// Makes a link. What is over goes, and so do those that are too many.
    #[must_use]
    pub fn make_link(&self, link: Link) -> Vec<AccessChange> {
        let mut kept: Vec<&Link> = self.links.values().filter(|l| l.is_good(link.made)).collect();
        kept.sort_by_key(|l| (l.made, l.digest));
        let too_many = (kept.len() + 1).saturating_sub(MOST_LINKS);
        let over = self.links.values().filter(|l| !l.is_good(link.made));
        let gone = over.chain(kept.into_iter().take(too_many));
        let mut changes: Vec<AccessChange> = gone.map(|l| AccessChange::LinkGone(l.digest)).collect();
        changes.push(AccessChange::Link(link));
        changes
    }

    /// The link, while it is good.
    #[must_use]
    pub fn link(&self, digest: Digest, now: UnixTime) -> Option<Link> {
        self.links.get(&digest).copied().filter(|link| link.is_good(now))
    }

    /// A link is used up; an owner's makes the device on which it was used the owner's.
    #[must_use]
    pub fn use_link(&self, link: &Link, origin: Origin, now: UnixTime) -> Vec<AccessChange> {
        let mut changes = vec![AccessChange::LinkGone(link.digest)];
        let (Role::Owner, Origin::OwnerDevice(mac) | Origin::OtherDevice(mac)) = (link.role, origin) else {
            return changes;
        };
        if !self.devices.contains_key(&mac) && self.devices.len() >= MOST_DEVICES {
            let oldest = self.devices.iter().min_by_key(|(mac, since)| (**since, **mac));
            changes.extend(oldest.map(|(mac, _)| AccessChange::OwnerDeviceGone(*mac)));
        }
        changes.push(AccessChange::OwnerDevice(mac, now));
        changes
    }

    /// # Errors
    /// The name is none, or another token has it.
    pub fn add_token(&self, token: Token) -> Result<AccessChange, NoToken> {
        if !is_name(&token.name) {
            return Err(NoToken::BadName);
        }
        if self.tokens.values().any(|t| t.name == token.name) {
            return Err(NoToken::NameTaken(token.name));
        }
        if self.tokens.len() >= MOST_TOKENS {
            return Err(NoToken::Full);
        }
        Ok(AccessChange::Token(token))
    }

    /// # Errors
    /// No token has this name.
    pub fn remove_token(&self, name: &str) -> Result<AccessChange, NoToken> {
        let token = self.tokens.values().find(|t| t.name == name);
        token.map(|t| AccessChange::TokenGone(t.digest)).ok_or_else(|| NoToken::NoSuchName(name.to_owned()))
    }
}

/// What tokens and passkeys may be called.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_');
    name.trim() == name && (1..=40).contains(&name.chars().count()) && name.chars().all(plain)
}
