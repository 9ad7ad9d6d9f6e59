//! The guest's first file system: what never changes between two runs, built once and kept.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt::{self, Fetched};
use super::cpio::Cpio;
use super::kernel::{self, Modules};
use super::tree::{MERGED, Programs};

/// Debian packages of the guest. They and all they need are fetched, never installed.
#[rustfmt::skip]
const PACKAGES: &[&str] = &[
    "bpftool", "busybox-static", "conntrack", "dash", "dbus", "hostapd", "iproute2", "iputils-arping",
    "iputils-ping", "isc-dhcp-client", "iw", "kmod", "libgcc-s1", "network-manager", "nftables", "tcpdump",
    "udev", "wireless-regdb", "wpasupplicant",
];

/// In every guest. Libraries come by themselves.
#[rustfmt::skip]
const BASE: &[&str] = &[
    "usr/bin/dash", "usr/bin/busybox", "usr/bin/kmod",
    "usr/sbin/modprobe", "usr/sbin/rmmod", "usr/sbin/insmod", "usr/bin/lsmod",
    "usr/sbin/hostapd", "usr/sbin/hostapd_cli", "usr/sbin/wpa_supplicant", "usr/sbin/wpa_cli",
    "usr/bin/wpa_passphrase", "usr/sbin/iw", "usr/lib/firmware/regulatory.db-debian",
    "usr/lib/firmware/regulatory.db.p7s-debian",
    "usr/bin/ip", "usr/sbin/bridge", "usr/sbin/tc", "usr/bin/ss", "etc/iproute2", "usr/sbin/nft",
    "usr/bin/ping", "usr/bin/arping", "usr/sbin/dhclient", "usr/sbin/dhclient-script", "etc/dhcp",
    "usr/bin/tcpdump", "usr/sbin/bpftool", "usr/sbin/conntrack",
    // What our own programs need, and what is loaded by name at run time.
    "usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/lib/x86_64-linux-gnu/libm.so.6", "usr/lib/x86_64-linux-gnu/libgcc_s.so.1",
    "usr/lib/x86_64-linux-gnu/ossl-modules",
];

/// On top of that where NetworkManager runs.
#[rustfmt::skip]
const NETWORK_MANAGER: &[&str] = &[
    "usr/sbin/NetworkManager", "usr/bin/nmcli", "usr/lib/NetworkManager", "etc/NetworkManager",
    "usr/bin/dbus-daemon", "usr/bin/dbus-send", "usr/bin/dbus-monitor", "usr/share/dbus-1", "etc/dbus-1",
    "usr/bin/udevadm", "usr/lib/systemd/systemd-udevd", "usr/lib/udev/rules.d",
];

/// NetworkManager's plugins, in a folder of its version. Those for modems need what the guest lacks.
const PLUGINS: &str = "usr/lib/x86_64-linux-gnu/NetworkManager";

/// Small files of the guest: name and content.
const FILES: &[(&str, &str)] = &[
    (
        "etc/passwd",
        "root:x:0:0::/:/bin/sh\nmessagebus:x:100:100::/:/bin/sh\nsystemd-network:x:102:102::/:/bin/sh\n\
         polkitd:x:103:103::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    ),
    (
        "etc/group",
        "root:x:0:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nkmem:x:15:\ndialout:x:20:\ncdrom:x:24:\n\
         tape:x:26:\naudio:x:29:\nvideo:x:44:\nplugdev:x:46:\nmessagebus:x:100:\nnetdev:x:101:\n\
         systemd-network:x:102:\npolkitd:x:103:\ninput:x:105:\nsgx:x:106:\nkvm:x:107:\nrender:x:108:\n\
         nogroup:x:65534:\n",
    ),
    ("etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n"),
    ("etc/hostname", "guest\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("etc/machine-id", "00112233445566778899aabbccddeeff\n"),
    ("etc/os-release", "PRETTY_NAME=\"Hotshare VM lab\"\nNAME=\"lab\"\nID=debian\n"),
];

/// A lab that can boot once today's programs are added.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) kernel: PathBuf,
    /// The kernel's version text.
    pub(super) version: String,
    pub(super) base: PathBuf,
    pub(super) network_manager: PathBuf,
}

impl Image {
    fn at(folder: &Path, version: &str) -> Image {
        Image {
            kernel: folder.join("vmlinux"),
            version: version.to_owned(),
            base: folder.join("base.cpio"),
            network_manager: folder.join("network-manager.cpio"),
        }
    }
}

/// What the image is made by: another text here is another image.
fn recipe() -> String {
    let mut hasher = DefaultHasher::new();
    [include_str!("image.rs"), include_str!("kernel.rs"), include_str!("tree.rs"), include_str!("cpio.rs")]
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The image kept below this folder; built when there is none, or when `renew` asks the archive for news.
pub(super) fn ready(folder: &Path, renew: bool) -> Result<Image> {
    let key = folder.join("image.key");
    let recipe = recipe();
    let kept = fs::read_to_string(&key).unwrap_or_default();
    let mut lines = kept.lines();
    let (of_recipe, of_packages, version) = (lines.next(), lines.next(), lines.next());
    if let Some(version) = version.filter(|_| of_recipe == Some(&recipe) && !renew) {
        return Ok(Image::at(&folder.join("image"), version));
    }
    let fetched = apt::fetch(PACKAGES, &folder.join("packages"))?;
    let packages = names(&fetched);
    if let Some(version) = version.filter(|_| of_recipe == Some(&recipe) && of_packages == Some(&packages)) {
        return Ok(Image::at(&folder.join("image"), version));
    }
    println!("building the image");
    let version = build(&fetched, folder)?;
    fs::write(&key, format!("{recipe}\n{packages}\n{version}\n"))
        .with_context(|| format!("cannot write {}", key.display()))?;
    Ok(Image::at(&folder.join("image"), &version))
}

fn names(fetched: &Fetched) -> String {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> =
        [&fetched.kernel].into_iter().chain(&fetched.programs).filter_map(name).collect();
    names.join(" ")
}

fn build(fetched: &Fetched, folder: &Path) -> Result<String> {
    let (image, work) = (folder.join("image"), folder.join("work"));
    for folder in [&image, &work] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let programs = Programs::unpack(&fetched.programs, &work.join("tree"))?;
    let unpacked = work.join("kernel");
    fs::create_dir_all(&unpacked).with_context(|| format!("cannot make {}", unpacked.display()))?;
    apt::unpack(&fetched.kernel, &unpacked)?;
    let modules = kernel::modules(&unpacked, &work.join("modules"), &programs)?;
    let made = Image::at(&image, &modules.version);
    kernel::uncompressed(&unpacked.join("boot").join(format!("vmlinuz-{}", modules.version)), &made.kernel)?;
    base(&made.base, &programs, &modules)?;
    let mut cpio = Cpio::create(&made.network_manager)?;
    NETWORK_MANAGER.iter().try_for_each(|path| programs.add(&mut cpio, path))?;
    for version in programs.names(PLUGINS)? {
        programs.add(&mut cpio, &format!("{PLUGINS}/{version}/libnm-device-plugin-wifi.so"))?;
    }
    cpio.finish()?;
    fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    Ok(modules.version)
}

fn base(path: &Path, programs: &Programs, modules: &Modules) -> Result<()> {
    let mut cpio = Cpio::create(path)?;
    for name in MERGED {
        cpio.folder(&format!("usr/{name}"))?;
        cpio.link(name, &format!("usr/{name}"))?;
    }
    for name in ["proc", "sys", "dev", "run", "tmp", "share", "var/lib", "var/log", "mnt"] {
        cpio.folder(name)?;
    }
    cpio.link("var/run", "../run")?;
    // Before anything is mounted, the first program speaks through these.
    cpio.device("dev/console", 5, 1)?;
    cpio.device("dev/null", 1, 3)?;
    FILES.iter().try_for_each(|(name, text)| cpio.bytes(name, 0o644, text.as_bytes()))?;
    cpio.link("usr/lib/firmware/regulatory.db", "regulatory.db-debian")?;
    cpio.link("usr/lib/firmware/regulatory.db.p7s", "regulatory.db.p7s-debian")?;
    // Not busybox: its shell runs its own `ip` before the real one.
    cpio.link("usr/bin/sh", "dash")?;
    BASE.iter().try_for_each(|path| programs.add(&mut cpio, path))?;
    let real = |name: &String| BASE.iter().any(|path| path.rsplit('/').next() == Some(name));
    for applet in programs.applets()?.iter().filter(|name| !real(name)) {
        cpio.link(&format!("usr/bin/{applet}"), "busybox")?;
    }
    let tree = modules.folder.join("lib/modules").join(&modules.version);
    folder(&mut cpio, &tree, &format!("usr/lib/modules/{}", modules.version))?;
    cpio.finish()
}

fn folder(cpio: &mut Cpio, from: &Path, to: &str) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", from.display()))?;
        let inside = format!("{to}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            folder(cpio, &entry.path(), &inside)?;
        } else {
            cpio.file(&inside, &entry.path())?;
        }
    }
    Ok(())
}
