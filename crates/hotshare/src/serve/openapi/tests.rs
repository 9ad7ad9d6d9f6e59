use std::collections::BTreeMap;

use hotshare_api as api;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::serve::routes;
use crate::serve::tests::Fake;

fn document() -> Value {
    whole(routes::paths().into_openapi())
}

fn of<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// All operations: method, path, and what is said of it.
fn all(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    of(document, "/paths").flat_map(|(path, _)| {
        let operations = document["paths"][path].as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (method, path, operation))
    })
}

fn described(value: &Value) -> bool {
    value["description"].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn what_is_described_is_what_is_routed() {
    let document = document();
    let mut known = BTreeMap::<&String, Vec<&String>>::new();
    for (method, path, _) in all(&document) {
        known.entry(path).or_default().push(method);
    }
    let fake = Fake::obedient();
    for (path, methods) in &known {
        let place =
            path.replace("{name}", "anna").replace("{mac}", "02:00:5e:10:00:01").replace("{number}", "1");
        for method in ["get", "post", "put", "patch", "delete"] {
            // A body that nothing can be made of: what takes one says so, and the brain is not asked.
            let (status, reply) = fake.send(&method.to_uppercase(), &place, "{").await;
            let is_known = methods.iter().any(|known| *known == method);
            let refused = status == 405 || reply["error"]["code"] == "no-such-path";
            assert_eq!(is_known, !refused, "{method} {path}: {status} {reply}");
        }
    }
    // And the other way round: the router's own words of what it holds.
    let router = format!("{:?}", routes::router(fake.state.clone()));
    let own = |text: &&str| text.starts_with('/') && text.len() > 1 && !text.contains("__private__axum");
    let routed: BTreeSet<&str> = router.split('"').filter(own).collect();
    let known: BTreeSet<&str> = known.keys().map(|path| path.as_str()).collect();
    assert_eq!(routed, known);
}

#[tokio::test]
async fn it_is_served() {
    let (status, served) = Fake::obedient().send("GET", api::path::OPENAPI, "").await;
    assert_eq!((status, served), (200, document()));
}

#[test]
fn everything_is_described() {
    let document = document();
    let mut bare = Vec::new();
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<&str> = TAGS.iter().map(|(name, _)| *name).collect();
    for (method, path, operation) in all(&document) {
        let here = format!("{method} {path}");
        let summary = operation["summary"].as_str().unwrap_or_default();
        if summary.trim().is_empty() {
            bare.push(here.clone());
        }
        let id = operation["operationId"].as_str().expect("an id");
        assert!(ids.insert(id.to_owned()), "{id} is the id of two");
        assert!(
            operation["tags"]
                .as_array()
                .is_some_and(|its| its.len() == 1 && its[0].as_str().is_some_and(|tag| tags.contains(tag))),
            "{here}: {}",
            operation["tags"]
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if !described(parameter) {
                bare.push(format!("{here}: {}", parameter["name"]));
            }
        }
        for (status, response) in of(operation, "/responses") {
            if !described(response) {
                bare.push(format!("{here}: {status}"));
            }
        }
    }
    for (name, schema) in of(&document, "/components/schemas") {
        if !described(schema) {
            bare.push(name.clone());
        }
        for (field, value) in of(schema, "/properties") {
            let choices = value["oneOf"].as_array().into_iter().flatten();
            if !(described(value) || value.get("$ref").is_some() || choices.clone().any(described)) {
                bare.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(bare.is_empty(), "nothing is said of {bare:#?}");
}

/// What is said of failures is said in codes, under the status that they are sent with.
#[test]
fn failures_are_codes() {
    let described = serde_json::to_value(routes::paths().into_openapi()).expect("plain");
    for (method, path, operation) in all(&described) {
        for (status, response) in of(operation, "/responses").filter(|(status, _)| status.as_str() >= "400") {
            let text = response["description"].as_str().expect("text");
            let codes: Vec<Code> = named(text).collect();
            assert_eq!(codes.len() * 2, text.matches('`').count(), "{method} {path}: {text}");
            for code in codes {
                assert_eq!(No::new(code, "").status().as_str(), status, "{method} {path}: {text}");
                assert_ne!(code, Code::Unknown, "{method} {path}: {text}");
            }
        }
    }
}

/// Is it a value of this type, with every field that the type knows and no other?
fn is_one<T: Serialize + DeserializeOwned>(value: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
    let again = serde_json::to_value(read).map_err(|e| e.to_string())?;
    (&again == value).then_some(()).ok_or(format!("comes back as {again}"))
}

fn check(name: &str, value: &Value) -> Result<(), String> {
    macro_rules! by_name {
        ($($type:ident)*) => {
            match name {
                $(stringify!($type) => is_one::<api::$type>(value),)*
                _ => Err("no such type is known here: add it to this test".to_owned()),
            }
        };
    }
    by_name!(
        Access AccessLink AccessLinkNew AccessOwner AccessPasskeys AccessPassword AccessTokenMade AccessTokenNew
        AccessTokens
        Agreement Alerts AlertsTest Amount Cards Claim Corrected DeviceChange Devices Done Events Failure Gift Invite Key
        KeyRotation NetworkKeyRotation People PersonChange PersonNew PlanChange PlanCorrection PlanReply Statement
        Status UsageReport Wifi WishAnswer
    )
}

#[test]
fn every_body_and_reply_has_an_example_of_its_type() {
    let document = document();
    let mut counted = 0;
    for (method, path, operation) in all(&document).filter(|(_, path, _)| *path != api::path::OPENAPI) {
        let replies = of(operation, "/responses").filter_map(|(_, reply)| {
            let text = reply["content"].as_object()?.values().next()?;
            let is_text = text["schema"]["type"] == "string";
            assert!(!is_text || text["example"].is_string(), "{method} {path}: text without an example");
            (!is_text).then(|| &reply["content"]["application/json"])
        });
        let body = operation.get("requestBody").map(|body| &body["content"]["application/json"]);
        for content in body.into_iter().chain(replies) {
            let name =
                content.pointer("/schema/$ref").and_then(Value::as_str).and_then(name).expect("a type");
            let several = of(content, "/examples").map(|(_, example)| &example["value"]);
            let examples: Vec<&Value> = content.get("example").into_iter().chain(several).collect();
            assert!(!examples.is_empty(), "{method} {path}: {name} has no example");
            for example in examples {
                counted += 1;
                if let Err(why) = check(name, example) {
                    panic!("{method} {path}: an example of {name} {why}: {example}");
                }
            }
        }
    }
    assert!(counted > 100, "{counted}");
}

#[test]
fn replies_leave_nothing_out_and_words_are_sent() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let fields =
        |name: &str| of(&schemas[name], "/properties").map(|(field, _)| field.clone()).collect::<Vec<_>>();
    for name in ["Status", "Person", "Plan", "Wifi", "UsageRow"] {
        let required: Vec<String> = serde_json::from_value(schemas[name]["required"].clone()).expect("names");
        assert_eq!(required, fields(name), "{name}");
    }
    // What is absent stays as it is.
    assert_eq!(schemas["EventFacts"].get("required"), None);
    assert_eq!(schemas["PlanChange"].get("required"), None);
    assert_eq!(schemas["Band"]["enum"], json!(["2.4", "5", "6"]));
    assert_eq!(schemas["AtCap"]["enum"], json!(["stop"]));
    assert_eq!(schemas["Amount"]["properties"]["bytes"]["minimum"], 1);
    assert_eq!(schemas["Amount"]["properties"]["bytes"]["maximum"], api::MOST_BYTES);
    assert_eq!(schemas["Totals"]["properties"]["own"]["maximum"], i64::MAX);
    assert_eq!(schemas["Unused"]["oneOf"][0]["additionalProperties"], false);
}
