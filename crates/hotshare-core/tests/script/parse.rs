//! A scenario's text as steps. What a step means is not known here.

use std::fs;
use std::path::{Path, PathBuf};

/// A scenario, by its path under `tests/scenarios` without the ending.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The line that it is on, from 1.
    pub(crate) line: usize,
    /// Without comment and indentation.
    pub(crate) text: String,
    /// The indented lines below it, as they are.
    pub(crate) body: Vec<String>,
    /// A restart may be tried here: in a loop only in some of its rounds.
    pub(crate) restarts: bool,
}

impl Step {
    pub(crate) fn words(&self) -> Vec<&str> {
        self.text.split_whitespace().collect()
    }

    /// Something happens; else it is only looked at.
    pub(crate) fn happens(&self) -> bool {
        !matches!(self.words()[..], ["expect", ..] | ["mark" | "entries" | "changes" | "commands" | "diary"])
    }

    /// It has a middle.
    pub(crate) fn lasts(&self) -> bool {
        matches!(self.words()[..], ["at" | "wait", ..] | [_, "downloads" | "uploads" | "floods", ..])
    }
}

/// What cannot be read, with its line.
pub(crate) type Unreadable = (usize, String);

impl Scenario {
    pub(crate) fn parse(name: &str, path: &Path, text: &str) -> Result<Scenario, Unreadable> {
        if !text.starts_with("# ") {
            return Err((1, "begin with a comment that says which rule this shows".into()));
        }
        let mut flat: Vec<Step> = Vec::new();
        for (line, raw) in (1..).zip(text.lines()) {
            if raw.starts_with(' ') {
                let step = flat.last_mut().ok_or((line, "an indented line belongs to a step".to_owned()))?;
                step.body.push(raw.trim().to_owned());
                continue;
            }
            let bare = raw.split(" #").next().unwrap_or_default().trim();
            if !bare.is_empty() && !bare.starts_with('#') {
                flat.push(Step { line, text: bare.to_owned(), body: Vec::new(), restarts: true });
            }
        }
        let steps = unrolled(&mut flat.into_iter().peekable(), None)?;
        Ok(Scenario { name: name.to_owned(), path: path.to_owned(), text: text.to_owned(), steps })
    }
}

/// Loops written out: `repeat 12 times` … `end`.
fn unrolled(
    flat: &mut std::iter::Peekable<std::vec::IntoIter<Step>>,
    inside: Option<usize>,
) -> Result<Vec<Step>, Unreadable> {
    let mut steps = Vec::new();
    while let Some(step) = flat.next() {
        match step.words()[..] {
            ["repeat", times, "times"] => {
                let times: usize =
                    times.parse().map_err(|_| (step.line, format!("“{times}” is not a number")))?;
                let round = unrolled(flat, Some(step.line))?;
                for n in 0..times {
                    let restarts = n == 0 || n == times / 2 || n + 1 == times;
                    steps
                        .extend(round.iter().map(|s| Step { restarts: s.restarts && restarts, ..s.clone() }));
                }
            }
            ["end"] if inside.is_some() => return Ok(steps),
            ["end"] => return Err((step.line, "nothing is repeated here".into())),
            _ => steps.push(step),
        }
    }
    match inside {
        Some(line) => Err((line, "this has no `end`".into())),
        None => Ok(steps),
    }
}

/// Every `RULE/NAME.txt`, by name.
pub(crate) fn all(top: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for rule in fs::read_dir(top).expect("the scenarios' folder can be listed") {
        let rule = rule.expect("a folder entry").path();
        if !rule.is_dir() {
            continue;
        }
        for file in fs::read_dir(&rule).expect("a rule's folder can be listed") {
            let path = file.expect("a folder entry").path();
            let part = |p: &Path| p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            assert!(path.extension().is_some_and(|e| e == "txt"), "{} is not a .txt", path.display());
            found.push((format!("{}/{}", part(&rule), part(&path)), path));
        }
    }
    found.sort();
    found
}
