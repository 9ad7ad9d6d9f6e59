//! What runs inside the VM lab's guests: as their first process, and again as the scenario it starts.
//!
//! On the host it only lists its scenarios; `cargo xtask vm` does the rest.

mod air;
mod artefacts;
mod attack;
mod box_;
mod init;
mod internet;
mod measure;
mod miscount;
mod owner;
mod pace;
mod radios;
mod scenario;
mod shell;
mod station;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init::run();
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    match act(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error:?}");
            let is_miscount = error.downcast_ref::<miscount::Miscounted>().is_some();
            if is_miscount { ExitCode::from(miscount::RESULT) } else { ExitCode::FAILURE }
        }
    }
}

fn act(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["list"] => {
            scenario::ALL.iter().for_each(|scenario| println!("{}", scenario.line()));
            Ok(())
        }
        ["scenario", name] => scenario::run(name),
        _ => bail!("this runs inside the VM lab's guests; see cargo xtask vm"),
    }
}
