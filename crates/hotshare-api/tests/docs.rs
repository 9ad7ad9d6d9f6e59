//! What docs/api.md shows is what is promised.

use hotshare_api::{Code, Doctor, Events, Failure, Preview, Status, UsageReport, Verdict};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/api.md");

/// The examples, in the order of the page.
fn examples() -> Vec<Value> {
    let blocks = PAGE.split("```json\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split("```").next().unwrap_or_default();
            serde_json::from_str(text).unwrap_or_else(|e| panic!("{e} in {text}"))
        })
        .collect()
}

/// Every field of the example is promised, and every promised field is in the example.
fn same<T: Serialize + DeserializeOwned>(example: &Value) {
    let read: T = serde_json::from_value(example.clone()).unwrap_or_else(|e| panic!("{e} in {example}"));
    assert_eq!(&serde_json::to_value(read).expect("plain"), example);
}

#[test]
fn the_examples_are_replies() {
    let examples = examples();
    let [status, usage, events, doctor, preview, failure] = examples.as_slice() else {
        panic!("{} examples", examples.len())
    };
    same::<Status>(status);
    same::<UsageReport>(usage);
    same::<Events>(events);
    same::<Doctor>(doctor);
    same::<Preview>(preview);
    same::<Failure>(failure);
}

#[test]
fn every_word_and_path_is_on_the_page() {
    let word = |value: Value| value.as_str().map(|word| format!("`{word}`")).expect("a word");
    let codes = [
        Code::BadRequest,
        Code::NoSuchPath,
        Code::WrongMethod,
        Code::TooSlow,
        Code::TooLarge,
        Code::NotJson,
        Code::NoSuchPerson,
        Code::NameTaken,
        Code::NoSuchDevice,
        Code::NotAStation,
        Code::Full,
        Code::BadPeriod,
        Code::NotWritten,
        Code::NotRead,
        Code::Busy,
        Code::NotRunning,
        Code::NotPermitted,
        Code::Broken,
    ];
    let verdicts = [
        Verdict::Open,
        Verdict::Paused,
        Verdict::AllowanceUsed,
        Verdict::PlanUsed,
        Verdict::PlanOver,
        Verdict::NoUplink,
        Verdict::LedgerStuck,
    ];
    let codes = codes.iter().map(|code| word(serde_json::json!(code)));
    let verdicts = verdicts.iter().map(|verdict| word(serde_json::json!(verdict)));
    use hotshare_api::path::{DEVICES, DOWN, EVENTS, PEOPLE, PLAN, PLAN_CORRECT, STATUS, USAGE};
    let paths = [STATUS, USAGE, EVENTS, PEOPLE, DEVICES, PLAN, PLAN_CORRECT, DOWN];
    let paths = paths.iter().map(|path| format!(" {path}`"));
    for word in codes.chain(verdicts).chain(paths) {
        assert!(PAGE.contains(&word), "docs/api.md does not mention {word}");
    }
}
