//! What the interface is, as an OpenAPI document: made of what stands beside each handler and each promised
//! type, and completed by the rules that hold for all of them, so that nobody writes these down forty times.

mod examples;

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use axum::extract::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hotshare_api::{self as api, Code, Failure};
use serde_json::{Map, Value, json};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::failure::No;

/// The document, as it is sent.
#[derive(Clone)]
pub(super) struct Document(Bytes);

impl Document {
    /// From what stands beside the handlers.
    pub(super) fn of(described: OpenApi) -> Document {
        Document(Bytes::from(whole(described).to_string()))
    }
}

/// This document: every path, with what it takes and answers.
#[utoipa::path(
    get, path = api::path::OPENAPI, operation_id = "openapi", tag = "daemon",
    responses((status = 200, description = "An OpenAPI document.", body = Object))
)]
pub(super) async fn document(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text)
}

/// What the document says of all of it.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Hotshare")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The daemon's interface. Within schema number 1, fields, words and paths are only added: skip those \
             that you do not know. Amounts are whole bytes of layer 3, times whole seconds since 1970-01-01 UTC, \
             dates `YYYY-MM-DD` in the plan's zone. What does not exist is `null`, never left out. One connection \
             carries one request.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()));
    let (mut schemas, failure) = (Vec::new(), Failure::schema());
    Failure::schemas(&mut schemas);
    let components =
        ComponentsBuilder::new().schema(Failure::name(), failure).schemas_from_iter(schemas).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// What each part of the interface is about. Every operation is in one.
const TAGS: [(&str, &str); 10] = [
    ("status", "How it is now."),
    ("people", "People, and what they may use."),
    ("devices", "Their devices."),
    ("plan", "What was bought, and what is left of it."),
    ("cards", "Data cards, each with a plan of its own."),
    ("reports", "What was."),
    ("wifi", "The Wi-Fi, and the keys to it."),
    ("alerts", "What the owner was told."),
    ("access", "Who may come to the dashboard and the interface. Never for a token."),
    ("daemon", "The daemon itself."),
];

/// Completes what utoipa makes.
fn whole(described: OpenApi) -> Value {
    let mut whole = serde_json::to_value(described).unwrap_or_default();
    whole["tags"] = TAGS.map(|(name, description)| json!({"name": name, "description": description})).into();
    doors(&mut whole);
    for (method, operation) in operations(&mut whole) {
        failures(method, operation);
    }
    let (asked, told) = (reached(&whole, "requestBody"), reached(&whole, "responses"));
    let descriptions = whole["components"]["schemas"].clone();
    for (_, operation) in operations(&mut whole) {
        examples(operation, &descriptions);
    }
    if let Some(schemas) = whole["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas {
            words(schema);
            numbered(schema);
            if asked.contains(name) {
                no_other_field(schema);
                bounds(schema, api::MOST_BYTES);
            }
            if told.contains(name) && !asked.contains(name) && name != FACTS {
                never_left_out(schema);
            }
        }
    }
    // What is left are replies: sums of the ledger.
    bounds(&mut whole, i64::MAX.unsigned_abs());
    whole
}

/// Nothing more is asked of whoever may open the Unix socket. By a door for browsers, a program brings a token.
fn doors(whole: &mut Value) {
    let bearer = "Made by `hotshare access tokens add` or `POST /v1/access/tokens`. By the Unix socket none is needed.";
    whole["components"]["securitySchemes"] =
        json!({"token": {"type": "http", "scheme": "bearer", "description": bearer}});
    whole["security"] = json!([{}, {"token": []}]);
    for (_, operation) in operations(whole) {
        if operation["tags"] == json!(["access"]) {
            operation["security"] = json!([{}]);
        }
    }
}

fn operations(whole: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    let paths = whole["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(_, operations)| operations.as_object_mut().into_iter().flatten())
}

/// Every answer of 400 or more is a failure. Those that any such request may get need not be written beside it.
fn failures(method: &str, operation: &mut Value) {
    let mut codes = vec![Code::Busy, Code::NotLoggedIn, Code::NotAllowed];
    if operation.get("requestBody").is_some() {
        codes.extend([Code::BadRequest, Code::TooSlow, Code::TooLarge, Code::NotJson]);
    }
    if operation.get("parameters").and_then(Value::as_array).is_some_and(|all| !all.is_empty()) {
        codes.push(Code::BadRequest);
    }
    if method != "get" {
        codes.push(Code::NotWritten);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (_, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
        codes.extend(named(response["description"].as_str().unwrap_or_default()));
    }
    responses.retain(|status, _| status.as_str() < "400");
    let mut by_status = BTreeMap::<u16, BTreeSet<String>>::new();
    for code in codes {
        by_status.entry(No::new(code, "").status().as_u16()).or_default().insert(word(code));
    }
    for (status, words) in by_status {
        let named: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let of_code = |word: &String| {
            let body = json!({"error": {"code": word, "message": "what is wrong, and what to do"}});
            (word.clone(), json!({"value": body}))
        };
        responses.insert(
            status.to_string(),
            json!({
                "description": format!("No: {}.", named.join(", ")),
                "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Failure"},
                    "examples": words.iter().map(of_code).collect::<Map<_, _>>(),
                }},
            }),
        );
    }
}

/// The codes that a description names, in back-quotes.
fn named(description: &str) -> impl Iterator<Item = Code> {
    let words = description.split('`').skip(1).step_by(2);
    words.filter_map(|word| serde_json::from_value(word.into()).ok())
}

fn word(code: Code) -> String {
    serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Examples for bodies and replies, and what a reply is where only its type was said.
fn examples(operation: &mut Value, schemas: &Value) {
    let body = operation.pointer_mut("/requestBody/content/application~1json");
    if let Some((body, name)) = body.and_then(typed)
        && let Some(examples) = examples::requests(&name)
    {
        body.insert("examples".into(), examples);
    }
    let Some(response) = operation.pointer_mut("/responses/200") else { return };
    let reply = response.pointer_mut("/content/application~1json").and_then(typed);
    let Some((reply, name)) = reply else { return };
    if let Some(example) = examples::reply(&name) {
        reply.insert("example".into(), example);
    }
    if response.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        response["description"] = schemas[&name]["description"].clone();
    }
}

/// A content, and the name of its type.
fn typed(content: &mut Value) -> Option<(&mut Map<String, Value>, String)> {
    let reference = content.pointer("/schema/$ref")?.as_str()?;
    let name = name(reference)?.to_owned();
    content.as_object_mut().map(|content| (content, name))
}

/// The type that a reference leads to.
fn name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// The types that this part of any operation is made of.
fn reached(whole: &Value, part: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let operations =
        whole["paths"].as_object().into_iter().flatten().filter_map(|(_, path)| path.as_object());
    let mut open: Vec<&Value> =
        operations.flatten().filter_map(|(_, operation)| operation.get(part)).collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(name)
                    && found.insert(name.to_owned())
                {
                    open.push(&whole["components"]["schemas"][name]);
                }
                open.extend(fields.values());
            }
            Value::Array(values) => open.extend(values),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// Numbers that are not negative end at `most`, or where 32 bits do.
fn bounds(value: &mut Value, most: u64) {
    match value {
        Value::Object(fields) => {
            let is_unsigned = fields.get("minimum").is_some_and(Value::is_u64);
            if is_unsigned && !fields.contains_key("maximum") {
                let is_long = fields.get("format").is_some_and(|format| format == "int64");
                fields.insert("maximum".into(), if is_long { most } else { u64::from(u32::MAX) }.into());
                if !is_long {
                    // It says “int32”, which is half of what there is.
                    fields.insert("format".into(), "int64".into());
                }
            }
            fields.values_mut().for_each(|value| bounds(value, most));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| bounds(value, most)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A word for “a word that this reader does not know” is nothing that is ever sent.
fn words(schema: &mut Value) {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| word.as_str().is_none_or(|word| !word.eq_ignore_ascii_case("unknown")));
    }
}

/// What the field says that every reply has.
fn numbered(schema: &mut Value) {
    if let Some(number) = schema.pointer_mut("/properties/schema") {
        number["description"] = "The number of the promised formats.".into();
        number["minimum"] = api::SCHEMA.into();
    }
}

/// A field that is not known is refused: utoipa says so of structures, and forgets it of choices.
fn no_other_field(schema: &mut Value) {
    for choice in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if choice.get("properties").is_some() {
            choice["additionalProperties"] = false.into();
        }
    }
}

/// What a line of the diary does not tell is not there; everywhere else it would be `null`.
const FACTS: &str = "EventFacts";

/// In a reply, what does not exist is `null`.
fn never_left_out(schema: &mut Value) {
    let fields = schema.get("properties").and_then(Value::as_object);
    let names: Option<Vec<Value>> =
        fields.map(|fields| fields.keys().map(|name| name.as_str().into()).collect());
    if let Some(names) = names {
        schema["required"] = names.into();
    }
}

#[cfg(test)]
mod tests;
