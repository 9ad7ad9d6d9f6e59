//! `hotshare down`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hotshare_api::{Done, path};

use super::session::{Session, block_on};
use super::stop::Stop;
use crate::client::CallError;

/// Stop the daemon; the machine's network becomes as it was before
#[derive(Debug, Args)]
pub(crate) struct Down {}

/// It writes the last readings and takes back what it changed: that takes well under a second.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

impl Down {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let tried = "cannot stop the daemon";
        let pid =
            block_on(daemon(session))?.map_err(|e| Stop::of_call(tried, &e, session.instance.command()))?;
        let done: Done = session.post(tried, path::DOWN, &serde_json::json!({}))?;
        block_on(gone(session, pid, tried))??;
        session.show_done(&done, "Hotshare has stopped; the network is as it was before.")
    }
}

/// The daemon's process, as the kernel knows it.
async fn daemon(session: &Session) -> Result<Option<i32>, CallError> {
    let _answers: hotshare_api::Status = session.client().get(path::STATUS).await?;
    let stream = tokio::net::UnixStream::connect(session.client().path()).await;
    Ok(stream.and_then(|stream| stream.peer_cred()).ok().and_then(|peer| peer.pid()))
}

/// Waits until the daemon is gone: only then the network is as it was.
async fn gone(session: &Session, pid: Option<i32>, tried: &str) -> Result<(), Stop> {
    let since = Instant::now();
    // A process that has ended has no program any more, even while its parent has not noticed.
    let program = pid.map(|pid| PathBuf::from(format!("/proc/{pid}/exe")));
    let runs = || match &program {
        Some(program) => !matches!(program.read_link(), Err(e) if e.kind() == std::io::ErrorKind::NotFound),
        None => session.client().path().exists(),
    };
    while runs() {
        if since.elapsed() > PATIENCE {
            return Err(Stop::broken(format!(
                "{tried}: it was asked to stop {} s ago and is still there; look at its log, and end it by force if it must be",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
