//! One laboratory at a time on a machine. The lock is an abstract socket name: it leaves nothing behind,
//! however its owner ends, and tells who the owner is.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{self, Signal};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;

const NAME: &str = "hotshare-lab";

/// Held while a laboratory exists.
#[derive(Debug)]
pub struct Lock {
    _listener: UnixListener,
}

impl Lock {
    /// Takes the lock, or says whose it is.
    pub fn take() -> Result<Lock> {
        match UnixListener::bind_addr(&address()?) {
            Ok(listener) => Ok(Lock { _listener: listener }),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match owner() {
                Some(pid) => bail!(
                    "another laboratory is running (process {pid}), and there can be only one: stop it with Ctrl-C, or with “hotshare lab --clean”"
                ),
                None => bail!("another laboratory is just ending: try again"),
            },
            Err(error) => Err(error).context("take the laboratory's lock"),
        }
    }

    /// Takes the lock when it becomes free.
    pub async fn wait(patience: Duration) -> Result<Lock> {
        let end = Instant::now() + patience;
        loop {
            match Lock::take() {
                Ok(lock) => return Ok(lock),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Takes the lock; a laboratory that runs is asked to end first.
    pub async fn take_over() -> Result<Lock> {
        if let Some(pid) = owner() {
            // It may have ended by itself since: then there is nobody to ask.
            signal::kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        Lock::wait(Duration::from_secs(15)).await
    }
}

fn address() -> Result<SocketAddr> {
    Ok(SocketAddr::from_abstract_name(NAME)?)
}

/// The process that holds the lock.
fn owner() -> Option<i32> {
    let stream = UnixStream::connect_addr(&address().ok()?).ok()?;
    Some(getsockopt(&stream, PeerCredentials).ok()?.pid())
}
