//! File names say what is inside, and numbered files keep their order.

use std::collections::BTreeMap;
use std::path::Path;

use super::Complaint;
use super::tree::Tree;

/// Words that say nothing about what is inside.
const EMPTY: [&str; 11] =
    ["common", "data", "helper", "helpers", "info", "manager", "misc", "stuff", "util", "utils", "v2"];

/// Where fuzzing puts what it found.
const FOUND: &str = "tests/fuzz/corpus";

/// Folders whose files are called `NNNN-what`.
const NUMBERED: [&str; 2] = ["docs/decisions", "crates/hotshare-store/migrations"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, _) in tree.files().filter(|(path, _)| !path.starts_with(FOUND)) {
        for part in path.iter().map(|part| part.to_string_lossy().into_owned()) {
            let stem = part.split('.').next().unwrap_or_default();
            if let Some(word) = stem.split(['_', '-']).find(|word| EMPTY.contains(word)) {
                complaints.push(Complaint::new(
                    path,
                    0,
                    format!("\"{word}\" says nothing; name the subject"),
                ));
            }
        }
    }
    NUMBERED.iter().for_each(|folder| complaints.extend(numbered(tree, folder)));
    complaints
}

fn numbered(tree: &Tree, folder: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut path_by_number: BTreeMap<String, String> = BTreeMap::new();
    for name in tree.entries(folder) {
        let path = format!("{folder}/{name}");
        let Some((number, _)) = name.split_once('-').filter(|(number, _)| is_number(number)) else {
            complaints.push(Complaint::new(path, 0, "is not called NNNN-what"));
            continue;
        };
        if let Some(first) = path_by_number.insert(number.to_owned(), path.clone()) {
            complaints.push(Complaint::new(Path::new(&path), 0, format!("has the number of {first}")));
        }
    }
    complaints
}

fn is_number(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        let tree = Tree::of(&[("src/dns_utils.rs", ""), ("src/datapath.rs", ""), ("common/x.rs", "")]);
        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn two_decisions_cannot_share_a_number() {
        let tree = Tree::of(&[
            ("docs/decisions/0001-a.md", ""),
            ("docs/decisions/0001-b.md", ""),
            ("docs/decisions/notes.md", ""),
        ]);
        assert_eq!(check(&tree).len(), 2);
    }
}
