//! A TOML document of which every key must be asked for: what is left over is refused.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use crate::cli::text::escaped;

/// A document while it is being read, and what was found wrong with it so far.
pub(super) struct Document<'a> {
    text: &'a str,
    sections: DeTable<'a>,
    /// By where it stands, in bytes.
    problems: Vec<(usize, String, String)>,
}

/// A `[section]`, and the keys in it that were not asked for yet.
pub(super) struct Section<'a> {
    name: &'static str,
    /// Where it begins, in bytes.
    at: usize,
    keys: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Document<'a> {
    pub(super) fn read(text: &'a str) -> Document<'a> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document = Document { text, sections: DeTable::new(), problems: Vec::new() };
        if errors.is_empty() {
            document.sections = table.into_inner();
        }
        // What follows from the first error of syntax is often no error of its own, so only the first is told.
        if let Some(error) = errors.first() {
            let at = error.span().map_or(0, |span| span.start);
            let text = format!("this is not TOML: {}", error.message().replace('\n', ", "));
            document.problems.push((at, String::new(), text));
        }
        document
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// The section of this name; an empty one when the document has none.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'a> {
        let value = self.sections.remove(name);
        let section = value.and_then(|value| self.as_section(value, name));
        section.unwrap_or(Section { name, at: 0, keys: DeTable::new(), known: Vec::new() })
    }

    /// The section `name` below another one, if it is there; `key` is the last part of its name.
    pub(super) fn subsection(
        &mut self,
        section: &mut Section<'a>,
        key: &'static str,
        name: &'static str,
    ) -> Option<Section<'a>> {
        section.known.push(key);
        let value = section.keys.remove(key)?;
        self.as_section(value, name)
    }

    fn as_section(&mut self, value: Spanned<DeValue<'a>>, name: &'static str) -> Option<Section<'a>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(keys) => Some(Section { name, at: span.start, keys, known: Vec::new() }),
            other @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)) => {
                let why = format!("{} is not a section; write [{name}] on a line of its own", shown(&other));
                self.wrong(&span, name, why);
                None
            }
        }
    }

    pub(super) fn has_key(&self, section: &Section<'a>, key: &str) -> bool {
        section.keys.contains_key(key)
    }

    /// Notes that a key may not stand there beside what else does.
    pub(super) fn clashes(&mut self, section: &Section<'a>, key: &str, why: &str) {
        if let Some(value) = section.keys.get(key) {
            self.wrong(&value.span(), &format!("{}.{key}", section.name), why.to_owned());
        }
    }

    /// [`Document::take`], where there is no section without the key.
    pub(super) fn require<T>(
        &mut self,
        section: &mut Section<'a>,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has_key(section, key) {
            section.known.push(key);
            self.lacks(section, key, "the section is of no use without it");
            return None;
        }
        self.take(section, key, read)
    }

    /// Notes that the section needs another key, unless that is there and wrong itself.
    pub(super) fn lacks(&mut self, section: &Section<'a>, key: &str, why: &str) {
        let name = format!("{}.{key}", section.name);
        if !self.problems.iter().any(|(_, noted, _)| *noted == name) {
            self.wrong(&(section.at..section.at), &name, format!("this is missing: {why}"));
        }
    }

    /// Takes a key and reads its value. `None` when the key is not there, or wrong: then that is noted.
    pub(super) fn take<T>(
        &mut self,
        section: &mut Section<'a>,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        section.known.push(key);
        let value = section.keys.remove(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(why) => {
                self.wrong(&value.span(), &format!("{}.{key}", section.name), why);
                None
            }
        }
    }

    /// Takes a list and reads each of its items; each that is wrong is noted.
    pub(super) fn take_list<T: PartialEq>(
        &mut self,
        section: &mut Section<'a>,
        key: &'static str,
        of: &str,
        read: impl Fn(&DeValue<'a>) -> Result<T, String>,
    ) -> Vec<T> {
        section.known.push(key);
        let name = format!("{}.{key}", section.name);
        let Some(value) = section.keys.remove(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let why = format!("{} is not a list; write {of}", shown(value.get_ref()));
            self.wrong(&value.span(), &name, why);
            return Vec::new();
        };
        let mut taken = Vec::new();
        for item in items.iter() {
            match read(item.get_ref()) {
                Ok(value) if taken.contains(&value) => {
                    let why = format!("{} stands here twice; write each once", shown(item.get_ref()));
                    self.wrong(&item.span(), &name, why);
                }
                Ok(value) => taken.push(value),
                Err(why) => self.wrong(&item.span(), &name, why),
            }
        }
        taken
    }

    /// Notes every key of the section that was not asked for.
    pub(super) fn end_section(&mut self, section: Section<'a>) {
        let allowed = section.known.join(", ");
        for key in section.keys.keys() {
            let why = format!("there is no such key; [{}] knows {allowed}", section.name);
            self.unknown(key, section.name, why);
        }
    }

    /// Notes every section that was not asked for.
    pub(super) fn end(&mut self, known: &[&str]) {
        for key in std::mem::take(&mut self.sections).keys() {
            self.unknown(key, "", format!("there is no such section; the file knows {}", known.join(", ")));
        }
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'a, str>>, section: &str, why: String) {
        let name = escaped(key.get_ref());
        let name = if section.is_empty() { name } else { format!("{section}.{name}") };
        self.wrong(&key.span(), &name, why);
    }

    fn wrong(&mut self, span: &Range<usize>, key: &str, why: String) {
        self.problems.push((span.start, key.to_owned(), why));
    }

    /// What was found, in the order of the file.
    pub(super) fn problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(at, ..)| *at);
        let text = self.text;
        let place = |at: usize| {
            let before = text.get(..at).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |n| n + 1);
            (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
        };
        let place = |(at, key, text): (usize, String, String)| {
            let (line, column) = place(at);
            Problem { line, column, key, text }
        };
        self.problems.into_iter().map(place).collect()
    }
}

/// A value as an error quotes it: one short line, nothing that a terminal obeys.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("“{}”", escaped(text)),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(n) => n.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(t) => t.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
