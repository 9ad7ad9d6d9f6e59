//! Licences, bans and sources, by cargo-deny at one exact version, kept under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{cargo, top};

const VERSION: &str = "0.20.2";

/// Checks `deny.toml`, after building cargo-deny if it is not there yet.
pub(crate) fn run() -> Result<()> {
    let program = ensure_installed()?;
    let status = Command::new(&program)
        .current_dir(top())
        .args(["--log-level", "warn", "check", "licenses", "bans", "sources"])
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "cargo-deny found something; deny.toml takes exceptions, with a reason");
    Ok(())
}

fn ensure_installed() -> Result<PathBuf> {
    let tools = top().join("target/tools").join(format!("cargo-deny-{VERSION}"));
    let program = tools.join("bin/cargo-deny");
    if program.exists() {
        return Ok(program);
    }
    println!("building cargo-deny {VERSION}, once, into {}", tools.display());
    let build = tools.join("build");
    let status = cargo()
        // Unoptimised: it is built for longer than it runs.
        .args(["install", "cargo-deny", "--locked", "--quiet", "--debug", "--version", VERSION])
        .arg("--root")
        .arg(&tools)
        .arg("--target-dir")
        .arg(&build)
        .status()
        .context("cannot start cargo install")?;
    ensure!(status.success(), "cargo-deny {VERSION} did not build; its own message is above");
    std::fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    Ok(program)
}
