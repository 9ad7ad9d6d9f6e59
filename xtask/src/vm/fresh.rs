//! Our own programs, freshly built, as the last piece of what a guest starts with.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cpio::Cpio;
use super::image::Image;
use crate::cargo::{cargo, target};

/// The package and the program of ours that runs as the guest's first process.
const AGENT: (&str, &str) = ("hotshare-vm", "hotshare-guest");
const PRODUCT: (&str, &str) = ("hotshare", "hotshare");

/// Builds them as developers do.
pub(super) fn build() -> Result<()> {
    let status = cargo()
        .args(["build", "-p", PRODUCT.0, "-p", AGENT.0])
        .status()
        .context("cannot start cargo build")?;
    ensure!(status.success(), "the programs do not build; the compiler's message is above");
    Ok(())
}

/// What the agent can run.
pub(super) fn scenarios() -> Result<Vec<Scenario>> {
    let agent = built(AGENT.1);
    let output = Command::new(&agent)
        .arg("list")
        .output()
        .with_context(|| format!("cannot start {}; build it first", agent.display()))?;
    ensure!(output.status.success(), "{} list failed", agent.display());
    String::from_utf8_lossy(&output.stdout).lines().map(Scenario::read).collect()
}

/// A scenario as the agent lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) needs_network_manager: bool,
    /// Longer is a failure, in seconds.
    pub(super) limit: u64,
    /// Runs only when it is named.
    pub(super) is_on_request: bool,
}

impl Scenario {
    fn read(line: &str) -> Result<Scenario> {
        let mut words = line.split_whitespace();
        let mut word = || words.next().with_context(|| format!("the agent lists {line:?}"));
        Ok(Scenario {
            name: word()?.to_owned(),
            needs_network_manager: word()? == "nm",
            limit: word()?.parse().with_context(|| format!("the agent lists {line:?}"))?,
            is_on_request: word()? == "on-request",
        })
    }
}

fn built(program: &str) -> PathBuf {
    target().join("debug").join(program)
}

/// The kernel and the files a guest starts with, put together for one run.
#[derive(Debug)]
pub(super) struct Initrd {
    folder: PathBuf,
}

impl Initrd {
    /// Puts image and programs together in a folder of this run's own.
    pub(super) fn make(image: &Image, folder: &Path, with_network_manager: bool) -> Result<Initrd> {
        remove_left(folder.parent().unwrap_or(folder))?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let initrd = Initrd { folder: folder.to_path_buf() };
        let fresh = folder.join("fresh.cpio");
        let mut cpio = Cpio::create(&fresh)?;
        for (program, inside) in [(AGENT.1, "init"), (PRODUCT.1, "usr/bin/hotshare")] {
            let stripped = folder.join(program);
            strip(&built(program), &stripped)?;
            cpio.file(inside, &stripped)?;
        }
        cpio.link("usr/bin/hotshare-guest", "../../init")?;
        cpio.finish()?;
        // Of its own, because the image may be built anew while guests of this run still start.
        fs::hard_link(&image.kernel, initrd.kernel()).context("cannot link the kernel")?;
        join(&[&image.base, &fresh], &initrd.path(false))?;
        if with_network_manager {
            join(&[&image.base, &image.network_manager, &fresh], &initrd.path(true))?;
        }
        Ok(initrd)
    }

    pub(super) fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinux")
    }

    pub(super) fn path(&self, with_network_manager: bool) -> PathBuf {
        self.folder.join(if with_network_manager { "guest-nm.cpio" } else { "guest.cpio" })
    }
}

impl Drop for Initrd {
    fn drop(&mut self) {
        // Some hundred megabytes that the next run makes anew.
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Removes what runs left that were killed. Each is named by its process number.
fn remove_left(runs: &Path) -> Result<()> {
    fs::create_dir_all(runs).with_context(|| format!("cannot make {}", runs.display()))?;
    for entry in fs::read_dir(runs).with_context(|| format!("cannot list {}", runs.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", runs.display()))?;
        if !Path::new("/proc").join(entry.file_name()).exists() {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
    Ok(())
}

/// Without what only a debugger reads: names stay, for back traces.
fn strip(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("strip")
        .args(["--strip-debug", "-o"])
        .args([to, from])
        .status()
        .context("cannot start strip")?;
    ensure!(status.success(), "cannot strip {}", from.display());
    Ok(())
}

/// The kernel unpacks archives one after the other.
fn join(parts: &[&PathBuf], into: &Path) -> Result<()> {
    let mut out = File::create(into).with_context(|| format!("cannot make {}", into.display()))?;
    for part in parts {
        let mut input = File::open(part).with_context(|| format!("cannot open {}", part.display()))?;
        io::copy(&mut input, &mut out).with_context(|| format!("cannot write {}", into.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_lists_is_read() {
        let scenario = Scenario::read("air plain 60 always").expect("this is how it lists");
        assert_eq!(
            (scenario.name.as_str(), scenario.needs_network_manager, scenario.limit),
            ("air", false, 60)
        );
        assert!(Scenario::read("air nm").is_err());
    }
}
