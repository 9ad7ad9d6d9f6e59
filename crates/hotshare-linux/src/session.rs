//! The message buses of the users that are logged in.
//!
//! A user's bus lets in that user only, not even root. So the connection is made by a thread that has the user's
//! identity, does nothing else, and ends: identity is a thread's own for the kernel, and the other threads stay as
//! they are.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::sync::oneshot;

/// A connection to the bus of the user with this id, not greeted yet; it does not block.
#[derive(Debug)]
pub struct Bus {
    pub uid: u32,
    pub stream: UnixStream,
}

/// Where logind keeps a folder for each user while the user is logged in.
pub const RUN_USER: &str = "/run/user";
/// A user can make looking into the own folder take for ever; so many such threads may be waiting.
const MOST: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(2);

static WAITING: AtomicU32 = AtomicU32::new(0);

/// Connects to the bus of each user that has a folder here; who has none, or does not answer, is left out.
pub async fn buses(run_user: &Path) -> Vec<Bus> {
    let mut buses = Vec::new();
    for (uid, path) in folders(run_user) {
        match connect(uid, path).await {
            Ok(stream) => buses.push(Bus { uid, stream }),
            Err(error) => tracing::debug!(uid, %error, "no bus of this user"),
        }
    }
    buses
}

fn folders(run_user: &Path) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(run_user).into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bus"))))
        .collect();
    folders.sort();
    folders
}

async fn connect(uid: u32, path: PathBuf) -> std::io::Result<UnixStream> {
    let place = Place::take().ok_or_else(|| std::io::Error::other("too many users do not answer"))?;
    let (done, connected) = oneshot::channel();
    let run = move || {
        let connected = identity::become_user(uid).and_then(|()| open(&path));
        // Whoever asked may have given up.
        _ = done.send(connected);
        drop(place);
    };
    drop(std::thread::Builder::new().name("session".into()).spawn(run)?);
    match tokio::time::timeout(PATIENCE, connected).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// A bus whose queue is full refuses at once instead of making us wait.
fn open(path: &Path) -> std::io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(std::os::fd::OwnedFd::from(socket).into())
}

/// One of the threads that may be waiting.
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let place =
            WAITING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MOST).then_some(n + 1));
        place.ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

mod identity {
    #![allow(unsafe_code, reason = "nix and libc change the identity of all threads together")]

    use nix::libc;

    /// This thread, and no other, acts for the user from now on, without root's rights.
    pub(super) fn become_user(uid: u32) -> std::io::Result<()> {
        if nix::unistd::geteuid().as_raw() == uid {
            return Ok(());
        }
        let keep = libc::uid_t::MAX;
        // SAFETY: the call takes three numbers and touches no memory. The kernel changes the calling thread only.
        let done = unsafe { libc::syscall(libc::SYS_setresuid, keep, uid, keep) };
        if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}
