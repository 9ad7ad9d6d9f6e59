//! What each key of `[web]` may be.

use hotshare_core::access::AdminFrom;
use toml::de::DeValue;

use super::document::{Document, shown};

/// The doors for browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebConfig {
    /// Of the dashboard's door on the machine itself; `None`: it has none.
    pub(crate) machine_port: Option<u16>,
    pub(crate) admin_from: AdminFrom,
}

impl Default for WebConfig {
    fn default() -> WebConfig {
        WebConfig { machine_port: Some(4680), admin_from: AdminFrom::default() }
    }
}

/// Takes the section.
pub(super) fn take(document: &mut Document<'_>) -> WebConfig {
    let default = WebConfig::default();
    let mut section = document.section("web");
    let machine_port = document.take(&mut section, "machine_port", port).unwrap_or(default.machine_port);
    let admin_from = document.take(&mut section, "admin_from", admin_from).unwrap_or(default.admin_from);
    document.end_section(section);
    WebConfig { machine_port, admin_from }
}

fn port(value: &DeValue<'_>) -> Result<Option<u16>, String> {
    let number = if let DeValue::Integer(number) = value { number.to_string().parse().ok() } else { None };
    match number {
        Some(0) => Ok(None),
        Some(port @ 1024..) => Ok(Some(port)),
        Some(_) | None => Err(format!("{} is not a port; write 1024 to 65535, or 0 for none", shown(value))),
    }
}

fn admin_from(value: &DeValue<'_>) -> Result<AdminFrom, String> {
    let word = if let DeValue::String(text) = value { AdminFrom::from_word(text) } else { None };
    word.ok_or_else(|| format!("{} is none of “owner-devices”, “lan” and “machine”", shown(value)))
}
