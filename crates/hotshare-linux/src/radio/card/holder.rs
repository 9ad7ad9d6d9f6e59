//! Other programs that steer Wi-Fi cards: two cannot steer one.

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant};

use super::CardError;
use crate::bus::is_running;

/// NetworkManager lets go of a card before its wpa_supplicant does; on a busy machine, long before.
const LET_GO: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

const SUPPLICANT: &str = "fi.w1.wpa_supplicant1";
const IWD: &str = "net.connman.iwd";
const NETWORKD: &str = "org.freedesktop.network1";

/// Where wpa_supplicant listens when it is told with `-C`, as Debian's ifupdown and systemd units do.
const SUPPLICANT_SOCKETS: [&str; 2] = ["/run/wpa_supplicant", "/var/run/wpa_supplicant"];

#[zbus::proxy(
    interface = "fi.w1.wpa_supplicant1",
    default_service = "fi.w1.wpa_supplicant1",
    default_path = "/fi/w1/wpa_supplicant1"
)]
trait Supplicant {
    fn get_interface(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

type Objects = HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>;

#[zbus::proxy(
    interface = "org.freedesktop.DBus.ObjectManager",
    default_service = "net.connman.iwd",
    default_path = "/"
)]
trait Iwd {
    fn get_managed_objects(&self) -> zbus::Result<Objects>;
}

#[zbus::proxy(
    interface = "org.freedesktop.network1.Manager",
    default_service = "org.freedesktop.network1",
    default_path = "/org/freedesktop/network1"
)]
trait Networkd {
    fn get_link_by_name(&self, name: &str) -> zbus::Result<(i32, OwnedObjectPath)>;
}

#[zbus::proxy(interface = "org.freedesktop.network1.Link", default_service = "org.freedesktop.network1")]
trait NetworkdLink {
    #[zbus(property(emits_changed_signal = "false"))]
    fn administrative_state(&self) -> zbus::Result<String>;
}

/// Nobody else steers `interface`. `letting_go`: NetworkManager was just told to leave it alone, and what it has
/// started for it may take a little to end.
pub(super) async fn none(
    bus: Option<&Connection>,
    interface: &str,
    letting_go: bool,
) -> Result<(), CardError> {
    let end = Instant::now() + if letting_go { LET_GO } else { Duration::ZERO };
    let (program, advice) = loop {
        match holder(bus, interface).await {
            None => return Ok(()),
            Some(_) if Instant::now() < end => sleep(LOOK_EVERY).await,
            Some(held) => break held,
        }
    };
    Err(CardError::Held { card: interface.to_owned(), program, advice })
}

async fn holder(bus: Option<&Connection>, interface: &str) -> Option<(&'static str, String)> {
    let of_supplicant = format!(
        "stop it with “systemctl stop wpa_supplicant@{interface}”, or “ifdown {interface}” when /etc/network/interfaces names it"
    );
    if supplicant_listens(interface) {
        return Some(("wpa_supplicant", of_supplicant));
    }
    let bus = bus?;
    if is_running(bus, SUPPLICANT).await
        && let Ok(supplicant) = SupplicantProxy::new(bus).await
        && supplicant.get_interface(interface).await.is_ok()
    {
        return Some(("wpa_supplicant", of_supplicant));
    }
    if is_running(bus, IWD).await
        && let Ok(iwd) = IwdProxy::new(bus).await
        && let Ok(objects) = iwd.get_managed_objects().await
        && iwd_steers(&objects, interface)
    {
        return Some((
            "iwd",
            format!("turn it off there with “iwctl device {interface} set-property Powered off”"),
        ));
    }
    None
}

fn iwd_steers(objects: &Objects, interface: &str) -> bool {
    objects.values().filter_map(|interfaces| interfaces.get("net.connman.iwd.Device")).any(|device| {
        let name = device.get("Name").and_then(|name| <&str>::try_from(name).ok());
        let powered = device.get("Powered").and_then(|powered| bool::try_from(powered).ok());
        name == Some(interface) && powered != Some(false)
    })
}

/// Of a program that ended, the socket's file may be left; nobody can be reached there.
fn supplicant_listens(interface: &str) -> bool {
    let listens =
        |dir| UnixDatagram::unbound().is_ok_and(|s| s.connect(format!("{dir}/{interface}")).is_ok());
    SUPPLICANT_SOCKETS.into_iter().any(listens)
}

/// systemd-networkd does no Wi-Fi, but would give the interface addresses: said, not refused.
pub(super) async fn warn_of_networkd(bus: Option<&Connection>, interface: &str) {
    let Some(bus) = bus else { return };
    if !is_running(bus, NETWORKD).await {
        return;
    }
    let state = async {
        let (_, path) = NetworkdProxy::new(bus).await?.get_link_by_name(interface).await?;
        let link = NetworkdLinkProxy::builder(bus).path(ObjectPath::from(path)).build().await?;
        link.administrative_state().await
    };
    if let Ok(state) = state.await
        && state != "unmanaged"
    {
        tracing::warn!(
            interface,
            "systemd-networkd configures the card of the access point; give it a .network file with Unmanaged=yes"
        );
    }
}
