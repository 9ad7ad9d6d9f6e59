//! Packages from the machine's own archive, fetched but not installed: the guest's kernel and its programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where Debian names its current kernel.
const KERNEL: &str = "linux-image-amd64";

/// The meter hooks in with tcx, which Linux has since 6.6.
const OLDEST_KERNEL: (u32, u32) = (6, 6);

/// apt, with its own settings or with a private list of sources.
#[derive(Debug, Clone, Default)]
struct Apt {
    options: Vec<String>,
}

impl Apt {
    /// Output of an apt program, which must succeed.
    fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program)
            .env("LC_ALL", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-o", "APT::Sandbox::User=root"])
            .args(self.options.iter().flat_map(|option| ["-o", option]))
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start {program}; the VM lab needs a Debian machine"))?;
        let what = || format!("{program} {}", arguments.join(" "));
        ensure!(output.status.success(), "{} failed: {}", what(), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", what()))
    }

    /// The version apt would install.
    fn candidate(&self, package: &str) -> Result<Option<String>> {
        let policy = self.output("apt-cache", &["policy", package])?;
        let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        Ok(candidate.filter(|version| *version != "(none)").map(str::to_owned))
    }
}

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) kernel: PathBuf,
    pub(super) programs: Vec<PathBuf>,
}

/// Fetches the kernel and these programs with all they need into a folder; what is there already is kept.
pub(super) fn fetch(programs: &[&str], folder: &Path) -> Result<Fetched> {
    let apt = Apt::default();
    if apt.candidate("hostapd")?.is_none() {
        println!("fetching the package lists");
        apt.output("apt-get", &["update"])?;
    }
    Ok(Fetched { kernel: fetch_kernel(&apt, folder)?, programs: fetch_programs(programs, folder)? })
}

fn fetch_kernel(apt: &Apt, folder: &Path) -> Result<PathBuf> {
    let mut source = apt.clone();
    let mut version = apt.candidate(KERNEL)?;
    if version.as_deref().is_none_or(is_too_old) {
        source = backports(apt, &folder.join("backports"))?;
        version = source.candidate(KERNEL)?;
    }
    let version = version.filter(|version| !is_too_old(version)).with_context(|| {
        let (major, minor) = OLDEST_KERNEL;
        format!("no {KERNEL} of {major}.{minor} or newer in this machine's archive or its backports")
    })?;
    let depends = source.output("apt-cache", &["depends", KERNEL])?;
    let image = depends
        .lines()
        .find_map(|line| {
            line.trim().strip_prefix("Depends: ").filter(|name| name.starts_with("linux-image-"))
        })
        .with_context(|| format!("{KERNEL} {version} names no image"))?;
    let into = folder.join("kernel");
    let kept = |path: &Path| path.to_string_lossy().contains(&format!("/{image}_"));
    if let Some(path) = packages_in(&into)?.into_iter().find(|path| kept(path)) {
        return Ok(path);
    }
    println!("fetching {image} {version}");
    fs::create_dir_all(&into).with_context(|| format!("cannot make {}", into.display()))?;
    download(&source, image, &into)?;
    packages_in(&into)?.into_iter().find(|path| kept(path)).with_context(|| format!("{image} did not arrive"))
}

/// `apt-get download` puts files where it runs.
fn download(apt: &Apt, package: &str, into: &Path) -> Result<()> {
    let status = Command::new("apt-get")
        .current_dir(into)
        .args(["-q", "-o", "APT::Sandbox::User=root"])
        .args(apt.options.iter().flat_map(|option| ["-o", option]))
        .args(["download", package])
        .status()
        .context("cannot start apt-get download")?;
    ensure!(status.success(), "apt-get could not download {package}; its own message is above");
    Ok(())
}

/// Debian's version text starts with the kernel's: `6.12.95-1~bpo12+1`.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split(['.', '-', '~', '+']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST_KERNEL
}

/// The same archive's suite of newer packages, with lists of its own: the system's settings stay untouched.
fn backports(apt: &Apt, folder: &Path) -> Result<Apt> {
    let format = "$(ORIGIN)|$(LABEL)|$(CREATED_BY)|$(RELEASE)|$(CODENAME)|$(SITE)|$(COMPONENT)";
    let targets = apt.output("apt-get", &["indextargets", "--format", format, "Created-By: Packages"])?;
    let (codename, site) = targets
        .lines()
        .find_map(|line| {
            let fields: Vec<&str> = line.split('|').collect();
            let ["Debian", "Debian", "Packages", release, codename, site, "main"] = fields[..] else {
                return None;
            };
            (release == codename).then_some((codename, site))
        })
        .context("apt has no source of Debian's main archive; the guest's kernel comes from there")?;
    let keyring = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
    let signed_by =
        if keyring.exists() { format!("[signed-by={}] ", keyring.display()) } else { String::new() };
    let lists = folder.join("lists");
    fs::create_dir_all(lists.join("partial")).with_context(|| format!("cannot make {}", lists.display()))?;
    let sources = folder.join("sources.list");
    fs::write(&sources, format!("deb {signed_by}{site} {codename}-backports main\n"))
        .with_context(|| format!("cannot write {}", sources.display()))?;
    let backports = Apt {
        options: vec![
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", lists.display()),
            format!("Dir::Cache::pkgcache={}", folder.join("pkgcache.bin").display()),
            format!("Dir::Cache::srcpkgcache={}", folder.join("srcpkgcache.bin").display()),
        ],
    };
    println!("looking for a newer kernel in {codename}-backports");
    backports.output("apt-get", &["update"])?;
    Ok(backports)
}

/// With an empty list of installed packages, apt fetches the whole closure.
fn fetch_programs(programs: &[&str], folder: &Path) -> Result<Vec<PathBuf>> {
    let archives = folder.join("programs");
    fs::create_dir_all(archives.join("partial"))
        .with_context(|| format!("cannot make {}", archives.display()))?;
    let nothing = folder.join("nothing-installed");
    fs::write(&nothing, "").with_context(|| format!("cannot write {}", nothing.display()))?;
    let apt = Apt {
        options: vec![
            format!("Dir::State::status={}", nothing.display()),
            format!("Dir::Cache::archives={}", archives.display()),
            "Debug::NoLocking=1".to_owned(),
            "APT::Install-Recommends=0".to_owned(),
            "Binary::apt-get::APT::Keep-Downloaded-Packages=1".to_owned(),
            "APT::Keep-Downloaded-Packages=1".to_owned(),
        ],
    };
    let mut install = vec!["-y", "--download-only", "install"];
    install.extend(programs);
    println!("fetching the guest's programs");
    if let Err(error) = apt.output("apt-get", &install) {
        // Archives remove what they have replaced, and lists that are a few days old still name it.
        println!("{error:#}\nfetching the package lists anew");
        Apt::default().output("apt-get", &["update"])?;
        apt.output("apt-get", &install)?;
    }
    let there = packages_in(&archives)?;
    let mut simulate = vec!["-s", "install"];
    simulate.extend(programs);
    apt.output("apt-get", &simulate)?
        .lines()
        .filter_map(file_start)
        .map(|start| {
            let is_it = |path: &&PathBuf| path.to_string_lossy().contains(&format!("/{start}_"));
            there.iter().find(is_it).cloned().with_context(|| format!("{start} did not arrive"))
        })
        .collect()
}

/// How the file of a package is called that apt would install: `Inst iw (5.19-1 Debian:12.15/… [amd64])`.
fn file_start(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("Inst ")?.split_whitespace();
    let name = words.next()?;
    let version = words.find_map(|word| word.strip_prefix('('))?;
    Some(format!("{name}_{}", version.replace(':', "%3a")))
}

fn packages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Unpacks a package into a folder.
pub(super) fn unpack(package: &Path, into: &Path) -> Result<()> {
    let status =
        Command::new("dpkg-deb").arg("-x").args([package, into]).status().context("cannot start dpkg-deb")?;
    ensure!(status.success(), "dpkg-deb could not unpack {}", package.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_without_tcx_are_too_old() {
        assert!(is_too_old("6.1.192-2"));
        assert!(is_too_old("6.5.10-1~bpo12+1"));
        assert!(!is_too_old("6.6.1-1"));
        assert!(!is_too_old("6.12.95-1~bpo12+1"));
        assert!(is_too_old("what"));
    }

    #[test]
    fn files_are_found_by_what_apt_says_it_would_install() {
        let line = "Inst hostapd (2:2.10-12+deb12u3 Debian:12.15/oldstable [amd64]) []";
        assert_eq!(file_start(line).as_deref(), Some("hostapd_2%3a2.10-12+deb12u3"));
        assert_eq!(file_start("Conf hostapd (2:2.10-12+deb12u3 Debian:12.15/oldstable [amd64])"), None);
    }
}
