//! Notifications over a real dbus-daemon, taken by a service of the test's own.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use hotshare_notify::desktop;
use support::{Running, alert, until};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zbus::MessageStream;
use zbus::message::Type;

/// Summary, body and urgency.
type Shown = (String, String, u8);

async fn bus(path: &Path) -> Running {
    let child = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--address"])
        .arg(format!("unix:path={}", path.display()))
        .spawn()
        .unwrap();
    let running = Running(child);
    until("the bus is there", || UnixStream::connect(path).is_ok()).await;
    running
}

/// What a desktop's notification daemon does: owns the name, and answers with a number.
async fn desktop_of(path: &Path, tasks: &mut JoinSet<()>) -> mpsc::UnboundedReceiver<Shown> {
    let stream = UnixStream::connect(path).unwrap();
    let connection = zbus::connection::Builder::unix_stream(stream).build().await.unwrap();
    connection.request_name("org.freedesktop.Notifications").await.unwrap();
    let (told, shown) = mpsc::unbounded_channel();
    tasks.spawn(async move {
        let mut calls = MessageStream::from(&connection);
        while let Some(Ok(call)) = calls.next().await {
            if call.message_type() != Type::MethodCall {
                continue;
            }
            type Hints<'a> = std::collections::HashMap<String, zbus::Variant<'a>>;
            let body = call.body();
            let (_, _, _, summary, text, _, hints, _): (
                String,
                u32,
                String,
                String,
                String,
                Vec<String>,
                Hints<'_>,
                i32,
            ) = body.deserialize().unwrap();
            let urgency = u8::try_from(&hints["urgency"]).unwrap();
            drop(told.send((summary, text, urgency)));
            connection.reply(&call.header(), &1_u32).await.unwrap();
        }
    });
    shown
}

#[tokio::test]
async fn a_notification_is_shown_and_a_bus_without_a_desktop_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bus");
    let _bus = bus(&path).await;
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    let show = async |n| {
        let stream = UnixStream::connect(&path).unwrap();
        let mut alert = alert(n);
        alert.text = "<b>“Pixel & co”</b>".into();
        desktop::show(stream, uid, &alert, Duration::from_secs(5)).await
    };
    let failed = show(1).await.unwrap_err();
    assert!(!failed.for_good && failed.why.contains("Notifications"), "{failed:?}");
    let mut tasks = JoinSet::new();
    let mut shown = desktop_of(&path, &mut tasks).await;
    show(2).await.unwrap();
    let (summary, text, urgency) = shown.recv().await.unwrap();
    assert_eq!(summary, "小明 has used 80 % of the allowance");
    assert_eq!((text.as_str(), urgency), ("&lt;b&gt;“Pixel &amp; co”&lt;/b&gt;", 1));
    assert!(shown.try_recv().is_err(), "once");
}
