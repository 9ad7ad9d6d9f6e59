//! Why a verb ended early, and the exit codes.

use hotshare_api::{Code, Failure};

use crate::client::CallError;

/// It was done.
pub(crate) const DONE: u8 = 0;
/// It was understood, and the answer is no.
pub(crate) const REFUSED: u8 = 1;
/// It was not understood, could not be asked, or failed.
pub(crate) const BROKEN: u8 = 2;

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads the output any more: that is success.
    NobodyReads,
    Failed {
        exit: u8,
        failure: Failure,
    },
}

impl Stop {
    /// It failed here, not at the daemon.
    pub(crate) fn broken(message: impl Into<String>) -> Stop {
        Stop::Failed { exit: BROKEN, failure: Failure::new(Code::Broken, message) }
    }

    /// It was understood, and the answer is no: here already, not at the daemon.
    pub(crate) fn refused(message: impl Into<String>) -> Stop {
        Stop::Failed { exit: REFUSED, failure: Failure::new(Code::BadRequest, message) }
    }

    /// [`Stop::broken`] for an error with causes: all of them on one line.
    pub(crate) fn because(tried: &str, error: &(dyn std::error::Error + 'static)) -> Stop {
        let mut message = format!("{tried}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Stop::broken(message)
    }

    /// `tried` is such as “cannot pause bo”; `command` what to type before a verb.
    pub(crate) fn of_call(tried: &str, error: &CallError, command: &str) -> Stop {
        let local = |code, message| Stop::Failed { exit: BROKEN, failure: Failure::new(code, message) };
        match error {
            CallError::NotRunning(path) => local(
                Code::NotRunning,
                format!(
                    "{tried}: Hotshare is not running (nobody answers at {}); start it with `{}`",
                    path.display(),
                    if command.ends_with("--lab") { "sudo hotshare lab --hold" } else { "sudo hotshare up" }
                ),
            ),
            CallError::NotPermitted(path) => local(
                Code::NotPermitted,
                format!(
                    "{tried}: {} is for root and the group “hotshare” only; use sudo, or join the group with `sudo usermod -aG hotshare \"$USER\"` and log in again",
                    path.display()
                ),
            ),
            CallError::No { refused, failure } => Stop::Failed {
                exit: if *refused { REFUSED } else { BROKEN },
                failure: Failure::new(failure.error.code, format!("{tried}: {}", failure.error.message)),
            },
            other @ (CallError::NotConnected { .. }
            | CallError::TooSlow
            | CallError::Broken(_)
            | CallError::NotUnderstood { .. }) => Stop::because(tried, other),
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Stop::NobodyReads
        } else {
            Stop::because("cannot write the output", &error)
        }
    }
}
