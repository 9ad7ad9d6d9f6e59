//! Hotshare turns a machine with a data card into a hotspot whose plan is never overrun: the one binary,
//! which is both the daemon (`hotshare up`) and the tool that speaks to it.

mod instance;
mod zone;
mod money;
mod config;
mod serve;
mod daemon;
mod client;
mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
