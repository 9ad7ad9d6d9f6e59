//! An Internet, a box and phones in network namespaces: what `hotshare lab` plays and the network tests use.
//!
//! Real kernel, real daemon, no hardware. The laboratory starts the daemon as a user would, talks to it
//! through its own interface, and counts what passes with an observer that shares nothing with the meter.

pub mod layout;
mod packet;
pub mod observer;
pub mod inside;
pub mod world;
pub mod internet;
pub mod dhcp;
pub mod phone;
pub mod api;
pub mod daemon;
pub mod lock;
pub mod lab;
mod doors;
mod screen;
mod story;
mod run;

pub use hickory_proto::op::ResponseCode;
pub use internet::{Flood, PROBES, Probe};
pub use packet::every_frame;
pub use run::{LabOptions, clean, run};
