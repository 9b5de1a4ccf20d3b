//! A tokenizer for C text, line by line.
//!
//! Two texts that differ only in comments, in the amount of white space and in line continuations have the same tokens.
//! Macros are not expanded, and conditions are not evaluated.

use std::collections::BTreeSet;

/// A line of tokens: a directive, or a line of other text. Continued lines are one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The line's number in the file. For a continued line, that of its first part.
    pub(super) number: usize,
    pub(super) kind: Kind,
    /// All tokens, including `#` and the name of a directive.
    pub(super) tokens: Vec<Token<'a>>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `#define NAME ...`.
    Define(String),
    /// `#undef NAME`.
    Undefine(String),
    /// `#if`, `#ifdef` or `#ifndef`.
    If,
    /// `#elif` and the like, and `#else`.
    Else,
    /// `#endif`.
    EndIf,
    /// Another directive.
    Directive,
    /// Everything else.
    Text,
}

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Whether there is white space or a comment before it. This makes a difference in `#define F (x)`, and where a macro
    /// turns its argument into a string.
    pub(super) spaced: bool,
    /// The number of its line in the file.
    pub(super) line: usize,
}

impl Token<'_> {
    /// Returns whether the token is an identifier or a keyword.
    pub(super) fn is_name(&self) -> bool {
        let first = self.text.chars().next();
        first.is_some_and(|first| first == '_' || first == '$' || first.is_alphabetic())
    }
}

/// Returns a text with `\n` as line ends, in which continued lines are joined. The line ends that this removes are
/// added after the joined line, so that later lines keep their numbers.
pub(super) fn spliced(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut whole = String::with_capacity(text.len());
    let mut moved = 0;
    for line in text.split_inclusive('\n') {
        // clang allows blanks behind the backslash.
        let start = line
            .strip_suffix('\n')
            .map(|line| line.trim_end_matches([' ', '\t', '\x0b', '\x0c']));
        match start.and_then(|line| line.strip_suffix('\\')) {
            Some(line) => {
                whole.push_str(line);
                moved += 1;
            }
            None => {
                whole.push_str(line);
                whole.extend(std::iter::repeat_n('\n', moved));
                moved = 0;
            }
        }
    }
    whole
}

/// Returns whether a text has something that a lexer may read in another way than clang: whatever changes in it counts
/// then.
pub(super) fn is_odd(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return true;
    };
    let odd = ["??/", "\\u", "\\U", "R\"", "\u{feff}"];
    let is_lone = |(at, _): (usize, &str)| !text[at + 1..].starts_with('\n');
    odd.iter().any(|part| text.contains(part)) || text.match_indices('\r').any(is_lone)
}

/// Returns the lines of a text that [`spliced`] has returned.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut number = 1;
    let mut rest = text;
    while !rest.is_empty() {
        let start = number;
        let mut tokens = Vec::new();
        let mut spaced = true;
        loop {
            let (piece, after) = match header_name(&tokens, rest) {
                Some(length) => {
                    let (name, after) = split(rest, length);
                    (Piece::Token(name), after)
                }
                None => piece(rest),
            };
            rest = after;
            match piece {
                Piece::End => {
                    number += 1;
                    break;
                }
                Piece::Space(lines) => {
                    number += lines;
                    spaced = true;
                }
                Piece::Token(text) => {
                    tokens.push(Token {
                        text,
                        spaced,
                        line: number,
                    });
                    spaced = false;
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        if !tokens.is_empty() {
            lines.push(Line {
                number: start,
                kind: kind(&tokens),
                tokens,
            });
        }
    }
    lines
}

/// Returns the length of a header's name between angle brackets, in which `//` is no comment.
fn header_name(before: &[Token<'_>], text: &str) -> Option<usize> {
    let is_include =
        |word: &Token<'_>| ["include", "include_next", "import", "embed"].contains(&word.text);
    match before {
        [hash, word] if hash.text == "#" && is_include(word) && text.starts_with('<') => {
            let line = text.lines().next()?;
            line.find('>').map(|end| end + 1)
        }
        _ => None,
    }
}

/// The piece that a text starts with.
enum Piece<'a> {
    /// The end of a line.
    End,
    /// White space or a comment, with the number of line ends in it.
    Space(usize),
    Token(&'a str),
}

/// Splits off the first piece of a text that is not empty.
fn piece(text: &str) -> (Piece<'_>, &str) {
    let length_while = |test: fn(char) -> bool| text.find(|c| !test(c)).unwrap_or(text.len());
    let first = text.chars().next().unwrap_or('\n');
    if first == '\n' {
        return (Piece::End, split(text, 1).1);
    }
    if first.is_whitespace() {
        let (_, rest) = split(text, length_while(|c| c != '\n' && c.is_whitespace()));
        return (Piece::Space(0), rest);
    }
    if text.starts_with("//") {
        return (
            Piece::Space(0),
            split(text, text.find('\n').unwrap_or(text.len())).1,
        );
    }
    if let Some(comment) = text.strip_prefix("/*") {
        let length = comment.find("*/").map_or(text.len(), |end| end + 4);
        let (comment, rest) = split(text, length);
        return (Piece::Space(comment.matches('\n').count()), rest);
    }
    let length = match first {
        '"' | '\'' => literal(text, first),
        '_' | '$' | 'a'..='z' | 'A'..='Z' => length_while(is_part),
        // A number can contain letters, points, and signs after an exponent.
        '0'..='9' => number(text),
        '.' if text[1..].starts_with(|c: char| c.is_ascii_digit()) => number(text),
        _ if first.is_alphabetic() => length_while(is_part),
        _ => OPERATORS
            .iter()
            .find(|operator| text.starts_with(**operator))
            .map_or(first.len_utf8(), |operator| operator.len()),
    };
    let (token, rest) = split(text, length);
    let token = match token {
        // Other spellings.
        "%:" => "#",
        "%:%:" => "##",
        token => token,
    };
    (Piece::Token(token), rest)
}

/// The operators with more than one character, the longest first.
const OPERATORS: [&str; 25] = [
    "%:%:", "%:", "<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&",
    "||", "*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "##",
];

fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn is_part(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

/// Returns the length of a string or character literal. One without a closing quote, as in the text of an `#error`,
/// ends with its line.
fn literal(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\n' => return at,
            '\\' => drop(characters.next()),
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a preprocessing number.
fn number(text: &str) -> usize {
    let mut before = '0';
    for (at, c) in text.char_indices() {
        let is_sign = (c == '+' || c == '-') && matches!(before, 'e' | 'E' | 'p' | 'P');
        if !is_part(c) && c != '.' && !is_sign {
            return at;
        }
        before = c;
    }
    text.len()
}

fn kind(tokens: &[Token<'_>]) -> Kind {
    let [first, rest @ ..] = tokens else {
        return Kind::Text;
    };
    if first.text != "#" {
        return Kind::Text;
    }
    let Some(word) = rest.first() else {
        return Kind::Directive;
    };
    match (word.text, rest.get(1)) {
        ("define", Some(name)) => Kind::Define(name.text.to_owned()),
        ("undef", Some(name)) => Kind::Undefine(name.text.to_owned()),
        ("if" | "ifdef" | "ifndef", _) => Kind::If,
        ("elif" | "elifdef" | "elifndef" | "else", _) => Kind::Else,
        ("endif", _) => Kind::EndIf,
        _ => Kind::Directive,
    }
}

/// The number of tokens before a macro's parameters and body: `#`, `define` and the name.
const BEFORE_BODY: usize = 3;

impl Line<'_> {
    /// Returns the parameters and the body of a macro's definition.
    pub(super) fn body(&self) -> &[Token<'_>] {
        self.tokens.get(BEFORE_BODY..).unwrap_or_default()
    }
}

/// Returns the identifiers and keywords among tokens.
pub(super) fn names<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    tokens
        .iter()
        .filter(|token| token.is_name())
        .map(|token| token.text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        let text = spliced(text);
        let shown = |line: &Line<'_>| {
            let tokens: Vec<&str> = line.tokens.iter().map(|token| token.text).collect();
            (line.number, tokens.join(" "))
        };
        lines(&text).iter().map(shown).collect()
    }

    #[test]
    fn comments_and_space_do_not_count() {
        let plain = "int a = 1;\n#define X(a) a+1\nint b;\n";
        let other = "/* A\n comment */ int  a\t= 1; // why\n#  define X(a) \\\n  a + 1 /* one */\n\nint b;\n";
        let tokens = |text: &str| {
            texts(text)
                .into_iter()
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            tokens(plain),
            ["int a = 1 ;", "# define X ( a ) a + 1", "int b ;"]
        );
        assert_eq!(tokens(other), tokens(plain));
    }

    #[test]
    fn texts_that_are_odd() {
        assert!(!is_odd("int a; // \u{e9}\r\n".as_bytes()));
        for text in [
            &b"// \xe9"[..],
            b"// a??/\nb",
            b"a\rb",
            b"int \\u00e9;",
            b"R\"x(\")x\"",
        ] {
            assert!(is_odd(text));
        }
        assert_eq!(
            texts("// why \\ \t\nint a;\n$COST a$b"),
            [(3, "$COST a$b".to_owned())]
        );
    }

    #[test]
    fn numbers_of_lines() {
        let text = "#define A \\\n  1\nint a; /* x\n y */ int b;\n\nint c;";
        let numbers: Vec<usize> = texts(text).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 3, 6]);
    }

    #[test]
    fn tokens_are_those_of_c() {
        for (text, tokens) in [
            ("x<<=1e+5-0x1p-3f.a", "x <<= 1e+5 - 0x1p-3f.a"),
            ("\"a // \\\" /* \"'\\''b", "\"a // \\\" /* \" '\\'' b"),
            ("#error don't\nx", "# error don 't"),
            ("a.../*x*/.5->b##c", "a ... .5 -> b ## c"),
            ("µ1 \\ @", "µ1 \\ @"),
            ("%:define A b%:%:c", "# define A b ## c"),
            ("# include <a//b.h> // c", "# include <a//b.h>"),
        ] {
            assert_eq!(texts(text)[0].1, tokens);
        }
        assert_eq!(texts("/* open"), []);
    }

    #[test]
    fn kinds_of_lines() {
        let text = spliced("#define A(x) x\n# undef B\n#ifdef C\n#endif\n#pragma once\n#\nx\n");
        let kinds: Vec<Kind> = lines(&text).into_iter().map(|line| line.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Define("A".to_owned()),
                Kind::Undefine("B".to_owned()),
                Kind::If,
                Kind::EndIf,
                Kind::Directive,
                Kind::Directive,
                Kind::Text
            ]
        );
    }
}
