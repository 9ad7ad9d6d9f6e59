//! Can this machine be a hotspot, and what would become of it? No daemon is asked.

use serde::{Deserialize, Serialize};

use crate::status::Uplink;
use crate::wifi::WifiPreview;

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

/// What `hotshare up --check --json` prints: what `up` would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub schema: u32,
    pub uplink: Uplink,
    /// The interfaces that people's devices are on.
    pub ports: Vec<String>,
    /// Where devices get their addresses from, such as `10.77.0.0/24`.
    pub subnet: String,
    /// The hotspot's own address in it.
    pub gateway: String,
    /// What would be done to the host, in order, in plain English; empty when all of it is so already.
    pub steps: Vec<String>,
    /// `null`: people are on wired ports only.
    pub wifi: Option<WifiPreview>,
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

    #[test]
    fn the_text_of_a_preview() {
        let preview = Preview {
            schema: crate::SCHEMA,
            uplink: Uplink { name: "wwan0".into(), address: "100.64.0.2".into() },
            ports: vec!["eth1".into()],
            subnet: "10.77.0.0/24".into(),
            gateway: "10.77.0.1".into(),
            steps: vec!["bring up eth1".into()],
            wifi: None,
        };
        assert_eq!(
            serde_json::to_string(&preview).expect("plain"),
            concat!(
                r#"{"schema":1,"uplink":{"name":"wwan0","address":"100.64.0.2"},"ports":["eth1"],"#,
                r#""subnet":"10.77.0.0/24","gateway":"10.77.0.1","steps":["bring up eth1"],"wifi":null}"#
            )
        );
    }
}
