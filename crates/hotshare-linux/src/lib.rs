//! The hands: everything Hotshare does to Linux.

pub mod datapath;
