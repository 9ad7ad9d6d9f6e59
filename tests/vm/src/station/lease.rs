//! The station's DHCP client: busybox's, which calls a script that configures the interface and tells the lease.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nlink::netlink::namespace::Netns;

/// What the box's server promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: u8,
    pub(crate) router: Ipv4Addr,
    pub(crate) resolver: Option<Ipv4Addr>,
    pub(crate) server: Ipv4Addr,
}

/// What the client calls. The file appears whole, or not at all.
const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
bound | renew)
    if [ -z "$HOTSHARE_ONLY_ASK" ]; then
        ip address replace "$ip/$mask" dev "$interface"
        ip route replace default via "${router%% *}" dev "$interface"
    fi
    echo "$ip $mask ${router%% *} ${serverid:-0.0.0.0} ${dns%% *}" > "$HOTSHARE_LEASE.new"
    mv "$HOTSHARE_LEASE.new" "$HOTSHARE_LEASE"
    ;;
esac
"#;

fn command(interface: &str, dir: &Path, lease: &str) -> Result<Command> {
    use std::os::unix::fs::PermissionsExt;
    let script = dir.join("lease.sh");
    std::fs::write(&script, SCRIPT)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    let mut command = Command::new("busybox");
    command.args(["udhcpc", "-i", interface, "-T", "1", "-t", "12", "-A", "1", "-s"]).arg(&script);
    command
        .env("HOTSHARE_LEASE", dir.join(lease))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

/// Starts a client that keeps its lease.
pub(super) fn start(space: &Netns, interface: &str, name: &str, dir: &Path) -> Result<Child> {
    let mut command = command(interface, dir, "lease")?;
    command.args(["-f", "-x", &format!("hostname:{name}")]);
    space.command(command)?.pdeathsig(libc::SIGKILL).spawn().context("start the DHCP client")
}

/// Does the server answer now?
pub(super) async fn answers(space: &Netns, interface: &str, dir: &Path) -> Result<bool> {
    let mut command = command(interface, dir, "asked")?;
    command.args(["-f", "-q", "-n", "-t", "4"]).env("HOTSHARE_ONLY_ASK", "1");
    let command = space.command(command)?;
    let status = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(status.status.success())
}

/// The lease that a client has told of, if it has.
pub(super) fn read(file: &Path) -> Result<Option<Lease>> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
    let words: Vec<&str> = text.split_whitespace().collect();
    let word =
        |at: usize| words.get(at).copied().with_context(|| format!("the lease has no word {at}: {text}"));
    Ok(Some(Lease {
        address: word(0)?.parse()?,
        prefix: word(1)?.parse()?,
        router: word(2)?.parse()?,
        server: word(3)?.parse()?,
        resolver: words.get(4).and_then(|dns| dns.parse().ok()),
    }))
}
