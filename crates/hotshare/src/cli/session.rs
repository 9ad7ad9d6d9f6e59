//! What every verb has at hand: the daemon, and the way to print.

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use hotshare_api::Done;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stop::{self, Stop};
use super::text::{escaped, is_treacherous};
use crate::client::{CallError, Client};
use crate::instance::Instance;

/// Neither narrower nor wider than this, whatever the terminal says.
const WIDTHS: std::ops::RangeInclusive<usize> = 24..=120;

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) instance: Instance,
    client: Client,
    pub(crate) json: bool,
    /// Terminal cells; 80 when the output is no terminal.
    pub(crate) width: usize,
}

impl Session {
    pub(crate) fn new(lab: bool, json: bool, socket: Option<PathBuf>) -> Session {
        let instance = if lab { Instance::lab() } else { Instance::normal() };
        let client = Client::new(socket.unwrap_or_else(|| instance.socket_path()));
        Session { instance, client, json, width: terminal_width() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks the daemon. `tried` is such as “cannot pause bo”.
    pub(crate) fn get<R: DeserializeOwned>(&self, tried: &str, path: &str) -> Result<R, Stop> {
        self.wait(tried, self.client.get(path))
    }
    pub(crate) fn post<R: DeserializeOwned>(
        &self,
        tried: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<R, Stop> {
        self.wait(tried, self.client.post(path, body))
    }
    pub(crate) fn patch<R: DeserializeOwned>(
        &self,
        tried: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<R, Stop> {
        self.wait(tried, self.client.patch(path, body))
    }
    pub(crate) fn delete<R: DeserializeOwned>(&self, tried: &str, path: &str) -> Result<R, Stop> {
        self.wait(tried, self.client.delete(path))
    }

    fn wait<R>(&self, tried: &str, call: impl Future<Output = Result<R, CallError>>) -> Result<R, Stop> {
        block_on(call)?.map_err(|e| Stop::of_call(tried, &e, self.instance.command()))
    }

    /// Prints a reply: as JSON when that was asked for, else as text.
    pub(crate) fn show<T: Serialize>(&self, reply: &T, text: impl FnOnce(&T) -> String) -> Result<(), Stop> {
        if self.json { self.print(&json(reply)?) } else { self.print(&text(reply)) }
    }

    /// Says that a change was made.
    pub(crate) fn show_done(&self, reply: &Done, text: &str) -> Result<(), Stop> {
        self.show(reply, |_| format!("{text}\n"))
    }

    /// Prints text; colours only on a terminal, and not when `NO_COLOR` is set.
    pub(crate) fn print(&self, text: &str) -> Result<(), Stop> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Tells why a verb ended early, and gives the exit code.
    pub(crate) fn tell(&self, stop: Stop) -> ExitCode {
        match stop {
            Stop::NobodyReads => ExitCode::from(stop::DONE),
            Stop::Failed { exit, failure } => {
                let text = if self.json {
                    json(&failure).unwrap_or_default()
                } else {
                    let error = anstyle::AnsiColor::Red.on_default().bold();
                    let lines: Vec<String> = failure.error.message.lines().map(escaped).collect();
                    format!("{error}hotshare{error:#}: {}\n", lines.join("\n"))
                };
                // There is no better place to tell that nothing can be told.
                let _told = anstream::stderr().lock().write_all(text.as_bytes());
                ExitCode::from(exit)
            }
        }
    }
}

/// In cells; 80 when there is no terminal.
pub(super) fn terminal_width() -> usize {
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// Runs something asynchronous to its end.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|e| Stop::because("cannot start", &e))?.block_on(future))
}

/// JSON as text. What a terminal would obey, hide or reorder is written as `\uXXXX`, which means the same.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Stop> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Stop::because("cannot write JSON", &e))?;
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c != '\n' && is_treacherous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same_and_is_harmless() {
        let hostile = "a\u{1b}[2J\u{9b}\u{202e}b\u{e0041}\n小明";
        let text = json(&hostile).expect("plain");
        assert_eq!(text, "\"a\\u001b[2J\\u009b\\u202eb\\udb40\\udc41\\n小明\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).expect("reads back"), hostile);
    }
}
