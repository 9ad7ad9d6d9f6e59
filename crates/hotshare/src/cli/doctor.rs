//! `hotshare doctor`

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::Args;
use hotshare_api::{self as api, Severity, path};
use hotshare_linux::doctor::{self, Scope};

use super::screen::Screen;
use super::session::{Session, block_on};
use super::stop::{self, Stop};
use super::text::escaped;
use crate::config::interface_name;

/// Look for what keeps this machine from being a hotspot; changes nothing
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The interface that leads to the carrier; when not given, the one of the default route
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    uplink: Option<String>,
    /// An interface that people's devices are on; repeat it for more
    #[arg(long, value_name = "IF", value_parser = interface_name)]
    lan: Vec<String>,
}

impl Doctor {
    pub(crate) fn run(self, session: &Session) -> Result<ExitCode, Stop> {
        let found = block_on(async {
            let running = session.client().get::<api::Status>(path::STATUS).await.is_ok();
            doctor::examine(&Scope { uplink: self.uplink, lan: self.lan, wifi: None, running }).await
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
}
