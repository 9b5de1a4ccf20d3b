//! Lines of text with colours.

use std::io::{self, IsTerminal as _};

use super::fit;

/// What a part of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Text without any colour.
    Plain,
    /// A title.
    Title,
    /// What matters less than the rest.
    Faint,
    /// What an instruction does.
    Mnemonic,
    /// A hole.
    Hole,
    /// A place in the code, or the way there.
    Place,
    /// A remark about the code.
    Remark,
}

impl Style {
    /// Returns the parameters of the escape sequence (SGR).
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Title => "1",
            Style::Faint => "2",
            Style::Mnemonic => "36",
            Style::Hole => "1;33",
            Style::Place => "32",
            Style::Remark => "35",
        }
    }
}

/// A line of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    parts: Vec<(Style, String)>,
}

impl Line {
    /// Returns a line of one part.
    pub(crate) fn of(style: Style, text: impl Into<String>) -> Line {
        let mut line = Line::default();
        line.push(style, text);
        line
    }

    /// Adds a part at the end.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) {
        self.parts.push((style, text.into()));
    }

    /// Adds blanks up to a width.
    pub(crate) fn pad(&mut self, width: usize) {
        let missing = width.saturating_sub(self.width());
        self.push(Style::Plain, " ".repeat(missing));
    }

    /// Adds the parts of another line.
    pub(crate) fn append(&mut self, other: Line) {
        self.parts.extend(other.parts);
    }

    /// Returns the number of characters.
    pub(crate) fn width(&self) -> usize {
        self.parts
            .iter()
            .map(|(_, text)| text.chars().count())
            .sum()
    }

    /// Returns the text, without blanks at its end.
    pub(crate) fn text(&self, colored: bool) -> String {
        let plain: String = self.parts.iter().map(|(_, text)| text.as_str()).collect();
        let mut left = plain.trim_end().len();
        let mut out = String::new();
        for (style, text) in &self.parts {
            let shown = text.get(..left.min(text.len())).unwrap_or(text);
            left -= shown.len();
            match style.code() {
                code if colored && !code.is_empty() && !shown.is_empty() => {
                    out.extend(["\u{1b}[", code, "m", shown, "\u{1b}[0m"]);
                }
                _ => out.push_str(shown),
            }
        }
        out
    }
}

/// When to print colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum When {
    /// If standard output is a terminal, and NO_COLOR is not set.
    #[default]
    Auto,
    /// Also to files and pipes.
    Always,
    /// Not at all.
    Never,
}

impl When {
    /// Returns whether to print colours to standard output.
    pub(crate) fn colored(self) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        self.decide(io::stdout().is_terminal(), is_set("NO_COLOR"))
    }

    fn decide(self, is_terminal: bool, no_color: bool) -> bool {
        match self {
            When::Auto => is_terminal && !no_color,
            When::Always => true,
            When::Never => false,
        }
    }
}

/// Returns how many characters fit in a line: as many as COLUMNS says, or the terminal. It is not known of files and pipes.
pub(crate) fn width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    columns.or_else(fit::width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_only() {
        for (when, is_terminal, no_color, expected) in [
            (When::Auto, true, false, true),
            (When::Auto, true, true, false),
            (When::Auto, false, false, false),
            (When::Always, false, true, true),
            (When::Never, true, false, false),
        ] {
            assert_eq!(when.decide(is_terminal, no_color), expected, "{when:?}");
        }
    }

    #[test]
    fn lines_have_no_blanks_at_their_end() {
        let mut line = Line::of(Style::Faint, "é ");
        line.push(Style::Hole, "<x>");
        line.pad(9);
        line.push(Style::Place, "  ");
        assert_eq!(line.width(), 11);
        assert_eq!(line.text(false), "é <x>");
        assert_eq!(
            line.text(true),
            "\u{1b}[2mé \u{1b}[0m\u{1b}[1;33m<x>\u{1b}[0m"
        );
    }
}
