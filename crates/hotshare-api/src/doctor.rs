//! Can this machine be a hotspot?

use serde::{Deserialize, Serialize};

/// What `hotshare doctor --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    pub schema: u32,
    /// The worst first; empty when nothing is wrong.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// What is the case.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Sharing does not work, or not safely, until this is put right.
    Broken,
    /// It may go wrong.
    Warning,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_finding() {
        let doctor = Doctor {
            schema: crate::SCHEMA,
            findings: vec![Finding {
                severity: Severity::Warning,
                what: "the clock is not set".into(),
                why: "periods are counted by it".into(),
                remedy: "wait".into(),
            }],
        };
        assert_eq!(
            serde_json::to_string(&doctor).expect("plain"),
            concat!(
                r#"{"schema":1,"findings":[{"severity":"warning","what":"the clock is not set","#,
                r#""why":"periods are counted by it","remedy":"wait"}]}"#
            )
        );
    }
}
