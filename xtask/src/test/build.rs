//! Builds all test programs in one go, so that every dependency is built once, and finds them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Tier;
use crate::cargo::cargo;

/// What the build made.
#[derive(Default)]
pub(super) struct Built {
    pub(super) binaries: Vec<Binary>,
    /// The `hotshare` program, for tests that start it.
    pub(super) hotshare: Option<PathBuf>,
}

/// One test program.
pub(super) struct Binary {
    pub(super) tier: Tier,
    pub(super) package: String,
    pub(super) name: String,
    pub(super) program: PathBuf,
    /// The package's folder: tests run there, as under cargo.
    pub(super) folder: PathBuf,
}

/// Builds every test of the workspace, and the programs: with the features that tests need, once for all tiers.
pub(super) fn tests() -> Result<Built> {
    let mut child = cargo()
        .args(["build", "--workspace", "--tests", "--bins", "--examples"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo build")?;
    let output = child.stdout.take().context("cargo build has no output")?;
    let mut built = Built { binaries: Vec::new(), hotshare: None };
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what cargo built")?;
        if let Ok(message) = serde_json::from_str(&line) {
            note(&message, &mut built);
        }
    }
    let status = child.wait().context("cannot wait for cargo build")?;
    ensure!(status.success(), "the tests do not build; the compiler's message is above");
    built.binaries.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(built)
}

fn note(message: &Value, built: &mut Built) {
    if message["reason"] != "compiler-artifact" {
        return;
    }
    let (Some(program), Some(name), Some(manifest)) = (
        message["executable"].as_str(),
        message["target"]["name"].as_str(),
        message["manifest_path"].as_str().map(PathBuf::from),
    ) else {
        return;
    };
    let Some(folder) = manifest.parent() else {
        return;
    };
    if message["profile"]["test"] != true {
        if name == "hotshare" {
            built.hotshare = Some(program.into());
        }
        return;
    }
    // Our packages are named like their folders.
    let package = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_integration_test =
        message["target"]["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"));
    built.binaries.push(Binary {
        tier: Tier::of(&package, name, is_integration_test),
        package,
        name: name.to_owned(),
        program: program.into(),
        folder: folder.to_path_buf(),
    });
}
