//! `hotshare up`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hotshare_api::Preview;
use hotshare_core::radio::{Country, Ssid};
use tracing_subscriber::EnvFilter;

use super::screen::{DIM, Screen};
use super::session::Session;
use super::stop::{self, Stop};
use super::text::escaped;
use super::wifi;
use crate::config::{self, Config, ConfigError, WifiConfig, interface_name};
use crate::daemon::{self, UpOptions};

/// Read when `--config` names no other, and only if it is there.
const USUAL_CONFIG: &str = "/etc/hotshare/hotshare.toml";

/// Share the uplink until Ctrl-C or `hotshare down`; needs root
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The interface that leads to the carrier; when not given, the one of the default route
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    uplink: Option<String>,
    /// A wired port that people's devices are on; repeat it for more. Instead of those in the file. Without any,
    /// people are on the Wi-Fi
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    lan: Vec<String>,
    /// Make a Wi-Fi network too, beside the wired ports
    #[arg(long)]
    wifi: bool,
    /// The Wi-Fi card to use, by one of its interfaces
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    card: Option<String>,
    /// The country whose radio rules hold, such as DE; when not given, the uplink's or the locale's
    #[arg(long, value_name = "CC")]
    country: Option<Country>,
    /// The name of the Wi-Fi network
    #[arg(long, value_name = "SSID", value_parser = Ssid::new)]
    name: Option<Ssid>,
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
        let usual = usual_config(session);
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
        let file = self.config.as_deref().or_else(|| usual.filter(|file| file.exists()));
        let mut config = loaded(file)?;

        config.uplink.interface = self.uplink.or(config.uplink.interface);
        if !self.lan.is_empty() {
            config.lan.interfaces = self.lan;
        }
        let lan = &config.lan.interfaces;
        let asked = self.wifi || self.card.is_some() || self.country.is_some() || self.name.is_some();
        if config.wifi.is_none() && (asked || lan.is_empty()) {
            config.wifi = Some(WifiConfig::default());
        }
        if let Some(wifi) = &mut config.wifi {
            wifi.interface = self.card.or(wifi.interface.take());
            wifi.country = self.country.or(wifi.country);
            wifi.name = self.name.or(wifi.name.take());
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
            if config.wifi.as_ref().is_some_and(|wifi| wifi.interface.as_ref() == Some(name)) {
                return Err(format!(
                    "“{name}” is given as the Wi-Fi card and as a LAN interface; it cannot be both"
                ));
            }
        }
        Ok(config)
    }
}

/// Where a configuration is read from that nobody named, if it is there.
pub(super) fn usual_config(session: &Session) -> Option<&'static Path> {
    (!session.instance.is_lab()).then(|| Path::new(USUAL_CONFIG))
}

/// The configuration in a file; the message says what is wrong with it.
pub(super) fn loaded(file: Option<&Path>) -> Result<Config, String> {
    file.map_or_else(|| Ok(Config::default()), Config::load).map_err(|e| match &e {
        ConfigError::Unreadable { source, .. } => format!("{e}: {source}"),
        ConfigError::Wrong { .. } => format!("the configuration is wrong\n{e}"),
    })
}

/// What would be done.
fn text(preview: &Preview, width: usize) -> String {
    let mut out = Screen::new(width);
    let uplink = &preview.uplink;
    out.labelled("Uplink", &format!("{}, address {}", escaped(&uplink.name), escaped(&uplink.address)));
    let mut ports: Vec<String> = preview.ports.iter().map(|port| escaped(port)).collect();
    ports.extend(preview.wifi.as_ref().map(|_| "Wi-Fi".to_owned()));
    let ports = ports.join(", ");
    out.labelled("LAN", &format!("{ports}, network {}, gateway {}", preview.subnet, preview.gateway));
    if let Some(wifi) = &preview.wifi {
        out.labelled("Wi-Fi", &wifi::choice_words(wifi));
        for why in &wifi.why {
            out.labelled_as(DIM, "", &escaped(why));
        }
    }
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

    fn up(arguments: &[&str]) -> Result<Config, String> {
        #[derive(clap::Parser)]
        struct Typed {
            #[command(flatten)]
            up: Up,
        }
        let typed = <Typed as clap::Parser>::parse_from([&["up"], arguments].concat());
        typed.up.config(None)
    }

    #[test]
    fn flags_go_before_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hotshare.toml");
        let file = path.to_str().expect("text");
        let text = "[uplink]\ninterface = \"wwan0\"\n[lan]\ninterfaces = [\"eth1\"]\n";
        std::fs::write(file, text).expect("written");

        let config = up(&["--config", file]).expect("good");
        assert_eq!(
            (config.uplink.interface.as_deref(), &*config.lan.interfaces),
            (Some("wwan0"), &["eth1".to_owned()][..])
        );
        assert_eq!(config.wifi, None, "wired ports are named, and Wi-Fi is not");
        let config =
            up(&["--config", file, "--uplink", "usb0", "--lan", "eth2", "--lan", "eth3"]).expect("good");
        assert_eq!(config.uplink.interface.as_deref(), Some("usb0"));
        assert_eq!(config.lan.interfaces, ["eth2", "eth3"]);

        std::fs::write(file, "[wifi]\ncountry = \"SE\"\nname = \"Cabin\"\nchannel = 11\n").expect("written");
        let wifi = |arguments: &[&str]| up(&[&["--config", file], arguments].concat()).expect("good").wifi;
        let said = wifi(&[]).expect("a section");
        assert_eq!((said.country, said.channel), ("SE".parse().ok(), Some(11)));
        let said =
            wifi(&["--country", "de", "--name", "Van", "--card", "wlan1", "--lan", "eth1"]).expect("beside");
        assert_eq!((said.country, said.channel), ("DE".parse().ok(), Some(11)));
        assert_eq!(said.name.as_ref().map(Ssid::as_str), Some("Van"));
        assert_eq!(said.interface.as_deref(), Some("wlan1"));
    }

    #[test]
    fn wifi_is_there_when_asked_for_or_when_nothing_else_is() {
        let wifi = |arguments: &[&str]| up(arguments).expect("good").wifi;
        assert_eq!(wifi(&[]), Some(WifiConfig::default()));
        assert_eq!(wifi(&["--lan", "eth1"]), None);
        assert_eq!(wifi(&["--lan", "eth1", "--wifi"]), Some(WifiConfig::default()));
        assert!(wifi(&["--lan", "eth1", "--country", "DE"]).is_some_and(|wifi| wifi.country.is_some()));
    }

    #[test]
    fn what_cannot_be() {
        let told = [
            up(&["--uplink", "eth1", "--lan", "eth1"]),
            up(&["--lan", "eth1", "--lan", "eth2", "--lan", "eth1"]),
            up(&["--lan", "wlan0", "--card", "wlan0"]),
            up(&["--lan", "eth1", "--config", "/does/not/exist.toml"]),
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
        let wifi = Preview {
            ports: Vec::new(),
            wifi: Some(hotshare_api::WifiPreview {
                interface: "wlan0".into(),
                name: "Hotshare-3F2A".into(),
                mode: hotshare_api::Mode::People,
                country: "DE".into(),
                band: hotshare_api::Band::Five,
                channel: 36,
                why: vec![
                    "The country is DE because you said so.".into(),
                    "Channel 36 of the 5 GHz band may be used at once; no radar has to be listened for."
                        .into(),
                ],
            }),
            ..preview.clone()
        };
        let told = [preview, nothing, wifi].map(|preview| text(&preview, 80)).concat();
        insta::assert_snapshot!(anstream::adapter::strip_str(&told).to_string());
    }
}
