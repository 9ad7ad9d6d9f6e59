//! The guest's programs, unpacked side by side as on a machine where they are installed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::apt;
use super::cpio::Cpio;

/// Debian keeps these below `usr`, with links from the top; its packages still ship them at the top.
pub(super) const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

const LOADER: &str = "usr/lib64/ld-linux-x86-64.so.2";
/// How a dynamic program names it.
const INTERPRETER: &[u8] = b"/lib64/ld-linux-x86-64.so.2\0";
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// The unpacked programs.
#[derive(Debug)]
pub(super) struct Programs {
    root: PathBuf,
}

impl Programs {
    pub(super) fn unpack(packages: &[PathBuf], root: &Path) -> Result<Programs> {
        fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
        for package in packages {
            apt::unpack(package, root)?;
        }
        for name in MERGED {
            let below = root.join("usr").join(name);
            fs::create_dir_all(&below).with_context(|| format!("cannot make {}", below.display()))?;
            let top = root.join(name);
            if top.exists() {
                merge(&top, &below)?;
            }
            symlink(format!("usr/{name}"), &top).with_context(|| format!("cannot link {}", top.display()))?;
        }
        Ok(Programs { root: root.to_path_buf() })
    }

    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// Starts one of kmod's programs here, with the libraries it came with.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let status = self
            .loader()
            .args(["--argv0", name])
            .arg(self.path("usr/bin/kmod"))
            .args(arguments)
            .status()
            .with_context(|| format!("cannot start the guest's {name}"))?;
        ensure!(status.success(), "the guest's {name} failed; its own message is above");
        Ok(())
    }

    /// What stands in a folder.
    pub(super) fn names(&self, inside: &str) -> Result<Vec<String>> {
        let path = self.path(inside);
        let mut names: Vec<String> = fs::read_dir(&path)
            .with_context(|| format!("cannot list {}", path.display()))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// The names busybox answers to.
    pub(super) fn applets(&self) -> Result<Vec<String>> {
        let output = Command::new(self.path("usr/bin/busybox"))
            .arg("--list")
            .output()
            .context("cannot start the guest's busybox")?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Writes a file, link or folder with all inside, and every library that programs in it need.
    pub(super) fn add(&self, cpio: &mut Cpio, inside: &str) -> Result<()> {
        let mut needed = BTreeSet::new();
        self.add_plain(cpio, inside, &mut needed)?;
        for library in needed {
            self.add_plain(cpio, &library, &mut BTreeSet::new())?;
        }
        Ok(())
    }

    fn add_plain(&self, cpio: &mut Cpio, inside: &str, needed: &mut BTreeSet<String>) -> Result<()> {
        let path = self.path(inside);
        let kind = fs::symlink_metadata(&path).with_context(|| format!("the guest has no {inside}"))?;
        if kind.is_symlink() {
            let to = fs::read_link(&path).with_context(|| format!("cannot read {}", path.display()))?;
            cpio.link(inside, &to.to_string_lossy())?;
            let target = resolved(inside, &to);
            if self.path(&target).exists() {
                self.add_plain(cpio, &target, needed)?;
            }
        } else if kind.is_dir() {
            cpio.folder(inside)?;
            for name in self.names(inside)? {
                self.add_plain(cpio, &format!("{inside}/{name}"), needed)?;
            }
        } else {
            cpio.file(inside, &path)?;
            if is_dynamic(&path)? {
                needed.extend(self.libraries(&path)?);
            }
        }
        Ok(())
    }

    fn loader(&self) -> Command {
        let mut command = Command::new(self.path(LOADER));
        command.arg("--library-path").arg(self.path(LIBRARIES));
        command
    }

    /// Asks the guest's own loader what a program or library needs.
    fn libraries(&self, program: &Path) -> Result<Vec<String>> {
        let output =
            self.loader().arg("--list").arg(program).output().context("cannot start the guest's loader")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {} {}", program.display(), output.status, error.trim());
        let folder = format!("{}/", self.root.display());
        Ok(text
            .lines()
            .filter_map(|line| line.split_whitespace().find(|word| word.starts_with(&folder)))
            .filter_map(|path| path.strip_prefix(&folder))
            .map(str::to_owned)
            .collect())
    }
}

/// Moves everything in one folder into another that may have some of its folders already.
fn merge(from: &Path, into: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", from.display()))?;
        let to = into.join(entry.file_name());
        if to.is_dir() && entry.path().is_dir() {
            merge(&entry.path(), &to)?;
        } else {
            fs::rename(entry.path(), &to).with_context(|| format!("cannot move to {}", to.display()))?;
        }
    }
    fs::remove_dir(from).with_context(|| format!("cannot remove {}", from.display()))
}

/// Where a link inside the tree leads, as a path inside the tree without links of the top in it.
fn resolved(link: &str, to: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !to.is_absolute() {
        let parent = link.rsplit_once('/').map_or("", |(parent, _)| parent);
        parts.extend(parent.split('/').filter(|part| !part.is_empty()).map(str::to_owned));
    }
    for part in to.to_string_lossy().split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part.to_owned()),
        }
    }
    if parts.first().is_some_and(|first| MERGED.contains(&first.as_str())) {
        parts.insert(0, "usr".to_owned());
    }
    parts.join("/")
}

/// Whether the loader is needed to run or to load it. A static program it would not survive looking at.
fn is_dynamic(path: &Path) -> Result<bool> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let asks_for_loader = || bytes.windows(INTERPRETER.len()).any(|window| window == INTERPRETER);
    Ok(bytes.starts_with(b"\x7fELF") && (path.to_string_lossy().contains(".so") || asks_for_loader()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_where_the_merged_tree_has_the_file() {
        let leads = |link: &str, to: &str| resolved(link, Path::new(to));
        assert_eq!(leads("usr/sbin/a", "/bin/kmod"), "usr/bin/kmod");
        assert_eq!(leads("usr/sbin/modprobe", "../bin/kmod"), "usr/bin/kmod");
        assert_eq!(leads("usr/lib/x/a.so", "a.so.1"), "usr/lib/x/a.so.1");
    }
}
