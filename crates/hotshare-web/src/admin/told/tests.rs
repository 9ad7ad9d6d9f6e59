#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::language::Language;

fn status() -> Status {
    serde_json::from_str(include_str!("../../../../hotshare-api/src/status.json")).unwrap()
}

/// Every fact that a line may have.
fn all() -> EventFacts {
    EventFacts {
        person: Some("anna".into()),
        other: Some("bo".into()),
        device: Some("02:00:5e:10:00:01".into()),
        claim: Some("Bo".into()),
        interface: Some("wwan0".into()),
        card: Some(1),
        bytes: Some(1_600_000_000),
        limit: Some(2_000_000_000),
        percent: Some(80),
        count: Some(3),
        seconds: Some(120),
        ends: Some(1_796_425_200),
        sites: Some("a.example b.example".into()),
        passkey: Some("phone".into()),
        money: Some("2.50 EUR".into()),
        channel: Some("mail".into()),
        why: Some(Verdict::PlanUsed),
        reason: Some("disk full".into()),
        alert: Some(7),
    }
}

/// The words of the enum in the interface's source: one that is new there is new here.
fn kinds() -> Vec<String> {
    let text = include_str!("../../../../hotshare-api/src/report.rs");
    let (_, words) = text.split_once("pub enum EventKind {").expect("the kinds");
    let (words, _) = words.split_once("\n}").expect("an end");
    let names = words.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
    let kebab = |name: &str| {
        let parts = name.chars().flat_map(|c| {
            let dash = c.is_ascii_uppercase().then_some('-');
            dash.into_iter().chain(std::iter::once(c.to_ascii_lowercase()))
        });
        parts.collect::<String>().trim_start_matches('-').to_owned()
    };
    names.map(kebab).filter(|word| word != "unknown").collect()
}

/// Whatever happens is said in both languages, and in other words in each.
#[test]
fn every_kind_is_said_in_both_languages() {
    let (status, zone) = (status(), show::zone("Europe/Berlin"));
    let kinds = kinds();
    assert!(kinds.len() > 40, "{kinds:?}");
    for kind in kinds {
        let [english, chinese] = Language::ALL.map(|language| {
            let teller = Teller { t: Text(language), status: &status, zone: &zone };
            teller.line(&kind, &all(), "as the interface says it")
        });
        for line in [&english, &chinese] {
            assert!(!line.is_foreign, "{kind} has no words of the page's own: {line:?}");
            assert!(!line.text.contains(['{', '}']) && !line.text.starts_with("event-"), "{kind}: {line:?}");
        }
        assert_ne!(english.text, chinese.text, "{kind}");
        assert!(chinese.text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{kind}: {chinese:?}");
    }
}

#[test]
fn who_which_device_and_how_much() {
    let (status, zone) = (status(), show::zone("Europe/Berlin"));
    let said = |kind: &str, facts: &EventFacts| {
        Language::ALL.map(|language| {
            let teller = Teller { t: Text(language), status: &status, zone: &zone };
            teller.line(kind, facts, "as the interface says it").text
        })
    };
    let none = EventFacts::default();
    let anna = EventFacts { person: Some("anna".into()), ..none.clone() };
    for (kind, facts, english, chinese) in [
        ("gift", all(), "anna gives 1.60 GB to bo.", "anna 把 1.60 GB 转赠给 bo。"),
        (
            "wrong-key",
            all(),
            "Pixel-8 (02:00:5e:10:00:01) tried a wrong Wi-Fi passphrase 3 times and has to wait for 2 min.",
            "Pixel-8 (02:00:5e:10:00:01) 输错 Wi-Fi 密码 3 次，需等待 2 min。",
        ),
        ("paused", anna.clone(), "anna is closed: Paused by the owner.", "anna 未开放：已被主人暂停。"),
        (
            "plan-used",
            none.clone(),
            "Everybody is closed: The data plan is used up.",
            "所有人未开放：流量套餐已用完。",
        ),
        ("open", anna, "anna is open again.", "anna 已恢复。"),
        ("card", all(), "The data card is wwan0, SIM …7890.", "数据卡为 wwan0, SIM 卡 …7890。"),
        (
            "only-sites",
            EventFacts { sites: Some(String::new()), ..none.clone() },
            "Everything can be reached again.",
            "已可访问所有网站。",
        ),
        (
            "plan-rolls-soon",
            all(),
            "The plan’s period ends on 5 December; 1.60 GB are used.",
            "套餐周期将于 12月5日 结束，已用 1.60 GB。",
        ),
    ] {
        assert_eq!(said(kind, &facts), [english, chinese], "{kind}");
    }
}

/// What an older release wrote, or a newer one, is shown as it came, marked as English.
#[test]
fn what_has_no_facts_is_shown_as_it_came() {
    let (status, zone) = (status(), show::zone("UTC"));
    let teller = Teller { t: Text(Language::Chinese), status: &status, zone: &zone };
    for kind in ["open", "asked", "ledger-stuck", "what-is-new", ""] {
        let line = teller.line(kind, &EventFacts::default(), "anna is open again");
        assert_eq!(
            line,
            Line { text: "anna is open again".into(), is_foreign: true, reason: None },
            "{kind}"
        );
    }
}
