use super::*;

/// What was said and how it ended.
fn talk(answers: &str) -> (String, Result<(String, bool), Ended>) {
    let mut told = Vec::new();
    let mut dialogue = Dialogue { answers: answers.as_bytes(), told: &mut told, answered: 0 };
    let today = date("2026-11-27").expect("a date");
    let ended = questions::ask(&mut dialogue, Some(today), Some("Europe/Berlin"));
    (String::from_utf8(told).expect("text"), ended)
}

#[test]
fn from_the_first_question_to_the_plan() {
    let answers = "monthly 32\nmonthly 5\nEurope/Nowhere\n\n14.99 EUR\n14.99\nEUR\n19% included\n20gb\n20GB\nperhaps\nyes\ncontinue\npay\n\
        0.01\n0.01 per 1MB\n0.001\n2.50\n1\n10\nwhat\nyes\n";
    let (told, ended) = talk(answers);
    let (text, agreed) = ended.expect("a plan");
    assert!(agreed);
    insta::assert_snapshot!(told);
    let change = plan_file(&text).expect("the text is a plan");
    let parts = change.parts.expect("parts");
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].cap, Some(20_000_000_000));
    assert_eq!(parts[1].pay.as_ref().map(|pay| pay.limit.as_str()), Some("10"));
    assert_eq!(change.zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn each_end_of_a_plan() {
    let start = "\n\n\n\n5GB\n\n";
    for (rest, parts) in [("stop\n", 1), ("slow\n1Mbit\n", 2), ("last drop\n500MB\nanna bo\n", 2)] {
        let (told, ended) = talk(&format!("{start}{rest}yes\n"));
        let (text, agreed) = ended.expect("a plan");
        assert!(agreed, "{told}");
        assert_eq!(plan_file(&text).expect("a plan").parts.map(|parts| parts.len()), Some(parts), "{text}");
    }
    let (_, ended) = talk("\n\n\n\n\nyes\n");
    assert!(ended.expect("without an end").1);
}

#[test]
fn no_or_an_early_end_is_no_consent() {
    let all = "\n\n\n\n5GB\n\nstop\nno\n";
    assert!(matches!(talk(all), (_, Ok((_, false)))));
    let lines = all.lines().count();
    assert!(matches!(talk(""), (_, Err(Ended::Nobody))));
    for count in 1..lines {
        let some: String = all.lines().take(count).map(|line| format!("{line}\n")).collect();
        assert!(matches!(talk(&some), (_, Err(Ended::Early))), "{count}");
    }
}

#[test]
fn answers_cannot_break_out_of_their_place() {
    let (_, ended) = talk("monthly 5\"\nfee = \"1\nonce\n");
    assert!(matches!(ended, Err(Ended::Early)));
}
