//! `hotshare alerts`: what you were told, and whether it arrived.

use clap::{Args, Subcommand};
use hotshare_api::{self as api, DeliveryState, path};
use jiff::tz::TimeZone;

use super::session::Session;
use super::stop::Stop;
use super::text::escaped;
use super::when;
use crate::zone;

/// Show what you were told without asking, and whether it arrived; or try whether alerts arrive
#[derive(Debug, Args)]
pub(crate) struct Alerts {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the newest alerts (this is also what `hotshare alerts` alone does)
    Show {
        /// So many, the newest first
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Send a test through every way that the configuration names, and say what became of it
    Test,
}

impl Alerts {
    pub(crate) fn run(self, session: &Session) -> Result<(), Stop> {
        match self.action.unwrap_or(Action::Show { limit: 20 }) {
            Action::Show { limit } => {
                let tried = "cannot show the alerts";
                let alerts: api::Alerts = session.get(tried, &format!("{}?limit={limit}", path::ALERTS))?;
                let status: api::Status = session.get(tried, path::STATUS)?;
                let zone = zone::rules(&status.plan.zone);
                session.show(&alerts, |alerts| text(&alerts.alerts, &zone))
            }
            Action::Test => {
                let tested: api::AlertsTest =
                    session.post("cannot test the alerts", path::ALERTS_TEST, &serde_json::json!({}))?;
                session.show(&tested, |tested| outcome(&tested.channels))?;
                match tested.channels.iter().filter(|channel| !channel.delivered).count() {
                    0 => Ok(()),
                    1 => Err(Stop::broken("a way does not work; see above")),
                    several => Err(Stop::broken(format!("{several} ways do not work; see above"))),
                }
            }
        }
    }
}

fn text(alerts: &[api::Alert], zone: &TimeZone) -> String {
    if alerts.is_empty() {
        return "There were no alerts yet.\n".to_owned();
    }
    let mut out = String::new();
    for alert in alerts {
        let at = when::pretty(alert.at, zone);
        out.push_str(&format!("{at}  {}. {}\n", escaped(&alert.title), escaped(&alert.text)));
        for delivery in &alert.deliveries {
            out.push_str(&format!("                  {}\n", delivery_line(delivery, zone)));
        }
    }
    out
}

fn delivery_line(delivery: &api::Delivery, zone: &TimeZone) -> String {
    let channel = escaped(&delivery.channel);
    let why = delivery.error.as_deref().map(|why| format!(": {}", escaped(why))).unwrap_or_default();
    let at = |at: Option<i64>| at.map(|at| when::pretty(at, zone)).unwrap_or_default();
    match delivery.state {
        DeliveryState::Delivered => format!("{channel}: delivered {}", at(delivery.settled)),
        DeliveryState::Failed => format!("{channel}: failed for good {}{why}", at(delivery.settled)),
        DeliveryState::Pending if delivery.attempts == 0 => format!("{channel}: waits to be sent"),
        DeliveryState::Pending => {
            let tries =
                if delivery.attempts == 1 { "once".into() } else { format!("{} times", delivery.attempts) };
            format!("{channel}: tried {tries}, again {}{why}", at(delivery.next_try))
        }
        DeliveryState::Unknown => channel,
    }
}

fn outcome(channels: &[api::ChannelTest]) -> String {
    if channels.is_empty() {
        return "The configuration names no way to you: alerts are in `hotshare alerts` and `hotshare events` only. \
                Add [alerts.mail], [alerts.webhook], [alerts.mqtt] or [alerts.desktop].\n"
            .to_owned();
    }
    channels
        .iter()
        .map(|channel| match &channel.error {
            None => format!("{}: delivered\n", escaped(&channel.channel)),
            Some(why) => format!("{}: not delivered: {}\n", escaped(&channel.channel), escaped(why)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(channel: &str, state: DeliveryState, attempts: u32, error: Option<&str>) -> api::Delivery {
        let pending = state == DeliveryState::Pending;
        api::Delivery {
            channel: channel.into(),
            state,
            attempts,
            next_try: pending.then_some(1_795_455_120),
            settled: (!pending).then_some(1_795_455_060),
            error: error.map(Into::into),
        }
    }

    #[test]
    fn screens() {
        let alert = |text: &str, deliveries| api::Alert {
            id: 1,
            at: 1_795_455_000,
            kind: "plan-level".into(),
            about: None,
            percent: Some(80),
            used: None,
            limit: None,
            title: "80 % of the plan is used".into(),
            text: text.into(),
            facts: api::EventFacts::default(),
            deliveries,
        };
        let alerts = [
            alert(
                "16.00 GB of 20.00 GB are used.",
                vec![
                    delivery("desktop", DeliveryState::Pending, 0, None),
                    delivery("mail", DeliveryState::Pending, 2, Some("no answer\u{1b}[2J")),
                    delivery("mqtt", DeliveryState::Failed, 77, Some("no answer")),
                    delivery("webhook", DeliveryState::Delivered, 3, Some("no answer")),
                ],
            ),
            alert("evil\nline", Vec::new()),
        ];
        assert_eq!(
            text(&alerts, &zone::rules("Europe/Berlin")),
            "2026-11-23 18:30  80 % of the plan is used. 16.00 GB of 20.00 GB are used.\n\
             \u{20}                 desktop: waits to be sent\n\
             \u{20}                 mail: tried 2 times, again 2026-11-23 18:32: no answer\\u{1b}[2J\n\
             \u{20}                 mqtt: failed for good 2026-11-23 18:31: no answer\n\
             \u{20}                 webhook: delivered 2026-11-23 18:31\n\
             2026-11-23 18:30  80 % of the plan is used. evil\\u{a}line\n"
        );
        assert!(text(&[], &TimeZone::UTC).contains("no alerts"));
        assert!(outcome(&[]).contains("[alerts.mail]"));
        let tested = [("mail", None), ("mqtt", Some("no answer".to_owned()))].map(|(channel, error)| {
            api::ChannelTest { channel: channel.into(), delivered: error.is_none(), error }
        });
        assert_eq!(outcome(&tested), "mail: delivered\nmqtt: not delivered: no answer\n");
    }
}
