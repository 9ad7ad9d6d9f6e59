//! Debian packages that tests and tools need: says which, installs those that are missing when it may.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::geteuid;

/// A package, and the file that shows it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    /// Name in Debian 12.
    pub(crate) name: &'static str,
    /// A program looked up in the search path, or an absolute path.
    pub(crate) proof: &'static str,
    /// What it is needed for, to complete "needed".
    pub(crate) purpose: &'static str,
}

/// What compiles the kernel programs. The compiler's version is part of its name: another makes other bytes.
pub(crate) const BPF: [Package; 4] = [
    Package { name: "clang-14", proof: "clang-14", purpose: "to compile the kernel programs" },
    Package { name: "llvm-14", proof: "llvm-strip-14", purpose: "to strip them" },
    Package { name: "libbpf-dev", proof: "/usr/include/bpf/bpf_helpers.h", purpose: "for their headers" },
    Package { name: "linux-libc-dev", proof: "/usr/include/linux/bpf.h", purpose: "for their headers" },
];

impl Package {
    fn is_there(&self) -> bool {
        if self.proof.starts_with('/') {
            return Path::new(self.proof).exists();
        }
        search_path().iter().any(|folder| folder.join(self.proof).exists())
    }
}

/// The search path, with the folders of administration programs, which an ordinary user's path lacks.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    folders.extend(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
}

/// Makes sure that every one of these packages is there.
///
/// Installs what is missing as root on a machine with apt; elsewhere fails and says what to install.
pub(crate) fn ensure(packages: &[Package]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let missing: Vec<&Package> = packages.iter().filter(|package| !package.is_there()).collect();
    if missing.is_empty() {
        let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
        println!("Debian packages needed, all there: {}", names.join(" "));
        return Ok(());
    }
    for package in &missing {
        println!("Debian package {} is missing; needed {}", package.name, package.purpose);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let apt = Package { name: "apt", proof: "apt-get", purpose: "" };
    if !geteuid().is_root() || !apt.is_there() {
        bail!(
            "cannot install as an ordinary user or without apt; run: sudo apt-get install {}",
            names.join(" ")
        );
    }
    println!("installing: {}", names.join(" "));
    if !apt_get("install", &names)? {
        // A fresh machine has no package lists yet.
        ensure!(apt_get("update", &[])?, "apt-get update failed; its own message is above");
        ensure!(apt_get("install", &names)?, "apt-get could not install {}", names.join(" "));
    }
    for package in missing {
        ensure!(package.is_there(), "{} is installed, yet {} is not there", package.name, package.proof);
    }
    Ok(())
}

fn apt_get(verb: &str, names: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-y", "-o", "Dpkg::Use-Pty=0"])
        .arg(verb)
        .args((verb == "install").then_some("--no-install-recommends"))
        .args(names)
        .status()
        .with_context(|| format!("cannot start apt-get {verb}"))?;
    Ok(status.success())
}
