//! The lab itself: a kernel that can do what Hotshare needs, and the fresh binary on it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::radios::radios;
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
    // Something to share, so that nothing is left for the doctor to find but the machine's own faults. It asks
    // the kernel for tcx.
    sh("ip link add uplink type dummy && ip addr add 192.0.2.2/24 dev uplink && ip link set uplink up")?;
    sh("ip route add default via 192.0.2.1")?;
    sh("mkdir -p /etc/hotshare && printf '[wifi]\\ncountry = \"SE\"\\n' > /etc/hotshare/hotshare.toml")?;
    radios(1, 1)?;
    let output = sh_output("hotshare doctor --json")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("doctor says: {}", String::from_utf8_lossy(&output.stderr)))?;
    println!("{report:#}");
    let findings = report["findings"].as_array().context("doctor has no findings")?;
    ensure!(findings.iter().all(|finding| finding["severity"] != "broken"), "doctor calls the guest broken");
    Ok(())
}
