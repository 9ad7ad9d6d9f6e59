//! What the pages say, from the message files.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use hotshare_api::Verdict;

use crate::language::Language;

/// The message files of both languages, each with the same keys.
const FILES: [(&str, &str, &str); 5] = [
    ("access", include_str!("../messages/en/access.ftl"), include_str!("../messages/zh/access.ftl")),
    ("admin", include_str!("../messages/en/admin.ftl"), include_str!("../messages/zh/admin.ftl")),
    ("events", include_str!("../messages/en/events.ftl"), include_str!("../messages/zh/events.ftl")),
    ("me", include_str!("../messages/en/me.ftl"), include_str!("../messages/zh/me.ftl")),
    ("verdicts", include_str!("../messages/en/verdicts.ftl"), include_str!("../messages/zh/verdicts.ftl")),
];

static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::English));
static CHINESE: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::Chinese));

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let tag = match language {
        Language::English => unic_langid::langid!("en"),
        Language::Chinese => unic_langid::langid!("zh-Hans"),
    };
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Both languages run from left to right, and what is put in is escaped: marks would only show up in copied text.
    bundle.set_use_isolating(false);
    for (name, english, chinese) in FILES {
        let text = if language == Language::English { english } else { chinese };
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(name, ?errors, "a message file is not well formed");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(name, ?errors, "a message is there twice");
        }
    }
    bundle
}

/// Says things in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text(pub Language);

/// What goes into a message's places.
pub type Words<'a> = [(&'static str, FluentValue<'a>)];

impl Text {
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The message with this key.
    #[must_use]
    pub fn say(self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The message with one place filled: `{ $name }`.
    #[must_use]
    pub fn one<'a>(self, key: &str, name: &'static str, value: impl Into<FluentValue<'a>>) -> String {
        self.with(key, &[(name, value.into())])
    }

    /// The message with its places filled. A key that is not there (a test sees to it that all are) says itself.
    #[must_use]
    pub fn with(self, key: &str, words: &Words<'_>) -> String {
        let bundle = match self.0 {
            Language::English => &*ENGLISH,
            Language::Chinese => &*CHINESE,
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "there is no such message");
            return key.to_owned();
        };
        let mut args = FluentArgs::new();
        for (name, value) in words {
            args.set(*name, value.clone());
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a message cannot be said");
        }
        text
    }
}

impl Text {
    /// Why somebody is closed or slow, or that they are open, in a few words.
    #[must_use]
    pub fn why(self, verdict: Verdict) -> String {
        self.say(match verdict {
            Verdict::Open => "why-open",
            Verdict::Paused => "why-paused",
            Verdict::AllowanceUsed => "why-allowance-used",
            Verdict::PlanUsed => "why-plan-used",
            Verdict::PlanOver => "why-plan-over",
            Verdict::NoUplink => "why-no-uplink",
            Verdict::LedgerStuck => "why-ledger-stuck",
            Verdict::Slow => "why-slow",
            Verdict::Ended => "why-ended",
            Verdict::BedTime => "why-bed-time",
            Verdict::KeptForOthers => "why-kept-for-others",
            Verdict::AsksForMoney => "why-asks-for-money",
            Verdict::PlanSlow => "why-plan-slow",
            Verdict::NewCard => "why-new-card",
            Verdict::CardUnknown => "why-card-unknown",
            Verdict::OnlySites => "why-only-sites",
            Verdict::Unknown => "why-unknown",
        })
    }
}

#[cfg(test)]
mod tests;
