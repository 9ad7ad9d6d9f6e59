//! Advice, the dialogue for a plan, and statements, as they are typed.

use super::*;

/// A folder with what is for sale, and 28 days of half a gigabyte.
fn shop() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (tariffs, history) = (folder.path().join("tariffs.toml"), folder.path().join("days.csv"));
    let pack = |name: &str, fee: &str, size: &str| {
        format!(
            "[[tariff]]\nname = \"{name}\"\nperiod = \"every 28d\"\nfee = \"{fee}\"\n[[tariff.part]]\nname = \"data\"\ndata = \"{size}\"\n"
        )
    };
    let text = format!("currency = \"EUR\"\n{}{}", pack("small", "5", "7GB"), pack("large", "15", "20GB"));
    std::fs::write(&tariffs, text).unwrap();
    let days: Vec<String> = (1..=28).map(|day| format!("2026-02-{day:02},500000000\n")).collect();
    std::fs::write(&history, days.concat()).unwrap();
    (folder, tariffs, history)
}

#[test]
fn advice_needs_no_daemon_when_there_is_a_history() {
    let (_folder, tariffs, history) = shop();
    let advise = |more: &str| {
        let mut command = hotshare();
        command.args(["advise", "--tariffs"]).arg(&tariffs).arg("--history").arg(&history);
        Said::of(command.args(more.split_whitespace()).output().unwrap())
    };
    let said = advise("--present large");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert!(said.out.contains("Best    small:") && said.out.contains("the best saves"), "{}", said.out);
    let said = advise("--json");
    let advice: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&advice["best"]["tariffs"][0], &advice["best"]["short"]), (&"small".into(), &0.into()));
    let said = advise("--present huge");
    assert!(
        said.code == Some(1) && said.err.contains("tariffs.toml") && said.err.contains("“huge”"),
        "{}",
        said.err
    );
    std::fs::write(&tariffs, "[[tariff]]\nname = \"x\"\nperiod = \"yearly\"\n").unwrap();
    let said = advise("");
    assert_eq!(said.code, Some(1));
    for word in ["tariffs.toml", "“x”", "period", "monthly"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
}

#[test]
fn a_tariff_of_a_catalogue_becomes_the_plan() {
    let (_folder, tariffs, _) = shop();
    let daemon = Daemon::with_status(200, r#"{"schema":1,"done":true}"#);
    let arguments = format!("plan new --from {} --begins 2026-11-01 small", tariffs.display());
    let said = daemon.run(&arguments);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "The plan is changed.\n"), "{}", said.err);
    let asked = daemon.asked.recv().unwrap();
    assert!(asked.starts_with("PATCH /v1/plan "), "{asked}");
    for part in
        [r#""kind":"every-days","days":28,"from":"2026-11-01""#, r#""cap":7000000000"#, r#""fee":"5""#]
    {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[test]
fn a_plan_is_asked_for_and_taken_only_with_a_yes() {
    let daemon = Daemon::with_status(200, r#"{"schema":1,"done":true}"#);
    let talk = |answers: &str| {
        let mut child = hotshare()
            .arg("--socket")
            .arg(daemon.folder.path().join("api.sock"))
            .args(["plan", "new"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may be gone before it has read all.
        let _written = child.stdin.take().unwrap().write_all(answers.as_bytes());
        let said = Said::of(child.wait_with_output().unwrap());
        let changes = daemon.asked.try_iter().filter(|asked| asked.starts_with("PATCH ")).collect::<Vec<_>>();
        (said, changes)
    };
    let (said, changes) = talk("monthly 5\n\n14.99\nEUR\n\n20GB\n\nslow\n1Mbit\nyes\n");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "The plan is changed.\n"), "{}", said.err);
    assert_eq!(changes.len(), 1);
    assert!(
        changes[0].contains(r#""rate":125000"#) && changes[0].contains(r#""cap":20000000000"#),
        "{changes:?}"
    );
    for (answers, why) in
        [("", "no terminal"), ("monthly 5\n", "ended early"), ("\n\n\n\n\nno\n", "did not say yes")]
    {
        let (said, changes) = talk(answers);
        assert_eq!((said.code, changes.len()), (Some(1), 0), "{}", said.err);
        assert!(said.err.contains(why), "{}", said.err);
    }
}

#[test]
fn a_statement_of_the_daemon_is_shown_in_each_form() {
    let sums = r#"{"granted":5,"returned":-2,"overrun":0,"corrected":0,"used":3,"top_ups":0,"gifts_in":0,"gifts_out":0,
        "loans_in":0,"loans_out":0,"rolled_over":0,"bought":0,"on_top":0}"#;
    let reply = format!(
        r#"{{"schema":1,"at":1795000000,"begins":1793833200,"ends":1796425200,"zone":"Europe/Berlin","terms":{{}},
        "money":null,"billed_up":1,"billed_down":2,"delivered":3,"refused":0,"own":0,"entries":null,
        "parts":[{{"name":"plan","cap":9,"bought":null,"sums":{sums}}}],
        "people":[{{"name":"anna","allowance":null,"allowance_every":null,"fair":false,"sums":{sums},"up":1,"down":2,
        "refused_up":0,"refused_down":0}}]}}"#
    );
    let daemon = Daemon::with_status(200, &reply);
    for (arguments, word) in [
        ("statement", "Person  anna: 3 B used"),
        ("statement anna --csv", "person,anna,1,2,0,0,,,5,-2,0,0,3,"),
        ("statement --html --language zh", "<html lang=\"zh-Hans\">"),
        ("statement --previous --json", "\"billed_down\": 2"),
    ] {
        let said = daemon.run(arguments);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{arguments}");
        assert!(said.out.contains(word), "{arguments}: {}", said.out);
    }
    let asked: Vec<String> = daemon.asked.try_iter().collect();
    assert!(asked.iter().any(|asked| asked.contains("&at=1793833199 ")), "{asked:?}");
    assert_eq!(daemon.run("statement bo").code, Some(1));
}
