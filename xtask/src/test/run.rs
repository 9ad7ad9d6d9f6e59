//! Runs test programs one after the other and adds up what they report.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::build::{Binary, Built};
use super::{Count, Tier};
use crate::cargo::cargo;
use crate::packages::search_path;

/// A test program that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// How often to see whether a silent program is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Runs one test program as cargo would: in its package's folder, with the same environment.
pub(super) fn binary(binary: &Binary, built: &Built) -> Result<Count> {
    println!("\n{} {}", binary.package, binary.name);
    let mut command = Command::new(&binary.program);
    command.current_dir(&binary.folder).env("CARGO_MANIFEST_DIR", &binary.folder);
    command.env("PATH", env::join_paths(search_path()).context("the search path has a colon in it")?);
    if let Some(hotshare) = &built.hotshare {
        command.env("CARGO_BIN_EXE_hotshare", hotshare);
    }
    if binary.tier >= Tier::Root {
        // They share one kernel: names, pins, processor time.
        command.arg("--test-threads=1");
    }
    counted(command, &format!("{} {}", binary.package, binary.name))
}

/// Runs the examples in the documentation.
pub(super) fn docs() -> Result<Count> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--doc"]);
    counted(command, "docs")
}

fn counted(mut command: Command, name: &str) -> Result<Count> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let output = child.stdout.take().context("the program has no output")?;
    let (send, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });

    let deadline = Instant::now() + LIMIT;
    let mut count = Count::default();
    let mut reports = 0;
    loop {
        match next(&lines, &mut child)? {
            Next::Line(line) => {
                println!("{line}");
                if let Some(more) = report(&line) {
                    count.add(more);
                    reports += 1;
                }
                if let Some(test) = failure(&line) {
                    count.names.push(format!("{name}: {test}"));
                }
            }
            Next::Nothing if Instant::now() < deadline => {}
            Next::Nothing => {
                println!("stopped after {} minutes", LIMIT.as_secs() / 60);
                child.kill().context("cannot stop it")?;
                break;
            }
            Next::End => break,
        }
    }
    let status = child.wait().context("cannot wait for it")?;
    if (reports == 0 || !status.success()) && count.failed == 0 {
        count.add(Count::one_failed(format!("{name}: ended early: {status}")));
    }
    Ok(count)
}

enum Next {
    Line(String),
    Nothing,
    End,
}

/// A program left behind may hold the output open, so the end of the child is an end as well.
fn next(lines: &Receiver<String>, child: &mut std::process::Child) -> Result<Next> {
    Ok(match lines.recv_timeout(LOOK) {
        Ok(line) => Next::Line(line),
        Err(RecvTimeoutError::Disconnected) => Next::End,
        Err(RecvTimeoutError::Timeout) => match child.try_wait().context("cannot look after it")? {
            Some(_) => Next::End,
            None => Next::Nothing,
        },
    })
}

/// Reads libtest's closing line. An ignored test counts as failed: there are to be none.
fn report(line: &str) -> Option<Count> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let number = |word: &str| -> Option<u64> {
        let before = rest.split(word).next()?.trim_end();
        before.rsplit(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
    };
    let failed = number("failed;")? + number("ignored;")?;
    Some(Count { passed: number("passed;")?, failed, names: Vec::new() })
}

/// The name of a test that failed or was ignored, from libtest's line about it.
fn failure(line: &str) -> Option<&str> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    (result.starts_with("FAILED") || result.starts_with("ignored")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read_and_ignored_tests_count_as_failed() {
        let line = "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(report(line), Some(Count { passed: 12, failed: 3, names: Vec::new() }));
        assert_eq!(report("test units::tests::adds ... ok"), None);
        assert_eq!(failure("test units::tests::adds ... FAILED"), Some("units::tests::adds"));
        assert_eq!(failure("test units::tests::adds ... ok"), None);
    }

    #[test]
    fn a_program_that_ends_without_a_report_counts_as_failed() {
        let count = counted(Command::new("true"), "silent").expect("true can be started");
        assert_eq!((count.passed, count.failed), (0, 1));
    }
}
