//! The box's network as text: everything that a stop must give back.

use std::path::Path;

use anyhow::Result;
use hotshare_lab::lab::Lab;

use super::in_box;

/// Interfaces, addresses, routes, rules, qdiscs, the firewall and every network sysctl.
pub(crate) fn dump(lab: &Lab) -> Result<String> {
    let mut text = String::new();
    for (program, args) in [
        ("ip", "-details -oneline link show"),
        ("ip", "-oneline -4 address show"),
        ("ip", "-oneline -6 address show"),
        ("ip", "-4 route show table all"),
        ("ip", "-6 route show table all"),
        ("ip", "-4 rule show"),
        ("ip", "-6 rule show"),
        ("tc", "qdisc show"),
        ("nft", "list ruleset"),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let output = in_box(program, &args)?;
        anyhow::ensure!(
            output.status.success(),
            "{program} {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        text.push_str(&format!("# {program} {}\n", args.join(" ")));
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            // An address that was just given back is tentative for a moment.
            text.push_str(&line.replace(" tentative", ""));
            text.push('\n');
        }
    }
    text.push_str("# sysctls\n");
    let sysctls = lab.hotspot.space().run(|| {
        let mut lines = Vec::new();
        walk(Path::new("/proc/sys/net"), &mut lines);
        lines.sort();
        lines.join("\n")
    })?;
    text.push_str(&sysctls);
    Ok(text)
}

fn walk(dir: &Path, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, lines);
        } else if let Ok(value) = std::fs::read_to_string(&path) {
            let name = path.display().to_string();
            // These change by themselves.
            if !["nf_conntrack_count", "stable_secret", "fib_sync_mem"].iter().any(|end| name.ends_with(end))
            {
                lines.push(format!("{name} = {}", value.trim()));
            }
        }
    }
}

/// The lines in which two dumps differ; empty when nothing changed.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let gone =
        before.lines().filter(|line| !after.lines().any(|other| other == *line)).map(|l| format!("- {l}\n"));
    let new =
        after.lines().filter(|line| !before.lines().any(|other| other == *line)).map(|l| format!("+ {l}\n"));
    gone.chain(new).collect()
}

/// Waits a little for the kernel's own afterthoughts (duplicate address detection), then compares.
pub(crate) async fn unchanged(lab: &Lab, before: &str) -> Result<()> {
    let mut found = String::new();
    for _ in 0..30 {
        found = difference(before, &dump(lab)?);
        if found.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("the box's network is not as it was:\n{found}")
}
