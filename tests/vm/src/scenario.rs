//! The scenarios. Each runs in a fresh guest of its own, as root, and passes when it returns `Ok`.

mod air;
mod allowance;
mod assault;
mod attacks;
mod attacks_plain;
mod boot;
mod cost;
mod dashboard;
mod first_packets;
mod join;
mod keys;
mod limits;
mod modes;
mod recovery;
mod restore;
mod shared_card;
mod tools;
mod world;
mod wrong_key;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// One scenario.
pub(crate) struct Scenario {
    /// How `cargo xtask vm NAME` calls it.
    pub(crate) name: &'static str,
    /// Whether NetworkManager, D-Bus and udev are to be in the guest (not started).
    pub(crate) needs_network_manager: bool,
    /// Longer is a failure: from the start of QEMU, with some reserve for a busy machine.
    pub(crate) limit: Duration,
    /// It takes so long that it runs only when it is named.
    pub(crate) is_on_request: bool,
    pub(crate) run: fn() -> Result<()>,
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    plain("boot", 60, boot::run),
    plain("air", 90, air::run),
    plain("tools", 90, tools::run),
    plain("join", 120, join::run),
    plain("wrong_key", 150, wrong_key::run),
    plain("allowance", 120, allowance::run),
    plain("keys", 120, keys::run),
    plain("limits", 120, limits::run),
    plain("dashboard", 120, dashboard::run),
    plain("modes_personal", 150, modes::run_personal),
    plain("modes_shared", 150, modes::run_shared),
    plain("attacks_plain", 90, attacks_plain::run),
    plain("attacks", 120, attacks::run),
    plain("clone", 120, attacks::run_clone),
    plain("first_packets", 360, first_packets::run),
    on_request("thousand_associations", 1200, first_packets::run_thousand),
    plain("recovery_hostapd", 150, recovery::run_hostapd),
    plain("recovery_card", 150, recovery::run_card),
    plain("recovery_daemon", 150, recovery::run_daemon),
    plain("recovery_suspend", 90, recovery::run_suspend),
    plain("shared_card", 150, shared_card::run),
    plain("cost", 120, cost::run),
    Scenario {
        name: "restore",
        needs_network_manager: true,
        limit: Duration::from_secs(150),
        is_on_request: false,
        run: restore::run,
    },
];

/// A scenario without NetworkManager; the limit is in seconds.
const fn plain(name: &'static str, limit: u64, run: fn() -> Result<()>) -> Scenario {
    Scenario {
        name,
        needs_network_manager: false,
        limit: Duration::from_secs(limit),
        is_on_request: false,
        run,
    }
}

/// The same, which runs only when it is named.
const fn on_request(name: &'static str, limit: u64, run: fn() -> Result<()>) -> Scenario {
    Scenario { is_on_request: true, ..plain(name, limit, run) }
}

impl Scenario {
    /// As the runner reads it.
    pub(crate) fn line(&self) -> String {
        let kind = if self.needs_network_manager { "nm" } else { "plain" };
        let when = if self.is_on_request { "on-request" } else { "always" };
        format!("{} {kind} {} {when}", self.name, self.limit.as_secs())
    }

    pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
        ALL.iter().find(|scenario| scenario.name == name)
    }
}

/// Runs a scenario, in a guest only: it takes the whole machine for itself.
pub(crate) fn run(name: &str) -> Result<()> {
    ensure!(Path::new("/share/.hotshare-guest").exists(), "this is no guest of the VM lab");
    let scenario = Scenario::find(name).with_context(|| format!("there is no scenario {name}"))?;
    let start = Instant::now();
    (scenario.run)()?;
    println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
