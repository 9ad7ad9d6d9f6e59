//! Links from one page of the documentation to another lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::Complaint;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts("md") {
        for (number, line) in (1..).zip(text.lines()) {
            for target in targets(line) {
                let folder = path.parent().unwrap_or(Path::new(""));
                if !tree.has(&plain(&folder.join(target))) {
                    complaints.push(Complaint::new(path, number, format!("{target} is not there")));
                }
            }
        }
    }
    complaints
}

/// What `[text](target)` names, for targets inside the repository.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::Normal(name) => plain.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_pages_that_are_gone_are_found() {
        let page = "[a](../README.md#use) [b](gone.md) [c](https://example.org/x) [d](#here)\n[e](decisions)";
        let tree = Tree::of(&[("docs/a.md", page), ("README.md", ""), ("docs/decisions/0001-a.md", "")]);
        let complaints = check(&tree);
        assert_eq!(complaints, [Complaint::new("docs/a.md", 1, "gone.md is not there")]);
    }
}
