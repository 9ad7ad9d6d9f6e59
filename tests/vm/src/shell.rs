//! Starting the guest's programs, and waiting for what they do.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Where logs are until the scenario ends; the folder is copied out when it fails.
pub(crate) const LOGS: &str = "/tmp/logs";

/// How often to look whether something has happened.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a shell command line, which must succeed, and returns what it printed.
pub(crate) fn sh(line: &str) -> Result<String> {
    let output = sh_output(line)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "`{line}` ended with {}: {}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}

/// Runs a shell command line that may fail.
pub(crate) fn sh_output(line: &str) -> Result<Output> {
    Command::new("/bin/sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start a shell for `{line}`"))
}

/// Looks until there is something, or fails with what was waited for.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let limit = crate::pace::stretched(limit);
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("no {what} within {:.1} s", limit.as_secs_f64());
        }
        thread::sleep(LOOK);
    }
}

/// A program in the background. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Background {
    name: String,
    child: Child,
}

impl Background {
    /// Starts it with all it prints going to the log of this name.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Background> {
        fs::create_dir_all(LOGS).with_context(|| format!("cannot make {LOGS}"))?;
        let path = log(name);
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let errors = file.try_clone().context("cannot share the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Background { name: name.to_owned(), child })
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read(log(&self.name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits until its log holds this text; fails early when it ends first.
    pub(crate) fn wait_for_log(&mut self, text: &str, limit: Duration) -> Result<()> {
        let what = format!("\"{text}\" from {}", self.name);
        wait_for(&what, limit, || {
            if self.log().contains(text) {
                return Ok(Some(()));
            }
            if let Some(status) = self.child.try_wait().context("cannot look after it")? {
                bail!("{} ended with {status}, its log: {}", self.name, self.log());
            }
            Ok(None)
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn log(name: &str) -> PathBuf {
    PathBuf::from(LOGS).join(format!("{name}.log"))
}
