//! The text of a configuration file.
#![no_main]

// The parser belongs to the binary, which is no library: its source is taken as it is.
#[path = "../../../crates/hotshare/src"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the binary uses the rest")]
mod hotshare {
    pub(crate) mod config;
    pub(crate) mod cli {
        pub(crate) mod text;
    }
}

use hotshare::{cli, config};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = config::Config::parse("fuzz.toml", text) {
        // What is said about it is for a terminal.
        let said = error.to_string();
        let fits = said.chars().all(|c| c == '\n' || !cli::text::is_treacherous(c));
        assert!(fits, "{said:?}");
    }
});
