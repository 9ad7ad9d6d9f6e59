//! The map is complete and names nothing that is gone.

use std::path::Path;

use super::Complaint;
use super::imports::modules;
use super::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";
const CORE: &str = "crates/hotshare-core/src/lib.rs";
const LONGEST: usize = 300;

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let Some(map) = tree.text(MAP) else {
        return vec![Complaint::new(MAP, 0, "is missing")];
    };
    let mut complaints = Vec::new();
    if map.lines().count() > LONGEST {
        complaints.push(Complaint::new(MAP, 0, format!("is longer than {LONGEST} lines")));
    }
    for folder in tree.entries("").into_iter().filter(|name| tree.is_folder(name)) {
        if !map.contains(&format!("`{folder}/")) {
            complaints.push(Complaint::new(MAP, 0, format!("does not say what `{folder}/` is")));
        }
    }
    for name in tree.entries("crates") {
        if !map.contains(&format!("`crates/{name}/")) {
            complaints.push(Complaint::new(MAP, 0, format!("does not say what `crates/{name}/` is")));
        }
    }
    for module in modules(tree.text(CORE).unwrap_or_default()) {
        if !map.contains(&format!("`{module}`")) {
            complaints.push(Complaint::new(MAP, 0, format!("does not say what `{module}` in the core is")));
        }
    }
    for (number, line) in (1..).zip(map.lines()) {
        for path in paths(tree, line).filter(|path| !tree.has(Path::new(path))) {
            complaints.push(Complaint::new(MAP, number, format!("{path} is gone")));
        }
    }
    complaints
}

/// What stands in back quotes and looks like a path from the top folder.
fn paths<'a>(tree: &Tree, line: &'a str) -> impl Iterator<Item = &'a str> {
    let tops = tree.entries("");
    line.split('`').skip(1).step_by(2).filter(move |quoted| {
        let first = quoted.split('/').next().unwrap_or_default();
        let is_plain = !quoted.contains([' ', '*', '<', '{']);
        quoted.contains('/') && is_plain && tops.iter().any(|top| top == first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_folders_and_gone_paths_are_found() {
        let map = "`crates/` holds `crates/a/` and `crates/gone/`.";
        let tree = Tree::of(&[
            (MAP, map),
            ("crates/a/Cargo.toml", ""),
            ("crates/b/Cargo.toml", ""),
            ("dist/unit", ""),
        ]);
        let what: Vec<String> = check(&tree).into_iter().map(|complaint| complaint.what).collect();
        assert_eq!(
            what,
            ["does not say what `dist/` is", "does not say what `crates/b/` is", "crates/gone/ is gone",]
        );
    }
}
