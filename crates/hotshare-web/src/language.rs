//! Which language a browser wants.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// What the pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    #[default]
    English,
    /// Simplified.
    Chinese,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// The one that a browser likes best (RFC 9110, 12.5.4); of those it likes alike, the first; English if none.
    #[must_use]
    pub fn of(wished: &str) -> Language {
        let mut best = (Language::English, 0.0);
        for wish in wished.split(',').take(32) {
            let (tag, rest) = wish.split_once(';').unwrap_or((wish, ""));
            let quality = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            let language =
                match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "en" => Language::English,
                    "zh" => Language::Chinese,
                    _ => continue,
                };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    /// BCP 47, for `lang=`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Self::Rejection> {
        let wished = parts.headers.get(ACCEPT_LANGUAGE).and_then(|wished| wished.to_str().ok());
        Ok(Language::of(wished.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best() {
        for (wished, language) in [
            ("", Language::English),
            ("en-US,en;q=0.9", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", Language::Chinese),
            ("en;q=0.9, zh-Hans", Language::Chinese),
            ("zh;q=0", Language::English),
            ("zh;q=NaN,*", Language::English),
            ("fr", Language::English),
        ] {
            assert_eq!(Language::of(wished), language, "{wished}");
        }
    }
}
