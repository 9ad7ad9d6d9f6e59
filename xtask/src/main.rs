//! The repository's own small programs. Every step of `.ci/run` that is more than one command is here,
//! so that it runs the same on a desk.

mod bench;
mod bpf;
mod cargo;
mod deny;
mod packages;
mod python;
mod test;
mod tidy;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and checks Hotshare.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the tests: every tier, or those named.
    Test {
        /// Tiers to run; all of them when none is named.
        tiers: Vec<test::Tier>,
    },
    /// Measure what the meter and the daemon cost, on a machine that does nothing else.
    Bench,
    /// Compile the kernel meter, or check that the committed object is what its source compiles to.
    Bpf {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
    /// Check licences, banned and doubled dependencies, and where they come from.
    Deny,
    /// Check the house rules: file sizes, the map, import order, links, names.
    Tidy,
    /// Boot virtual machines with simulated radios and run scenarios in them.
    Vm(vm::Options),
}

fn main() -> ExitCode {
    let done = match Options::parse().verb {
        Verb::Test { tiers } => test::run(&tiers),
        Verb::Bench => bench::run().map(|()| true),
        Verb::Bpf { check } => packages::ensure(&packages::BPF).and_then(|()| bpf::run(check)).map(|()| true),
        Verb::Deny => deny::run().map(|()| true),
        Verb::Tidy => tidy::run().map(|()| true),
        Verb::Vm(options) => vm::run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        // It has said why.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
