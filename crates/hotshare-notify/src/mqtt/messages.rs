//! Topics and payloads. All of these are kept by the broker, but the event of an alert.

use std::collections::BTreeMap;

use hotshare_core::alert::{Alert, Kind};
use hotshare_core::ask::{PersonStatus, PlanStatus, Status};
use serde_json::{Value, json};

use super::MqttConfig;
use crate::body;

/// `online` or `offline`; the broker itself says the latter when the connection is lost.
pub(super) fn availability(topic: &str) -> String {
    format!("{topic}/status")
}

/// Where the broker may keep something of ours for people who are gone.
pub(super) fn filters(config: &MqttConfig) -> [String; 2] {
    [format!("{}/person/+", config.topic), format!("{}/sensor/{}/+/config", config.discovery, node(config))]
}

/// The event of an alert, and the same as the last one.
pub(super) fn alert(topic: &str, alert: &Alert) -> ((String, String), (String, String)) {
    let mut event = body(alert);
    let last = event.to_string();
    if let Value::Object(fields) = &mut event {
        fields.insert("event_type".into(), alert.kind.word().into());
    }
    ((format!("{topic}/alert"), event.to_string()), (format!("{topic}/last_alert"), last))
}

/// Everything that is to be kept: figures, and what tells Home Assistant how to read them.
pub(super) fn all(config: &MqttConfig, status: &Status) -> BTreeMap<String, String> {
    let base = &config.topic;
    let mut all = BTreeMap::new();
    all.insert(format!("{base}/plan"), plan(&status.plan).to_string());
    for (object, name, field, unit) in [
        ("plan_used", "Plan used", "used", "B"),
        ("plan_left", "Plan left", "left", "B"),
        ("plan_percent", "Plan used in percent", "percent", "%"),
    ] {
        let state = format!("{base}/plan");
        discover(&mut all, config, object, sensor(config, object, name, &state, field, unit));
    }
    for status in &status.people {
        let (name, slug) = (status.name.as_str(), slug(status.name.as_str()));
        let state = format!("{base}/person/{slug}");
        all.insert(state.clone(), person(status).to_string());
        for (field, label) in [("used", "used"), ("left", "left")] {
            let object = format!("person_{slug}_{field}");
            let told = sensor(config, &object, &format!("{name} {label}"), &state, field, "B");
            discover(&mut all, config, &object, told);
        }
    }
    let mut last = sensor(config, "last_alert", "Last alert", &format!("{base}/last_alert"), "title", "");
    if let Value::Object(fields) = &mut last {
        fields.insert("json_attributes_topic".into(), format!("{base}/last_alert").into());
    }
    discover(&mut all, config, "last_alert", last);
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    let event = json!({
        "name": "Alert",
        "unique_id": format!("{}_alert", node(config)),
        "state_topic": format!("{base}/alert"),
        "event_types": kinds,
        "availability_topic": availability(base),
        "device": device(config),
    });
    all.insert(format!("{}/event/{}/alert/config", config.discovery, node(config)), event.to_string());
    all
}

fn discover(all: &mut BTreeMap<String, String>, config: &MqttConfig, object: &str, told: Value) {
    all.insert(format!("{}/sensor/{}/{object}/config", config.discovery, node(config)), told.to_string());
}

fn sensor(config: &MqttConfig, object: &str, name: &str, state: &str, field: &str, unit: &str) -> Value {
    let mut told = json!({
        "name": name,
        "unique_id": format!("{}_{object}", node(config)),
        "state_topic": state,
        "value_template": format!("{{{{ value_json.{field} }}}}"),
        "availability_topic": availability(&config.topic),
        "device": device(config),
    });
    if let Value::Object(fields) = &mut told {
        if !unit.is_empty() {
            fields.insert("unit_of_measurement".into(), unit.into());
            fields.insert("state_class".into(), "measurement".into());
        }
        if unit == "B" {
            fields.insert("device_class".into(), "data_size".into());
            fields.insert("suggested_unit_of_measurement".into(), "GB".into());
        }
    }
    told
}

fn device(config: &MqttConfig) -> Value {
    json!({
        "identifiers": [node(config)],
        "name": "Hotshare",
        "model": "Hotspot",
        "sw_version": env!("CARGO_PKG_VERSION"),
    })
}

/// The part of a discovery topic that is ours.
fn node(config: &MqttConfig) -> String {
    slug(&config.topic)
}

fn plan(plan: &PlanStatus) -> Value {
    let percent = plan.plan.cap().map(|cap| match cap.0 {
        0 => 100,
        cap => u128::from(plan.billed.0) * 100 / u128::from(cap),
    });
    json!({
        "used": plan.billed.0,
        "left": plan.balance.map(|bytes| bytes.0),
        "cap": plan.plan.cap().map(|bytes| bytes.0),
        "percent": percent.map(|percent| u64::try_from(percent).unwrap_or(u64::MAX)),
        "renews": plan.ends.map(|at| at.0),
    })
}

fn person(person: &PersonStatus) -> Value {
    let allowance = person.limit.map(|limit| limit.0);
    json!({
        "name": person.name.as_str(),
        "used": person.up.0.saturating_add(person.down.0),
        "left": person.balance.map(|bytes| bytes.0),
        "allowance": allowance,
        "renews": person.renews.map(|at| at.0),
    })
}

/// A name as topics and entity ids may have it: everything but a-z, 0-9 and “-” becomes `_xx` by its bytes, so that
/// no two names are one.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => out.push(char::from(byte)),
            other => out.push_str(&format!("_{other:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_and_fit_topics() {
        assert_eq!(slug("anna"), "anna");
        assert_eq!(slug("小明"), "_e5_b0_8f_e6_98_8e");
        assert_eq!(slug("home/van"), "home_2fvan");
        assert_ne!(slug("a_b"), slug("a-b"));
        assert!(slug("a+b#c/ü").bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    }
}
