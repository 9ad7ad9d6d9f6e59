//! `cargo xtask bench`: what the meter and the daemon cost. The figures and how they were taken are in
//! docs/benchmarks.md; this prints new ones in the same shape.

use anyhow::{Context as _, Result, bail};

use crate::cargo;
use crate::packages::{self, Package};

const PACKAGES: [Package; 6] = [
    Package { name: "ethtool", proof: "ethtool", purpose: "to switch merged packets on and off" },
    Package { name: "iperf3", proof: "iperf3", purpose: "to make traffic" },
    Package { name: "iproute2", proof: "ip", purpose: "to make network namespaces" },
    Package { name: "nftables", proof: "nft", purpose: "for the plain masquerade to compare with" },
    Package { name: "procps", proof: "sysctl", purpose: "to switch forwarding on" },
    Package { name: "strace", proof: "strace", purpose: "to count durable commits" },
];

/// Runs all benchmarks. They need root, and a machine that does nothing else.
pub(crate) fn run() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("the benchmarks make network namespaces: run `cargo xtask bench` as root");
    }
    packages::ensure(&PACKAGES)?;
    println!("The meter against plain masquerade (several minutes; the kernel does the work):");
    // Nothing of what is measured is Rust, so the profile that is built already will do.
    measure(&["bench", "--package", "hotshare-linux", "--bench", "datapath", "--profile", "dev"])?;
    println!("\nThe daemon, as released:");
    measure(&["bench", "--package", "hotshare", "--bench", "daemon"])?;
    println!("\nThe pages, with 50 people and a year of usage, as released:");
    measure(&["bench", "--package", "hotshare", "--bench", "pages"])?;
    println!("\nThe cheapest tariffs for a year (docs/advice.md):");
    measure(&["run", "--release", "--package", "hotshare-core", "--example", "advise_time"])
}

fn measure(arguments: &[&str]) -> Result<()> {
    let status = cargo::cargo().args(arguments).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("a benchmark failed; its own message is above");
    }
    Ok(())
}
