//! The way to the owner's dashboard: who is let in, and the pages for logging in.
//!
//! This knows HTTP: cookies, forms, where a request comes from. Who may do what is decided by a [`Porter`], which the
//! daemon brings along.

mod api_guard;
mod cookie;
mod from_here;
mod guard;
mod pages;
mod passkeys;

use std::future::Future;

use axum::body::Bytes;
use axum::http::Method;

pub use api_guard::guard_api;
pub use from_here::{Hosts, only_hosts};
pub use guard::guard;
pub(crate) use passkeys::Offer;
pub use passkeys::Site;

use crate::reply::Visitor;

/// What somebody at the dashboard may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Look, and change nothing.
    Viewer,
}

/// Who has logged in; in the extensions of every request that comes through [`guard()`].
#[derive(Clone, PartialEq, Eq)]
pub struct Who {
    pub role: Role,
    /// What each form must bring as `csrf`, and each request of a script as `x-csrf`.
    pub csrf: String,
}

impl std::fmt::Debug for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Who").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Who asks something of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ticket<'a> {
    Token(&'a str),
    Session(Role),
}

/// What the porter says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    Yes,
    /// It is known, and not for this.
    NotForThis,
    Unknown,
}

/// Why somebody who tried is not in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotIn {
    /// The next try is heard after so many seconds; 0: at once.
    Wrong {
        wait: u64,
    },
    /// This one was not heard: it came so many seconds too early.
    TooEarly {
        wait: u64,
    },
    /// The link was used, or is too old, or never was.
    NoLink,
    /// The new password is none that can be taken.
    Weak(Weak),
    /// The passkey, or its answer, is not right; the next try is heard after so many seconds.
    WrongPasskey {
        wait: u64,
    },
    /// What is answered was not asked at this door, or too long ago, or was answered already.
    Stale,
    /// No new passkey can have this name.
    PasskeyName {
        is_taken: bool,
    },
    /// This passkey is known already.
    PasskeyThere,
    TooManyPasskeys,
    /// The browser's answer cannot be read, or is not what was asked for.
    Unclear,
    /// Not an owner who is logged in.
    NoRight,
    /// Too much at once, or nothing can be written.
    Busy,
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    Length,
    Character,
    Guessable,
    /// There is none yet, so there must be one now.
    Missing,
}

/// What may be tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// An owner can log in by password.
    pub owner: bool,
    pub viewer: bool,
    /// An owner can log in by a passkey, here or elsewhere.
    pub passkey: bool,
}

/// What lets somebody add a passkey. Secrets are in the clear here.
#[derive(Clone, PartialEq, Eq)]
pub enum Right {
    /// An owner's link that is good; it is used up by the passkey.
    Link(String),
    /// An owner's session.
    Session(String),
}

impl std::fmt::Debug for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Right::Link(_) => "Link(…)",
            Right::Session(_) => "Session(…)",
        })
    }
}

/// Knows who may come in. Secrets are in the clear here, and must not be logged.
pub trait Porter: Clone + Send + Sync + 'static {
    /// May the dashboard be reached from there at all? `by_link`: a page that a one-time link leads to.
    fn lets_in(&self, visitor: Visitor, by_link: bool) -> impl Future<Output = bool> + Send;

    /// Whose session it is, if it goes on.
    fn who(&self, visitor: Visitor, session: &str) -> impl Future<Output = Option<Who>> + Send;

    /// May this be asked of the interface?
    fn permits(&self, ticket: Ticket<'_>, method: &Method, path: &str) -> Permit;

    fn ways(&self) -> Ways;

    /// Can a passkey be used at this host?
    fn has_passkey(&self, host: &str) -> bool;

    /// Begins a session; `old` is the one that the browser had, and ends. The new one's secret is returned.
    fn log_in(
        &self,
        visitor: Visitor,
        role: Role,
        password: String,
        old: Option<String>,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

    /// Asks for a passkey: what a browser's `parseRequestOptionsFromJSON` reads.
    fn ask_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

    /// Begins a session for an owner whose passkey answered rightly: `answer` is the credential's `toJSON`.
    fn log_in_by_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        answer: Bytes,
        old: Option<String>,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

    /// Asks for a new passkey: what a browser's `parseCreationOptionsFromJSON` reads.
    fn new_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        right: Right,
        name: String,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

    /// Keeps the new passkey. By a link a session begins, whose secret is returned.
    fn keep_passkey(
        &self,
        visitor: Visitor,
        site: &Site,
        right: Right,
        answer: Bytes,
        old: Option<String>,
    ) -> impl Future<Output = Result<Option<String>, NotIn>> + Send;

    /// Whose link it is, while it is good. Looking does not use it up.
    fn link(&self, link: &str) -> Option<Role>;

    /// Uses a link up, sets the owner's password if there is a new one, and begins a session.
    fn use_link(
        &self,
        visitor: Visitor,
        link: String,
        password: Option<String>,
        old: Option<String>,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

    fn log_out(&self, session: &str) -> impl Future<Output = ()> + Send;
}

#[cfg(test)]
mod tests;
