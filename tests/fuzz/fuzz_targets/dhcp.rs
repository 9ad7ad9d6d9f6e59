//! Frames of stations against one lease table, one after the other.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotshare_fuzz::dhcp(data));
