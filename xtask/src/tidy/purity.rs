//! Walls that clippy cannot see: core's dependencies, programs started from product code, unsafe code.

use super::Complaint;
use super::tree::Tree;

/// All that hotshare-core may depend on. Neither of them reads a clock or a file as built here.
const CORE_MAY_USE: [&str; 2] = ["jiff", "thiserror"];

/// Not in hotshare-core's sources at all; its clippy.toml bans what these can do, one by one.
const NOT_IN_CORE: [&str; 6] =
    ["std::fs", "std::thread", "std::process", "std::env", "Instant::now", "SystemTime"];

/// What may start another program, each with its reason.
const MAY_START_PROGRAMS: [(&str, &str); 2] = [
    ("crates/hotshare-lab", "starts the daemon that it shows, and its phones"),
    ("crates/hotshare-linux/src/radio/process.rs", "starts hostapd, which alone speaks 802.11"),
];

/// Crates with unsafe code.
const MAY_BE_UNSAFE: [&str; 2] = ["crates/hotshare-linux", "crates/hotshare-lab"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = core_dependencies(tree);
    for (path, text) in tree.texts("rs").filter(|(path, _)| path.starts_with("crates")) {
        let is_test = path.ends_with("tests.rs") || path.iter().any(|folder| folder == "tests");
        let is_product = path.iter().nth(2).is_some_and(|folder| folder == "src") && !is_test;
        let is_core = path.starts_with("crates/hotshare-core/src");
        let may_start = MAY_START_PROGRAMS.iter().any(|(folder, _)| path.starts_with(folder));
        let may_be_unsafe = MAY_BE_UNSAFE.iter().any(|folder| path.starts_with(folder));
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            if is_product
                && !may_start
                && (code.contains("Command::new(") || code.contains("process::Command"))
            {
                complaints.push(Complaint::new(path, number, "starts a program; ask the kernel itself"));
            }
            if !may_be_unsafe && code.contains(concat!("unsafe", "_code")) {
                complaints.push(Complaint::new(path, number, "unsafe code belongs in hotshare-linux"));
            }
            if let Some(word) = NOT_IN_CORE.iter().find(|word| is_core && code.contains(**word)) {
                complaints.push(Complaint::new(
                    path,
                    number,
                    format!("{word} in the crate that can do nothing"),
                ));
            }
        }
    }
    complaints
}

fn core_dependencies(tree: &Tree) -> Vec<Complaint> {
    let path = "crates/hotshare-core/Cargo.toml";
    let Some(text) = tree.text(path) else {
        return Vec::new();
    };
    let manifest: toml::Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Complaint::new(path, 0, format!("cannot be read: {error}"))],
    };
    let tables = ["dependencies", "build-dependencies", "target"];
    tables
        .iter()
        .filter_map(|name| manifest.get(*name)?.as_table())
        .flat_map(|table| table.keys())
        .filter(|name| !CORE_MAY_USE.contains(&name.as_str()))
        .map(|name| Complaint::new(path, 0, format!("core may not depend on {name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_reaches_out_is_found() {
        let tree = Tree::of(&[
            ("crates/hotshare-core/Cargo.toml", "[dependencies]\njiff = \"1\"\ntokio = \"1\"\n"),
            ("crates/hotshare-core/src/plan.rs", "let now = std::time::SystemTime::now();\n// std::fs\n"),
        ]);
        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn a_program_may_be_started_by_tests_and_the_lab_only() {
        let start = "let child = Command::new(\"ip\");\n";
        let tree = Tree::of(&[
            ("crates/hotshare-linux/src/nat.rs", start),
            ("crates/hotshare-linux/tests/nat.rs", start),
            ("crates/hotshare-linux/src/nat/tests.rs", start),
            ("crates/hotshare-lab/src/box.rs", start),
        ]);
        assert_eq!(check(&tree).len(), 1);
    }
}
