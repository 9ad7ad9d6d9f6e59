//! `cargo xtask test`: builds every test once, then runs them in tiers, from the quick to the slow.
//!
//! A tier that cannot run on this machine is a failure, not a gap: who wants less names the tiers.

mod browser;
mod build;
mod run;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;
use nix::unistd::geteuid;

use crate::packages::{self, Package};
use crate::python;
use crate::vm;
use build::{Binary, Built};

/// What tests need, and so when and where they can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Tier {
    /// Decisions, store, formats, command line: no root, no network.
    Unit,
    /// Examples in the documentation.
    Docs,
    /// The hands on the kernel, each in network namespaces of its own; a disk that is full; alerts to real servers.
    /// Root.
    Root,
    /// The whole of Hotshare between an internet and phones, in network namespaces. Root.
    Net,
    /// The pages, in a real browser on the phones and on the machine of such a network. Root.
    Browser,
    /// Wi-Fi with real 802.11 stacks, in virtual machines. Root only to install QEMU where it is missing.
    Vm,
}

impl Tier {
    const ALL: [Tier; 6] = [Tier::Unit, Tier::Docs, Tier::Root, Tier::Net, Tier::Browser, Tier::Vm];

    fn needs_root(self) -> bool {
        matches!(self, Tier::Root | Tier::Net | Tier::Browser)
    }

    /// The tier of a test program, by its package and name.
    fn of(package: &str, name: &str, is_integration_test: bool) -> Tier {
        match (package, is_integration_test) {
            ("hotshare", true) if name.starts_with("net") => Tier::Net,
            ("hotshare", true) if name.starts_with("browser") => Tier::Browser,
            ("hotshare-linux" | "hotshare-lab" | "hotshare-notify", true) => Tier::Root,
            ("hotshare-store", true) if name == "full_disk" => Tier::Root,
            _ => Tier::Unit,
        }
    }

    fn packages(self) -> &'static [Package] {
        match self {
            Tier::Unit | Tier::Docs => &[],
            Tier::Root => &ROOT_PACKAGES,
            Tier::Net => &NET_PACKAGES,
            Tier::Browser => &browser::PACKAGES,
            Tier::Vm => &vm::PACKAGES,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Tier::Unit => "unit",
            Tier::Docs => "docs",
            Tier::Root => "root",
            Tier::Net => "net",
            Tier::Browser => "browser",
            Tier::Vm => "vm",
        })
    }
}

const AIOSMTPD: Package = Package {
    name: "python3-aiosmtpd",
    proof: "/usr/lib/python3/dist-packages/aiosmtpd",
    purpose: "to take mails",
};
const MOSQUITTO: Package =
    Package { name: "mosquitto", proof: "mosquitto", purpose: "to be the MQTT broker of alerts" };
const MOSQUITTO_CLIENTS: Package =
    Package { name: "mosquitto-clients", proof: "mosquitto_sub", purpose: "to hear what it was told" };
const DBUS: Package = Package {
    name: "dbus-daemon",
    proof: "dbus-daemon",
    purpose: "to show notifications and tell of modems on",
};
const MODEM_MANAGER: Package =
    Package { name: "modemmanager", proof: "ModemManager", purpose: "to tell which SIM is in a modem" };
const OPENSSL: Package =
    Package { name: "openssl", proof: "openssl", purpose: "to make certificates, good and bad ones" };
const BIND: Package =
    Package { name: "bind9", proof: "named", purpose: "to be name servers that take changes" };
const PEBBLE: Package =
    Package { name: "pebble", proof: "pebble", purpose: "to give certificates as Let's Encrypt does" };
const CURL: Package = Package { name: "curl", proof: "curl", purpose: "to be a client of the pages by TLS" };
const DIG: Package =
    Package { name: "bind9-dnsutils", proof: "dig", purpose: "to ask for names as others do" };
const IPROUTE: Package =
    Package { name: "iproute2", proof: "ip", purpose: "to build and look at namespaces" };
const PING: Package = Package { name: "iputils-ping", proof: "ping", purpose: "to send ICMP and fragments" };
const DHCLIENT: Package =
    Package { name: "isc-dhcp-client", proof: "dhclient", purpose: "to join as computers do" };
const NFT: Package =
    Package { name: "nftables", proof: "nft", purpose: "to write rules of others, and read ours" };
const UDHCPC: Package = Package { name: "udhcpc", proof: "udhcpc", purpose: "to join as small devices do" };

#[rustfmt::skip]
const ROOT_PACKAGES: [Package; 14] = [
    IPROUTE,
    PING,
    AIOSMTPD,
    MOSQUITTO,
    MOSQUITTO_CLIENTS,
    OPENSSL,
    DBUS,
    DIG,
    Package { name: "ethtool", proof: "ethtool", purpose: "to switch merging of packets on and off" },
    Package { name: "iperf3", proof: "iperf3", purpose: "to make traffic" },
    DHCLIENT,
    NFT,
    Package { name: "procps", proof: "sysctl", purpose: "to change settings of namespaces" },
    UDHCPC,
];

const NET_PACKAGES: [Package; 16] = [
    IPROUTE,
    PING,
    DHCLIENT,
    NFT,
    UDHCPC,
    AIOSMTPD,
    MOSQUITTO,
    MOSQUITTO_CLIENTS,
    OPENSSL,
    DBUS,
    MODEM_MANAGER,
    BIND,
    PEBBLE,
    CURL,
    DIG,
    python::VENV,
];

/// Tests counted, as the test programs themselves report.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    /// What failed, by name.
    names: Vec<String>,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.names.extend(other.names);
    }

    fn one_failed(name: impl Into<String>) -> Count {
        Count { passed: 0, failed: 1, names: vec![name.into()] }
    }
}

struct Outcome {
    tier: Tier,
    count: Count,
    took: Duration,
}

/// Runs these tiers, or all of them; says whether every test passed.
pub(crate) fn run(asked: &[Tier]) -> Result<bool> {
    let tiers = if asked.is_empty() { Tier::ALL.to_vec() } else { asked.to_vec() };
    let may = |tier: Tier| geteuid().is_root() || !tier.needs_root();

    let mut needed: Vec<Package> =
        tiers.iter().filter(|tier| may(**tier)).flat_map(|tier| tier.packages()).copied().collect();
    needed.sort_by_key(|package| package.name);
    needed.dedup_by_key(|package| package.name);
    packages::ensure(&needed)?;
    if tiers.contains(&Tier::Net) && may(Tier::Net) {
        python::ensure_packages()?;
    }

    let start = Instant::now();
    println!("building the tests");
    let built = if tiers == [Tier::Vm] { Built::default() } else { build::tests()? };
    println!("built in {:.0} s", start.elapsed().as_secs_f64());

    let mut outcomes = Vec::new();
    for tier in tiers {
        println!("\ntier {tier}");
        outcomes.push(if may(tier) { run_tier(tier, &built)? } else { refused(tier) });
    }
    Ok(close(&outcomes))
}

fn run_tier(tier: Tier, built: &Built) -> Result<Outcome> {
    let start = Instant::now();
    let mut count = Count::default();
    if tier == Tier::Docs {
        count.add(run::docs()?);
    }
    if tier == Tier::Vm {
        let vm::Summary { passed, failed, .. } = vm::run_all(!built.binaries.is_empty())?;
        let names: Vec<String> = failed.iter().map(|name| format!("vm: {name}")).collect();
        count.add(Count { passed, failed: u64::try_from(names.len()).unwrap_or(u64::MAX), names });
    }
    if tier == Tier::Browser {
        browser::prepare()?;
    }
    let mine: Vec<&Binary> = built.binaries.iter().filter(|binary| binary.tier == tier).collect();
    for binary in &mine {
        count.add(run::binary(binary, built)?);
    }
    if mine.is_empty() && !matches!(tier, Tier::Docs | Tier::Vm) {
        count.add(Count::one_failed(format!("tier {tier}: no test program found")));
    }
    Ok(Outcome { tier, count, took: start.elapsed() })
}

fn refused(tier: Tier) -> Outcome {
    println!("tier {tier} makes network namespaces and needs root; without: cargo xtask test unit docs");
    Outcome { tier, count: Count::one_failed(format!("tier {tier}: needs root")), took: Duration::ZERO }
}

/// Prints what failed, the table and the closing line; says whether all is well.
fn close(outcomes: &[Outcome]) -> bool {
    let mut sum = Count::default();
    println!("\n{:7} {:>7} {:>7} {:>7}", "tier", "passed", "failed", "time");
    for Outcome { tier, count, took } in outcomes {
        println!("{tier:7} {:>7} {:>7} {:>5.0} s", count.passed, count.failed, took.as_secs_f64());
        sum.add(count.clone());
    }
    if !sum.names.is_empty() {
        println!("\nfailed:\n    {}", sum.names.join("\n    "));
    }
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    sum.failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_in_the_tier_of_what_it_needs() {
        assert_eq!(Tier::of("hotshare-core", "hotshare_core", false), Tier::Unit);
        assert_eq!(Tier::of("hotshare", "cli", true), Tier::Unit);
        assert_eq!(Tier::of("hotshare-store", "power_cut", true), Tier::Unit);
        assert_eq!(Tier::of("hotshare-store", "full_disk", true), Tier::Root);
        assert_eq!(Tier::of("hotshare-linux", "host_netns", true), Tier::Root);
        assert_eq!(Tier::of("hotshare-notify", "mqtt", true), Tier::Root);
        assert_eq!(Tier::of("hotshare", "net_plan", true), Tier::Net);
        assert_eq!(Tier::of("hotshare", "browser_phone", true), Tier::Browser);
    }

    #[test]
    fn a_failure_anywhere_is_a_failure() {
        let outcome = |count| Outcome { tier: Tier::Unit, count, took: Duration::ZERO };
        let good = Count { passed: 3, ..Count::default() };
        assert!(close(&[outcome(good.clone())]));
        assert!(!close(&[outcome(good), outcome(Count::one_failed("a: b"))]));
    }
}
