//! The hand on the host's network at work, in namespaces of its own. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod air;
mod life;
mod restore;
mod traffic;
mod watching;
mod wifi;
mod world;
