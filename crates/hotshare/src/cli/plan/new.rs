//! `hotshare plan new`: a plan, asked for step by step, or taken from a catalogue of tariffs.

mod questions;

use std::io::{BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use hotshare_api::{self as api, Done, PlanChange, path};
use jiff::civil::Date;

use crate::cli::parts::plan_file;
use crate::cli::session::Session;
use crate::cli::stop::Stop;
use crate::cli::tariffs::catalogue;
use crate::cli::text::escaped;
use crate::cli::when::{self, date};
use crate::zone;

/// Say what was bought, asked for step by step; or take a tariff from a catalogue
#[derive(Debug, Args)]
pub(super) struct New {
    /// A catalogue of tariffs to take the plan from; see docs/advice.md
    #[arg(long, value_name = "FILE", requires = "name")]
    from: Option<PathBuf>,
    /// The tariff's name in the catalogue
    #[arg(requires = "from")]
    name: Option<String>,
    /// The day on which the tariff of the catalogue began; when not given, today
    #[arg(long, value_name = "DATE", value_parser = date, requires = "from")]
    begins: Option<Date>,
    /// Write the plan to this file instead of taking it
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    save: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, session: &Session) -> Result<(), Stop> {
        if let (Some(file), Some(name)) = (&self.from, &self.name) {
            return take(session, file, name, self.begins);
        }
        let tried = "cannot make a plan";
        let stdin = std::io::stdin();
        let is_terminal = stdin.is_terminal();
        // With --save nobody has to be asked but the owner.
        let (today, own_zone) = match &self.save {
            Some(_) => (None, Some(zone::system().name().to_owned())),
            None => {
                let status: api::Status = session.get(tried, path::STATUS)?;
                let rules = zone::rules(&status.plan.zone);
                (Some(when::civil(status.at, &rules).date()), Some(status.plan.zone))
            }
        };
        // Questions go to stderr, so that what is printed can be kept.
        let mut dialogue = Dialogue { answers: stdin.lock(), told: std::io::stderr().lock(), answered: 0 };
        let found = questions::ask(&mut dialogue, today, own_zone.as_deref());
        let (text, agreed) = match found {
            Ok(found) => found,
            Err(Ended::Nobody) if !is_terminal => {
                return Err(Stop::refused(format!(
                    "{tried}: nobody answers, because the input is no terminal and is empty; run it in a terminal, or write the plan to a file (docs/plans.md) and use `hotshare plan file`"
                )));
            }
            Err(Ended::Nobody | Ended::Early) => {
                return Err(Stop::refused(format!("{tried}: the answers ended early; nothing was changed")));
            }
            Err(Ended::Broken(e)) => return Err(Stop::because(tried, &e)),
        };
        if !agreed {
            return Err(Stop::refused("nothing was changed, because you did not say yes"));
        }
        if let Some(file) = &self.save {
            std::fs::write(file, &text).map_err(|e| {
                Stop::refused(format!("{tried}: {}: {e}", escaped(&file.display().to_string())))
            })?;
            return session.print(&format!(
                "Written; `hotshare plan file {}` takes it.\n",
                escaped(&file.display().to_string())
            ));
        }
        let change = plan_file(&text).map_err(|why| Stop::broken(format!("{tried}: {why}")))?;
        apply(session, tried, &change)
    }
}

fn apply(session: &Session, tried: &str, change: &PlanChange) -> Result<(), Stop> {
    let done: Done = session.patch(tried, path::PLAN, change)?;
    session.show_done(&done, "The plan is changed.")
}

/// A tariff of a catalogue becomes the plan.
fn take(session: &Session, file: &Path, name: &str, begins: Option<Date>) -> Result<(), Stop> {
    let shown = escaped(&file.display().to_string());
    let tried = format!("cannot take the plan from {shown}");
    let stop = |why: String| Stop::refused(format!("{tried}: {why}"));
    let text = std::fs::read_to_string(file).map_err(|e| stop(e.to_string()))?;
    let catalogue = catalogue(&text).map_err(stop)?;
    catalogue.find(name).map_err(stop)?;
    let begins = match begins {
        Some(day) => day,
        None => {
            let status: api::Status = session.get(&tried, path::STATUS)?;
            when::civil(status.at, &zone::rules(&status.plan.zone)).date()
        }
    };
    apply(session, &tried, &catalogue.plan(name, begins).map_err(stop)?)
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// Not one came.
    Nobody,
    /// Some came, and then no more.
    Early,
    Broken(std::io::Error),
}

/// Questions and answers, a line each.
pub(super) struct Dialogue<A, T> {
    answers: A,
    told: T,
    answered: usize,
}

impl<A: BufRead, T: Write> Dialogue<A, T> {
    fn tell(&mut self, text: &str) -> Result<(), Ended> {
        writeln!(self.told, "{text}").and_then(|()| self.told.flush()).map_err(Ended::Broken)
    }

    /// Asks until the answer can be used; no answer means `usual`, when there is one.
    fn ask<V>(
        &mut self,
        question: &str,
        usual: Option<&str>,
        read: impl Fn(&str) -> Result<V, String>,
    ) -> Result<V, Ended> {
        loop {
            let hint = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
            write!(self.told, "{question}{hint} ").and_then(|()| self.told.flush()).map_err(Ended::Broken)?;
            let mut line = String::new();
            let length = self.answers.read_line(&mut line).map_err(Ended::Broken)?;
            if length == 0 {
                self.tell("")?;
                return Err(if self.answered == 0 { Ended::Nobody } else { Ended::Early });
            }
            self.answered += 1;
            let answer = match (line.trim(), usual) {
                ("", Some(usual)) => usual,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(why) => self.tell(&format!("  {why}"))?,
            }
        }
    }
}

#[cfg(test)]
mod tests;
