//! The sites by which systems look whether they are on the Internet, with what each of them answers.

use std::net::Ipv4Addr;

use crate::layout;

/// A system's question and the answer by which it knows that nobody is in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Who asks.
    pub system: &'static str,
    pub host: &'static str,
    pub path: &'static str,
    pub code: u16,
    pub body: &'static str,
}

/// Those that are asked in plain HTTP.
pub const PROBES: [Probe; 13] = [
    probe("Android", "connectivitycheck.gstatic.com", "/generate_204", 204, ""),
    probe("Android, another", "www.google.com", "/gen_204", 204, ""),
    probe("ChromeOS", "www.gstatic.com", "/generate_204", 204, ""),
    probe("Huawei", "connectivitycheck.platform.hicloud.com", "/generate_204", 204, ""),
    probe("Xiaomi", "connect.rom.miui.com", "/generate_204", 204, ""),
    probe("iOS and macOS", "captive.apple.com", "/hotspot-detect.html", 200, APPLE),
    probe("Windows", "www.msftconnecttest.com", "/connecttest.txt", 200, "Microsoft Connect Test"),
    probe("Windows, the browser", "www.msftconnecttest.com", "/redirect", 200, "a start page"),
    probe("Firefox", "detectportal.firefox.com", "/canonical.html", 200, FIREFOX),
    probe("Firefox, for IPv4", "detectportal.firefox.com", "/success.txt", 200, "success\n"),
    probe("GNOME", "nmcheck.gnome.org", "/check_network_status.txt", 200, NETWORK_MANAGER),
    probe("Debian", "network-test.debian.org", "/nm", 200, NETWORK_MANAGER),
    probe("KDE", "networkcheck.kde.org", "/", 200, "OK"),
];

const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
const FIREFOX: &str =
    "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";
const NETWORK_MANAGER: &str = "NetworkManager is online\n";

const fn probe(
    system: &'static str,
    host: &'static str,
    path: &'static str,
    code: u16,
    body: &'static str,
) -> Probe {
    Probe { system, host, path, code, body }
}

/// The address of one of these sites.
pub(super) fn address(host: &str) -> Option<Ipv4Addr> {
    PROBES.iter().any(|probe| probe.host == host).then_some(layout::WEB_ADDR)
}

/// What the site answers.
pub(super) fn answer(host: &str, path: &str) -> Option<(u16, &'static str)> {
    let asked = PROBES.iter().find(|probe| probe.host == host && probe.path == path);
    asked.map(|probe| (probe.code, probe.body))
}
