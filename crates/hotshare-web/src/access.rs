//! The way to the owner's dashboard: who is let in, and the pages for logging in.
//!
//! This knows HTTP: cookies, forms, where a request comes from. Who may do what is decided by a [`Porter`], which the
//! daemon brings along.

mod api_guard;
mod cookie;
mod from_here;
mod guard;
mod pages;

use std::future::Future;

use axum::http::Method;

pub use api_guard::guard_api;
pub use from_here::{Hosts, only_hosts};
pub use guard::guard;

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
    Wrong { wait: u64 },
    /// This one was not heard: it came so many seconds too early.
    TooEarly { wait: u64 },
    /// The link was used, or is too old, or never was.
    NoLink,
    /// The new password is none that can be taken.
    Weak(Weak),
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
pub struct Passwords {
    /// An owner can log in by password.
    pub owner: bool,
    pub viewer: bool,
}

/// Knows who may come in. Secrets are in the clear here, and must not be logged.
pub trait Porter: Clone + Send + Sync + 'static {
    /// May the dashboard be reached from there at all? `by_link`: a page that a one-time link leads to.
    fn lets_in(&self, visitor: Visitor, by_link: bool) -> impl Future<Output = bool> + Send;

    /// Whose session it is, if it goes on.
    fn who(&self, visitor: Visitor, session: &str) -> impl Future<Output = Option<Who>> + Send;

    /// May this be asked of the interface?
    fn permits(&self, ticket: Ticket<'_>, method: &Method, path: &str) -> Permit;

    fn passwords(&self) -> Passwords;

    /// Begins a session; `old` is the one that the browser had, and ends. The new one's secret is returned.
    fn log_in(
        &self,
        visitor: Visitor,
        role: Role,
        password: String,
        old: Option<String>,
    ) -> impl Future<Output = Result<String, NotIn>> + Send;

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
