//! What the laboratory prints: 80 columns, one moving line on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// Where the laboratory prints.
#[derive(Debug)]
pub(crate) struct Screen {
    lively: bool,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        Screen { lively: std::io::stdout().is_terminal() }
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        self.erase();
        // Whoever closed our output does not want to read on.
        drop(writeln!(anstream::stdout(), "{text}"));
    }

    pub(crate) fn title(&self, text: &str) {
        self.line(&format!("\n{BOLD}{text}{BOLD:#}"));
    }

    /// A finding, with its verdict in front.
    pub(crate) fn finding(&self, good: bool, text: &str) {
        let (style, mark) = if good { (GOOD, "ok") } else { (BAD, "NO") };
        self.line(&format!("  {style}{mark}{style:#}  {text}"));
    }

    /// A line that the next one replaces; nothing where lines cannot be replaced.
    pub(crate) fn passing(&self, text: &str) {
        if self.lively {
            let mut out = anstream::stdout();
            drop(write!(out, "\r\x1b[K{text}"));
            drop(out.flush());
        }
    }

    fn erase(&self) {
        self.passing("");
    }
}

/// Digits in groups of three: `25,165,824`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A bar of `width` characters, filled by how much of the whole is used.
pub(crate) fn bar(part: u64, whole: u64, width: usize) -> String {
    let whole = whole.max(1);
    let cells = u128::from(part.min(whole)) * (width as u128) / u128::from(whole);
    let full = usize::try_from(cells).unwrap_or(width);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_groups() {
        let texts = [0, 999, 1000, 25_165_824].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "25,165,824"]);
    }

    #[test]
    fn a_bar_never_leaves_its_frame() {
        assert_eq!(bar(0, 10, 4), "░░░░");
        assert_eq!(bar(5, 10, 4), "██░░");
        assert_eq!(bar(99, 10, 4), "████");
        assert_eq!(bar(1, 0, 4), "████");
    }
}
