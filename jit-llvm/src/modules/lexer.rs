//! The tokens of LLVM IR.

use super::error::ModuleError;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `@name`.
    Global,
    /// `%name`: a value, a block or a type.
    Local,
    /// `$name`.
    Comdat,
    /// `#0`, an attribute group.
    Group,
    /// `!0` or `!name`, without the `!{` of nodes.
    Metadata,
    /// `"..."`.
    Text,
    /// A keyword, type or number.
    Word,
    /// `name:` at the start of a line.
    Label,
    /// Anything else, one byte.
    Other,
}

/// A token, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// The token as it is written.
    pub(super) text: &'a str,
    /// The white space before it, without comments.
    pub(super) space: &'a str,
    /// Its line, from 1.
    pub(super) line: usize,
    /// The column, from 0, if it is the first token of its line.
    pub(super) indent: Option<usize>,
}

impl<'a> Token<'a> {
    /// Returns the name without the sign that marks its kind, with quotes if it has some.
    pub(super) fn name(&self) -> &'a str {
        match self.kind {
            Kind::Label => self.text.strip_suffix(':').unwrap_or(self.text),
            _ => self.text.get(1..).unwrap_or_default(),
        }
    }

    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Other) && self.text == text
    }
}

/// Returns the tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ModuleError> {
    let mut lexer = Lexer {
        text,
        position: 0,
        line: 1,
        line_start: 0,
        is_first: true,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: usize,
    line_start: usize,
    /// Whether no token of this line was read.
    is_first: bool,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, ModuleError> {
        let space = self.skip_space();
        let rest = self.text.get(self.position..).unwrap_or_default();
        let Some(first) = rest.bytes().next() else {
            return Ok(None);
        };
        let indent = self.is_first.then_some(self.position - self.line_start);
        let (kind, length) = self.measure(first, rest, indent)?;
        let text = rest.get(..length).unwrap_or(rest);
        self.position += text.len();
        self.is_first = false;
        Ok(Some(Token {
            kind,
            text,
            space,
            line: self.line,
            indent,
        }))
    }

    /// Skips white space and comments, and returns the last run of white space.
    fn skip_space(&mut self) -> &'a str {
        let bytes = self.text.as_bytes();
        let mut start = self.position;
        while let Some(byte) = bytes.get(self.position) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = self.position + 1;
                    self.is_first = true;
                    // One line end will do.
                    start = self.position;
                    self.position += 1;
                }
                b' ' | b'\t' | b'\r' => self.position += 1,
                b';' => {
                    let rest = bytes.get(self.position..).unwrap_or_default();
                    let length = rest.iter().position(|byte| *byte == b'\n');
                    self.position += length.unwrap_or(rest.len());
                    start = self.position;
                }
                _ => break,
            }
        }
        self.text.get(start..self.position).unwrap_or_default()
    }

    fn measure(
        &self,
        first: u8,
        rest: &str,
        indent: Option<usize>,
    ) -> Result<(Kind, usize), ModuleError> {
        let named = |kind| match self.name_length(rest.get(1..).unwrap_or_default())? {
            0 => Ok((Kind::Other, 1)),
            length => Ok((kind, 1 + length)),
        };
        match first {
            b'@' => named(Kind::Global),
            b'%' => named(Kind::Local),
            b'$' => named(Kind::Comdat),
            b'!' if !rest.starts_with("!\"") => named(Kind::Metadata),
            b'#' => named(Kind::Group),
            b'"' => match self.name_length(rest)? {
                length if indent.is_some() && rest[length..].starts_with(':') => {
                    Ok((Kind::Label, length + 1))
                }
                length => Ok((Kind::Text, length)),
            },
            _ if is_name(first) => match self.name_length(rest)? {
                length if indent.is_some() && rest[length..].starts_with(':') => {
                    Ok((Kind::Label, length + 1))
                }
                length => Ok((Kind::Word, length)),
            },
            _ if first.is_ascii() => Ok((Kind::Other, 1)),
            _ => Err(ModuleError::unknown(
                self.line,
                "a character outside of ASCII that is not in quotes",
            )),
        }
    }

    /// Returns the length of the name or the quoted text at the start of a text.
    fn name_length(&self, text: &str) -> Result<usize, ModuleError> {
        if let Some(quoted) = text.strip_prefix('"') {
            let end = quoted.find('"');
            return match end {
                Some(end) => Ok(end + 2),
                None => Err(ModuleError::unknown(self.line, "a quote without an end")),
            };
        }
        let end = text.bytes().position(|byte| !is_name(byte));
        Ok(end.unwrap_or(text.len()))
    }
}

/// Returns whether a byte can be a part of a name or a number.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-$._\\".contains(&byte)
}

/// Returns a name without quotes and escapes, and without the mark of names that are not mangled.
pub(super) fn plain(name: &str) -> String {
    let Some(quoted) = name.strip_prefix('"') else {
        return name.to_owned();
    };
    let quoted = quoted.strip_suffix('"').unwrap_or(quoted);
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let code = after.get(..2).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match (first, code, after.first()) {
            (b'\\', _, Some(b'\\')) => {
                bytes.push(b'\\');
                rest = after.get(1..).unwrap_or_default();
            }
            (b'\\', Some(code), _) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(first),
        }
    }
    let bytes = bytes.strip_prefix(b"\x01").unwrap_or(&bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns whether a token starts metadata that has no effect on code: places in sources.
pub(super) fn is_dropped(token: &Token<'_>) -> bool {
    token.kind == Kind::Metadata && matches!(token.name(), "dbg" | "srcloc" | "heapallocsite")
}

/// Returns the depth of brackets after a token.
pub(super) fn nesting(depth: usize, token: &Token<'_>) -> usize {
    if token.kind != Kind::Other {
        return depth;
    }
    match token.text {
        "(" | "[" | "{" | "<" => depth + 1,
        ")" | "]" | "}" | ">" => depth.saturating_sub(1),
        _ => depth,
    }
}

/// Returns the index of the bracket that closes the one at an index.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        depth = nesting(depth, token);
        if depth == 0 {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts() {
        let text = "@\"?f@@\" = c\"a;@x\\22\" ; @y\n  %1, !\"z\" #0 !1\n\"l 1\":  $c";
        let found: Vec<(Kind, &str, usize)> = tokens(text)
            .unwrap()
            .iter()
            .map(|token| (token.kind, token.text, token.line))
            .collect();
        assert_eq!(
            found,
            [
                (Kind::Global, "@\"?f@@\"", 1),
                (Kind::Other, "=", 1),
                (Kind::Word, "c", 1),
                (Kind::Text, "\"a;@x\\22\"", 1),
                (Kind::Local, "%1", 2),
                (Kind::Other, ",", 2),
                (Kind::Other, "!", 2),
                (Kind::Text, "\"z\"", 2),
                (Kind::Group, "#0", 2),
                (Kind::Metadata, "!1", 2),
                (Kind::Label, "\"l 1\":", 3),
                (Kind::Comdat, "$c", 3),
            ]
        );
        assert!(tokens("a \"b").is_err());
        assert!(tokens("é").is_err());
    }

    #[test]
    fn plain_names() {
        assert_eq!(plain("f"), "f");
        assert_eq!(plain("\"?f@@YAXXZ\""), "?f@@YAXXZ");
        assert_eq!(plain("\"\\01_f\\22\\\\a\""), "_f\"\\a");
    }
}
