//! `cargo xtask vm`: real 802.11 stacks without a radio, in virtual machines.
//!
//! The machine's own package archive gives kernel and programs, `tests/vm` the scenarios. See docs/vm-lab.md.

mod apt;
mod cpio;
mod fresh;
mod image;
mod kernel;
mod qemu;
mod slots;
mod tree;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use nix::fcntl::{Flock, FlockArg};

use crate::cargo::target;
use crate::packages::{self, Package};
use fresh::{Initrd, Scenario};
use qemu::{Accelerator, Guest, Verdict};
use slots::Slots;

/// What the lab needs on this machine. All else is fetched and unpacked below `target/vm`.
pub(crate) const PACKAGES: [Package; 4] = [
    Package { name: "binutils", proof: "strip", purpose: "to shorten programs for the guest" },
    Package { name: "qemu-system-x86", proof: "qemu-system-x86_64", purpose: "to run virtual machines" },
    Package { name: "xz-utils", proof: "xz", purpose: "to unpack the guest's kernel modules" },
    Package { name: "zstd", proof: "zstd", purpose: "to unpack the guest's kernel" },
];

/// Lines of a failed guest's console that are shown.
const TAIL: usize = 40;
/// A guest in software emulation may take so many times longer, and says itself when it is too late
/// (`SLOWEST` in `tests/vm/src/pace.rs`).
const SLOWEST: u64 = 3;
/// An emulated processor sometimes brings the guest's kernel down before anything of ours runs. It is started so often.
const BOOTS: usize = 3;
/// So many failed scenarios may have a second try, alone; more is no accident.
const AGAIN: usize = 3;

/// Boot virtual machines with simulated radios and run scenarios in them.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Scenarios to run; when none is named, all but those that take very long.
    names: Vec<String>,
    /// List the scenarios.
    #[arg(long)]
    list: bool,
    /// Run this shell command line in a guest instead, connected to this terminal.
    #[arg(long, value_name = "COMMAND", conflicts_with = "names")]
    run: Option<String>,
    /// With --run: have NetworkManager's programs in the guest.
    #[arg(long, requires = "run")]
    network_manager: bool,
    /// Guests at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Use the programs as they were built last.
    #[arg(long)]
    no_build: bool,
    /// Ask the archive for a newer kernel and newer programs.
    #[arg(long)]
    renew: bool,
    /// Keep logs and captures of scenarios that passed, too.
    #[arg(long)]
    keep: bool,
    /// Where logs and captures go, instead of target/vm/artefacts.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// What came of the scenarios, for the closing line here and in `cargo xtask test`.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) passed: u64,
    /// Names.
    pub(crate) failed: Vec<String>,
    /// One of them booked bytes wrongly, or let some pass that should not: no accident of time.
    miscounted: bool,
}

/// Runs what was asked for; says whether all passed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let lab = Lab::ready(options)?;
    if options.list {
        lab.scenarios.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(true);
    }
    if let Some(command) = &options.run {
        return lab.run_command(command, options);
    }
    let start = Instant::now();
    let summary = lab.run_scenarios(&options.names, options.jobs, options.keep)?;
    println!("\nall of them: {:.0} s", start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", summary.passed, summary.failed.len());
    Ok(summary.failed.is_empty())
}

/// Runs every scenario. `built`: the programs are fresh already.
pub(crate) fn run_all(built: bool) -> Result<Summary> {
    let options = Options { jobs: 2, no_build: built, ..Options::default() };
    Lab::ready(&options)?.run_scenarios(&[], options.jobs, false)
}

/// Everything built, nothing started.
struct Lab {
    initrd: Initrd,
    scenarios: Vec<Scenario>,
    artefacts: PathBuf,
    accelerator: Accelerator,
    slots: Slots,
}

impl Lab {
    fn ready(options: &Options) -> Result<Lab> {
        let start = Instant::now();
        ensure!(cfg!(target_arch = "x86_64"), "the VM lab's guest is an x86-64 Debian; this machine is not");
        packages::ensure(&PACKAGES)?;
        if !options.no_build {
            fresh::build()?;
        }
        let scenarios = fresh::scenarios()?;
        let folder = target().join("vm");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let own = folder.join("runs").join(process::id().to_string());
        let needs_network_manager =
            options.network_manager || scenarios.iter().any(|scenario| scenario.needs_network_manager);
        let (version, initrd) = {
            // Two runs at a time build one image, and neither takes pieces of a half-built one.
            let lock = File::create(folder.join("lock")).context("cannot make the image's lock")?;
            let _held = Flock::lock(lock, FlockArg::LockExclusive)
                .map_err(|(_, error)| error)
                .context("cannot lock the image")?;
            let image = image::ready(&folder, options.renew)?;
            let initrd = Initrd::make(&image, &own, needs_network_manager)?;
            (image.version, initrd)
        };
        let accelerator = qemu::accelerator(&initrd.kernel(), initrd.path(false), &own.join("trial"))?;
        let artefacts = options.out.clone().unwrap_or_else(|| folder.join("artefacts"));
        println!(
            "guest: Linux {}, {}; ready after {:.1} s",
            version,
            match accelerator {
                Accelerator::Kvm => "KVM",
                Accelerator::Tcg => "no usable KVM, in software",
            },
            start.elapsed().as_secs_f64()
        );
        let slots = Slots::in_folder(&folder.join("slots"))?;
        Ok(Lab { initrd, scenarios, artefacts, accelerator, slots })
    }

    fn run_command(&self, command: &str, options: &Options) -> Result<bool> {
        let folder =
            options.out.clone().unwrap_or_else(|| self.artefacts.join(format!("run-{}", process::id())));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let script = folder.join("command");
        fs::write(&script, command).with_context(|| format!("cannot write {}", script.display()))?;
        let guest = Guest {
            kernel: &self.initrd.kernel(),
            initrd: self.initrd.path(options.network_manager),
            folder: &absolute(&folder)?,
            task: "hotshare.task=command".to_owned(),
            limit: None,
            is_shown: true,
        };
        let (verdict, took) = qemu::run(&guest, self.accelerator)?;
        println!("{:.1} s, logs in {}", took.as_secs_f64(), folder.display());
        Ok(match verdict {
            Verdict::Passed => true,
            Verdict::Failed(why) => {
                println!("failed: {why}");
                false
            }
            Verdict::Miscounted => {
                println!("failed: the command reports {}", qemu::MISCOUNT);
                false
            }
        })
    }

    fn run_scenarios(&self, names: &[String], jobs: usize, keep: bool) -> Result<Summary> {
        let mut chosen: Vec<&Scenario> = self.scenarios.iter().collect();
        if let Some(unknown) =
            names.iter().find(|name| !chosen.iter().any(|scenario| scenario.name == **name))
        {
            bail!("there is no scenario {unknown}; cargo xtask vm --list shows all");
        }
        chosen.retain(|scenario| {
            if names.is_empty() { !scenario.is_on_request } else { names.contains(&scenario.name) }
        });
        // The long ones first, so that the last to end is a short one.
        chosen.sort_by_key(|scenario| std::cmp::Reverse(scenario.limit));
        let waiting: Mutex<VecDeque<&Scenario>> = Mutex::new(chosen.into());
        let outcomes = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| {
                    while let Some(scenario) = waiting.lock().ok().and_then(|mut queue| queue.pop_front()) {
                        let outcome = self.run_scenario(scenario, keep);
                        if let Ok(mut outcomes) = outcomes.lock() {
                            outcomes.push((scenario.name.clone(), outcome));
                        }
                    }
                });
            }
        });
        let mut summary = Summary::default();
        for (name, outcome) in outcomes.into_inner().unwrap_or_default() {
            let outcome = outcome?;
            summary.miscounted |= outcome == Verdict::Miscounted;
            if outcome == Verdict::Passed {
                summary.passed += 1;
            } else {
                summary.failed.push(name);
            }
        }
        let may_repeat = summary.failed.len() <= AGAIN && !summary.miscounted;
        if jobs > 1 && self.accelerator == Accelerator::Tcg && may_repeat {
            self.run_alone(&mut summary, keep)?;
        }
        Ok(summary)
    }

    /// What failed beside another emulated guest has a second try with the machine to itself: an emulated radio
    /// that is starved for a second misses what a real one never would. All results are printed.
    fn run_alone(&self, summary: &mut Summary, keep: bool) -> Result<()> {
        for name in std::mem::take(&mut summary.failed) {
            let first = self.artefacts.join(format!("{name}.first"));
            if first.exists() {
                fs::remove_dir_all(&first).with_context(|| format!("cannot clear {}", first.display()))?;
            }
            fs::rename(self.artefacts.join(&name), &first)
                .with_context(|| format!("cannot keep {}", first.display()))?;
            println!("once more, alone (the first try is kept in {}):", first.display());
            let scenario = self.scenarios.iter().find(|scenario| scenario.name == name);
            let scenario = scenario.with_context(|| format!("there is no scenario {name}"))?;
            if self.run_scenario(scenario, keep)? == Verdict::Passed {
                summary.passed += 1;
            } else {
                summary.failed.push(name);
            }
        }
        Ok(())
    }

    /// Prints how it went.
    fn run_scenario(&self, scenario: &Scenario, keep: bool) -> Result<Verdict> {
        let _held = self.slots.take()?;
        let folder = self.artefacts.join(&scenario.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let guest = Guest {
            kernel: &self.initrd.kernel(),
            initrd: self.initrd.path(scenario.needs_network_manager),
            folder: &absolute(&folder)?,
            task: format!(
                "hotshare.task=scenario hotshare.scenario={}{}",
                scenario.name,
                if keep { " hotshare.keep=1" } else { "" }
            ),
            limit: Some(Duration::from_secs(
                scenario.limit * if self.accelerator == Accelerator::Tcg { SLOWEST } else { 1 },
            )),
            is_shown: false,
        };
        let (mut verdict, mut took) = qemu::run(&guest, self.accelerator)?;
        for _ in 1..BOOTS {
            let has_begun = fs::metadata(folder.join("console.log")).is_ok_and(|console| console.len() > 0);
            if has_begun || !matches!(verdict, Verdict::Failed(_)) {
                break;
            }
            println!("{:24} did not boot, {:.1} s; once more", scenario.name, took.as_secs_f64());
            (verdict, took) = qemu::run(&guest, self.accelerator)?;
        }
        let took = took.as_secs_f64();
        let why = match &verdict {
            Verdict::Passed => {
                println!("{:24} ok {took:>7.1} s", scenario.name);
                return Ok(verdict);
            }
            Verdict::Failed(why) => why,
            Verdict::Miscounted => "the guest reports a miscount",
        };
        let logs = logs(&folder);
        println!(
            "{:24} FAILED {took:>3.1} s: {why}\n{logs}    all of it: {}",
            scenario.name,
            folder.display()
        );
        Ok(verdict)
    }
}

/// QEMU reads commas in paths as the next option; the guest's folder is given from the top.
fn absolute(folder: &Path) -> Result<PathBuf> {
    let path = folder.canonicalize().with_context(|| format!("cannot find {}", folder.display()))?;
    ensure!(!path.to_string_lossy().contains(','), "{} has a comma in it", path.display());
    Ok(path)
}

/// The ends of what the guest and QEMU said.
fn logs(folder: &Path) -> String {
    let mut text = String::new();
    for (name, lines) in [("qemu.log", 5), ("kernel.log", 15), ("console.log", TAIL)] {
        let log = fs::read(folder.join(name)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let all: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in all.iter().skip(all.len().saturating_sub(lines)) {
            text.push_str(&format!("    {name}: {}\n", line.trim_end()));
        }
    }
    text
}
