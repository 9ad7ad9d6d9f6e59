//! The lab itself: a kernel that can do what Hotshare needs, and the fresh binary on it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell::{sh, sh_output};

pub(super) fn run() -> Result<()> {
    let release = sh("uname -r")?;
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    ensure!(version >= (6, 6), "the guest runs Linux {release}, too old for tcx");
    println!("Linux {}", release.trim());

    ensure!(sh("mount")?.contains("/sys/fs/bpf type bpf"), "there is no place for pinned programs");
    sh("nft add table inet lab '{ chain c { type filter hook forward priority 0; policy drop; }; }'")?;
    ensure!(sh("nft list ruleset")?.contains("policy drop"), "nft rules do not hold");
    sh("nft delete table inet lab")?;

    println!("{}", sh("hotshare --version")?.trim());
    let output = sh_output("hotshare doctor --json")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("doctor says: {}", String::from_utf8_lossy(&output.stderr)))?;
    println!("{report:#}");
    Ok(())
}
