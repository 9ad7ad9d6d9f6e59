use std::collections::BTreeMap;

use hotshare_core::meter::Usage;
use hotshare_core::units::{Bytes, PersonId};
use hotshare_store::Whose;
use serde_json::Value;

use super::*;
use crate::serve::tests;

fn row(whose: Whose, up: u64, down: u64, refused_up: u64, refused_down: u64) -> UsageRow {
    let usage = Usage {
        up: Bytes(up),
        down: Bytes(down),
        refused_up: Bytes(refused_up),
        refused_down: Bytes(refused_down),
    };
    UsageRow { begins: None, whose, usage }
}

fn person(id: u32, name: &str) -> Whose {
    Whose::Person { id: PersonId(id), name: name.into() }
}

fn figures() -> Figures {
    let example = include_str!("../../../../hotshare-api/src/status.json");
    let example: api::Status = serde_json::from_str(example).expect("a status");
    let status = api::Status { certificate: example.certificate, ..translate::status(&tests::status()) };
    let usage = vec![
        row(Whose::Plan, 100, 1000, 0, 60),
        row(person(1, "anna"), 30, 400, 5, 60),
        row(person(2, "gone"), 40, 300, 0, 0),
    ];
    Figures { status, usage, ledger_size: Some(4096) }
}

/// Every sample, as it is written.
fn samples(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' ')).collect()
}

#[test]
fn figures_are_those_of_the_status_and_the_store() {
    let text = text_of(figures()).expect("text");
    let samples = samples(&text);
    for (sample, value) in [
        (r#"hotshare_plan_cap_bytes"#, "1000"),
        ("hotshare_plan_billed_bytes", "600"),
        ("hotshare_plan_corrected_bytes", "-5"),
        ("hotshare_plan_begins_timestamp_seconds", "1793833200"),
        ("hotshare_carrier_factor_ratio", "1.0"),
        ("hotshare_uplink_up", "0"),
        ("hotshare_open", "1"),
        ("hotshare_ledger_size_bytes", "4096"),
        ("hotshare_certificate_ends_timestamp_seconds", "1799000000"),
        ("hotshare_certificate_tries_failed", "1"),
        (r#"hotshare_person_used_bytes{person="anna",direction="down"}"#, "2"),
        (r#"hotshare_person_open{person="anna"}"#, "0"),
        (r#"hotshare_person_verdict{person="anna",verdict="paused"}"#, "1"),
        (r#"hotshare_billed_bytes_total{direction="down"}"#, "1000"),
        (r#"hotshare_delivered_bytes_total{direction="down"}"#, "700"),
        (r#"hotshare_refused_bytes_total{direction="up"}"#, "5"),
        (r#"hotshare_refused_bytes_total{direction="down"}"#, "60"),
        (r#"hotshare_person_delivered_bytes_total{person="anna",direction="up"}"#, "30"),
        (r#"hotshare_person_refused_bytes_total{person="anna",direction="down"}"#, "60"),
        (r#"hotshare_build_info{version="0.1.0"}"#, "1"),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample} in\n{text}");
    }
    // What there is no figure for is not there; who is gone is nobody any more.
    assert!(!text.contains("\nhotshare_plan_ends_timestamp_seconds "), "{text}");
    assert!(!text.contains("gone"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn names_cannot_break_out_of_their_quotes() {
    let mut figures = figures();
    figures.status.plan.parts = vec![hotshare_api::PartStatus {
        part: hotshare_api::Part { name: "a\"} 1\nb\\".into(), ..Default::default() },
        in_use: true,
        in_hours: true,
        begins: None,
        ends: None,
        used: 7,
        credit: 0,
        balance: None,
        bought: "0.00".into(),
    }];
    let text = text_of(figures).expect("text");
    assert!(text.contains(r#"hotshare_plan_part_used_bytes{part="a\"} 1\nb\\"} 7"#), "{text}");
}

/// The names of families, by what the text says of them.
fn families(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

/// A family's names of samples.
fn sample_name(family: &str, kind: &str) -> String {
    match kind {
        "counter" => format!("{family}_total"),
        "info" => format!("{family}_info"),
        _ => family.to_owned(),
    }
}

/// Every word of a text that could be one of our metrics.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("hotshare_"))
}

#[test]
fn the_page_lists_all_of_them_and_the_dashboard_asks_for_what_there_is() {
    let text = text_of(figures()).expect("text");
    let there: Vec<String> =
        families(&text).into_iter().map(|(family, kind)| sample_name(family, kind)).collect();
    let page = include_str!("../../../../../docs/metrics.md");
    for name in &there {
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}{{")),
            "{name} is not on the page"
        );
    }
    for name in named(page) {
        assert!(there.iter().any(|known| known == name), "the page names {name}, which is not there");
    }
    let dashboard: Value =
        serde_json::from_str(include_str!("../../../../../dist/grafana/hotshare.json")).expect("JSON");
    let mut asked = 0;
    let mut open = vec![&dashboard];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if let (true, Some(text)) =
                        (matches!(key.as_str(), "expr" | "query" | "definition"), value.as_str())
                    {
                        for name in named(text) {
                            asked += 1;
                            assert!(there.iter().any(|known| known == name), "the dashboard asks for {name}");
                        }
                    }
                    open.push(value);
                }
            }
            Value::Array(values) => open.extend(values),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    assert!(asked >= 20, "{asked}");
}

/// Grafana takes a dashboard as it is, and shows nothing where something is missing.
#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value =
        serde_json::from_str(include_str!("../../../../../dist/grafana/hotshare.json")).expect("JSON");
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!((&variables[0]["name"], &variables[0]["type"]), (&"datasource".into(), &"datasource".into()));
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = std::collections::BTreeSet::new();
    let mut places = std::collections::BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{title}: its number is another's");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{title}: {key}"));
        assert!(place("x") + place("w") <= 24, "{title} is too wide");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(places.insert((x, y)), "{title} covers another");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title}");
        let targets = panel["targets"].as_array().filter(|targets| !targets.is_empty());
        for source in targets.unwrap_or_else(|| panic!("{title} asks nothing")).iter().chain([panel]) {
            assert_eq!(source["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
}
