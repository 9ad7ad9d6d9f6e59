//! The host's state as it stands in the journal: a format of its own, so that the core's types may change.

use std::net::{IpAddr, Ipv4Addr};

use hotshare_core::desired::{
    Address, AddressDetails, HostRoute, HostState, Interface, Kind, Reach, Setting, Table,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostRow {
    interfaces: Vec<InterfaceRow>,
    settings: Vec<SettingRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InterfaceRow {
    name: String,
    bridge: bool,
    up: bool,
    master: Option<String>,
    isolated: bool,
    addresses: Vec<AddressRow>,
    routes: Vec<RouteRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressRow {
    address: IpAddr,
    prefix_len: u8,
    peer: Option<IpAddr>,
    rank: u16,
    broadcast: Option<Ipv4Addr>,
    label: Option<String>,
    scope: u8,
    no_prefix_route: bool,
    metric: Option<u32>,
    ends: Option<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteRow {
    destination: IpAddr,
    prefix_len: u8,
    gateway: Option<IpAddr>,
    scope: u8,
    table: u32,
    metric: u32,
    protocol: u8,
    source: Option<IpAddr>,
    onlink: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingRow {
    setting: String,
    interface: String,
    value: i32,
}

impl HostRow {
    pub(super) fn of(state: &HostState) -> HostRow {
        let interfaces = state.interfaces.iter().map(|(name, interface)| InterfaceRow {
            name: name.clone(),
            bridge: interface.kind == Kind::Bridge,
            up: interface.up,
            master: interface.master.clone(),
            isolated: interface.isolated,
            addresses: interface.addresses.iter().map(|(a, d)| AddressRow::of(a, d)).collect(),
            routes: interface.routes.iter().map(RouteRow::of).collect(),
        });
        let settings = state.settings.iter().map(|(setting, value)| SettingRow {
            setting: name_of(setting).to_owned(),
            interface: setting.interface().to_owned(),
            value: *value,
        });
        HostRow { interfaces: interfaces.collect(), settings: settings.collect() }
    }

    /// The state that the row tells of. The table is not in it: before us there was none of that name.
    pub(super) fn state(self) -> Result<HostState, serde_json::Error> {
        let interfaces = self.interfaces.into_iter().map(|row| {
            let interface = Interface {
                kind: if row.bridge { Kind::Bridge } else { Kind::Port },
                up: row.up,
                master: row.master,
                isolated: row.isolated,
                // Only of our bridge, which is removed and not restored.
                mac: None,
                addresses: row.addresses.into_iter().map(AddressRow::back).collect(),
                routes: row.routes.into_iter().map(RouteRow::back).collect(),
            };
            (row.name, interface)
        });
        let settings = self.settings.into_iter().map(|row| {
            let setting = match row.setting.as_str() {
                "ipv6_disabled" => Setting::Ipv6Disabled(row.interface),
                "arp_ignore" => Setting::ArpIgnore(row.interface),
                "forwarding" => Setting::Forwarding(row.interface),
                other => {
                    return Err(serde::de::Error::custom(format!("there is no setting “{other}”")));
                }
            };
            Ok((setting, row.value))
        });
        Ok(HostState {
            interfaces: interfaces.collect(),
            settings: settings.collect::<Result<_, _>>()?,
            table: Table::Absent,
        })
    }
}

fn name_of(setting: &Setting) -> &'static str {
    match setting {
        Setting::Ipv6Disabled(_) => "ipv6_disabled",
        Setting::ArpIgnore(_) => "arp_ignore",
        Setting::Forwarding(_) => "forwarding",
    }
}

impl AddressRow {
    fn of(address: &Address, details: &AddressDetails) -> AddressRow {
        AddressRow {
            address: address.address,
            prefix_len: address.prefix_len,
            peer: address.peer,
            rank: details.rank,
            broadcast: details.broadcast,
            label: details.label.clone(),
            scope: details.scope,
            no_prefix_route: details.no_prefix_route,
            metric: details.metric,
            ends: details.ends,
        }
    }

    fn back(self) -> (Address, AddressDetails) {
        let address = Address { address: self.address, prefix_len: self.prefix_len, peer: self.peer };
        let details = AddressDetails {
            rank: self.rank,
            broadcast: self.broadcast,
            label: self.label,
            scope: self.scope,
            no_prefix_route: self.no_prefix_route,
            metric: self.metric,
            ends: self.ends,
        };
        (address, details)
    }
}

impl RouteRow {
    fn of(route: &HostRoute) -> RouteRow {
        RouteRow {
            destination: route.destination,
            prefix_len: route.prefix_len,
            gateway: route.gateway,
            scope: match route.scope {
                Reach::Host => 254,
                Reach::Link => 253,
                Reach::Site => 200,
                Reach::Universe => 0,
            },
            table: route.table,
            metric: route.metric,
            protocol: route.protocol,
            source: route.source,
            onlink: route.onlink,
        }
    }

    fn back(self) -> HostRoute {
        HostRoute {
            scope: match self.scope {
                254 => Reach::Host,
                253 => Reach::Link,
                200 => Reach::Site,
                _ => Reach::Universe,
            },
            gateway: self.gateway,
            destination: self.destination,
            prefix_len: self.prefix_len,
            table: self.table,
            metric: self.metric,
            protocol: self.protocol,
            source: self.source,
            onlink: self.onlink,
        }
    }
}
