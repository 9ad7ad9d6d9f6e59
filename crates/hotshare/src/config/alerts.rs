//! What each key of `[alerts]` and the sections below it may be.

use std::path::PathBuf;
use std::time::Duration;

use hotshare_core::alert::{Channel, Language, Patience, Rules, Unusual};
use hotshare_core::units::Bytes;
use hotshare_notify::mail::{MailConfig, Security, is_address};
use hotshare_notify::mqtt::MqttConfig;
use hotshare_notify::webhook::{WebhookConfig, check_url};
use toml::de::DeValue;

use super::document::{Document, Section, shown};
use super::values::seconds;
use crate::cli::size;
use crate::cli::text::escaped;

/// What the owner is told without asking, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AlertsConfig {
    /// With the channels of the sections that are there.
    pub(crate) rules: Rules,
    pub(crate) patience: Patience,
    /// For one attempt.
    pub(crate) timeout: Duration,
    pub(crate) desktop: bool,
    pub(crate) webhook: Option<WebhookConfig>,
    pub(crate) mail: Option<MailConfig>,
    pub(crate) mqtt: Option<MqttConfig>,
}

impl Default for AlertsConfig {
    fn default() -> AlertsConfig {
        AlertsConfig {
            rules: Rules::default(),
            patience: Patience::default(),
            timeout: Duration::from_secs(10),
            desktop: false,
            webhook: None,
            mail: None,
            mqtt: None,
        }
    }
}

/// Takes the section and those below it.
pub(super) fn take(document: &mut Document<'_>) -> AlertsConfig {
    let default = AlertsConfig::default();
    let mut section = document.section("alerts");
    let timeout = document.take(&mut section, "timeout", |value| duration(value, "1s", "60s", "10s"));
    let timeout = timeout.map_or(default.timeout, Duration::from_secs);
    let mut rules = rules(document, &mut section);
    let patience = patience(document, &mut section);
    let desktop = desktop(document, &mut section);
    let webhook = webhook(document, &mut section);
    let mail = mail(document, &mut section, timeout);
    let mqtt = mqtt(document, &mut section, timeout);
    document.end_section(section);
    let there = [
        (desktop, Channel::Desktop),
        (webhook.is_some(), Channel::Webhook),
        (mail.is_some(), Channel::Mail),
        (mqtt.is_some(), Channel::Mqtt),
    ];
    rules.channels = there.into_iter().filter(|(there, _)| *there).map(|(_, channel)| channel).collect();
    AlertsConfig { rules, patience, timeout, desktop, webhook, mail, mqtt }
}

fn rules<'a>(document: &mut Document<'a>, section: &mut Section<'a>) -> Rules {
    let default = Rules::default();
    let usual = default.unusual.unwrap_or(Unusual { factor: 0, floor: Bytes::ZERO });
    let language = document.take(section, "language", language).unwrap_or(default.language);
    let said = document.has_key(section, "levels");
    let of = "percents from 1 to 100, such as [50, 80, 95, 100]";
    let mut levels = document.take_list(section, "levels", of, |value| {
        number(value, 1, 100, "a percent").and_then(|n| u8::try_from(n).map_err(|e| e.to_string()))
    });
    levels.sort_unstable();
    let days = document.take(section, "roll_notice_days", |value| number(value, 0, 30, "a number of days"));
    let factor = document.take(section, "unusual_factor", |value| number(value, 0, 1000, "a factor"));
    let floor = document.take(section, "unusual_floor", amount).unwrap_or(usual.floor);
    let waiting = document.take(section, "device_waiting", switch);
    let factor = factor.unwrap_or(usual.factor);
    Rules {
        language,
        levels: if said { levels } else { default.levels },
        roll_notice_days: days.and_then(|days| u16::try_from(days).ok()).unwrap_or(default.roll_notice_days),
        unusual: (factor > 0).then_some(Unusual { factor, floor }),
        device_waiting: waiting.unwrap_or(default.device_waiting),
        channels: Vec::new(),
    }
}

fn patience<'a>(document: &mut Document<'a>, section: &mut Section<'a>) -> Patience {
    let Patience { first, longest, all } = Patience::default();
    let mut take = |key, least, most, example, usual| {
        document.take(section, key, |value| duration(value, least, most, example)).unwrap_or(usual)
    };
    Patience {
        first: take("retry_first", "1s", "1h", "1m", first),
        longest: take("retry_longest", "1s", "1d", "1h", longest),
        all: take("give_up", "1s", "30d", "3d", all),
    }
}

fn desktop<'a>(document: &mut Document<'a>, section: &mut Section<'a>) -> bool {
    let Some(mut desktop) = document.subsection(section, "desktop", "alerts.desktop") else { return false };
    let enabled = document.take(&mut desktop, "enabled", switch);
    document.end_section(desktop);
    enabled.unwrap_or(true)
}

fn webhook<'a>(document: &mut Document<'a>, section: &mut Section<'a>) -> Option<WebhookConfig> {
    let mut webhook = document.subsection(section, "webhook", "alerts.webhook")?;
    let token_file = document.take(&mut webhook, "token_file", file);
    let ca_file = document.take(&mut webhook, "ca_file", file);
    let url = document.require(&mut webhook, "url", |value| {
        let url =
            text(value, "write the address of your server in quotes, such as \"https://example.org/hook\"")?;
        check_url(&url, token_file.is_some()).map(|()| url).map_err(|why| escaped(&why))
    });
    document.end_section(webhook);
    Some(WebhookConfig { url: url?, token_file, ca_file })
}

fn mail<'a>(document: &mut Document<'a>, section: &mut Section<'a>, timeout: Duration) -> Option<MailConfig> {
    let mut mail = document.subsection(section, "mail", "alerts.mail")?;
    let server = document.require(&mut mail, "server", host);
    let security = document.take(&mut mail, "security", security).unwrap_or(Security::StartTls);
    let port = document.take(&mut mail, "port", port).unwrap_or(security.port());
    let from = document.require(&mut mail, "from", address);
    let to = document.take_list(&mut mail, "to", "mail addresses, such as [\"anna@example.org\"]", address);
    if to.is_empty() {
        document.lacks(&mail, "to", "nobody would get a mail");
    }
    let login = login(document, &mut mail);
    let ca_file = document.take(&mut mail, "ca_file", file);
    document.end_section(mail);
    Some(MailConfig { server: server?, port, security, from: from?, to, login, ca_file, timeout })
}

fn mqtt<'a>(document: &mut Document<'a>, section: &mut Section<'a>, timeout: Duration) -> Option<MqttConfig> {
    let mut mqtt = document.subsection(section, "mqtt", "alerts.mqtt")?;
    let server = document.require(&mut mqtt, "server", host);
    let tls = document.take(&mut mqtt, "security", |value| match security(value)? {
        Security::Tls => Ok(true),
        Security::None => Ok(false),
        Security::StartTls => Err("MQTT knows no STARTTLS; write \"tls\" or \"none\"".into()),
    });
    let tls = tls.unwrap_or(true);
    let port = document.take(&mut mqtt, "port", port).unwrap_or(if tls { 8883 } else { 1883 });
    let login = login(document, &mut mqtt);
    let ca_file = document.take(&mut mqtt, "ca_file", file);
    let name = document.take(&mut mqtt, "topic", topic).unwrap_or_else(|| "hotshare".into());
    let discovery = document.take(&mut mqtt, "discovery", topic).unwrap_or_else(|| "homeassistant".into());
    let every = document.take(&mut mqtt, "every", |value| duration(value, "1s", "1h", "30s")).unwrap_or(30);
    document.end_section(mqtt);
    let every = Duration::from_secs(every);
    Some(MqttConfig { server: server?, port, tls, login, ca_file, topic: name, discovery, every, timeout })
}

fn login<'a>(document: &mut Document<'a>, section: &mut Section<'a>) -> Option<(String, PathBuf)> {
    let what = "write the name to log in with in quotes";
    let user = document.take(section, "user", |value| text(value, what));
    let password_file = document.take(section, "password_file", file);
    match (user, password_file) {
        (Some(user), Some(file)) => Some((user, file)),
        (None, None) => None,
        (Some(_), None) => {
            document.lacks(section, "password_file", "a user without a password");
            None
        }
        (None, Some(_)) => {
            document.lacks(section, "user", "a password without a user");
            None
        }
    }
}

pub(super) fn text(value: &DeValue<'_>, allowed: &str) -> Result<String, String> {
    let text = if let DeValue::String(text) = value { Some(text) } else { None };
    let text = text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
    text.map(ToString::to_string).ok_or_else(|| format!("{} is not text; {allowed}", shown(value)))
}

fn language(value: &DeValue<'_>) -> Result<Language, String> {
    match text(value, "write \"en\" or \"zh\"")?.as_str() {
        "en" => Ok(Language::English),
        "zh" => Ok(Language::Chinese),
        _ => Err(format!("{} is not a language that is spoken here; write \"en\" or \"zh\"", shown(value))),
    }
}

fn security(value: &DeValue<'_>) -> Result<Security, String> {
    const ALLOWED: &str = "write \"starttls\", \"tls\" or, for no protection at all, \"none\"";
    match text(value, ALLOWED)?.as_str() {
        "starttls" => Ok(Security::StartTls),
        "tls" => Ok(Security::Tls),
        "none" => Ok(Security::None),
        _ => Err(format!("{} is not a kind of protection; {ALLOWED}", shown(value))),
    }
}

fn number(value: &DeValue<'_>, least: u32, most: u32, what: &str) -> Result<u32, String> {
    let DeValue::Integer(number) = value else {
        return Err(format!("{} is not a whole number; write {what} from {least} to {most}", shown(value)));
    };
    match u32::from_str_radix(number.as_str(), number.radix()) {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("{number} is too small or too large; write {what} from {least} to {most}")),
    }
}

pub(super) fn port(value: &DeValue<'_>) -> Result<u16, String> {
    number(value, 1, 65_535, "a port").and_then(|n| u16::try_from(n).map_err(|e| e.to_string()))
}

pub(super) fn switch(value: &DeValue<'_>) -> Result<bool, String> {
    if let DeValue::Boolean(on) = value {
        return Ok(*on);
    }
    Err(format!("{} is neither true nor false; write one of these, without quotes", shown(value)))
}

fn amount(value: &DeValue<'_>) -> Result<Bytes, String> {
    let text = text(value, "write an amount in quotes, such as \"200MB\"")?;
    size::bytes(&text).map(Bytes).map_err(|why| format!("{}: {}", shown(value), escaped(&why)))
}

/// In seconds.
pub(super) fn duration(value: &DeValue<'_>, least: &str, most: &str, example: &str) -> Result<u64, String> {
    let allowed = format!(
        "write a number and s, m, h or d in quotes, from \"{least}\" to \"{most}\", such as \"{example}\""
    );
    let written = text(value, &allowed)?;
    let (least, most) = (seconds(least).unwrap_or(0), seconds(most).unwrap_or(u64::MAX));
    match seconds(&written) {
        Some(length) if (least..=most).contains(&length) => Ok(length),
        Some(_) => Err(format!("{} is too short or too long; {allowed}", shown(value))),
        None => Err(format!("{} is not a length of time; {allowed}", shown(value))),
    }
}

pub(super) fn file(value: &DeValue<'_>) -> Result<PathBuf, String> {
    const ALLOWED: &str = "write the whole path of a file in quotes, such as \"/etc/hotshare/password\"";
    let path = PathBuf::from(text(value, ALLOWED)?);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!("{} is not a whole path; {ALLOWED}", shown(value)))
    }
}

pub(super) fn host(value: &DeValue<'_>) -> Result<String, String> {
    const ALLOWED: &str = "write a server's name or address in quotes, such as \"mail.example.org\"";
    let host = text(value, ALLOWED)?;
    let good = host.len() <= 253
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
    if good { Ok(host) } else { Err(format!("{} cannot be a server's name; {ALLOWED}", shown(value))) }
}

pub(super) fn address(value: &DeValue<'_>) -> Result<String, String> {
    const ALLOWED: &str = "write a mail address in quotes, such as \"anna@example.org\"";
    let address = text(value, ALLOWED)?;
    if is_address(&address) {
        Ok(address)
    } else {
        Err(format!("{} is not a mail address; {ALLOWED}", shown(value)))
    }
}

fn topic(value: &DeValue<'_>) -> Result<String, String> {
    const ALLOWED: &str =
        "write letters, digits, “-”, “_” and “/” in quotes, 64 at most, such as \"hotshare\" or \"home/van\"";
    let topic = text(value, ALLOWED)?;
    let good = topic.len() <= 64
        && topic.split('/').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    if good { Ok(topic) } else { Err(format!("{} cannot be a topic; {ALLOWED}", shown(value))) }
}
