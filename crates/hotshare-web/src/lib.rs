//! The pages that people look at: “my data” for every device, and the owner's dashboard.
//!
//! Server-rendered HTML. This crate is a client of the interface that the command line uses ([`Api`]) and knows nothing
//! else of the daemon: what a page can do, the interface can, and the other way round. Text is in message files
//! (`messages/`, [Fluent](https://projectfluent.org)), markup in `templates/`, and all of it is in the binary.

pub mod access;
pub mod admin;
mod api;
mod chart;
mod language;
pub mod me;
mod messages;
mod reply;
pub mod show;

pub use access::{Role, Who};
pub use api::{Api, ApiError};
pub use language::Language;
pub use messages::{Text, Words};
pub use reply::{Door, Policy, Visitor, not_found, page, plain, see, style};
