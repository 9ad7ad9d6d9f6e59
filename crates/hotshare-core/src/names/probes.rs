//! The names by which systems look whether they are on the Internet, or behind a portal (RFC 8952, section 2.5).
//!
//! A station that may not use the uplink gets an answer for these and for no other name: so that its system finds the
//! page that says why, while what its programs ask for is plainly refused and nothing false is remembered for it.

use std::net::Ipv4Addr;

use super::is_name;

/// What is answered: nobody's (RFC 5737), never routed, and not one of the private networks, behind which Android looks
/// for no portal. The rules lead what is sent to its port 80 to the gateway, and refuse everything else.
pub const PROBE_ADDR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);

/// From the most to the least specific label, by who asks.
const PROBES: &[&[&str]] = &[
    // Android, ChromeOS, Chrome.
    &["connectivitycheck", "gstatic", "com"],
    &["connectivitycheck", "android", "com"],
    &["clients3", "google", "com"],
    &["www", "gstatic", "com"],
    &["www", "google", "com"],
    // Makers of Android phones with servers of their own.
    &["connectivitycheck", "platform", "hicloud", "com"],
    &["connect", "rom", "miui", "com"],
    &["wifi", "vivo", "com", "cn"],
    &["conn1", "coloros", "com"],
    &["conn2", "coloros", "com"],
    &["connectivitycheck", "samsung", "com"],
    // iOS, iPadOS, macOS.
    &["captive", "apple", "com"],
    // Windows.
    &["www", "msftconnecttest", "com"],
    &["www", "msftncsi", "com"],
    // Firefox.
    &["detectportal", "firefox", "com"],
    // GNOME, NetworkManager as distributions set it up, KDE.
    &["nmcheck", "gnome", "org"],
    &["network-test", "debian", "org"],
    &["connectivity-check", "ubuntu", "com"],
    &["fedoraproject", "org"],
    &["ping", "archlinux", "org"],
    &["conncheck", "opensuse", "org"],
    &["networkcheck", "kde", "org"],
    // Kindle.
    &["spectrum", "s3", "amazonaws", "com"],
];

pub(super) fn is_probe(labels: &[&[u8]]) -> bool {
    PROBES.iter().any(|probe| is_name(labels, probe))
}
