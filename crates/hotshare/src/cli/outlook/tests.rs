use hotshare_api::{CarrierFigure, Safe};

use super::*;

/// As docs/api.md shows it.
fn status() -> hotshare_api::Status {
    serde_json::from_str(include_str!("../../../../hotshare-api/src/status.json")).expect("a status")
}

fn outlook() -> Outlook {
    status().plan.outlook.expect("there")
}

fn carrier() -> Carrier {
    status().plan.carrier.expect("there")
}

#[test]
fn what_lies_ahead() {
    let out = |earliest: &str, latest: Option<&str>, within| {
        Some(RunOut { earliest: earliest.into(), likely: None, latest: latest.map(Into::into), within })
    };
    let plain = Outlook { used_today: 0, ..outlook() };
    let cases = [
        outlook(),
        Outlook { runs_out: out("2026-11-22", Some("2026-11-29"), 800), lasts: Some(0), ..plain.clone() },
        Outlook { runs_out: out("2026-11-28", Some("2026-12-03"), 760), lasts: Some(90), ..outlook() },
        Outlook {
            runs_out: out("2026-12-28", Some("2027-01-03"), 950),
            ends: None,
            safe: None,
            ..plain.clone()
        },
        Outlook { runs_out: out("2026-11-18", Some("2026-11-18"), 1000), ..outlook() },
        Outlook { runs_out: out("2026-11-20", Some("2026-11-20"), 700), ..plain.clone() },
        Outlook { runs_out: None, lasts: Some(930), ..plain.clone() },
        Outlook { runs_out: None, lasts: Some(1000), ends: None, total: None, safe: None, ..plain.clone() },
        Outlook { runs_out: None, lasts: None, balance: None, safe: None, ..plain.clone() },
        Outlook { days: 9, thin: true, ..plain.clone() },
        Outlook {
            days: 2,
            enough: false,
            thin: true,
            runs_out: None,
            lasts: None,
            total: None,
            safe: Some(Safe { today: 1_200_000_000, rest: 1_100_000_000 }),
            ..outlook()
        },
        Outlook {
            days: 1,
            enough: false,
            balance: None,
            safe: None,
            total: None,
            runs_out: None,
            lasts: None,
            ..plain.clone()
        },
        Outlook { balance: Some(0), ..outlook() },
        Outlook { ends: Some("2026-11-19".into()), lasts: Some(400), ..outlook() },
        Outlook { ends: Some("2026-11-19".into()), enough: false, ..outlook() },
        Outlook { runs_out: out("soon\u{1b}", Some("later"), 800), ..plain },
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|case| {
            let lines = [words(case, Some("it is slow")), more_words(case)];
            lines.map(|line| line.unwrap_or_else(|| "—".into())).join("\n")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n---\n"));
}

#[test]
fn how_the_carrier_counts() {
    let figure = |told| Some(CarrierFigure { at: 1_794_500_000, told });
    let compared = |ours, carriers| vec![Compared { at: 1_794_500_000, ours, carriers }];
    let nothing = Carrier {
        factor: 1000,
        confidence: Confidence::Nothing,
        based_on: 0,
        kept: 0,
        compared: Vec::new(),
        ..carrier()
    };
    let cases = [
        Carrier { figure: None, ..nothing.clone() },
        Carrier { figure: figure(3_300_000_000), ..nothing.clone() },
        carrier(),
        Carrier { factor: 1000, confidence: Confidence::Good, based_on: 8, kept: 0, ..carrier() },
        Carrier { factor: 995, based_on: 1, confidence: Confidence::Low, kept: 0, ..carrier() },
        Carrier { drift: Some(5), strange: 1, ..carrier() },
        Carrier {
            drift: Some(-12),
            strange: 2,
            compared: compared(1_000_000_000, 9_000_000_000),
            ..carrier()
        },
        Carrier { compared: compared(90_000_000, 100_000_000), ..carrier() },
        Carrier { figure: Some(CarrierFigure { at: 1_794_600_000, told: 1 }), ..carrier() },
    ];
    let mut told: Vec<String> = cases.iter().map(|case| corrected_words(3_300_000_000, Some(case))).collect();
    told.push(corrected_words(3_300_000_000, None));
    insta::assert_snapshot!(told.join("---\n"));
}

#[test]
fn what_follows_is_what_the_plan_says() {
    use hotshare_api::{Part, PartStatus, Pay};
    let mut plan = status().plan;
    assert_eq!(then_words(&plan), None);
    let part = |part: Part| PartStatus { part, ..plan.parts[0].clone() };
    let pay = Pay { price: "1.00".into(), unit: 1, limit: "9.00".into(), step: "3.00".into() };
    let (slow, paid) =
        (part(Part { rate: Some(9), ..Part::default() }), part(Part { pay: Some(pay), ..Part::default() }));
    let more = part(Part::default());
    plan.parts.extend([more, slow.clone()]);
    assert_eq!(then_words(&plan), Some("it is slow"));
    plan.parts.insert(1, paid);
    assert_eq!(then_words(&plan), Some("it costs money"));
}

#[test]
fn every_chance_is_said() {
    for permille in 0..=1000 {
        assert!(!chance(permille).is_empty() && !tenths(permille).is_empty());
    }
    assert_eq!(
        [849, 850, 989, 990].map(chance),
        ["4 in 5", "9 in 10", "more than 9 in 10", "all but certain"]
    );
}
