//! Text of strangers, made fit for a terminal.

pub(crate) use hotshare_api::{escaped, is_treacherous};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Like [`escaped`], and cut to so many terminal cells; what was cut is marked with “…”.
pub(crate) fn fitted(text: &str, cells: usize) -> String {
    let text = escaped(text);
    if text.width() <= cells {
        return text;
    }
    let mut out = String::new();
    let mut left = cells.saturating_sub(1);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        out.push(c);
    }
    out.push('…');
    out
}

/// Text as HTML shows it: nothing in it is markup, hidden or reordered.
pub(crate) fn html_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escaped(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        for (text, shown) in [
            ("Pixel-8", "Pixel-8"),
            ("小明的手机", "小明的手机"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
            ("a\nb\tc\rd\x7f", "a\\u{a}b\\u{9}c\\u{d}d\\u{7f}"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("a\u{2066}b\u{200b}c\u{feff}", "a\\u{2066}b\\u{200b}c\\u{feff}"),
            ("a\u{e0041}", "a\\u{e0041}"),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(escaped(text), shown, "{text:?}");
        }
    }

    #[test]
    fn cut_by_cells_not_by_characters() {
        assert_eq!(fitted("anna", 4), "anna");
        assert_eq!(fitted("annabel", 4), "ann…");
        assert_eq!(fitted("小明的手机", 10), "小明的手机");
        assert_eq!(fitted("小明的手机", 6), "小明…");
        assert_eq!(fitted("小明的手机", 5), "小明…");
        assert_eq!(fitted("x", 0), "…");
    }
}
