//! The text of a QR code by which a device joins.
//!
//! The format is the one that ZXing began and the Wi-Fi Alliance wrote down (WPA3 Specification 3.x, 7.1,
//! "URI representation"): `WIFI:T:WPA;S:name;P:passphrase;;`. Decided here:
//!
//! - `T:WPA` for every network with a passphrase, WPA3 as well: it is the only type that the WPA3 specification
//!   has, iOS reads no other, and Android joins by what the beacon offers. Newer Android also knows `T:SAE`, but
//!   only there.
//! - `T:nopass` for one without: ZXing and Android want it; leaving `T` out is the same to iOS.
//! - No `R:` (transition disable): a Sealed network never was a mixture that a device could be talked down to.
//! - No `H:`: Hotshare's networks are visible.
//! - `\ ; , " :` are escaped with a backslash (ZXing), which every reader in use takes, rather than by percent.

use super::{Mode, NotAnSsid, Ssid};
use crate::keys::{BadPassphrase, Passphrase};

/// What a QR code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub ssid: Ssid,
    /// `None`: nobody needs one there.
    pub passphrase: Option<Passphrase>,
    /// The name is not in the beacons.
    pub hidden: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAJoinText {
    #[error("a text for joining begins with “WIFI:” and ends with “;;”")]
    Frame,
    #[error("a text for joining needs the name of the network, as in S:name;")]
    NoName,
    #[error(transparent)]
    Name(#[from] NotAnSsid),
    #[error(transparent)]
    Passphrase(#[from] BadPassphrase),
    #[error("a network of type {0} cannot be joined by a passphrase")]
    Type(String),
}

/// The text for a device that is to join. The passphrase is in it: treat it as one.
#[must_use]
pub fn join_text(ssid: &Ssid, mode: Mode, passphrase: Option<&Passphrase>) -> String {
    let name = escaped(ssid.as_str());
    match passphrase.filter(|_| mode != Mode::Open) {
        Some(passphrase) => format!("WIFI:T:WPA;S:{name};P:{};;", escaped(passphrase.secret())),
        None => format!("WIFI:T:nopass;S:{name};;"),
    }
}

impl Join {
    /// # Errors
    /// When it is not a text of this format, or names nothing that can be joined.
    pub fn parse(text: &str) -> Result<Join, NotAJoinText> {
        let fields = text.strip_prefix("WIFI:").and_then(fields).ok_or(NotAJoinText::Frame)?;
        let value = |key: &str| fields.iter().find_map(|f| f.strip_prefix(key)?.strip_prefix(':'));
        let ssid = Ssid::new(value("S").ok_or(NotAJoinText::NoName)?)?;
        let passphrase = match value("T") {
            Some("WPA" | "SAE") => Some(Passphrase::new(value("P").unwrap_or_default())?),
            None | Some("nopass" | "") => None,
            Some(other) => return Err(NotAJoinText::Type(other.to_owned())),
        };
        Ok(Join { ssid, passphrase, hidden: value("H") == Some("true") })
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | ';' | ',' | '"' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `T:WPA;S:a\;b;;` as `["T:WPA", "S:a;b"]`.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => fields.push(String::new()),
            '\\' => fields.last_mut()?.push(chars.next()?),
            c => fields.last_mut()?.push(c),
        }
    }
    // the last field and the empty one before it
    let ended = fields.pop()?.is_empty() && fields.pop()?.is_empty();
    ended.then_some(fields)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_join_text_is_as_phones_read_it() {
        let ssid = Ssid::new("Home; \"sweet\"").unwrap();
        let passphrase = Passphrase::new("maple-tiger:1,2\\3").unwrap();
        let text = join_text(&ssid, Mode::People, Some(&passphrase));
        assert_eq!(text, r#"WIFI:T:WPA;S:Home\; \"sweet\";P:maple-tiger\:1\,2\\3;;"#);
        assert_eq!(join_text(&ssid, Mode::Open, None), r#"WIFI:T:nopass;S:Home\; \"sweet\";;"#);
    }

    #[test]
    fn what_is_no_join_text_is_refused() {
        assert_eq!(Join::parse("http://example.org"), Err(NotAJoinText::Frame));
        assert_eq!(Join::parse("WIFI:T:WPA;S:a;P:12345678;"), Err(NotAJoinText::Frame));
        assert_eq!(Join::parse("WIFI:T:WPA;P:12345678;;"), Err(NotAJoinText::NoName));
        assert_eq!(Join::parse("WIFI:T:WEP;S:a;P:12345678;;"), Err(NotAJoinText::Type("WEP".to_owned())));
        assert!(matches!(Join::parse("WIFI:T:WPA;S:a;P:short;;"), Err(NotAJoinText::Passphrase(_))));
    }

    proptest! {
        #[test]
        fn it_comes_back(name in r#"[ -~äö;,:\\"]{1,10}"#, secret in "[!-~]{8,63}", open: bool) {
            let ssid = Ssid::new(&name).unwrap();
            let passphrase = Passphrase::new(&secret).unwrap();
            let mode = if open { Mode::Open } else { Mode::Sealed };
            let join = Join::parse(&join_text(&ssid, mode, Some(&passphrase))).unwrap();
            prop_assert_eq!(join.ssid, ssid);
            prop_assert_eq!(join.passphrase, (!open).then_some(passphrase));
            prop_assert!(!join.hidden);
        }
    }
}
