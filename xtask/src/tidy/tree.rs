//! The files of the repository, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What is not the project's own text.
const SKIPPED: [&str; 2] = [".git", "target"];

/// Every file by its path from the top folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    pub(super) fn read(top: &Path) -> Result<Tree> {
        let mut tree = Tree::default();
        tree.read_folder(top, Path::new(""))?;
        Ok(tree)
    }

    fn read_folder(&mut self, top: &Path, folder: &Path) -> Result<()> {
        let path = top.join(folder);
        let entries = fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
            let inside = folder.join(entry.file_name());
            let kind = entry.file_type().with_context(|| format!("cannot look at {}", inside.display()))?;
            if SKIPPED.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if kind.is_dir() {
                self.read_folder(top, &inside)?;
            } else if kind.is_file() {
                let bytes =
                    fs::read(entry.path()).with_context(|| format!("cannot read {}", inside.display()))?;
                self.files.insert(inside, bytes);
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Tree {
        Tree { files: files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect() }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }

    /// Files that are text and whose names end so.
    pub(super) fn texts<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = (&'a Path, &'a str)> {
        self.files()
            .filter(move |(path, _)| path.extension().is_some_and(|found| found == extension))
            .filter_map(|(path, bytes)| Some((path, std::str::from_utf8(bytes).ok()?)))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(Path::new(path))?).ok()
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.files.keys().any(|file| file.starts_with(path))
    }

    /// Names of what stands directly in a folder; "" is the top.
    pub(super) fn entries(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(folder).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.dedup();
        names
    }

    /// Whether this is a folder.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        !self.files.contains_key(Path::new(path)) && self.has(Path::new(path))
    }
}
