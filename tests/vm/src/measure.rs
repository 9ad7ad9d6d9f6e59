//! What scenarios measure with: waiting with an end, pings without end, raw frames, other programs.

mod pinger;

use std::future::Future;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nlink::netlink::namespace::Netns;
use nlink::{Connection, Route};

pub(crate) use pinger::{Pinger, Pings};

use crate::pace::stretched;

/// How often something is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a program to its end and returns what it printed; anything but success is an error.
pub(crate) fn tool(program: &str, args: &[&str]) -> Result<String> {
    finish(Command::new(program).args(args).output(), program, args)
}

/// The same in a namespace.
pub(crate) fn tool_in(space: &Netns, program: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args);
    finish(space.command(command)?.output().map_err(std::io::Error::other), program, args)
}

fn finish(done: std::io::Result<std::process::Output>, program: &str, args: &[&str]) -> Result<String> {
    let output = done.with_context(|| format!("run {program}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{program} {}: {}: {out}{err}", args.join(" "), output.status);
    Ok(out.into_owned())
}

/// Waits until something is so, and says how long it took.
pub(crate) async fn within<T, F>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<(T, Duration)>
where
    F: Future<Output = Result<Option<T>>>,
{
    let begin = Instant::now();
    let patience = stretched(patience);
    loop {
        let seen = look().await;
        if let Ok(Some(value)) = seen {
            return Ok((value, begin.elapsed()));
        }
        if begin.elapsed() > patience {
            return match seen {
                Err(error) => Err(error.context(format!("{what}: not within {patience:?}"))),
                Ok(_) => bail!("{what}: not within {patience:?}"),
            };
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The index of an interface of a namespace.
pub(crate) async fn index_of(space: &Netns, interface: &str) -> Result<i32> {
    let links = Connection::<Route>::new_in(space)?;
    let link = links
        .get_link_by_name(interface)
        .await?
        .with_context(|| format!("{} has no interface {interface}", space.label()))?;
    Ok(i32::try_from(link.ifindex())?)
}

/// Reads the next frame of a raw socket. `None`: none came in time, or the interface is gone.
pub(crate) fn read_frame(socket: &OwnedFd, frame: &mut [u8], patience: Duration) -> Option<usize> {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    match nix::poll::poll(&mut fds, patience) {
        Ok(n) if n > 0 => {
            nix::sys::socket::recv(socket.as_raw_fd(), frame, nix::sys::socket::MsgFlags::MSG_DONTWAIT).ok()
        }
        _ => None,
    }
}

/// Sends a frame through a raw socket. A queue that is full for a moment is waited for.
pub(crate) fn send_frame(socket: &OwnedFd, frame: &[u8]) -> Result<()> {
    for _ in 0..1000 {
        match nix::sys::socket::send(socket.as_raw_fd(), frame, nix::sys::socket::MsgFlags::empty()) {
            Ok(_) => return Ok(()),
            Err(nix::errno::Errno::ENOBUFS | nix::errno::Errno::EAGAIN) => {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Err(error) => return Err(error).context("send a frame"),
        }
    }
    bail!("the interface's queue stays full")
}

/// Milliseconds, for what a scenario prints.
#[must_use]
pub(crate) fn ms(time: Duration) -> u128 {
    time.as_millis()
}
