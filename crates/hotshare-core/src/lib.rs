//! Every decision Hotshare makes, as values: news comes in as an [`brain::Event`], orders go out as a
//! [`brain::Command`].
//!
//! This crate can do nothing: it opens no file or socket, reads no clock, knows no async, SQL or JSON.
//! The modules stand in the order of the flow, and each may use only those above it.

pub mod units;
pub mod money;
pub mod clock;
pub mod sim;
pub mod uplink;
pub mod card;
pub mod meter;
pub mod ledger;
pub mod plan;
pub mod forecast;
pub mod reconcile;
pub mod advise;
pub mod share;
pub mod policy;
pub mod grant;
pub mod people;
pub mod alert;
pub mod certificate;
pub mod diary;
pub mod access;
pub mod keys;
pub mod radio;
pub mod lease;
pub mod names;
pub mod desired;
pub mod steps;
pub mod record;
pub mod ask;
pub mod book;
pub mod brain;
