//! `cargo xtask tidy`: the house rules that no compiler checks. Also a test, so that nobody can forget it.

mod architecture;
mod imports;
mod links;
mod names;
mod purity;
mod size;
mod tree;
mod words;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::cargo::top;
use tree::Tree;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    path: PathBuf,
    /// Counted from 1; 0 when it is about the whole file.
    line: usize,
    what: String,
}

impl Complaint {
    fn new(path: impl Into<PathBuf>, line: usize, what: impl Into<String>) -> Complaint {
        Complaint { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(out, "{}: {}", self.path.display(), self.what);
        }
        write!(out, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

/// Checks the repository; prints what is wrong.
pub(crate) fn run() -> Result<()> {
    let complaints = check(&Tree::read(&top())?);
    for complaint in &complaints {
        println!("{complaint}");
    }
    ensure!(complaints.is_empty(), "{} broken rules", complaints.len());
    Ok(())
}

fn check(tree: &Tree) -> Vec<Complaint> {
    let checks = [
        architecture::check,
        imports::check,
        links::check,
        names::check,
        purity::check,
        size::check,
        words::check,
    ];
    let mut complaints: Vec<Complaint> = checks.iter().flat_map(|check| check(tree)).collect();
    complaints.sort();
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let tree = Tree::read(&top()).expect("the repository can be read");
        let complaints: Vec<String> = check(&tree).iter().map(Complaint::to_string).collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
