//! What may be around the cases of a cases file.

use std::{ops::Range, path::Path};

use crate::error::Error;

/// Where a character is.
#[derive(Clone, Copy)]
enum State {
    Code,
    /// In a directive, which may go on after a comment.
    Directive,
    /// In a comment up to the end of the line, which starts on this line.
    Line(usize),
    /// In a comment up to `*/`, which starts on this line, and is in a directive or not.
    Block(usize, bool),
}

/// Whether directives may be around cases: those of a file that CPython generates are for its interpreter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directives {
    Allowed,
    Refused,
}

/// Returns an error if a part of a file without cases has anything but space and comments, or a comment
/// that goes on in the next case: stencils are made of cases alone, so the rest would be without effect.
/// `first` is the number of the part's first line.
pub(crate) fn refuse(
    text: &str,
    range: Range<usize>,
    first: usize,
    path: &Path,
    directives: Directives,
) -> Result<(), Error> {
    let case_follows = range.end < text.len();
    let part = text.get(range).unwrap_or_default();
    let mut characters = characters(part, first).into_iter().peekable();
    let mut state = State::Code;
    // The rest of the line after a case is not the start of a line.
    let mut starts_line = first == 1 || part.starts_with('\n');
    while let Some((c, line)) = characters.next() {
        let next = characters.peek().map(|(next, _)| *next);
        let (after, both) = match (state, c, next) {
            (State::Code | State::Directive, '/', Some('/')) => (State::Line(line), true),
            (State::Code, '/', Some('*')) => (State::Block(line, false), true),
            (State::Directive, '/', Some('*')) => (State::Block(line, true), true),
            (State::Code, c, _) if c.is_whitespace() => (State::Code, false),
            (State::Code, '#', _) if starts_line && directives == Directives::Allowed => {
                (State::Directive, false)
            }
            (State::Code, _, _) => {
                let words = part.lines().nth(line - first).unwrap_or_default();
                return Err(Error::OutsideOfCases {
                    path: path.to_path_buf(),
                    line,
                    text: words.trim().to_owned(),
                });
            }
            (State::Line(_) | State::Directive, '\n', _) => (State::Code, false),
            (State::Block(_, false), '*', Some('/')) => (State::Code, true),
            (State::Block(_, true), '*', Some('/')) => (State::Directive, true),
            (State::Line(_) | State::Block(..) | State::Directive, _, _) => (state, false),
        };
        starts_line = c == '\n' || starts_line && c.is_whitespace();
        state = after;
        if both {
            characters.next();
        }
    }
    match state {
        State::Line(line) if case_follows => Err(open_comment(path, line)),
        State::Block(line, _) => Err(open_comment(path, line)),
        State::Code | State::Directive | State::Line(_) => Ok(()),
    }
}

fn open_comment(path: &Path, line: usize) -> Error {
    Error::OpenComment {
        path: path.to_path_buf(),
        line,
    }
}

/// Returns the characters of a text with their lines, as C has them: a backslash at the end of a line joins it
/// with the next one.
fn characters(text: &str, first: usize) -> Vec<(char, usize)> {
    let mut characters = Vec::new();
    let mut line = first;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let joined = if c == '\\' {
            next_line(rest.as_str())
        } else {
            None
        };
        match joined {
            Some(next) => {
                rest = next.chars();
                line += 1;
            }
            None => {
                characters.push((c, line));
                line += usize::from(c == '\n');
            }
        }
    }
    characters
}

/// Returns what follows a line's end, if the line ends here: clang allows spaces after a backslash.
fn next_line(text: &str) -> Option<&str> {
    text.trim_start_matches([' ', '\t', '\u{b}', '\u{c}'])
        .strip_prefix('\n')
}
