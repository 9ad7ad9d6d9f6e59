//! `hotshare completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::session::Session;
use super::stop::Stop;

/// Print the completions for a shell, such as: hotshare completions bash > /etc/bash_completion.d/hotshare
#[derive(Debug, Args)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        // Into memory first: the generator panics when its pipe is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "hotshare", &mut script);
        session.print(&String::from_utf8_lossy(&script))
    }
}
