//! In hotshare-core a module uses only those above it in lib.rs: the flow has one direction.

use std::path::Path;

use super::Complaint;
use super::tree::Tree;

const SOURCES: &str = "crates/hotshare-core/src";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let flow = tree.text(&format!("{SOURCES}/lib.rs")).map(modules).unwrap_or_default();
    let mut complaints = Vec::new();
    for (path, text) in tree.texts("rs") {
        // Tests may look at a stage together with later ones.
        if path.ends_with("tests.rs") {
            continue;
        }
        let Some(own) = path.strip_prefix(SOURCES).ok().and_then(stage) else {
            continue;
        };
        let Some(place) = flow.iter().position(|module| *module == own) else {
            continue;
        };
        for (line, used) in uses(text) {
            let is_below = flow.iter().position(|module| *module == used).is_some_and(|used| used > place);
            if is_below {
                complaints.push(Complaint::new(path, line, format!("{own} uses {used}, which is below it")));
            }
        }
    }
    complaints
}

/// The modules in the order of lib.rs.
pub(super) fn modules(lib: &str) -> Vec<&str> {
    lib.lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect()
}

/// The module of lib.rs that a file belongs to.
fn stage(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

/// Every module named after `crate::`, with its line; groups in braces too, over several lines.
fn uses(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count() + 1;
        let is_comment = text[..at].rsplit('\n').next().is_some_and(|start| start.contains("//"));
        let rest = &text[at + "crate::".len()..];
        if is_comment {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group).into_iter().map(|name| (line, name))),
            None => found.extend(word(rest).map(|name| (line, name))),
        }
    }
    found
}

/// The first name of each path in a group, up to its closing brace.
fn heads(group: &str) -> Vec<&str> {
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    let mut is_start = true;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            _ if is_start && !sign.is_whitespace() => {
                heads.extend(word(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> Option<&str> {
    let end = text.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_uses_one_below_it_is_found() {
        let tree = Tree::of(&[
            ("crates/hotshare-core/src/lib.rs", "pub mod units;\npub mod plan;\npub mod brain;\n"),
            ("crates/hotshare-core/src/units.rs", "// crate::brain is below\n"),
            (
                "crates/hotshare-core/src/plan/days.rs",
                "use crate::{\n    units::{Bytes, Rate},\n    brain,\n};\n",
            ),
            ("crates/hotshare-core/src/brain.rs", "use crate::plan::Plan;\nuse crate::units;\n"),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 1);
        assert_eq!(complaints[0].what, "plan uses brain, which is below it");
    }
}
