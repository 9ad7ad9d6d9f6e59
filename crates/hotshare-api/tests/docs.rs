//! What docs/api.md shows is what is promised.

use hotshare_api::{
    Access, Admission, Advice, AirState, Alerts, Band, Code, Cost, Doctor, Events, Failure, Key, Mode,
    OffCode, Preview, Statement, Status, UsageReport, Verdict, WhyDenied, Wifi,
};
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
    let [status, usage, statement, events, alerts, wifi, key, access, doctor, advice, preview, failure] =
        examples.as_slice()
    else {
        panic!("{} examples", examples.len())
    };
    same::<Status>(status);
    same::<UsageReport>(usage);
    same::<Statement>(statement);
    same::<Advice>(advice);
    same::<Events>(events);
    same::<Alerts>(alerts);
    same::<Wifi>(wifi);
    same::<Key>(key);
    same::<Access>(access);
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
        Code::BadPlan,
        Code::BadRules,
        Code::NoAllowance,
        Code::NotEnough,
        Code::NoWish,
        Code::NoSuchCard,
        Code::CardInUse,
        Code::NotForSale,
        Code::NoWifi,
        Code::WrongMode,
        Code::NoKey,
        Code::HasKey,
        Code::JoinedByKey,
        Code::NotWaiting,
        Code::TooOften,
        Code::EndsInThePast,
        Code::BadPassphrase,
        Code::NotLoggedIn,
        Code::NotAllowed,
        Code::TokenTaken,
        Code::NoSuchToken,
        Code::NoSuchPasskey,
        Code::LastWayIn,
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
        Verdict::Slow,
        Verdict::PlanSlow,
        Verdict::NewCard,
        Verdict::CardUnknown,
        Verdict::Ended,
        Verdict::BedTime,
        Verdict::KeptForOthers,
        Verdict::AsksForMoney,
        Verdict::OnlySites,
    ];
    let codes = codes.iter().map(|code| word(serde_json::json!(code)));
    let verdicts = verdicts.iter().map(|verdict| word(serde_json::json!(verdict)));
    let air = [
        serde_json::json!([AirState::Starting, AirState::On, AirState::Off]),
        serde_json::json!([Mode::People, Mode::PeopleOld, Mode::Sealed, Mode::Open]),
        serde_json::json!([Band::Two, Band::Five, Band::Six]),
        serde_json::json!([Cost::Metered, Cost::NearLimit, Cost::OverLimit]),
        serde_json::json!([
            Admission::Waiting,
            Admission::Admitted,
            Admission::TooManyDevices,
            Admission::KeyGone
        ]),
        serde_json::json!([WhyDenied::WrongKey, WhyDenied::TooManyDevices]),
        serde_json::json!([
            OffCode::Died,
            OffCode::Hung,
            OffCode::CardGone,
            OffCode::Silent,
            OffCode::UplinkMoved,
            OffCode::UplinkLost,
            OffCode::Failed,
            OffCode::Stopped
        ]),
    ];
    let air = air.iter().filter_map(Value::as_array).flatten().map(|value| word(value.clone()));
    use hotshare_api::path::{
        ACCESS, ACCESS_LINK, ACCESS_OWNER, ACCESS_PASSKEYS, ACCESS_PASSWORD, ACCESS_SESSIONS, ACCESS_TOKENS,
        DEVICES, DOWN, EVENTS, OPENAPI, PEOPLE, PLAN, PLAN_AGREE, PLAN_CORRECT, STATUS, USAGE, WIFI,
        WIFI_KEY, WIFI_KEY_ROTATE,
    };
    let paths = [
        STATUS,
        USAGE,
        EVENTS,
        PEOPLE,
        DEVICES,
        PLAN,
        PLAN_AGREE,
        PLAN_CORRECT,
        WIFI,
        WIFI_KEY,
        WIFI_KEY_ROTATE,
        DOWN,
        OPENAPI,
        ACCESS,
        ACCESS_LINK,
        ACCESS_PASSWORD,
        ACCESS_PASSKEYS,
        ACCESS_TOKENS,
        ACCESS_OWNER,
        ACCESS_SESSIONS,
    ];
    let paths = paths.iter().map(|path| format!(" {path}`"));
    for word in codes.chain(verdicts).chain(air).chain(paths) {
        assert!(PAGE.contains(&word), "docs/api.md does not mention {word}");
    }
}
