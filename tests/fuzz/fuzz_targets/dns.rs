//! A station's query, and what a resolver says to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotshare_fuzz::dns(data));
