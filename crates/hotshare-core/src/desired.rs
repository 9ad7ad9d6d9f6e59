//! What of the host Hotshare touches, as one value: observed, desired, and as it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::units::Mac;
use crate::uplink::Subnet;

/// The bridge that joins several LAN ports, and the stations of Wi-Fi.
pub const BRIDGE: &str = "hotshare0";

/// How the names of the interfaces begin that carry one station of Wi-Fi each. No other interface is called so.
pub const STATION_PORTS: &str = "hotshare.";

/// The packet mark that `lan_in` sets: this packet is of a known, open device.
pub const OK_MARK: u32 = 1 << 30;

/// The part of the host's network that Hotshare touches, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostState {
    /// The LAN ports and the bridge, by name. An interface that does not exist is not in it.
    pub interfaces: BTreeMap<String, Interface>,
    /// Kernel settings. One whose interface does not exist is not in it.
    pub settings: BTreeMap<Setting, i32>,
    pub table: Table,
}

/// A LAN port or the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub kind: Kind,
    pub up: bool,
    /// The bridge or bond that it is a member of.
    pub master: Option<String>,
    /// As a bridge's member: may not speak to other isolated members.
    pub isolated: bool,
    /// The bridge's hardware address. `None` when a port's will do; a port's own is never told or changed.
    pub mac: Option<Mac>,
    pub addresses: BTreeMap<Address, AddressDetails>,
    /// Routes through it, but for those that the kernel makes itself.
    pub routes: BTreeSet<HostRoute>,
}

/// What an interface is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hardware, or another's: it may be configured, never made or removed.
    Port,
    /// Ours: made when it is missing, removed at the end.
    Bridge,
}

/// An address on an interface. These three are what the kernel tells addresses apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub address: IpAddr,
    pub prefix_len: u8,
    /// The far end of a point-to-point address.
    pub peer: Option<IpAddr>,
}

/// What an address carries beside its identity; only needed to put it back as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressDetails {
    /// Its place in the kernel's list: the first of a subnet is the one that speaks.
    pub rank: u16,
    pub broadcast: Option<Ipv4Addr>,
    pub label: Option<String>,
    /// The kernel's scope number: 0 everywhere, 253 this link.
    pub scope: u8,
    /// The kernel makes no route for the prefix.
    pub no_prefix_route: bool,
    /// The metric of the prefix route.
    pub metric: Option<u32>,
    /// When it ends, in seconds since boot: (preferred, valid). `None`: never.
    pub ends: Option<(u64, u64)>,
}

/// A route through an interface of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostRoute {
    /// These two first, so that a route stands before those whose gateway it leads to.
    pub scope: Reach,
    pub gateway: Option<IpAddr>,
    pub destination: IpAddr,
    pub prefix_len: u8,
    pub table: u32,
    pub metric: u32,
    /// Who made it: the kernel's protocol number.
    pub protocol: u8,
    pub source: Option<IpAddr>,
    pub onlink: bool,
}

/// How far a route reaches; what is on the link comes first, for gateways are reached through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Host,
    Link,
    Site,
    Universe,
}

/// A kernel setting that Hotshare needs, by interface. The global switches are left alone:
/// `net.ipv4.ip_forward` would make a router of every interface and reset other settings when written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// IPv6 is not metered yet, so a LAN interface must not speak it.
    Ipv6Disabled(String),
    /// 1: answer ARP only for addresses of the interface that was asked, so that the LAN cannot probe for the
    /// uplink's.
    ArpIgnore(String),
    /// Packets that arrive here may be passed on.
    Forwarding(String),
}

impl Setting {
    /// Its path below `/proc/sys`.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Setting::Ipv6Disabled(name) => format!("net/ipv6/conf/{name}/disable_ipv6"),
            Setting::ArpIgnore(name) => format!("net/ipv4/conf/{name}/arp_ignore"),
            Setting::Forwarding(name) => format!("net/ipv4/conf/{name}/forwarding"),
        }
    }
    /// The interface that it belongs to.
    #[must_use]
    pub fn interface(&self) -> &str {
        match self {
            Setting::Ipv6Disabled(name) | Setting::ArpIgnore(name) | Setting::Forwarding(name) => name,
        }
    }
    /// Setting it to `value` takes something away from the network, rather than opens it.
    #[must_use]
    pub fn closes(&self, value: i32) -> bool {
        match self {
            Setting::Ipv6Disabled(_) | Setting::ArpIgnore(_) => value != 0,
            Setting::Forwarding(_) => value == 0,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// The one nftables table that is ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Table {
    #[default]
    Absent,
    Holds(Ruleset),
    /// It exists, but does not say what we would have written.
    Unknown,
}

/// What the table is to say. Which devices are closed, and where sites are, is in sets beside it, changed without touching the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    pub uplink: String,
    /// The bridge, or the only port.
    pub lan: String,
    /// The bridge's members: nothing may pass through them beside the bridge.
    pub ports: BTreeSet<String>,
    pub subnet: Subnet,
    pub gateway: Ipv4Addr,
    /// TCP ports of the gateway that the LAN may reach, beside DNS.
    pub portal_ports: BTreeSet<u16>,
    pub ok_mark: u32,
    /// Only what is in the set of sites can be reached from the LAN.
    pub only_sites: bool,
    /// Packets pass between these two, and no others.
    pub metered: Metered,
    /// Stations of Wi-Fi are on the LAN, too.
    pub wifi: Option<WifiLan>,
}

/// The Wi-Fi part of the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WifiLan {
    /// The interface of the access point.
    pub card: String,
    /// How the names of the stations' own interfaces begin.
    pub pattern: &'static str,
    /// Each station has an interface of its own. If not, all speak through the card, which is then a port.
    pub station_ports: bool,
    /// The bridge's hardware address: fixed, for its ports come and go.
    pub mac: Mac,
}

/// The interfaces that the meter is on, by the kernel's numbers.
///
/// A name may come back as another interface, which the meter is not on yet: so what passes is decided by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    pub uplink: Option<u32>,
    pub lan: Option<u32>,
}

/// What the host is to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The uplink's name.
    pub uplink: String,
    /// The wired LAN ports; more than one are bridged, and so is one beside Wi-Fi.
    pub ports: BTreeSet<String>,
    pub subnet: Subnet,
    pub portal_ports: BTreeSet<u16>,
    /// The kernel has IPv6, so it must be switched off on the LAN side.
    pub ipv6: bool,
    /// Where the meter is by now. Until it is on both sides, nothing is forwarded.
    pub metered: Metered,
    /// Only what is in the set of sites can be reached from the LAN.
    pub only_sites: bool,
    /// Wi-Fi, beside the ports or alone.
    pub wifi: Option<WifiLan>,
}

impl Wanted {
    /// The interface that the LAN side is addressed on: the bridge, or the only port.
    #[must_use]
    pub fn lan(&self) -> &str {
        match self.ports.first() {
            Some(port) if self.ports.len() == 1 && self.wifi.is_none() => port,
            Some(_) | None => BRIDGE,
        }
    }

    /// The host as it is to be.
    #[must_use]
    pub fn desired(&self) -> HostState {
        let lan = self.lan().to_owned();
        let bridged = lan == BRIDGE;
        let gateway = self.subnet.gateway();
        let mut interfaces = BTreeMap::new();
        for port in &self.ports {
            let interface = Interface {
                master: bridged.then(|| BRIDGE.to_owned()),
                isolated: bridged,
                ..Interface::new(Kind::Port)
            };
            interfaces.insert(port.clone(), interface);
        }
        let address = Address { address: gateway.into(), prefix_len: self.subnet.prefix_len(), peer: None };
        let details =
            AddressDetails { broadcast: Some(self.subnet.broadcast()), ..AddressDetails::default() };
        let mac = self.wifi.as_ref().map(|wifi| wifi.mac);
        interfaces
            .entry(lan.clone())
            .or_insert_with(|| Interface { mac, ..Interface::new(Kind::Bridge) })
            .addresses
            .insert(address, details);

        let mut settings = BTreeMap::new();
        if self.ipv6 {
            // Of the access point's interface this is all that is ours.
            let card = self.wifi.as_ref().map(|wifi| &wifi.card);
            for name in interfaces.keys().chain(card) {
                settings.insert(Setting::Ipv6Disabled(name.clone()), 1);
            }
        }
        settings.insert(Setting::ArpIgnore(lan.clone()), 1);
        settings.insert(Setting::Forwarding(lan.clone()), 1);
        settings.insert(Setting::Forwarding(self.uplink.clone()), 1);

        let ports = if bridged { self.ports.clone() } else { BTreeSet::new() };
        let ruleset = Ruleset {
            uplink: self.uplink.clone(),
            lan,
            ports,
            subnet: self.subnet,
            gateway,
            portal_ports: self.portal_ports.clone(),
            ok_mark: OK_MARK,
            only_sites: self.only_sites,
            metered: self.metered,
            wifi: self.wifi.clone(),
        };
        HostState { interfaces, settings, table: Table::Holds(ruleset) }
    }
}

impl Interface {
    /// Up, alone and without an address.
    #[must_use]
    pub fn new(kind: Kind) -> Interface {
        Interface {
            kind,
            up: true,
            master: None,
            isolated: false,
            mac: None,
            addresses: BTreeMap::new(),
            routes: BTreeSet::new(),
        }
    }
}
