//! A user's bus lets in that user and not root: a real dbus-daemon of another user says so. Needs root.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use hotshare_linux::session::buses;

/// “nobody”: the bus asks who that is, so it must be somebody whom the machine knows.
const USER: u32 = 65_534;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn each_users_bus_is_reached_as_that_user_and_the_daemon_stays_root() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = dir.path().join(USER.to_string());
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    chown(&folder, Some(USER), Some(USER)).unwrap();
    // Logged in without a desktop, and what is no user's.
    std::fs::create_dir(dir.path().join("47115")).unwrap();
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    let bus = folder.join("bus");
    let mut command = Command::new("dbus-daemon");
    command.args(["--session", "--nofork", "--address"]).arg(format!("unix:path={}", bus.display()));
    let _daemon = Running(command.uid(USER).gid(USER).spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(30);
    while !bus.exists() {
        assert!(Instant::now() < end, "no bus");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let found = buses(dir.path()).await;
    let [found] = <[_; 1]>::try_from(found).unwrap();
    assert_eq!(found.uid, USER);
    let connection =
        zbus::connection::Builder::unix_stream(found.stream).user_id(USER).build().await.unwrap();
    let own = connection.unique_name().unwrap().as_str().to_owned();
    let names = connection.call_method(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        Some("org.freedesktop.DBus"),
        "GetConnectionUnixUser",
        &own,
    );
    assert_eq!(names.await.unwrap().body().deserialize::<u32>().unwrap(), USER);

    // Why that is needed: root itself is not let in.
    let stream = std::os::unix::net::UnixStream::connect(&bus).unwrap();
    zbus::connection::Builder::unix_stream(stream).build().await.unwrap_err();
    assert!(nix::unistd::geteuid().is_root());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("Uid:\t0\t0\t0\t0"), "{status}");
}
