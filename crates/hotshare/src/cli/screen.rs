//! A screen of plain text while it is written: labels, wrapped lines, a bar.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

pub(super) const HEAD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const LOW: Style = AnsiColor::Yellow.on_default();
pub(super) const OUT: Style = AnsiColor::Red.on_default();

/// The lines of a screen, styled, in so many terminal cells.
pub(super) struct Screen {
    text: String,
    width: usize,
}

impl Screen {
    const LABEL: usize = 8;

    pub(super) fn new(width: usize) -> Screen {
        Screen { text: String::new(), width }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Lines that are whole already.
    pub(super) fn block(&mut self, lines: &str) {
        self.text.push_str(lines);
    }

    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        self.labelled_as(Style::new(), label, text);
    }

    /// A label on the left, the text beside it, wrapped between words.
    pub(super) fn labelled_as(&mut self, style: Style, label: &str, text: &str) {
        for (n, line) in wrap(text, self.width.saturating_sub(Self::LABEL)).iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            self.line(&format!("{HEAD}{label:<width$}{HEAD:#}{style}{line}{style:#}", width = Self::LABEL));
        }
    }

    /// A label and text that must stay as it is: never wrapped.
    pub(super) fn labelled_whole(&mut self, label: &str, text: &str) {
        self.line(&format!("{HEAD}{label:<width$}{HEAD:#}{text}", width = Self::LABEL));
    }

    pub(super) fn wrapped(&mut self, indent: &str, text: &str) {
        for line in wrap(text, self.width.saturating_sub(indent.len())) {
            self.line(&format!("{indent}{line}"));
        }
    }

    pub(super) fn wrapped_as(&mut self, style: Style, text: &str) {
        for line in wrap(text, self.width) {
            self.line(&format!("{style}{line}{style:#}"));
        }
    }

    /// How full, as a bar and in per cent, rounded down: 100 % means full.
    pub(super) fn bar(&mut self, used: u64, of: u64) {
        let percent = u128::from(used).saturating_mul(100).checked_div(u128::from(of)).unwrap_or(100);
        let cells = self.width.saturating_sub(Self::LABEL + 7).min(50);
        let full = usize::try_from(percent).unwrap_or(100).min(100) * cells / 100;
        let style = match percent {
            0..80 => GOOD,
            80..100 => LOW,
            _ => OUT,
        };
        let bar = format!("{}{}", "█".repeat(full), "░".repeat(cells - full));
        self.line(&format!("{:width$}{style}{bar}{style:#} {percent} %", "", width = Self::LABEL));
    }
}

/// Lines of at most so many cells; a word that is longer has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        // An amount and its unit stay together.
        let amount = word.ends_with(|c: char| c.is_ascii_digit());
        let unit = words.peek().filter(|next| amount && is_unit(next)).map_or(0, |unit| unit.width() + 1);
        if !line.is_empty() && line.width() + 1 + word.width() + unit > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn is_unit(word: &str) -> bool {
    matches!(word.trim_end_matches([',', '.', ';', ':']), "B" | "kB" | "MB" | "GB" | "TB" | "PB" | "EB" | "%")
}
