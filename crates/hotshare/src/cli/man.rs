//! `hotshare man`

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::session::Session;
use super::stop::Stop;

/// Print the manual page, or write a page for each verb
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write hotshare.1, hotshare-up.1 and so on into this folder instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        let mut command = super::Cli::command();
        command.build();
        match self.dir {
            Some(dir) => {
                let tried = format!("cannot write the manual pages into {}", dir.display());
                clap_mangen::generate_to(command, &dir).map_err(|e| Stop::because(&tried, &e))
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command).render(&mut page)?;
                session.print(&String::from_utf8_lossy(&page))
            }
        }
    }
}
