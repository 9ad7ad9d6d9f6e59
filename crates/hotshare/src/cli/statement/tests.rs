use super::*;

const HOSTILE: &str = "<script>alert(\"x\")</script>\u{202e}&'";

fn statement() -> api::Statement {
    let sums = Sums {
        granted: 4_000_000_000,
        returned: -500_000_000,
        corrected: 20_000_000,
        used: 3_520_000_000,
        gifts_out: -200_000_000,
        rolled_over: 1_000_000_000,
        on_top: 800_000_000,
        ..Sums::default()
    };
    api::Statement {
        schema: 1,
        at: 1_795_455_000,
        begins: 1_793_833_200,
        ends: Some(1_796_425_200),
        zone: "Europe/Berlin".into(),
        terms: api::Terms { currency: Some("EUR".into()), ..api::Terms::default() },
        money: Some("14.99".into()),
        billed_up: 300_000_000,
        billed_down: 3_300_000_000,
        delivered: 3_400_000_000,
        refused: 40_000_000,
        own: 160_000_000,
        parts: vec![api::StatementPart {
            name: HOSTILE.into(),
            cap: Some(20_000_000_000),
            sums,
            bought: None,
        }],
        people: vec![StatementPerson {
            name: "小明".into(),
            allowance: None,
            allowance_every: None,
            fair: true,
            sums: Sums { granted: 5, used: 5, ..Sums::default() },
            up: 300_000_000,
            down: 3_100_000_000,
            refused_up: 0,
            refused_down: 40_000_000,
        }],
        entries: Some(vec![api::StatementEntry {
            id: 7,
            at: 1_795_000_000,
            part: Some("=1+1".into()),
            person: None,
            on_top: true,
            period: Some("2026-11-05".into()),
            kind: "roll-over".into(),
            bytes: -5,
        }]),
    }
}

#[test]
fn on_the_screen_and_as_values() {
    let zone = zone::rules("Europe/Berlin");
    let screen = text(&statement(), &zone, 80);
    let told = format!(
        "{}---\n{}---\n{}",
        anstream::adapter::strip_str(&screen),
        csv(&statement()),
        entries_csv(&statement())
    );
    insta::assert_snapshot!(told);
    let columns = |line: &str| line.split(',').count();
    let mut lines = statement();
    lines.parts[0].name = "fast".into();
    let values = csv(&lines);
    let counts: Vec<usize> = values.lines().map(columns).collect();
    assert_eq!(counts, [21, 21, 21, 21], "{values}");
}

#[test]
fn a_page_is_one_harmless_file() {
    let zone = zone::rules("Europe/Berlin");
    for (language, word) in [(Language::En, "Statement"), (Language::Zh, "账单")] {
        let page = page::page(&statement(), &zone, language);
        assert!(page.contains(word), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\\u{202e}&amp;&#39;"),
            "{page}"
        );
        for active in ["<script", "\u{202e}", "http:", "https:", "src=", "href=", "url("] {
            assert!(!page.contains(active), "{active}: {page}");
        }
        assert!(page.contains("3.52 GB") && page.contains("−500.00 MB"), "{page}");
    }
}

#[test]
fn one_person_or_none() {
    let mut of_one = statement();
    assert!(only(&mut of_one, "小明").is_ok());
    assert!(only(&mut of_one, "bo").expect_err("nobody").contains("bo"));
    assert_eq!(month("2026-10").map(|day| day.to_string()).as_deref(), Ok("2026-10-31"));
    assert!(month("2026-13").is_err() && month("10").is_err());
}
