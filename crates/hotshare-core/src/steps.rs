//! From what is observed to what is desired, as ordered steps; and back to what was before.
//!
//! The order keeps the host closed at every moment: rules come before forwarding on the way up and go after it
//! on the way down.

use std::collections::BTreeMap;

use crate::desired::{
    Address, AddressDetails, BRIDGE, HostRoute, HostState, Interface, Kind, Setting, Table,
};
use crate::units::Mac;

/// One change of the host. Each may be applied again without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the table say this and nothing else, at once.
    SetTable(Table),
    Set {
        setting: Setting,
        value: i32,
    },
    RemoveRoute {
        interface: String,
        route: HostRoute,
    },
    RemoveAddress {
        interface: String,
        address: Address,
    },
    SetMaster {
        interface: String,
        master: Option<String>,
    },
    /// With its members released and what it carried gone.
    RemoveBridge {
        name: String,
    },
    AddBridge {
        name: String,
        /// `None`: that of a port.
        mac: Option<Mac>,
    },
    /// Of the bridge.
    SetMac {
        interface: String,
        mac: Mac,
    },
    SetIsolated {
        interface: String,
        isolated: bool,
    },
    SetUp {
        interface: String,
        up: bool,
    },
    AddAddress {
        interface: String,
        address: Address,
        details: AddressDetails,
    },
    AddRoute {
        interface: String,
        route: HostRoute,
    },
}

/// The steps from `observed` to `desired`, in the order in which to take them.
///
/// Only interfaces and settings that `desired` speaks of are changed, but for our bridge: that one goes when it
/// is not desired. A port that does not exist has no steps; see [`missing`].
#[must_use]
pub fn steps(observed: &HostState, desired: &HostState) -> Vec<Step> {
    let mut steps = Vec::new();
    if desired.table != observed.table && desired.table != Table::Absent {
        steps.push(Step::SetTable(desired.table.clone()));
    }
    set(observed, desired, &mut steps, true);
    for (name, want) in &desired.interfaces {
        if let Some(is) = observed.interfaces.get(name) {
            strip(name, is, want, &mut steps);
        }
    }
    let stale = observed
        .interfaces
        .iter()
        .filter(|(name, is)| is.kind == Kind::Bridge && !desired.interfaces.contains_key(*name));
    for (name, _) in stale {
        steps.push(Step::RemoveBridge { name: name.clone() });
    }
    let mut made = Vec::new();
    for (name, want) in &desired.interfaces {
        if want.kind == Kind::Bridge && !observed.interfaces.contains_key(name) {
            steps.push(Step::AddBridge { name: name.clone(), mac: want.mac });
            made.push(name.clone());
        }
    }
    // A new bridge speaks IPv6 as soon as it is up, so it must be told before.
    for (setting, value) in &desired.settings {
        if setting.closes(*value) && made.iter().any(|name| name == setting.interface()) {
            steps.push(Step::Set { setting: setting.clone(), value: *value });
        }
    }
    let blank = Interface { up: false, ..Interface::new(Kind::Bridge) };
    let present =
        |name: &String| observed.interfaces.get(name).or_else(|| made.contains(name).then_some(&blank));
    for (name, want) in &desired.interfaces {
        let is = observed.interfaces.get(name).map(|is| is.mac);
        if let (Some(is), Some(mac)) = (is, want.mac)
            && is != Some(mac)
        {
            steps.push(Step::SetMac { interface: name.clone(), mac });
        }
    }
    for (name, want) in &desired.interfaces {
        if let Some(is) = present(name) {
            join(name, is, want, &mut steps);
        }
    }
    // What a setting opens (IPv6, at the end) must be open before addresses that need it are added.
    let opens: Vec<Step> = {
        let mut opens = Vec::new();
        set(observed, desired, &mut opens, false);
        for (setting, value) in &desired.settings {
            if !setting.closes(*value) && made.iter().any(|name| name == setting.interface()) {
                opens.push(Step::Set { setting: setting.clone(), value: *value });
            }
        }
        opens
    };
    let (forwarding, before_addresses): (Vec<Step>, Vec<Step>) =
        opens.into_iter().partition(|step| matches!(step, Step::Set { setting: Setting::Forwarding(_), .. }));
    steps.extend(before_addresses);
    for (name, want) in &desired.interfaces {
        if let Some(is) = present(name) {
            dress(name, is, want, &mut steps);
        }
    }
    steps.extend(forwarding);
    if desired.table != observed.table && desired.table == Table::Absent {
        steps.push(Step::SetTable(Table::Absent));
    }
    steps
}

/// Settings that differ, of those that close (or open) something.
fn set(observed: &HostState, desired: &HostState, steps: &mut Vec<Step>, closing: bool) {
    for (setting, value) in &desired.settings {
        let differs = observed.settings.get(setting).is_some_and(|is| is != value);
        if differs && setting.closes(*value) == closing {
            steps.push(Step::Set { setting: setting.clone(), value: *value });
        }
    }
}

/// Takes away what is not desired: routes first, for they may lean on the addresses.
fn strip(name: &str, is: &Interface, want: &Interface, steps: &mut Vec<Step>) {
    let interface = || name.to_owned();
    for route in is.routes.iter().rev().filter(|route| !want.routes.contains(route)) {
        steps.push(Step::RemoveRoute { interface: interface(), route: *route });
    }
    for address in is.addresses.keys().filter(|address| !want.addresses.contains_key(address)) {
        steps.push(Step::RemoveAddress { interface: interface(), address: *address });
    }
    if is.master.is_some() && want.master.is_none() {
        steps.push(Step::SetMaster { interface: interface(), master: None });
    }
    if is.up && !want.up {
        steps.push(Step::SetUp { interface: interface(), up: false });
    }
}

/// Masters, isolation and up.
fn join(name: &str, is: &Interface, want: &Interface, steps: &mut Vec<Step>) {
    let interface = || name.to_owned();
    if want.master.is_some() && is.master != want.master {
        steps.push(Step::SetMaster { interface: interface(), master: want.master.clone() });
        // A new membership starts without isolation.
        if want.isolated {
            steps.push(Step::SetIsolated { interface: interface(), isolated: true });
        }
    } else if want.master.is_some() && is.isolated != want.isolated {
        steps.push(Step::SetIsolated { interface: interface(), isolated: want.isolated });
    }
    if !is.up && want.up {
        steps.push(Step::SetUp { interface: interface(), up: true });
    }
}

/// Adds the addresses and routes that are missing.
fn dress(name: &str, is: &Interface, want: &Interface, steps: &mut Vec<Step>) {
    let interface = || name.to_owned();
    let lacks = |address: &Address| !is.addresses.contains_key(address);
    let mut addresses: Vec<_> = want.addresses.iter().filter(|(address, _)| lacks(address)).collect();
    addresses.sort_by_key(|(_, details)| details.rank);
    for (address, details) in addresses {
        let details = details.clone();
        steps.push(Step::AddAddress { interface: interface(), address: *address, details });
    }
    for route in want.routes.iter().filter(|route| !is.routes.contains(route)) {
        steps.push(Step::AddRoute { interface: interface(), route: *route });
    }
}

/// The desired ports that do not exist now: unplugged, or misspelt.
#[must_use]
pub fn missing<'a>(observed: &HostState, desired: &'a HostState) -> Vec<&'a str> {
    let absent = |(name, want): &(&'a String, &'a Interface)| {
        want.kind == Kind::Port && !observed.interfaces.contains_key(*name)
    };
    desired.interfaces.iter().filter(absent).map(|(name, _)| name.as_str()).collect()
}

/// What the host is to be so that it is again as it was `before`, given what we had made of it (`ours`) and what
/// it is now: what somebody else changed since is left as they made it.
#[must_use]
pub fn restored(before: &HostState, ours: &HostState, observed: &HostState) -> HostState {
    let mut target = HostState { table: before.table.clone(), ..HostState::default() };
    for (name, was) in &before.interfaces {
        let mut to = was.clone();
        let (is, our) = (observed.interfaces.get(name), ours.interfaces.get(name));
        if let (Some(is), Some(our)) = (is, our) {
            // In a bridge that is neither ours nor the one from before: somebody has moved it. (In none: we may
            // have been cut off between two steps.)
            let moved = |master: &str| master != BRIDGE && was.master.as_deref() != Some(master);
            if is.master.as_deref().is_some_and(moved) {
                to.master = is.master.clone();
                to.isolated = is.isolated;
            }
            for (address, details) in &is.addresses {
                if !our.addresses.contains_key(address) {
                    to.addresses.entry(*address).or_insert_with(|| details.clone());
                }
            }
            to.routes.extend(is.routes.iter().filter(|route| !our.routes.contains(route)));
        }
        target.interfaces.insert(name.clone(), to);
    }
    for (setting, was) in &before.settings {
        let (is, our) = (observed.settings.get(setting), ours.settings.get(setting));
        let value = match (is, our) {
            (Some(is), Some(our)) if is != our => is,
            (Some(_) | None, Some(_) | None) => was,
        };
        target.settings.insert(setting.clone(), *value);
    }
    target
}

/// What we have made of the host so far (`ours`), with what `desired` makes of it added. It only grows, so that a
/// kill in the middle of a change of ports leaves nothing of ours unknown.
#[must_use]
pub fn made(mut ours: HostState, desired: &HostState) -> HostState {
    for (name, want) in &desired.interfaces {
        let mut interface = want.clone();
        if let Some(was) = ours.interfaces.remove(name) {
            interface.addresses.extend(was.addresses);
            interface.routes.extend(was.routes);
        }
        ours.interfaces.insert(name.clone(), interface);
    }
    ours.settings.extend(desired.settings.clone());
    ours.table = desired.table.clone();
    ours
}

/// `desired`, and for everything that was touched earlier but is not desired any more, as it was before.
#[must_use]
pub fn with_rest_restored(mut restored: HostState, desired: &HostState) -> HostState {
    restored.interfaces.extend(desired.interfaces.clone());
    restored.settings.extend(desired.settings.clone());
    restored.table = desired.table.clone();
    restored
}

/// Adds to `before` what of `observed` it does not know yet. What it knows, it keeps: by now we may have changed
/// that. Our own bridge and table are never part of what was before.
pub fn remember(before: &mut HostState, observed: &HostState) {
    for (name, is) in &observed.interfaces {
        if is.kind == Kind::Port {
            let mut was = is.clone();
            if was.master.as_deref() == Some(BRIDGE) {
                was.master = None;
                was.isolated = false;
            }
            before.interfaces.entry(name.clone()).or_insert(was);
        }
    }
    for (setting, value) in &observed.settings {
        if setting.interface() != BRIDGE {
            before.settings.entry(setting.clone()).or_insert(*value);
        }
    }
}

/// What `step` makes of `host`: the kernel's part, as a model.
pub fn apply(host: &mut HostState, step: &Step) {
    let mut change = |name: &String, change: &dyn Fn(&mut Interface)| {
        if let Some(interface) = host.interfaces.get_mut(name) {
            change(interface);
        }
    };
    match step {
        Step::SetTable(table) => host.table = table.clone(),
        Step::Set { setting, value } => {
            if let Some(is) = host.settings.get_mut(setting) {
                *is = *value;
            }
        }
        Step::RemoveRoute { interface, route } => change(interface, &|i| {
            i.routes.remove(route);
        }),
        Step::RemoveAddress { interface, address } => change(interface, &|i| {
            i.addresses.remove(address);
        }),
        Step::SetMaster { interface, master } => change(interface, &|i| {
            i.master.clone_from(master);
            i.isolated = false;
        }),
        Step::RemoveBridge { name } => {
            host.interfaces.remove(name);
            host.settings.retain(|setting, _| setting.interface() != name);
            for member in host.interfaces.values_mut().filter(|i| i.master.as_ref() == Some(name)) {
                member.master = None;
                member.isolated = false;
            }
        }
        Step::SetMac { interface, mac } => change(interface, &|i| i.mac = Some(*mac)),
        Step::AddBridge { name, mac } => {
            let bridge = Interface { up: false, mac: *mac, ..Interface::new(Kind::Bridge) };
            host.interfaces.entry(name.clone()).or_insert(bridge);
            host.settings.extend(settings_of_new(name));
        }
        Step::SetIsolated { interface, isolated } => change(interface, &|i| {
            i.isolated = *isolated;
        }),
        Step::SetUp { interface, up } => change(interface, &|i| i.up = *up),
        Step::AddAddress { interface, address, details } => change(interface, &|i| {
            i.addresses.insert(*address, details.clone());
        }),
        Step::AddRoute { interface, route } => change(interface, &|i| {
            i.routes.insert(*route);
        }),
    }
}

/// The settings that come into being with an interface, at the kernel's defaults.
fn settings_of_new(name: &str) -> BTreeMap<Setting, i32> {
    let name = name.to_owned();
    BTreeMap::from([
        (Setting::Ipv6Disabled(name.clone()), 0),
        (Setting::ArpIgnore(name.clone()), 0),
        (Setting::Forwarding(name), 0),
    ])
}

#[cfg(test)]
mod tests;
