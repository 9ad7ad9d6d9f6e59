//! `hotshare doctor`

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::Args;
use hotshare_api::{self as api, Severity, path};
use hotshare_core::radio::RadioWish;
use hotshare_linux::doctor::{self, Scope};

use super::screen::Screen;
use super::session::{Session, block_on};
use super::stop::{self, Stop};
use super::text::escaped;
use super::up;
use crate::config::{Config, interface_name};

/// Look for what keeps this machine from being a hotspot; changes nothing
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The interface that leads to the carrier; when not given, the one of the default route
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    uplink: Option<String>,
    /// A wired port that people's devices are on; repeat it for more. Without any, the Wi-Fi is looked at
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    lan: Vec<String>,
}

impl Doctor {
    pub(crate) fn run(self, session: &Session) -> Result<ExitCode, Stop> {
        let file = up::usual_config(session).filter(|file| file.exists());
        let config = up::loaded(file).map_err(|why| Stop::refused(format!("cannot look: {why}")))?;
        let found = block_on(async {
            let status = session.client().get::<api::Status>(path::STATUS).await.ok();
            doctor::examine(&self.scope(&config, status.as_ref())).await
        })?;
        let findings = found
            .into_iter()
            .map(|finding| api::Finding {
                severity: match finding.severity {
                    doctor::Severity::Broken => Severity::Broken,
                    doctor::Severity::Warning => Severity::Warning,
                },
                what: finding.what,
                why: finding.why,
                remedy: finding.remedy,
            })
            .collect();
        let doctor = api::Doctor { schema: api::SCHEMA, findings };
        session.show(&doctor, |doctor| text(&doctor.findings, session.width))?;
        let broken = doctor.findings.iter().any(|finding| finding.severity == Severity::Broken);
        Ok(ExitCode::from(if broken { stop::REFUSED } else { stop::DONE }))
    }
}

impl Doctor {
    /// What `up` would do with the same words and the same file; of a daemon that runs, what it does.
    fn scope(self, config: &Config, running: Option<&api::Status>) -> Scope {
        let uplink = self.uplink.or_else(|| config.uplink.interface.clone());
        let lan = if self.lan.is_empty() { config.lan.interfaces.clone() } else { self.lan };
        let said = config.wifi.as_ref().map(RadioWish::from);
        let wifi = match running {
            Some(status) => status.wifi.as_ref().map(|_| said.unwrap_or_default()),
            None => said.or_else(|| lan.is_empty().then(RadioWish::default)),
        };
        Scope { uplink, lan, wifi, running: running.is_some() }
    }
}

fn text(findings: &[api::Finding], width: usize) -> String {
    if findings.is_empty() {
        return "Nothing was found that would keep this machine from being a hotspot.\n".to_owned();
    }
    let mut out = Screen::new(width);
    for finding in findings {
        let (word, style) = match finding.severity {
            Severity::Broken => ("Broken", AnsiColor::Red.on_default()),
            Severity::Warning => ("Warning", AnsiColor::Yellow.on_default()),
        };
        out.labelled_as(style, word, &escaped(&finding.what));
        out.labelled("", &escaped(&finding.why));
        out.labelled("To do", &escaped(&finding.remedy));
    }
    out.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screen() {
        let finding = |severity, what: &str| api::Finding {
            severity,
            what: what.into(),
            why: "the meter is a BPF program at the interfaces; without it no packet is forwarded".into(),
            remedy: "use Linux 6.6 or newer with CONFIG_NET_XGRESS".into(),
        };
        let findings = [
            finding(Severity::Broken, "this kernel has no tcx"),
            finding(Severity::Warning, "the interface “evil\u{1b}[2J” is odd"),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&text(&findings, 80)).to_string());
        assert!(text(&[], 80).starts_with("Nothing was found"));
    }

    #[test]
    fn wifi_is_looked_at_as_up_would() {
        let config = |text: &str| Config::parse("hotshare.toml", text).expect("right");
        let scope = |lan: &[&str], text: &str, status: Option<&api::Status>| {
            let lan = lan.iter().map(|name| (*name).to_owned()).collect();
            Doctor { uplink: None, lan }.scope(&config(text), status)
        };
        assert_eq!(scope(&[], "", None).wifi, Some(RadioWish::default()));
        assert_eq!(scope(&["eth1"], "", None).wifi, None);
        let wired = scope(&[], "[uplink]\ninterface = \"usb0\"\n[lan]\ninterfaces = [\"eth1\"]", None);
        assert_eq!(
            (wired.uplink.as_deref(), &*wired.lan, wired.wifi),
            (Some("usb0"), &["eth1".to_owned()][..], None)
        );
        let both = scope(&["eth2"], "[wifi]\ncountry = \"DE\"", None);
        assert_eq!(both.wifi.and_then(|wish| wish.country), "DE".parse().ok());

        let mut status: api::Status =
            serde_json::from_str(include_str!("../../../hotshare-api/src/status.json")).expect("a status");
        assert!(scope(&[], "", Some(&status)).wifi.is_some());
        status.wifi = None;
        assert_eq!(scope(&[], "", Some(&status)).wifi, None, "the daemon that runs has wired ports only");
    }
}
