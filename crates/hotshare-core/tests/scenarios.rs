//! Scenarios as text: what happens, and what is expected. `tests/scenarios/README.md` says how they are written.
//!
//! Each is run as it is, and again with a restart after each step and in the middle of those that last: killed,
//! with the power cut, and stopped as it should be.
#![allow(
    clippy::expect_used,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test may panic; its numbers are small; it looks for what it is about, and reads its scenarios"
)]

mod script;
#[allow(dead_code, reason = "other tests use other parts of the world")]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};

use script::{How, Injection, Outcome, Scenario, Trouble, all, run};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

/// All of them, or those that `SCENARIO` is a part of the name of.
fn scenarios() -> Vec<Scenario> {
    let only = env::var("SCENARIO").unwrap_or_default();
    let found = all(&top()).into_iter().filter(|(name, _)| name.contains(&only));
    let read = found.map(|(name, path)| {
        let text = fs::read_to_string(&path).expect("a scenario can be read");
        match Scenario::parse(&name, &path, &text) {
            Ok(scenario) => scenario,
            Err((line, what)) => panic!("tests/scenarios/{name}.txt:{line}: {what}"),
        }
    });
    let read: Vec<Scenario> = read.collect();
    assert!(!read.is_empty(), "there is no scenario in {}", top().display());
    read
}

/// A run; what the world itself does not allow ends it, and is told with the rest.
fn try_run(scenario: &Scenario, injection: Option<Injection>, reference: Option<&Outcome>) -> Outcome {
    let seen = reference.map(|outcome| outcome.seen.as_slice());
    catch_unwind(AssertUnwindSafe(|| run(scenario, injection, seen))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        let trouble = Trouble { line: 0, step: String::new(), what: format!("the world ended: {words}") };
        Outcome { troubles: vec![trouble], ..Outcome::default() }
    })
}

fn report(scenario: &Scenario, outcome: &Outcome, how: &str) -> String {
    let lines = outcome.troubles.iter().map(|t| format!("tests/scenarios/{}.txt:{t}{how}\n", scenario.name));
    lines.collect()
}

/// The text with what was seen in place of what was expected.
fn rewritten(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut lines: Vec<String> = scenario.text.lines().map(str::to_owned).collect();
    for step in scenario.steps.iter().rev() {
        let Some(new) = outcome.rewritten.get(&step.line) else { continue };
        let first = step.line - 1;
        let comment =
            lines[first].split_once(" #").map_or("", |(code, _)| &lines[first][code.trim_end().len()..]);
        let last = first + step.body.len();
        let mut new = new.clone();
        new[0].push_str(comment);
        if lines[first..=last].concat().split_whitespace().ne(new.concat().split_whitespace()) {
            lines.splice(first..=last, new);
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn scenarios_come_out_as_written() {
    let mut troubles = String::new();
    let mut files = 0;
    for scenario in scenarios() {
        let outcome = try_run(&scenario, None, None);
        troubles += &report(&scenario, &outcome, "");
        if env::var("UPDATE").is_ok() && env::var("CI").is_err() {
            let text = rewritten(&scenario, &outcome);
            if text != scenario.text {
                fs::write(&scenario.path, text).expect("a scenario can be written");
                files += 1;
            }
        }
    }
    assert!(troubles.is_empty(), "\n\n{troubles}");
    assert!(files == 0, "{files} scenarios were written anew: look at them, and run again without UPDATE");
    assert!(env::var("UPDATE").is_err(), "nothing was to be written; run again without UPDATE");
}

fn with_restarts(how: How, words: &str) {
    let mut troubles = String::new();
    for scenario in scenarios() {
        let reference = try_run(&scenario, None, None);
        if !reference.troubles.is_empty() {
            continue;
        }
        for (number, step) in
            scenario.steps.iter().enumerate().filter(|(_, step)| step.restarts && step.happens())
        {
            for middle in [false, true].into_iter().filter(|middle| !middle || step.lasts()) {
                let injection = Injection { how, step: number, middle };
                let outcome = try_run(&scenario, Some(injection), Some(&reference));
                let place = if middle { "in the middle of" } else { "after" };
                let how = format!("\n    [{words} {place} line {}: {}]", step.line, step.text);
                troubles += &report(&scenario, &outcome, &how);
            }
        }
    }
    assert!(troubles.is_empty(), "\n\n{troubles}");
}

#[test]
fn scenarios_come_out_the_same_when_the_daemon_is_killed_anywhere() {
    with_restarts(How::Kill, "killed");
}

#[test]
fn scenarios_come_out_the_same_when_the_daemon_is_stopped_anywhere() {
    with_restarts(How::Clean, "stopped");
}

#[test]
fn scenarios_lose_grants_at_most_when_the_power_is_cut_anywhere() {
    with_restarts(How::PowerCut, "power cut");
}

/// The runner itself: what is wrong is found, on its line.
#[test]
fn what_is_wrong_is_reported_with_its_line() {
    let text = "# A rule.\nperson anna 10 MB a day\ndevice phone anna\nanna downloads 3 MB\n\
                expect anna used 4 MB, open   # no\nentries\n    entry nobody\nanna flies\nexpect anna open\n";
    let scenario = Scenario::parse("x/y", Path::new("y.txt"), text).expect("readable");
    let outcome = run(&scenario, None, None);
    let lines: Vec<usize> = outcome.troubles.iter().map(|t| t.line).collect();
    assert_eq!(lines, [5, 6, 8], "{:?}", outcome.troubles);
    assert!(outcome.troubles[0].what.contains("got:      used 3 MB"), "{}", outcome.troubles[0].what);
    let new = rewritten(&scenario, &outcome);
    assert!(new.contains("\nexpect anna used 3 MB, open   # no\nentries\n    entry plan "), "{new}");
    assert!(Scenario::parse("x/y", Path::new("y.txt"), "person anna\n").is_err(), "no rule is named");
    let endless = Scenario::parse("x/y", Path::new("y.txt"), "# A rule.\nrepeat 3 times\nflush\n");
    assert_eq!(endless.err().map(|(line, _)| line), Some(2));
}

/// And so is a restart that changes something.
#[test]
fn a_restart_that_changes_something_is_reported() {
    let text =
        "# A rule.\nperson anna 10 MB a day\ndevice phone anna\nanna downloads 3 MB\nexpect anna used 3 MB\n";
    let scenario = Scenario::parse("x/y", Path::new("y.txt"), text).expect("readable");
    let other = text.replace("downloads 3 MB", "downloads 2 MB");
    let other = Scenario::parse("x/y", Path::new("y.txt"), &other).expect("readable");
    let reference = run(&other, None, None);
    let injection = Injection { how: How::Kill, step: 1, middle: false };
    let outcome = run(&scenario, Some(injection), Some(&reference.seen));
    assert_eq!(outcome.troubles.iter().map(|t| t.line).collect::<Vec<_>>(), [5]);
    let reference = run(&scenario, None, None);
    assert!(run(&scenario, Some(injection), Some(&reference.seen)).troubles.is_empty());
}
