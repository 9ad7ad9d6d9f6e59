//! NetworkManager: told to leave our interfaces alone, and given them back.
//!
//! A file among its settings covers interfaces before they exist, and is gone after a boot. Where that is not
//! enough, the card is also named over D-Bus.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zbus::{Connection, OwnedObjectPath};

use super::card::CardError;
use crate::bus::is_running;

/// NetworkManager acts on a changed file a moment after it said that it read it.
const SETTLED: Duration = Duration::from_secs(1);
/// Letting go of a card takes it a little: it ends the connection, and wpa_supplicant.
const LET_GO: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Settings that are gone after a boot (NetworkManager.conf(5)).
const RUN_TIME_SETTINGS: &str = "/run/NetworkManager/conf.d";
const DROP_IN: &str = "90-hotshare.conf";
/// It is installed, and may start later.
const INSTALLED: &str = "/etc/NetworkManager";

/// `NM_MANAGER_RELOAD_FLAG_CONF`: its settings files, nothing else.
const RELOAD_SETTINGS: u32 = 1;
/// `NM_DEVICE_STATE_UNMANAGED`; lower only while it does not know the device.
const UNMANAGED: u32 = 10;

#[zbus::proxy(
    interface = "org.freedesktop.NetworkManager",
    default_service = "org.freedesktop.NetworkManager",
    default_path = "/org/freedesktop/NetworkManager"
)]
trait Service {
    fn reload(&self, flags: u32) -> zbus::Result<()>;
    fn get_device_by_ip_iface(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(
    interface = "org.freedesktop.NetworkManager.Device",
    default_service = "org.freedesktop.NetworkManager"
)]
trait Device {
    #[zbus(property(emits_changed_signal = "false"))]
    fn managed(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_managed(&self, managed: bool) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<u32>;
}

/// NetworkManager, running.
pub(super) struct NetworkManager {
    bus: Connection,
    service: ServiceProxy<'static>,
}

impl NetworkManager {
    /// `None`: it does not run, and nobody has to be told.
    pub(super) async fn find(bus: Option<&Connection>) -> Option<NetworkManager> {
        let bus = bus?;
        if !is_running(bus, "org.freedesktop.NetworkManager").await {
            return None;
        }
        let service = ServiceProxy::new(bus).await.ok()?;
        Some(NetworkManager { bus: bus.clone(), service })
    }

    /// Has it read its settings files again.
    pub(super) async fn reload(&self) -> Result<(), CardError> {
        self.service.reload(RELOAD_SETTINGS).await.map_err(failed("have NetworkManager read its settings"))
    }

    /// Whether it manages `interface`. `None`: it does not know it (yet).
    pub(super) async fn manages(&self, interface: &str) -> Result<Option<bool>, CardError> {
        let asked = format!("ask NetworkManager about {interface}");
        match self.device(interface).await {
            Ok(Some(device)) => match device.managed().await {
                Ok(managed) => Ok(Some(managed)),
                Err(error) if is_unknown(&error) => Ok(None),
                Err(error) => Err(failed(asked)(error)),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(failed(asked)(error)),
        }
    }

    /// Waits until it has let go of `interface` by the file alone. `false`: it has not.
    pub(super) async fn lets_go(&self, interface: &str) -> Result<bool, CardError> {
        self.wait(interface, SETTLED, false).await
    }

    /// Tells it directly to let go of `interface`, and waits until it has.
    pub(super) async fn take(&self, interface: &str) -> Result<(), CardError> {
        self.set_managed(interface, false).await?;
        if self.wait(interface, LET_GO, false).await? {
            Ok(())
        } else {
            Err(CardError::StillManaged(interface.to_owned()))
        }
    }

    /// Gives `interface` back: `told` when it was told directly to let go of it. One that it does not know is gone,
    /// or new, and then its settings files decide.
    pub(super) async fn give_back(&self, interface: &str, told: bool) -> Result<(), CardError> {
        if self.manages(interface).await?.is_none() {
            return Ok(());
        }
        if told || !self.wait(interface, SETTLED, true).await? {
            self.set_managed(interface, true).await?;
            if !self.wait(interface, LET_GO, true).await? {
                tracing::warn!(interface, "NetworkManager does not take the interface back");
            }
        }
        Ok(())
    }

    async fn set_managed(&self, interface: &str, managed: bool) -> Result<(), CardError> {
        let what = if managed { "take back" } else { "let go of" };
        let failed = failed(format!("tell NetworkManager to {what} {interface}"));
        match self.device(interface).await {
            Ok(Some(device)) => device.set_managed(managed).await.map_err(failed),
            Ok(None) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Waits until `interface` is managed or not. What it does not know is neither.
    async fn wait(&self, interface: &str, within: Duration, managed: bool) -> Result<bool, CardError> {
        let end = Instant::now() + within;
        loop {
            let device = self.device(interface).await.ok().flatten();
            let state = match &device {
                Some(device) => device.state().await.ok(),
                None => None,
            };
            let done = match state {
                Some(state) => (state > UNMANAGED) == managed,
                None => !managed,
            };
            if done || Instant::now() >= end {
                return Ok(done);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn device(&self, interface: &str) -> zbus::Result<Option<DeviceProxy<'static>>> {
        let path = match self.service.get_device_by_ip_iface(interface).await {
            Ok(path) => path,
            Err(error) if is_unknown(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let device = DeviceProxy::builder(&self.bus)
            .path(path)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(Some(device))
    }
}

/// No such device, or it went meanwhile.
fn is_unknown(error: &zbus::Error) -> bool {
    let zbus::Error::MethodError(name, _, _) = error else { return false };
    name.ends_with(".UnknownDevice") || name.ends_with(".UnknownObject") || name.ends_with(".UnknownMethod")
}

fn failed(what: impl Into<String>) -> impl FnOnce(zbus::Error) -> CardError {
    move |error| CardError::Bus(what.into(), Box::new(error))
}

/// The file that has NetworkManager leave our interfaces alone, also before they exist.
pub(super) struct DropIn(PathBuf);

impl DropIn {
    pub(super) fn new() -> DropIn {
        DropIn(Path::new(RUN_TIME_SETTINGS).join(DROP_IN))
    }

    /// NetworkManager may start later, and must find it then.
    pub(super) fn is_wanted(nm: Option<&NetworkManager>) -> bool {
        nm.is_some() || Path::new(INSTALLED).is_dir()
    }

    /// Names these interfaces, and all whose names begin with `hotshare`.
    pub(super) fn write(&self, interfaces: &[&str]) -> Result<(), CardError> {
        let failed = |source| CardError::DropIn { verb: "write", path: self.0.clone(), source };
        let dir = self.0.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(failed)?;
        let aside = self.0.with_extension("new");
        fs::write(&aside, drop_in(interfaces)).map_err(failed)?;
        fs::rename(&aside, &self.0).map_err(failed)
    }

    /// `false`: it was not there.
    pub(super) fn remove(&self) -> Result<bool, CardError> {
        match fs::remove_file(&self.0) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(CardError::DropIn { verb: "remove", path: self.0.clone(), source }),
        }
    }
}

/// `+=`: added to what others have written (NetworkManager.conf(5), "device list format").
fn drop_in(interfaces: &[&str]) -> String {
    let ours = interfaces.iter().map(|name| format!("interface-name:={name};")).collect::<String>();
    format!(
        "# Written by Hotshare while its access point is on, and removed after.\n\
         [keyfile]\nunmanaged-devices+=interface-name:hotshare*;{ours}\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_file_adds_to_what_others_have_written() {
        let text = drop_in(&["wlan0"]);
        assert!(
            text.contains("\nunmanaged-devices+=interface-name:hotshare*;interface-name:=wlan0;\n"),
            "{text}"
        );
    }

    #[test]
    fn the_file_is_written_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = DropIn(dir.path().join("conf.d").join(DROP_IN));
        assert!(!file.remove().unwrap());
        file.write(&["wlan0"]).unwrap();
        file.write(&["wlan1"]).unwrap();
        assert_eq!(fs::read_to_string(&file.0).unwrap(), drop_in(&["wlan1"]));
        assert!(file.remove().unwrap());
        assert_eq!(fs::read_dir(dir.path().join("conf.d")).unwrap().count(), 0);
    }
}
