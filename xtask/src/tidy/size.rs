//! Small files: no Rust file over 600 lines.

use super::Complaint;
use super::tree::Tree;

const LIMIT: usize = 600;

/// Longer files, each with its reason. Aim to keep this empty.
const LONGER: [(&str, &str); 0] = [];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.texts("rs")
        .filter(|(path, _)| !LONGER.iter().any(|(longer, _)| path.ends_with(longer)))
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            let what = || format!("{lines} lines; split it by subject, the limit is {LIMIT}");
            (lines > LIMIT).then(|| Complaint::new(path, 0, what()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_hundred_lines_pass_and_one_more_does_not() {
        let tree = Tree::of(&[("a.rs", &"\n".repeat(600)), ("b.rs", &"\n".repeat(601))]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].path.ends_with("b.rs"));
    }
}
