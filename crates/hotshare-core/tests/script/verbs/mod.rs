//! What a line may say. Each file has the verbs about one thing; a new verb is an arm in one of them, or a new
//! file named here and in [`verb`].

mod machine;
mod owner;
mod plans;
mod stations;
mod time;
mod traffic;

use hotshare_core::people::PersonName;

use super::expect;
use super::parse::Step;
use super::run::Run;

/// Whether the words were understood.
type Understood = Result<bool, String>;

pub(crate) fn step(run: &mut Run<'_>, step: &Step) -> Result<(), String> {
    let words = step.words();
    if let ["expect", ..] = words[..] {
        run.begin();
        return expect::expect(run, step, &words);
    }
    if expect::block(run, step)? {
        return Ok(());
    }
    match words[..] {
        ["mark"] => run.mark(),
        ["parts"] => return plans::parts(run, &step.body),
        ["refused", ..] => return refused(run, step, &words[1..]),
        _ => verb(run, &words)?,
    }
    if step.body.is_empty() { Ok(()) } else { Err("nothing belongs below this".into()) }
}

fn verb(run: &mut Run<'_>, words: &[&str]) -> Result<(), String> {
    let understood = machine::verb(run, words)?
        || time::verb(run, words)?
        || owner::verb(run, words)?
        || stations::verb(run, words)?
        || traffic::verb(run, words)?;
    if understood {
        Ok(())
    } else {
        Err("this is not understood; tests/scenarios/README.md has what can be written".into())
    }
}

/// `refused STEP`, and below it why.
fn refused(run: &mut Run<'_>, step: &Step, words: &[&str]) -> Result<(), String> {
    run.refusal = Some(None);
    let result = verb(run, words);
    let refusal = run.refusal.take().flatten();
    result?;
    let text = refusal.ok_or("this was to be refused, and was done")?;
    if run.injection.is_none() {
        if step.body != [text.clone()] {
            run.trouble(step, format!("expected: {}\ngot:      {text}", step.body.join("\n")));
        }
        run.outcome.rewritten.insert(step.line, vec![step.text.clone(), format!("    {text}")]);
    }
    Ok(())
}

fn name(text: &str) -> Result<PersonName, String> {
    text.parse().map_err(|e: hotshare_core::people::NotAName| e.to_string())
}
