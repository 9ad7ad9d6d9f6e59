//! What is kept of a guest whose scenario failed.

use std::fs;
use std::path::Path;

use crate::shell::{LOGS, sh_output};

/// Looks at the machine, each into a file of its own.
const VIEWS: &[(&str, &str)] = &[
    ("ruleset.txt", "nft list ruleset"),
    ("links.txt", "ip -d addr; ip route show table all; ip neigh; ip -br netns"),
    (
        "namespaces.txt",
        "for n in $(ls /run/netns 2>/dev/null); do echo \"== $n\"; ip -n $n addr; ip -n $n route; \
         ip netns exec $n iw dev; done",
    ),
    (
        "air.txt",
        "iw dev; iw reg get; for i in $(ls /sys/class/net); do echo \"== $i\"; iw dev $i station dump; done",
    ),
    ("processes.txt", "ps -o pid,ppid,stat,args"),
    ("status.json", "timeout 5 hotshare status --json"),
    ("doctor.txt", "timeout 10 hotshare doctor"),
    (
        "bpf.txt",
        "find /sys/fs/bpf; bpftool net show; bpftool map show; \
         for m in $(find /sys/fs/bpf -type f); do echo \"== $m\"; bpftool map dump pinned $m; done",
    ),
    ("conntrack.txt", "conntrack -L"),
    ("sockets.txt", "ss -anp"),
    ("dmesg.txt", "dmesg"),
    ("run.txt", "find /run /tmp -xdev"),
];

/// Folders of Hotshare's that are copied: what it runs on.
const FOLDERS: [&str; 4] = [LOGS, "/run/hotshare", "/var/lib/hotshare", "/etc/hotshare"];

/// Writes all of it into the share.
pub(crate) fn keep(share: &str) {
    // The capture writes its last frames when it is ended.
    sh_output("killall tcpdump && sleep 0.3").ok();
    for (name, command) in VIEWS {
        if let Ok(output) = sh_output(command) {
            let mut text = output.stdout;
            text.extend(output.stderr);
            fs::write(Path::new(share).join(name), text).ok();
        }
    }
    for folder in FOLDERS.iter().filter(|folder| Path::new(folder).exists()) {
        let name = folder.trim_start_matches('/').replace('/', "-");
        // Sockets and pipes cannot be copied; what can be is what counts.
        sh_output(&format!(
            "mkdir -p {share}/{name}; cd {folder} && find . -type d -exec mkdir -p {share}/{name}/{{}} \\; && find . -type f -exec cp {{}} {share}/{name}/{{}} \\;"
        ))
        .ok();
    }
}
