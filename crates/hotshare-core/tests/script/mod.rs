//! Scenarios: a text says what happens, and what is expected. `tests/scenarios/README.md` has the grammar.

mod expect;
mod facts;
mod parse;
mod promises;
mod run;
mod text;
mod verbs;
mod words;

pub(crate) use parse::{Scenario, all};
pub(crate) use run::{How, Injection, Outcome, Trouble, run};
