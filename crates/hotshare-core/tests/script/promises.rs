//! What holds in every scenario, whatever it is about, and wherever a restart comes.

use hotshare_core::units::Account;

use super::parse::Step;
use super::run::{How, Run};
use super::words::show_amount;

/// At any moment, for each person: recorded ≥ forwarded, and what is recorded on top is what a power cut may
/// cost, or is granted now.
pub(crate) fn hold(run: &mut Run<'_>, step: &Step) {
    if !run.started {
        return;
    }
    let forwarded: Vec<_> = run.world.truth.forwarded.iter().map(|(id, bytes)| (*id, *bytes)).collect();
    for (id, bytes) in forwarded {
        let (recorded, bytes) = (run.world.recorded(Account::Person(id)), bytes.cast_signed());
        let most = run.most_lost() + 2 * run.world.largest_grant();
        if recorded < bytes || recorded > bytes + most {
            let name = run.names.people.get(&id).cloned().unwrap_or_default();
            let (recorded, passed) = (show_amount(recorded), show_amount(bytes));
            run.trouble(step, format!("{name}: {recorded} recorded, and {passed} passed"));
        }
    }
    what_is_shown_adds_up(run, step);
}

fn what_is_shown_adds_up(run: &mut Run<'_>, step: &Step) {
    if run.world.brain.is_none() {
        return;
    }
    let heard = run.world.heard.take();
    let plan = run.world.status().plan;
    run.world.heard = heard;
    let parts = plan.delivered.signed() + plan.refused.signed() + plan.own.signed() + plan.corrected;
    if parts != plan.billed.signed() {
        run.trouble(step, format!("the plan's parts do not add up: {plan:?}"));
    }
    if plan.recorded < plan.billed {
        run.trouble(step, format!("less of the plan is recorded than billed: {plan:?}"));
    }
}

/// When the daemon has said goodbye, nothing is granted any more: what is recorded is what passed, to the byte,
/// and more only by what a power cut cost.
pub(crate) fn hold_at_the_end(run: &mut Run<'_>, step: &Step) {
    if run.world.brain.is_none() {
        run.start();
    }
    (run.world.patient, run.world.full) = (false, false);
    run.world.commit(true);
    // A disk that was full is tried again after a second.
    run.world.pass(2000);
    run.end(How::Clean, true);
    let most = run.most_lost();
    let mut amounts = vec![("plan".to_owned(), run.world.recorded_of_plan(), run.world.truth.billed)];
    for (id, bytes) in &run.world.truth.forwarded {
        let name = run.names.people.get(id).cloned().unwrap_or_default();
        amounts.push((name, run.world.recorded(Account::Person(*id)), *bytes));
    }
    for (who, recorded, passed) in amounts {
        let passed = passed.cast_signed();
        // What the carrier billed between a cut and the last overrun before it is not on disk.
        let least = if who == "plan" && run.cuts > 0 { passed - most } else { passed };
        if recorded < least || recorded > passed + most {
            let (recorded, passed) = (show_amount(recorded), show_amount(passed));
            run.trouble(step, format!("at the end {recorded} of {who} are recorded, and {passed} passed"));
        }
    }
    for ((device, person), passed) in run.world.truth.by_device.clone() {
        let booked = run.world.booked(device, person);
        if booked > passed || (booked < passed && run.cuts == 0) {
            let (name, booked, passed) = (run.names.device(device), booked, passed);
            run.trouble(step, format!("{booked} B are booked of {name}, and {passed} B passed"));
        }
    }
    let (book, replayed) = (&run.world.book, run.world.replayed());
    if book.totals != replayed.totals || book.spent != replayed.spent || book.granted != replayed.granted {
        run.trouble(step, "the log gives other sums than the book".into());
    }
}
