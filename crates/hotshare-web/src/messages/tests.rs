#![allow(clippy::expect_used, clippy::wildcard_enum_match_arm, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser::parse;

use super::*;

/// The keys of a file, with the names of their places.
fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let file = parse(text).expect("well formed");
    let mut keys = BTreeMap::new();
    for entry in &file.body {
        let Entry::Message(message) = entry else { continue };
        let mut places = BTreeSet::new();
        collect(message.value.as_ref().expect("a value"), &mut places);
        assert!(keys.insert(message.id.name.to_owned(), places).is_none(), "{} twice", message.id.name);
    }
    keys
}

fn collect(pattern: &Pattern<&str>, places: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable { expression: Expression::Inline(inline) } => name(inline, places),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                name(selector, places);
                variants.iter().for_each(|variant| collect(&variant.value, places));
            }
        }
    }
}

fn name(inline: &InlineExpression<&str>, places: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => drop(places.insert(id.name.to_owned())),
        InlineExpression::StringLiteral { .. } => {}
        other => panic!("only places and literal text are used here: {other:?}"),
    }
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_places() {
    let mut all = BTreeSet::new();
    for (file, english, chinese) in FILES {
        let (english, chinese) = (keys(english), keys(chinese));
        for (key, places) in &english {
            assert_eq!(chinese.get(key), Some(places), "{file}: {key} in Chinese");
            assert!(all.insert(key.clone()), "{key} is in two files");
        }
        for key in chinese.keys() {
            assert!(english.contains_key(key), "{file}: {key} in English");
        }
    }
}

/// Every file on the disk is in the program, and every key in one is used somewhere: as `"key"` in a source or template,
/// or as one of a family that is put together, `"key-{…}"`.
#[test]
fn every_key_is_used_and_every_used_key_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for folder in ["src", "templates"] {
        read(&root.join(folder), &mut text);
    }
    for language in ["en", "zh"] {
        for file in std::fs::read_dir(root.join("messages").join(language)).expect("messages") {
            let name = file.expect("a file").file_name().into_string().expect("plain");
            assert!(FILES.iter().any(|(stem, ..)| format!("{stem}.ftl") == name), "{name} is not in FILES");
        }
    }
    let all: BTreeSet<String> = FILES.iter().flat_map(|(_, english, _)| keys(english).into_keys()).collect();
    for key in &all {
        let family = key.match_indices('-').any(|(at, _)| text.contains(&format!("\"{}{{", &key[..=at])));
        assert!(text.contains(&format!("\"{key}\"")) || family, "{key} is said nowhere");
    }
    for call in [".say(\"", ".one(\"", ".with(\""] {
        for (at, _) in text.match_indices(call) {
            let key: String = text[at + call.len()..].chars().take_while(|c| *c != '"').collect();
            assert!(key.contains('{') || all.contains(&key), "{key} is not in the message files");
        }
    }
}

/// Whatever the interface refuses, the pages can say why.
#[test]
fn every_refusal_is_said() {
    let text = include_str!("../../../hotshare-api/src/failure.rs");
    let (_, codes) = text.split_once("pub enum Code {").expect("the codes");
    let (codes, _) = codes.split_once("\n}").expect("an end");
    let names = codes.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
    let mut count = 0;
    for name in names {
        let mut key = "fail".to_owned();
        for c in name.chars() {
            if c.is_ascii_uppercase() {
                key.push('-');
            }
            key.push(c.to_ascii_lowercase());
        }
        for language in Language::ALL {
            assert_ne!(Text(language).say(&key), key, "{key} in {language:?}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

fn read(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(&path, text);
        } else if !path.ends_with("messages/tests.rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("text"));
        }
    }
}
