//! How a preprocessed text declares symbols that stand for values.
//!
//! clang knows the results of some comparisons of addresses from the declarations, unless it is told that a symbol may be
//! any value. It is told by the symbol's name, which is enough for declarations under that name, in C++ with the linkage
//! of C.

use std::collections::BTreeSet;

use super::marker;
use crate::{lexical::is_word, modules::Place};

/// A declaration that is not taken for one of the symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// A declaration with the linkage of C++.
    Linkage,
    /// A declaration under another name, with an asm label or `#pragma redefine_extname`.
    Label,
}

/// Returns the first such declaration of one of these symbols, and where it is. `cxx` is whether the text is C++.
pub(super) fn other<'n>(
    text: &str,
    names: &BTreeSet<&'n str>,
    cxx: bool,
) -> Option<(Other, &'n str, Place)> {
    let mut scope = Scope::default();
    // Names that were declared with the linkage of C: later declarations have it as well.
    let mut declared = BTreeSet::new();
    // Whether the declaration has begun with `extern`, without a language.
    let mut external = false;
    let mut tokens = Tokens::new(text).peekable();
    let mut last = None;
    while let Some((token, place)) = tokens.next() {
        let before = last.take();
        match token {
            Token::Word("extern") => match tokens.peek() {
                Some((Token::Text(language), _)) => {
                    scope.language = Some(*language == "\"C\"");
                    tokens.next();
                }
                _ => external = true,
            },
            Token::Word("asm" | "__asm" | "__asm__") => {
                if let Some(name) = label(&mut tokens).and_then(|label| named(&label, names)) {
                    return Some((Other::Label, name, place));
                }
            }
            Token::Word(word) => {
                let Some(name) = names.get(word).copied().filter(|_| cxx) else {
                    continue;
                };
                let is_declared = match tokens.peek().map(|(token, _)| *token) {
                    // Parts of types and of expressions.
                    Some(Token::Sign('(' | ':' | '<' | '>' | '.')) => false,
                    // An argument, unless it is `(*X)`.
                    Some(Token::Sign(')')) => matches!(before, Some('*' | '&')),
                    _ => true,
                };
                if scope.is_c() {
                    declared.insert(name);
                } else if external && is_declared && !declared.contains(name) {
                    return Some((Other::Linkage, name, place));
                }
            }
            Token::Sign(sign) => {
                scope.sign(sign);
                last = Some(sign);
                external &= !matches!(sign, ';' | '{' | '}');
            }
            Token::Renamed(symbol) => {
                if let Some(name) = named(symbol, names) {
                    return Some((Other::Label, name, place));
                }
            }
            Token::Text(_) => {}
        }
    }
    None
}

/// The braces around a token, as far as they are about linkage.
#[derive(Default)]
struct Scope {
    /// For each open brace, whether declarations in it have the linkage of C.
    open: Vec<bool>,
    /// Whether the language before a declaration or a brace is C, if there is one.
    language: Option<bool>,
}

impl Scope {
    fn is_c(&self) -> bool {
        let around = self.open.last().copied().unwrap_or(false);
        self.language.unwrap_or(around)
    }

    fn sign(&mut self, sign: char) {
        match sign {
            '{' => {
                self.open.push(self.is_c());
                self.language = None;
            }
            '}' => {
                self.open.pop();
                self.language = None;
            }
            ';' => self.language = None,
            _ => {}
        }
    }
}

/// Returns the text of an asm label, whose `asm` was read. Returns `None` for assembly with operands.
fn label<'t>(
    tokens: &mut std::iter::Peekable<impl Iterator<Item = (Token<'t>, Place)>>,
) -> Option<String> {
    while let Some((Token::Word("volatile" | "__volatile__" | "goto" | "inline"), _)) =
        tokens.peek()
    {
        tokens.next();
    }
    tokens.next_if(|(token, _)| *token == Token::Sign('('))?;
    let mut text = String::new();
    while let Some((Token::Text(part), _)) =
        tokens.next_if(|(token, _)| matches!(token, Token::Text(_)))
    {
        text.push_str(part.trim_matches('"'));
    }
    matches!(tokens.peek(), Some((Token::Sign(')'), _))).then_some(text)
}

/// Returns the symbol that a label names: as it is, or after the prefix of the platform, or without any prefix, which
/// `\01` stands for.
fn named<'n>(label: &str, names: &BTreeSet<&'n str>) -> Option<&'n str> {
    let plain = ["\\01", "\\001", "\\x01", "\\1"];
    let plain = plain.iter().find_map(|start| label.strip_prefix(start));
    let label = plain.unwrap_or(label);
    let found = names.get(label);
    found
        .or_else(|| names.get(label.strip_prefix('_')?))
        .copied()
}

/// A token of C, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    /// A string, with its quotes.
    Text(&'t str),
    Sign(char),
    /// The symbol that `#pragma redefine_extname` gives a name.
    Renamed(&'t str),
}

/// The tokens of a preprocessed text, with their places.
struct Tokens<'t> {
    rest: &'t str,
    place: Place,
    /// Whether nothing was read of the line.
    at_start: bool,
}

impl<'t> Tokens<'t> {
    fn new(text: &'t str) -> Tokens<'t> {
        Tokens {
            rest: text,
            place: Place {
                file: String::new(),
                line: 1,
            },
            at_start: true,
        }
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Returns the length of a string or a character with its quotes.
    fn quoted(&self, quote: char) -> usize {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\n' => return at,
                c if c == quote => return at + 1,
                _ => {}
            }
        }
        self.rest.len()
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = (Token<'t>, Place);

    fn next(&mut self) -> Option<(Token<'t>, Place)> {
        loop {
            let first = self.rest.chars().next()?;
            if first == '\n' {
                self.take(1);
                self.place.line += 1;
                self.at_start = true;
                continue;
            }
            if first.is_whitespace() {
                self.take(first.len_utf8());
                continue;
            }
            if first == '#' && self.at_start {
                let line = self.take(self.rest.find('\n').map_or(self.rest.len(), |end| end + 1));
                let place = self.place.clone();
                match marker(line) {
                    Some(place) => self.place = place,
                    None => self.place.line += 1,
                }
                let mut words = line.split_whitespace();
                if words.next() == Some("#pragma")
                    && words.next() == Some("redefine_extname")
                    && let Some(symbol) = words.nth(1)
                {
                    return Some((Token::Renamed(symbol), place));
                }
                continue;
            }
            self.at_start = false;
            let place = self.place.clone();
            if first == '"' {
                let length = self.quoted('"');
                return Some((Token::Text(self.take(length)), place));
            }
            if first == '\'' {
                let length = self.quoted('\'');
                self.take(length);
                continue;
            }
            let is_part = |c: char| !c.is_ascii() || is_word(c as u8);
            let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
            return Some(match length {
                0 => {
                    self.take(first.len_utf8());
                    (Token::Sign(first), place)
                }
                length => {
                    let word = self.take(length);
                    // The contents of a raw string may look like anything.
                    if word.ends_with('R') && self.rest.starts_with('"') {
                        let start = self.rest.split('(').next().unwrap_or_default();
                        let end = format!("){}\"", start.trim_start_matches('"'));
                        let length = self
                            .rest
                            .find(&end)
                            .map_or(self.rest.len(), |at| at + end.len());
                        let raw = self.take(length);
                        self.place.line += raw.matches('\n').count();
                        continue;
                    }
                    (Token::Word(word), place)
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, cxx: bool) -> Option<String> {
        let names = BTreeSet::from(["X", "Y"]);
        let text = format!("# 1 \"a.c\"\n{text}\n");
        let (other, name, place) = other(&text, &names, cxx)?;
        Some(format!("{}:{} {name} {other:?}", place.file, place.line))
    }

    #[test]
    fn linkage() {
        for right in [
            "extern \"C\" int X, Y;\nint f() { return X; }",
            "extern \"C\" { extern int X; }\nextern int X;",
            "extern \"C\" { namespace n { extern int X; } }",
            "extern \"C\" {\nstruct S { int a; };\nextern int X; int g();\n}\nint *p = &X;",
            "struct S { int X; }; extern \"C\" char X[];",
            "extern \"C\" int X;\nvoid f() { extern int X; }",
            "extern S<X> other; extern X::type more; extern void f(int), g(X);",
            "const char *s = \"extern int X;\"; char c = '\"'; extern \"C\" int X;",
            "const char *s = R\"a(extern int X;)\")a\"; extern \"C\" int X;",
            "void f() { int X = 1; int Y(X); }",
        ] {
            assert_eq!(found(right, true), None, "{right}");
        }
        for (wrong, expected) in [
            ("extern int X;", "a.c:1 X Linkage"),
            ("int a;\nextern char Y[];", "a.c:2 Y Linkage"),
            ("extern \"C\" { }\nextern int a, X;", "a.c:2 X Linkage"),
            ("extern \"C\" int a; extern int X;", "a.c:1 X Linkage"),
            (
                "extern \"C\" { extern \"C++\" { extern int X; } }",
                "a.c:1 X Linkage",
            ),
            (
                "namespace { void f() { extern int X; } }",
                "a.c:1 X Linkage",
            ),
            ("extern int X;\nextern \"C\" int Y;", "a.c:1 X Linkage"),
            ("extern int (*X)[3];", "a.c:1 X Linkage"),
            (
                "# 7 \"b.h\"\nextern int\nX __attribute__((aligned(4)));",
                "b.h:8 X Linkage",
            ),
        ] {
            assert_eq!(found(wrong, true).as_deref(), Some(expected), "{wrong}");
            // C has one linkage.
            assert_eq!(found(wrong, false), None, "{wrong}");
        }
    }

    #[test]
    fn labels() {
        for (text, expected) in [
            ("extern int Q __asm__(\"X\");", Some("a.c:1 X Label")),
            ("extern int Q asm(\"_Y\");", Some("a.c:1 Y Label")),
            (
                "extern int Q\n__asm(\"\\01\" \"_X\");",
                Some("a.c:2 X Label"),
            ),
            (
                "int a;\n#pragma redefine_extname Q X\nextern int Q;",
                Some("a.c:2 X Label"),
            ),
            ("#pragma redefine_extname X Q", None),
            ("extern int Q __asm__(\"Z\");", None),
            ("extern int fopen(void) __asm__(\"\" \"fopen64\");", None),
            (
                "void f(void) { __asm__ volatile(\"X\" : : \"r\"(1)); }",
                None,
            ),
            ("const char *s = \"__asm__(\\\"X\\\")\";", None),
        ] {
            assert_eq!(found(text, false).as_deref(), expected, "{text}");
            assert_eq!(found(text, true).as_deref(), expected, "{text}");
        }
    }
}
