//! What each key of `[web.acme]` may be.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use hotshare_acme::{AcmeConfig, Algorithm, DnsConfig, LETS_ENCRYPT, check_directory};
use hotshare_core::alert::Patience;
use toml::de::DeValue;

use crate::cli::text::escaped;
use crate::config::alerts::{address, duration, file, host, switch, text};
use crate::config::document::{Document, Section, shown};

/// A certificate that is got, and renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebAcme {
    pub(crate) client: AcmeConfig,
    /// PEM: trust only these to be the directory. `None`: what the system trusts.
    pub(crate) ca: Option<PathBuf>,
    /// The file of the secret that is shared with the name server.
    pub(crate) secret: PathBuf,
    /// How long to wait after a try that failed.
    pub(crate) patience: Patience,
}

/// Takes the section. `name`: whom the certificate is for, if that is known.
pub(super) fn take<'a>(
    document: &mut Document<'a>,
    mut acme: Section<'a>,
    name: Option<String>,
) -> Option<WebAcme> {
    const DNS: &str = "the record by which you prove that the name is yours is set there";
    let section = &mut acme;
    let agreed = document.take(section, "agree_to_terms", terms);
    if agreed.is_none() {
        document.lacks(
            section,
            "agree_to_terms",
            "read the terms of whoever gives the certificate; if you agree to them, write true",
        );
    }
    let directory = document.take(section, "directory", directory).unwrap_or_else(|| LETS_ENCRYPT.to_owned());
    let contact = document.take(section, "contact", address);
    let ca = document.take(section, "ca", file);
    let server = document.take(section, "dns_server", server);
    let zone = document.take(section, "dns_zone", dns_name);
    let key = document.take(section, "dns_key", dns_name);
    let algorithm = document.take(section, "dns_algorithm", algorithm).unwrap_or_default();
    let secret = document.take(section, "dns_secret", file);
    for (there, wanted) in
        [(server.is_some(), "dns_server"), (key.is_some(), "dns_key"), (secret.is_some(), "dns_secret")]
    {
        if !there {
            document.lacks(section, wanted, DNS);
        }
    }
    let mut wait = |key, most, example, usual| {
        document.take(section, key, |value| duration(value, "1s", most, example)).unwrap_or(usual)
    };
    let patience = Patience {
        first: wait("retry_first", "1h", "5m", 300),
        longest: wait("retry_longest", "1d", "6h", 21_600),
        all: u64::MAX,
    };
    document.end_section(acme);
    let (server, port) = server?;
    let dns = DnsConfig { server, port, zone, key: key?, algorithm };
    let client = AcmeConfig { name: name?, directory, contact, dns };
    agreed?;
    Some(WebAcme { client, ca, secret: secret?, patience })
}

fn terms(value: &DeValue<'_>) -> Result<(), String> {
    match switch(value)? {
        true => Ok(()),
        false => {
            Err("no certificate is given to who does not agree: write true, or leave [web.acme] out".into())
        }
    }
}

fn directory(value: &DeValue<'_>) -> Result<String, String> {
    let url = text(
        value,
        "write the URL of the directory in quotes, such as \"https://ca.example.org/directory\"",
    )?;
    check_directory(&url).map(|()| url).map_err(|why| escaped(&why))
}

/// A name or an address, and a port where it is not the usual one.
fn server(value: &DeValue<'_>) -> Result<(String, u16), String> {
    const ALLOWED: &str = "write a name server's name or address in quotes, with a port if it is not 53, such as \"ns1.example.org\" or \"192.0.2.53:5353\"";
    let written = text(value, ALLOWED)?;
    if let Ok(at) = written.parse::<SocketAddr>() {
        return Ok((at.ip().to_string(), at.port()));
    }
    if written.parse::<IpAddr>().is_ok() {
        return Ok((written, 53));
    }
    let (name, port) = match written.split_once(':') {
        Some((name, port)) => (name, port.parse().ok().filter(|port| *port != 0)),
        None => (written.as_str(), Some(53)),
    };
    let name = host(&DeValue::String(name.into())).ok();
    name.zip(port).ok_or_else(|| format!("{} is no name server; {ALLOWED}", shown(value)))
}

fn dns_name(value: &DeValue<'_>) -> Result<String, String> {
    const ALLOWED: &str = "write a name of the DNS in quotes, such as \"example.org\"";
    let name = text(value, ALLOWED)?.trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(name);
    }
    Err(format!("{} is no name; {ALLOWED}", shown(value)))
}

fn algorithm(value: &DeValue<'_>) -> Result<Algorithm, String> {
    const ALLOWED: &str = "write \"hmac-sha256\", \"hmac-sha384\" or \"hmac-sha512\"";
    let name = text(value, ALLOWED)?;
    Algorithm::from_name(&name).ok_or_else(|| format!("{} cannot sign here; {ALLOWED}", shown(value)))
}
