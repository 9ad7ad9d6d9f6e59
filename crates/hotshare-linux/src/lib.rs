//! The hands: everything Hotshare does to Linux.

pub mod clock;
mod bus;
mod packet;
pub mod observe;
pub mod uplink;
pub mod modem;
pub mod datapath;
pub mod nat;
pub mod host;
pub mod radio;
pub mod doctor;
pub mod lease;
pub mod names;
pub mod session;
