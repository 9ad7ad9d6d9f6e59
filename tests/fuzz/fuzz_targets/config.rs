//! The text of a configuration file.
#![no_main]

// The parser belongs to the binary, which is no library: its source is taken as it is.
#[path = "../../../crates/hotshare/src/config.rs"]
#[allow(dead_code, unreachable_pub, reason = "the binary uses the rest")]
mod config;
mod cli {
    #[path = "../../../../crates/hotshare/src/cli/text.rs"]
    #[allow(dead_code, reason = "the binary uses the rest")]
    pub(crate) mod text;
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = config::Config::parse("fuzz.toml", text) {
        // What is said about it is for a terminal.
        let said = error.to_string();
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    }
});
