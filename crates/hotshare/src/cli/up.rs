//! `hotshare up`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hotshare_api::Preview;
use tracing_subscriber::EnvFilter;

use super::screen::Screen;
use super::session::Session;
use super::stop::{self, Stop};
use super::text::escaped;
use crate::config::{self, Config, ConfigError, interface_name};
use crate::daemon::{self, UpOptions};

/// Read when `--config` names no other, and only if it is there.
const USUAL_CONFIG: &str = "/etc/hotshare/hotshare.toml";

/// Share the uplink until Ctrl-C or `hotshare down`; needs root
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The interface that leads to the carrier; when not given, the one of the default route
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    uplink: Option<String>,
    /// An interface that people's devices are on; repeat it for more. Instead of those in the file
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    lan: Vec<String>,
    /// The configuration file; when not given, /etc/hotshare/hotshare.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    check: bool,
    /// Print a configuration file with everything that can be said, and change nothing
    #[arg(long, exclusive = true)]
    print_config: bool,
}

impl Up {
    pub(crate) fn run(self, session: &Session) -> Result<ExitCode, Stop> {
        if self.print_config {
            session.print(config::EXAMPLE)?;
            return Ok(ExitCode::from(stop::DONE));
        }
        let check = self.check;
        let tried = if check { "cannot check" } else { "cannot start" };
        let usual = (!session.instance.is_lab()).then(|| Path::new(USUAL_CONFIG));
        let config = self.config(usual).map_err(|why| Stop::refused(format!("{tried}: {why}")))?;
        if !check && !nix::unistd::geteuid().is_root() {
            return Err(Stop::refused(format!(
                "{tried}: only root may change the machine's network; use sudo, or look first with `{} up --check`",
                session.instance.command()
            )));
        }
        log_to_stderr();
        let options = UpOptions { config, instance: session.instance.clone() };
        if check {
            let preview = daemon::check(&options).map_err(|e| Stop::because(tried, e.as_ref()))?;
            session.show(&preview, |preview| text(preview, session.width))?;
            return Ok(ExitCode::from(stop::DONE));
        }
        daemon::up(&options).map_err(|e| Stop::because(tried, e.as_ref()))
    }

    /// The file and the flags together; the message says what is wrong with them.
    fn config(self, usual: Option<&Path>) -> Result<Config, String> {
        let mut config = match (&self.config, usual) {
            (Some(file), _) => Config::load(file),
            (None, Some(usual)) if usual.exists() => Config::load(usual),
            (None, _) => Ok(Config::default()),
        }
        .map_err(|e| match &e {
            ConfigError::Unreadable { source, .. } => format!("{e}: {source}"),
            ConfigError::Wrong { .. } => format!("the configuration is wrong\n{e}"),
        })?;

        config.uplink.interface = self.uplink.or(config.uplink.interface);
        if !self.lan.is_empty() {
            config.lan.interfaces = self.lan;
        }
        let lan = &config.lan.interfaces;
        if lan.is_empty() {
            return Err(
                "it is not said where the people's devices are; give the interfaces with `--lan IF` (repeat it for several), or in the configuration file as interfaces in [lan]"
                    .to_owned(),
            );
        }
        for (n, name) in lan.iter().enumerate() {
            if lan.iter().skip(n + 1).any(|other| other == name) {
                return Err(format!("“{name}” is given twice as a LAN interface; give each once"));
            }
            if config.uplink.interface.as_ref() == Some(name) {
                return Err(format!(
                    "“{name}” is given as the uplink and as a LAN interface; it cannot be both"
                ));
            }
        }
        Ok(config)
    }
}

/// What would be done.
fn text(preview: &Preview, width: usize) -> String {
    let mut out = Screen::new(width);
    let uplink = &preview.uplink;
    out.labelled("Uplink", &format!("{}, address {}", escaped(&uplink.name), escaped(&uplink.address)));
    let ports = escaped(&preview.ports.join(", "));
    out.labelled("LAN", &format!("{ports}, network {}, gateway {}", preview.subnet, preview.gateway));
    for (n, step) in preview.steps.iter().enumerate() {
        out.labelled(if n == 0 { "Would" } else { "" }, &escaped(step));
    }
    if preview.steps.is_empty() {
        out.labelled("Would", "change nothing: all of it is so already");
    }
    out.into_text()
}

/// The log goes to stderr: short lines for people on a terminal, and no time where the journal adds it.
/// `RUST_LOG` says how much.
fn log_to_stderr() {
    let terminal = std::io::stderr().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    // nlink logs each refusal of the kernel, also those that are expected; ours say what it means.
    let usual = || EnvFilter::new("info,nlink=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(terminal && !plain);
    // Whoever has set a logger up already keeps it.
    let _set = if terminal || std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().try_init()
    } else {
        log.try_init()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(uplink: Option<&str>, lan: &[&str], config: Option<&Path>) -> Result<Config, String> {
        let up = Up {
            uplink: uplink.map(Into::into),
            lan: lan.iter().map(|name| (*name).to_owned()).collect(),
            config: config.map(Into::into),
            check: false,
            print_config: false,
        };
        up.config(None)
    }

    #[test]
    fn flags_go_before_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hotshare.toml");
        std::fs::write(&file, "[uplink]\ninterface = \"wwan0\"\n[lan]\ninterfaces = [\"eth1\"]\n")
            .expect("written");

        let config = up(None, &[], Some(&file)).expect("good");
        assert_eq!(
            (config.uplink.interface.as_deref(), &*config.lan.interfaces),
            (Some("wwan0"), &["eth1".to_owned()][..])
        );
        let config = up(Some("usb0"), &["eth2", "eth3"], Some(&file)).expect("good");
        assert_eq!(config.uplink.interface.as_deref(), Some("usb0"));
        assert_eq!(config.lan.interfaces, ["eth2", "eth3"]);
    }

    #[test]
    fn what_cannot_be() {
        let told = [
            up(None, &[], None),
            up(Some("eth1"), &["eth1"], None),
            up(None, &["eth1", "eth2", "eth1"], None),
            up(None, &["eth1"], Some(Path::new("/does/not/exist.toml"))),
        ]
        .map(|result| result.expect_err("wrong") + "\n")
        .concat();
        insta::assert_snapshot!(told);
    }

    #[test]
    fn what_would_be_done() {
        let preview = Preview {
            schema: hotshare_api::SCHEMA,
            uplink: hotshare_api::Uplink { name: "wwan0".into(), address: "100.64.0.2".into() },
            ports: vec!["eth1".into(), "eth2".into()],
            subnet: "10.77.0.0/24".into(),
            gateway: "10.77.0.1".into(),
            steps: vec!["make the bridge hotshare0".into(), "make eth1 a member of hotshare0".into()],
            wifi: None,
        };
        let nothing = Preview { steps: Vec::new(), ..preview.clone() };
        let told = [preview, nothing].map(|preview| text(&preview, 80)).concat();
        insta::assert_snapshot!(anstream::adapter::strip_str(&told).to_string());
    }
}
