//! What hostapd's control socket says: in part, what stations made it say.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotshare_fuzz::hostapd(data));
