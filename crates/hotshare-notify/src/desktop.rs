//! A notification on a desktop, over the session's bus.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use hotshare_core::alert::{Alert, Kind};
use zbus::Variant;
use zbus::connection::Builder;

use crate::{NotSent, chain};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// Shows one alert to the user with this id. `bus` is a connection to the user's bus, made with the user's rights: it
/// lets in nobody else.
pub async fn show(bus: UnixStream, uid: u32, alert: &Alert, timeout: Duration) -> Result<(), NotSent> {
    let failed =
        |e: zbus::Error| NotSent::yet(format!("the desktop of user {uid} did not take it: {}", chain(&e)));
    let builder = Builder::unix_stream(bus).user_id(uid).method_timeout(timeout);
    let connection = builder.build().await.map_err(failed)?;
    let hints: HashMap<&str, Variant<'_>> = HashMap::from([
        ("urgency", Variant::U8(urgency(alert))),
        ("desktop-entry", Variant::from("hotshare")),
    ]);
    let no_actions: Vec<&str> = Vec::new();
    let text = plain(&alert.text);
    let arguments = ("Hotshare", 0_u32, "network-wireless", &alert.title, &text, no_actions, hints, -1_i32);
    connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &arguments).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

/// 2 stays on the screen until it is closed.
fn urgency(alert: &Alert) -> u8 {
    match alert.kind {
        Kind::PlanLevel | Kind::AllowanceLevel if alert.percent.is_some_and(|percent| percent >= 95) => 2,
        Kind::PriceStep => 2,
        Kind::PlanLevel
        | Kind::AllowanceLevel
        | Kind::UnusualUse
        | Kind::PlanRolls
        | Kind::DeviceWaiting
        | Kind::CertificateEnds
        | Kind::Test => 1,
    }
}

/// A notification's body is markup for some desktops.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
