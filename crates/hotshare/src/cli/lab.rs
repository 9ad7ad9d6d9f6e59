//! `hotshare lab`

use clap::Args;
use hotshare_lab::LabOptions;

use super::session::block_on;
use super::size::{bytes, rate};
use super::stop::Stop;

/// Play the main job on this machine without any hardware: an Internet, a hotspot and phones; needs root
#[derive(Debug, Args)]
pub(crate) struct Lab {
    /// How many phones, each of its own person: phone-1, phone-2 and so on
    #[arg(long, value_name = "N", default_value_t = LabOptions::default().phones)]
    phones: u8,
    /// The plan's cap, such as 200MiB
    #[arg(long, value_name = "AMOUNT", value_parser = bytes)]
    plan: Option<u64>,
    /// What each person may use in all, such as 50MiB
    #[arg(long, value_name = "AMOUNT", value_parser = bytes)]
    allowance: Option<u64>,
    /// The speed of the link to the carrier, such as 100Mbit (per second)
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<u64>,
    /// Set everything up, play nothing, print “ready” and wait for Ctrl-C
    #[arg(long)]
    hold: bool,
    /// Remove everything that an earlier lab left
    #[arg(long, exclusive = true)]
    clean: bool,
}

impl Lab {
    pub(crate) fn run(self) -> Result<(), Stop> {
        if self.clean {
            return block_on(hotshare_lab::clean())?
                .map_err(|e| Stop::because("cannot remove the lab", e.as_ref()));
        }
        let options = LabOptions {
            phones: self.phones,
            plan: self.plan,
            allowance: self.allowance,
            rate: self.rate,
            hold: self.hold,
        };
        block_on(hotshare_lab::run(options))?.map_err(|e| Stop::because("the lab failed", e.as_ref()))
    }
}
