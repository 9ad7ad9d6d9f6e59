//! Names, addresses and paths of the laboratory. Nothing here touches the system.

use std::net::Ipv4Addr;
use std::path::PathBuf;

/// The namespace of the Internet and of the carrier.
pub const INTERNET: &str = "hotshare-lab-internet";
/// The namespace of the machine that runs Hotshare.
pub const BOX: &str = "hotshare-lab-box";
/// The carrier's end of the link to the box. What passes here is what a carrier bills.
pub const CARRIER_PORT: &str = "carrier0";
/// The box's end of that link.
pub const UPLINK_PORT: &str = "uplink0";
/// A phone's only interface.
pub const PHONE_PORT: &str = "eth0";

/// The carrier's address on the link (RFC 6598 space, as behind a carrier-grade NAT).
pub const CARRIER_ADDR: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
/// The box's address on the link.
pub const UPLINK_ADDR: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);
/// Prefix length of the link between the two.
pub const UPLINK_PREFIX: u8 = 24;
/// The web server (RFC 5737 documentation space).
pub const WEB_ADDR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);
/// The carrier's top-up site, by name behind an alias.
pub const TOPUP_ADDR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);
/// Its name.
pub const TOPUP_NAME: &str = "topup.example.com";
/// The name server.
pub const DNS_ADDR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);
/// A second web server port for each phone begins here, so that an observer beyond the NAT can tell phones apart.
pub const PHONE_WEB_PORTS: u16 = 8000;
/// UDP: swallows what comes. Port + N belongs to phone N.
pub const UDP_SINK_PORTS: u16 = 9000;
/// UDP: sends what came back to where it came from.
pub const UDP_ECHO_PORT: u16 = 7;
/// UDP: a request of two numbers (bytes per datagram, bits per second, seconds) starts a flood.
pub const UDP_FLOOD_PORT: u16 = 9999;

/// How many phones a laboratory may have: the last byte of their address, and ports below the ephemeral ones.
pub const MAX_PHONES: u8 = 64;

/// The run directory of the laboratory and of its daemon.
pub const RUN_DIR: &str = "/run/hotshare-lab";
/// Where the laboratory's daemon pins its maps and links.
pub const PIN_DIR: &str = "/sys/fs/bpf/hotshare-lab";
/// One laboratory at a time. Beside the run directory, because that is removed at the end.
pub const LOCK_PATH: &str = "/run/hotshare-lab.lock";

/// Where `ip netns exec` looks for a namespace's own `/etc` files.
pub const ETC_NETNS: &str = "/etc/netns";
/// Where `ip netns` keeps the names.
pub const RUN_NETNS: &str = "/run/netns";

/// The prefix of every namespace of the laboratory: what `clean` may remove.
pub const PREFIX: &str = "hotshare-lab-";

/// The namespace of phone `n` (from 1).
#[must_use]
pub fn phone_space(n: u8) -> String {
    format!("{PREFIX}phone-{n}")
}

/// The person that phone `n` belongs to, unless told otherwise.
#[must_use]
pub fn phone_person(n: u8) -> String {
    format!("phone-{n}")
}

/// The box's port that phone `n` is plugged into.
#[must_use]
pub fn lan_port(n: u8) -> String {
    format!("lan{n}")
}

/// The hardware address of phone `n`: always the same, so that a device can be named in advance.
#[must_use]
pub const fn phone_mac(n: u8) -> [u8; 6] {
    [0x02, 0x00, 0x5e, 0x10, 0x00, n]
}

/// The same as text, as the daemon's interface writes it.
#[must_use]
pub fn phone_mac_text(n: u8) -> String {
    phone_mac(n).map(|byte| format!("{byte:02x}")).join(":")
}

/// The daemon's control socket.
#[must_use]
pub fn api_socket() -> PathBuf {
    PathBuf::from(RUN_DIR).join("api.sock")
}

/// The daemon's state directory.
#[must_use]
pub fn state_dir() -> PathBuf {
    PathBuf::from(RUN_DIR).join("state")
}

/// The configuration that the laboratory writes for its daemon.
#[must_use]
pub fn config_path() -> PathBuf {
    PathBuf::from(RUN_DIR).join("hotshare.toml")
}

/// What the daemon prints, kept for a failure's explanation.
#[must_use]
pub fn daemon_log() -> PathBuf {
    PathBuf::from(RUN_DIR).join("daemon.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_have_distinct_station_addresses() {
        let macs: std::collections::BTreeSet<String> = (1..=MAX_PHONES).map(phone_mac_text).collect();
        assert_eq!(macs.len(), usize::from(MAX_PHONES));
        assert!((1..=MAX_PHONES).all(|n| phone_mac(n)[0] & 1 == 0), "a station's address is not a group's");
        assert_eq!(phone_mac_text(17), "02:00:5e:10:00:11");
    }
}
