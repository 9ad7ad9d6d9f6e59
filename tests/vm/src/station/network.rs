//! What a device knows of a network: from the text of a QR code, or typed in.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// How the station proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// WPA2 with a passphrase: SHA-1 and SHA-256, as phones offer both.
    Passphrase(String),
    /// WPA2 with a passphrase, SHA-1 only: an old device.
    OldPassphrase(String),
    /// WPA3 (SAE) only.
    Sae(String),
    /// WPA2 and WPA3, whichever is there: a new phone.
    Either(String),
    /// Encrypted without a passphrase.
    Owe,
    /// Not encrypted.
    Clear,
}

/// Protected management frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pmf {
    /// Knows nothing of them.
    No,
    Can,
    Must,
}

/// Under which hardware address it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// The card's own.
    Own,
    /// Another one for each association.
    Random,
    Fixed(String),
}

/// A network as a station has stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) ssid: String,
    pub(crate) key: Key,
    pub(crate) pmf: Pmf,
    pub(crate) address: Address,
    /// Where to look, in MHz; everywhere when not known.
    pub(crate) mhz: Option<u32>,
    /// No debug log: it costs time.
    pub(crate) quiet: bool,
    /// More lines for the configuration, outside of the network.
    pub(crate) more: String,
}

impl Network {
    /// A network with a passphrase, for a device as phones are today.
    #[must_use]
    pub(crate) fn new(ssid: &str, key: Key) -> Network {
        let pmf = match key {
            Key::Sae(_) | Key::Owe => Pmf::Must,
            Key::Passphrase(_) | Key::Either(_) => Pmf::Can,
            Key::OldPassphrase(_) | Key::Clear => Pmf::No,
        };
        let (address, more) = (Address::Own, String::new());
        Network { ssid: ssid.to_owned(), key, pmf, address, mhz: None, quiet: false, more }
    }

    /// Reads what a QR code says: `WIFI:T:WPA;S:name;P:passphrase;;`, signs behind a backslash meant as they are.
    pub(crate) fn from_qr(text: &str) -> Result<Network> {
        let mut rest = text.strip_prefix("WIFI:").context("the code is not of a Wi-Fi network")?.chars();
        let (mut fields, mut field) = (Vec::new(), String::new());
        while let Some(sign) = rest.next() {
            match sign {
                '\\' => {
                    field.push('\\');
                    field.push(rest.next().context("the code ends in a backslash")?);
                }
                ';' => fields.push(std::mem::take(&mut field)),
                other => field.push(other),
            }
        }
        let value = |key: &str| {
            let raw = fields.iter().find_map(|field| field.strip_prefix(key))?;
            let mut signs = raw.chars();
            let mut plain = String::new();
            while let Some(sign) = signs.next() {
                plain.push(if sign == '\\' { signs.next()? } else { sign });
            }
            Some(plain)
        };
        let ssid = value("S:").context("the code names no network")?;
        let kind = value("T:").unwrap_or_else(|| "nopass".to_owned());
        let passphrase = value("P:");
        let key = match (kind.as_str(), passphrase) {
            // What phones do with it: join with WPA2 or WPA3, whichever is there.
            ("WPA", Some(passphrase)) => Key::Either(passphrase),
            ("SAE", Some(passphrase)) => Key::Sae(passphrase),
            // Phones join such a network as an open one, and encrypt it where they can.
            ("nopass", _) => Key::Owe,
            (other, _) => bail!("the code has an unknown kind of network, {other}"),
        };
        Ok(Network::new(&ssid, key))
    }

    /// With another address.
    #[must_use]
    pub(crate) fn under(mut self, address: Address) -> Network {
        self.address = address;
        self
    }

    /// Looked for on one channel only.
    #[must_use]
    pub(crate) fn on(mut self, mhz: u32) -> Network {
        self.mhz = Some(mhz);
        self
    }

    /// The supplicant's configuration.
    pub(super) fn config(&self, dir: &Path) -> String {
        let (key, random) = match &self.key {
            Key::Passphrase(p) => (format!("key_mgmt=WPA-PSK WPA-PSK-SHA256\n psk=\"{p}\""), 0),
            Key::OldPassphrase(p) => (format!("key_mgmt=WPA-PSK\n psk=\"{p}\""), 0),
            Key::Sae(p) => (format!("key_mgmt=SAE\n sae_password=\"{p}\""), 0),
            Key::Either(p) => (format!("key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n psk=\"{p}\""), 0),
            Key::Owe => ("key_mgmt=OWE".to_owned(), 0),
            Key::Clear => ("key_mgmt=NONE".to_owned(), 0),
        };
        let random = if self.address == Address::Random { 1 } else { random };
        let pmf = match self.pmf {
            Pmf::No => 0,
            Pmf::Can => 1,
            Pmf::Must => 2,
        };
        let ssid: String = self.ssid.bytes().map(|byte| format!("{byte:02x}")).collect();
        let channel = self.mhz.map(|mhz| format!(" scan_freq={mhz}\n freq_list={mhz}\n")).unwrap_or_default();
        format!(
            "ctrl_interface={}\nupdate_config=0\np2p_disabled=1\nsae_pwe=2\nrand_addr_lifetime=0\n\
             mac_addr={random}\n{}\
             network={{\n ssid={ssid}\n {key}\n ieee80211w={pmf}\n{channel}}}\n",
            dir.display(),
            self.more,
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn codes_read() {
        let network = Network::from_qr(r"WIFI:T:WPA;S:Caf\;\\e;P:one\:two;;").unwrap();
        assert_eq!((network.ssid.as_str(), network.key), (r"Caf;\e", Key::Either("one:two".into())));
        assert_eq!(Network::from_qr("WIFI:T:nopass;S:x;;").unwrap().key, Key::Owe);
        assert!(Network::from_qr("WIFI:T:WPA;P:x;;").is_err());
        assert!(Network::from_qr("http://x").is_err());
    }
}
