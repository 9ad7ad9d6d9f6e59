//! Can this machine be a hotspot?

use serde::{Deserialize, Serialize};

/// What `hotshare doctor --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    pub schema: u32,
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    pub result: CheckResult,
    /// What was found.
    pub found: String,
    /// What to do about it, if anything.
    pub advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    Good,
    /// It will run, but look at it.
    Doubtful,
    /// It will not run.
    Bad,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_check() {
        let doctor = Doctor {
            schema: crate::SCHEMA,
            checks: vec![Check {
                name: "kernel".into(),
                result: CheckResult::Good,
                found: "6.12".into(),
                advice: None,
            }],
        };
        assert_eq!(
            serde_json::to_string(&doctor).expect("plain"),
            r#"{"schema":1,"checks":[{"name":"kernel","result":"good","found":"6.12","advice":null}]}"#
        );
    }
}
