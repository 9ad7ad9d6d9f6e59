//! What each key of `[web]` may be.

mod acme;

use std::path::PathBuf;

use hotshare_core::access::AdminFrom;
use toml::de::DeValue;

use super::document::{Document, shown};

pub(crate) use self::acme::WebAcme;

/// The pages over TLS, by a name and a certificate of the owner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebTls {
    /// A name of the public tree, in lower case. Devices on the LAN are told that it is the gateway's.
    pub(crate) name: String,
    /// PEM: the certificate, and those that lead to one that devices trust.
    pub(crate) certificate: PathBuf,
    /// PEM.
    pub(crate) key: PathBuf,
}

/// The doors for browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebConfig {
    /// Of the dashboard's door on the machine itself; `None`: it has none.
    pub(crate) machine_port: Option<u16>,
    pub(crate) admin_from: AdminFrom,
    /// `None`: in the clear only, or a certificate is got.
    pub(crate) tls: Option<WebTls>,
    /// `None`: no certificate is got. Never beside files.
    pub(crate) acme: Option<WebAcme>,
}

impl Default for WebConfig {
    fn default() -> WebConfig {
        WebConfig { machine_port: Some(4680), admin_from: AdminFrom::default(), tls: None, acme: None }
    }
}

/// Takes the section.
pub(super) fn take(document: &mut Document<'_>) -> WebConfig {
    const TOGETHER: &str = "name, certificate and key belong together";
    const EITHER: &str =
        "there is [web.acme] too: either that gets a certificate, or you name files of your own";
    let default = WebConfig::default();
    let mut section = document.section("web");
    let machine_port = document.take(&mut section, "machine_port", port).unwrap_or(default.machine_port);
    let admin_from = document.take(&mut section, "admin_from", admin_from).unwrap_or(default.admin_from);
    let got = document.subsection(&mut section, "acme", "web.acme");
    let keys = ["name", "certificate", "key"];
    if got.is_some() {
        for key in ["certificate", "key"] {
            document.clashes(&section, key, EITHER);
        }
        if !document.has_key(&section, "name") {
            document.lacks(&section, "name", "[web.acme] gets a certificate for this name");
        }
    } else if keys.iter().any(|key| document.has_key(&section, key)) {
        for key in keys.iter().filter(|key| !document.has_key(&section, key)).collect::<Vec<_>>() {
            document.lacks(&section, key, TOGETHER);
        }
    }
    let name = document.take(&mut section, "name", name);
    let acme = got.and_then(|got| acme::take(document, got, name.clone()));
    let certificate = document.take(&mut section, "certificate", file);
    let key = document.take(&mut section, "key", file);
    document.end_section(section);
    let tls = name.zip(certificate).zip(key);
    let tls = tls.map(|((name, certificate), key)| WebTls { name, certificate, key });
    WebConfig { machine_port, admin_from, tls, acme }
}

fn file(value: &DeValue<'_>) -> Result<PathBuf, String> {
    const ALLOWED: &str = "write the whole path of a PEM file in quotes, such as \"/etc/hotshare/web.pem\"";
    let DeValue::String(text) = value else {
        return Err(format!("{} is not text; {ALLOWED}", shown(value)));
    };
    let path = PathBuf::from(text.as_ref());
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!("{} is not a whole path; {ALLOWED}", shown(value)))
    }
}

/// A name of hosts (RFC 1123, 2.1) that somebody may have a certificate for.
fn name(value: &DeValue<'_>) -> Result<String, String> {
    const ALLOWED: &str =
        "write a name of yours that the certificate is for, in quotes, such as \"box.example.org\"";
    let DeValue::String(text) = value else {
        return Err(format!("{} is not text; {ALLOWED}", shown(value)));
    };
    let name = text.to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    // An address is no name, and nobody gives certificates for names that are not in the public tree.
    let public = !last.bytes().all(|b| b.is_ascii_digit()) && !["internal", "local", "test"].contains(&last);
    if name.len() <= 253 && name.contains('.') && name.split('.').all(label) && public {
        return Ok(name);
    }
    Err(format!("{} is not such a name; {ALLOWED}", shown(value)))
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
