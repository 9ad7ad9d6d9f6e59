//! The command line: a file for each verb. All but `up`, `doctor`, `lab`, `completions` and `man` are
//! requests to the daemon, the same that the web page makes.

pub(crate) mod text;
pub(crate) mod size;
pub(crate) mod when;
mod table;
mod screen;
mod ask;
mod qr;
mod join;
mod stop;
mod session;
pub(crate) mod access;
mod up;
mod down;
mod status;
mod outlook;
mod parts;
mod people;
mod devices;
pub(crate) mod wifi;
mod plan;
mod cards;
mod tariffs;
mod history;
mod advise;
mod statement;
mod usage;
mod events;
mod alerts;
mod doctor;
mod lab;
mod completions;
mod man;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::session::Session;

const AFTER_HELP: &str = "\
Amounts need a unit: kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB powers of 1024. What is printed is in powers of 1000.
Exit codes: 0 done; 1 refused (understood, and the answer is no: a mistake in the configuration too); 2 broken (wrong usage, no daemon, no permission, or it failed).";

/// Share a data card with a household: every byte counted, every allowance kept, the plan never overrun
#[derive(Debug, Parser)]
#[command(name = "hotshare", version, after_help = AFTER_HELP, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Speak to the lab's daemon (see `hotshare lab`) instead of the machine's own
    #[arg(long, global = true)]
    lab: bool,
    /// Print JSON, as docs/api.md describes it
    #[arg(long, global = true)]
    json: bool,
    /// The daemon's socket, when it is not at its usual place
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true)]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    People(people::People),
    Devices(devices::Devices),
    Wifi(wifi::Wifi),
    Plan(plan::Plan),
    Cards(cards::Cards),
    Usage(usage::Usage),
    Statement(statement::Statement),
    Advise(advise::Advise),
    Events(events::Events),
    Alerts(alerts::Alerts),
    Access(access::Access),
    Doctor(doctor::Doctor),
    Lab(lab::Lab),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and the version are what was asked for; the rest is wrong usage. Clap prints and knows which.
        Err(e) => {
            let code = if e.use_stderr() { stop::BROKEN } else { stop::DONE };
            return match e.print() {
                Err(io) if io.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(stop::BROKEN),
                Ok(()) | Err(_) => ExitCode::from(code),
            };
        }
    };
    let session = Session::new(cli.lab, cli.json, cli.socket);
    let done = match cli.verb {
        Verb::Up(verb) => return verb.run(&session).unwrap_or_else(|stop| session.tell(stop)),
        Verb::Down(verb) => verb.run(&session),
        Verb::Status(verb) => verb.run(&session),
        Verb::People(verb) => verb.run(&session),
        Verb::Devices(verb) => verb.run(&session),
        Verb::Wifi(verb) => verb.run(&session),
        Verb::Plan(verb) => verb.run(&session),
        Verb::Cards(verb) => verb.run(&session),
        Verb::Usage(verb) => verb.run(&session),
        Verb::Statement(verb) => verb.run(&session),
        Verb::Advise(verb) => verb.run(&session),
        Verb::Events(verb) => verb.run(&session),
        Verb::Alerts(verb) => verb.run(&session),
        Verb::Access(verb) => verb.run(&session),
        Verb::Doctor(verb) => return verb.run(&session).unwrap_or_else(|stop| session.tell(stop)),
        Verb::Lab(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(&session),
        Verb::Man(verb) => verb.run(&session),
    };
    match done {
        Ok(()) => ExitCode::from(stop::DONE),
        Err(stop) => session.tell(stop),
    }
}
