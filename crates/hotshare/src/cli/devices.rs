//! `hotshare devices`

use clap::{Args, Subcommand};
use hotshare_api::{self as api, DeviceChange, Done, path};
use hotshare_core::people::PersonName;
use hotshare_core::units::Mac;

use super::session::Session;
use super::size::pretty;
use super::stop::Stop;
use super::table::{Side, fitting};
use super::text::fitted;

/// List devices, or say whose a device is, block or forget it
#[derive(Debug, Args)]
pub(crate) struct Devices {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every device that was seen (this is also what `hotshare devices` alone does)
    List,
    /// Say whose a device is: from now on it spends that person's allowance
    Assign {
        /// The device's hardware address, such as 02:00:5e:10:00:01
        mac: Mac,
        person: PersonName,
    },
    /// Close a device, whoever it belongs to
    Block { mac: Mac },
    /// Let a blocked device in again
    Unblock { mac: Mac },
    /// Forget a device; if it comes back, it is a new one
    Forget { mac: Mac },
}

impl Devices {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let devices: api::Devices = session.get("cannot list devices", path::DEVICES)?;
                session.show(&devices, |devices| text(&devices.devices, session.width))
            }
            Action::Assign { mac, person } => {
                let change = DeviceChange { person: Some(person.to_string()), blocked: None };
                change_device(
                    session,
                    mac,
                    &change,
                    &format!("assign {mac} to {person}"),
                    &format!("{mac} is {person}'s."),
                )
            }
            Action::Block { mac } => {
                let change = DeviceChange { person: None, blocked: Some(true) };
                change_device(session, mac, &change, &format!("block {mac}"), &format!("{mac} is blocked."))
            }
            Action::Unblock { mac } => {
                let change = DeviceChange { person: None, blocked: Some(false) };
                change_device(
                    session,
                    mac,
                    &change,
                    &format!("unblock {mac}"),
                    &format!("{mac} is no longer blocked."),
                )
            }
            Action::Forget { mac } => {
                let done: Done =
                    session.delete(&format!("cannot forget {mac}"), &path::device(&mac.to_string()))?;
                session.show_done(&done, &format!("{mac} is forgotten."))
            }
        }
    }
}

fn change_device(
    session: &Session,
    mac: Mac,
    change: &DeviceChange,
    tried: &str,
    now: &str,
) -> Result<(), Stop> {
    let done: Done = session.patch(&format!("cannot {tried}"), &path::device(&mac.to_string()), change)?;
    session.show_done(&done, now)
}

/// Every device, one on a line.
fn text(devices: &[api::Device], width: usize) -> String {
    if devices.is_empty() {
        return "No device was seen yet.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = devices
        .iter()
        .map(|device| {
            vec![
                device.mac.clone(),
                state(device),
                device.address.clone().unwrap_or_default(),
                pretty(device.up.saturating_add(device.down)),
                device.host_name.as_deref().map(|name| fitted(name, 16)).unwrap_or_default(),
            ]
        })
        .collect();
    let all = [
        ("Device", Side::Left),
        ("Whose", Side::Left),
        ("Address", Side::Left),
        ("Used", Side::Right),
        ("Calls itself", Side::Left),
    ];
    fitting(&all, &rows, &[&[4], &[2], &[3]], 1, width).join("\n") + "\n"
}

fn state(device: &api::Device) -> String {
    if let Some(claim) = device.claim.as_deref().filter(|_| !device.blocked) {
        // It waits, and this is by whom.
        return format!("says “{}”", fitted(claim, 16));
    }
    let whose = device.person.as_deref().unwrap_or("waiting for you");
    let whose = fitted(whose, 24);
    if device.blocked { format!("{whose} (blocked)") } else { whose }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(mac: &str, person: Option<&str>, host_name: Option<&str>) -> api::Device {
        api::Device {
            mac: mac.into(),
            person: person.map(Into::into),
            blocked: false,
            host_name: host_name.map(Into::into),
            address: Some("10.77.0.12".into()),
            up: 1_000_000,
            down: 23_000_000,
            first_seen: 1_795_455_000,
            claim: None,
        }
    }

    #[test]
    fn screens() {
        let blocked = api::Device { blocked: true, ..device("02:00:5e:10:00:03", Some("bo"), None) };
        let devices = [
            device("02:00:5e:10:00:01", None, Some("Evil\u{1b}[2J\u{202e}phone")),
            device("02:00:5e:10:00:02", Some("小明"), Some("小明的手机")),
            blocked,
            api::Device { claim: Some("Bo Müller".into()), ..device("02:00:5e:10:00:04", None, None) },
        ];
        let told = [80, 40].map(|width| format!("--- at {width}\n{}", text(&devices, width)));
        insta::assert_snapshot!(told.concat());
    }
}
