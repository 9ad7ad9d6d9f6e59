//! The guest's kernel: taken out of its compressed image, and those of its modules that the lab uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::tree::Programs;

/// Radio, ciphers, filters, links, queues, and what brings files and programs in. Each with all it needs.
#[rustfmt::skip]
const MODULES: &[&str] = &[
    "mac80211_hwsim", "ccm", "cmac", "gcm", "ctr", "cbc", "aesni-intel", "crc32c_generic", "ghash-generic",
    "algif_hash", "algif_skcipher", "af_packet", "af_packet_diag", "inet_diag", "tcp_diag", "udp_diag",
    "unix_diag", "netlink_diag", "xt_conntrack",
    "nf_tables", "nft_ct", "nft_nat", "nft_masq", "nft_chain_nat", "nft_limit", "nft_quota", "nft_log",
    "nft_reject", "nft_reject_inet", "nft_reject_bridge", "nft_meta_bridge",
    "nft_redir", "nft_fib", "nft_fib_inet", "nft_fib_ipv4", "nft_fib_ipv6",
    "nft_fib_netdev", "nft_hash", "nft_flow_offload", "nft_tproxy", "nft_socket", "nft_queue",
    "nft_connlimit", "nft_numgen", "nft_dup_ipv4", "nft_dup_ipv6", "nft_dup_netdev", "nft_fwd_netdev",
    "nft_compat", "nf_log_syslog", "nf_conntrack_netlink", "nf_conntrack_bridge", "nf_flow_table",
    "nf_flow_table_inet", "nfnetlink_log", "nfnetlink_queue",
    "veth", "bridge", "br_netfilter", "dummy", "ifb", "tun", "8021q", "macvlan", "vrf",
    "sch_fq", "sch_fq_codel", "sch_cake", "sch_htb", "sch_tbf", "sch_netem", "sch_ingress", "sch_prio",
    "sch_mqprio", "cls_bpf", "cls_u32", "cls_flower", "cls_matchall", "cls_fw", "cls_basic",
    "act_bpf", "act_police", "act_mirred", "act_gact", "act_skbedit",
    "9p", "9pnet_virtio", "virtio_pci", "virtio_net", "virtio_console", "virtio-rng", "virtio_blk",
    "ext4", "overlay", "loop", "rfkill", "tcp_bbr", "configfs", "autofs4",
];

/// Takes the uncompressed kernel out of a bzImage: QEMU starts it directly, without the slow unpacking.
///
/// The fields are those of the kernel's boot protocol; the payload ends with its own length.
pub(super) fn uncompressed(image: &Path, into: &Path) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let word = |at: usize| -> Option<usize> {
        let field: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(field)).ok()
    };
    let payload = || {
        let setup = (usize::from(*bytes.get(0x1f1)?) + 1) * 512;
        let start = setup + word(0x248)?;
        bytes.get(start..start + word(0x24c)?)
    };
    let payload = payload().with_context(|| format!("{} is not a kernel image", image.display()))?;
    let (program, payload) = match payload {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("zstd", payload.get(..payload.len() - 4).unwrap_or_default()),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("xz", payload.get(..payload.len() - 4).unwrap_or_default()),
        _ => bail!("the kernel in {} is packed in a way unknown here", image.display()),
    };
    let out = File::create(into).with_context(|| format!("cannot make {}", into.display()))?;
    let mut child = Command::new(program)
        .args(["-d", "-c", "-q"])
        .stdin(Stdio::piped())
        .stdout(out)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut input = child.stdin.take().context("it has no input")?;
    input.write_all(payload).with_context(|| format!("{program} does not take the kernel"))?;
    drop(input);
    let status = child.wait().with_context(|| format!("cannot wait for {program}"))?;
    ensure!(status.success(), "{program} could not unpack the kernel");
    Ok(())
}

/// The modules of a kernel as the guest will have them: unpacked, with an index.
pub(super) struct Modules {
    pub(super) version: String,
    /// A folder with `lib/modules/VERSION` inside.
    pub(super) folder: PathBuf,
}

/// Chooses the modules out of an unpacked kernel package.
pub(super) fn modules(kernel: &Path, into: &Path, programs: &Programs) -> Result<Modules> {
    let all = kernel.join("lib/modules");
    let version = fs::read_dir(&all)
        .with_context(|| format!("cannot list {}", all.display()))?
        .find_map(|entry| entry.ok()?.file_name().into_string().ok())
        .context("the kernel package has no modules")?;
    programs.run("depmod", &["-b", &kernel.to_string_lossy(), &version])?;
    let from = all.join(&version);
    let to = into.join("lib/modules").join(&version);
    let index = fs::read_to_string(from.join("modules.dep")).context("depmod made no index")?;
    for path in closure(&index, &builtin(&from)?)? {
        unpacked(&from.join(&path), &to.join(path.trim_end_matches(".xz")))?;
    }
    for name in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        fs::copy(from.join(name), to.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    programs.run("depmod", &["-b", &into.to_string_lossy(), &version])?;
    Ok(Modules { version, folder: into.to_path_buf() })
}

/// Unpacks a module, without its signature and its type descriptions: checking the one and reading the other is
/// most of the time it takes to load one on an emulated processor, and nothing here needs them.
fn unpacked(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    if from.extension().is_some_and(|extension| extension == "ko") {
        fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    } else {
        let out = File::create(to).with_context(|| format!("cannot make {}", to.display()))?;
        let status = Command::new("xz")
            .args(["-d", "-c"])
            .arg(from)
            .stdout(out)
            .status()
            .context("cannot start xz")?;
        ensure!(status.success(), "xz could not unpack {}", from.display());
    }
    let status = Command::new("strip")
        .args(["--strip-debug", "--remove-section=.BTF"])
        .arg(to)
        .status()
        .context("cannot start strip")?;
    ensure!(status.success(), "cannot strip {}", to.display());
    Ok(())
}

/// Modules count `-` and `_` as one sign.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name).replace('-', "_")
}

fn builtin(folder: &Path) -> Result<BTreeSet<String>> {
    let list = fs::read_to_string(folder.join("modules.builtin")).context("the kernel lists no built-ins")?;
    Ok(list.lines().map(stem).collect())
}

/// The files of the wanted modules and of all they need.
fn closure(index: &str, builtin: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let lines: BTreeMap<String, (&str, &str)> = index
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(path, needs)| (stem(path), (path, needs)))
        .collect();
    let mut files = BTreeSet::new();
    for name in MODULES {
        let name = stem(name);
        // depmod lists what a module needs in full, not only the next ones.
        if let Some((path, needs)) = lines.get(&name) {
            files.insert((*path).to_owned());
            files.extend(needs.split_whitespace().map(str::to_owned));
        } else if !builtin.contains(&name) {
            println!("this kernel has no module {name}");
        }
    }
    ensure!(files.iter().any(|path| stem(path) == "mac80211_hwsim"), "this kernel has no simulated radio");
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_with_all_it_needs() {
        let index = "kernel/a/mac80211_hwsim.ko.xz: kernel/b/mac80211.ko.xz kernel/b/cfg80211.ko.xz\n\
                     kernel/b/mac80211.ko.xz: kernel/b/cfg80211.ko.xz\nkernel/c/unwanted.ko:\n";
        let files = closure(index, &BTreeSet::new()).expect("there is a radio");
        assert_eq!(files.len(), 3);
        assert_eq!(stem("kernel/x/sbs-battery.ko.xz"), "sbs_battery");
    }
}
