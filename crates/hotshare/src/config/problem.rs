//! What is wrong with a configuration file, and where.

use std::fmt::Write as _;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {file}")]
    Unreadable { file: String, source: std::io::Error },
    #[error("{}", told(file, problems))]
    Wrong { file: String, problems: Vec<Problem> },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// Such as `lan.subnet`; empty when it is not about one key.
    pub(crate) key: String,
    /// What is wrong, and what is allowed.
    pub(crate) text: String,
}

fn told(file: &str, problems: &[Problem]) -> String {
    let mut out = String::new();
    for Problem { line, column, key, text } in problems {
        let about = if key.is_empty() { String::new() } else { format!("{key}: ") };
        // Writing to a string cannot fail.
        let _written = writeln!(out, "{file}:{line}:{column}: {about}{text}");
    }
    out.push_str("nothing was changed; mend the file and try again");
    out
}
