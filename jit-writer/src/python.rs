//! Text as Python's string methods make it, which upstream's headers are written with.

use std::fmt::Write as _;

/// Splits text into lines as `str.splitlines` does.
pub(crate) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(is_line_break);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.strip_prefix("\r\n").unwrap_or_else(|| {
            let mut chars = after.chars();
            chars.next();
            chars.as_str()
        });
        Some(line)
    })
}

fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Returns whether `str.isspace` is true: it counts a few control characters that Unicode does not.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Replaces tabs by spaces up to the next column of 8, as `str.expandtabs` does.
pub(crate) fn expand_tabs(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let mut column = 0;
    for c in line.chars() {
        if c == '\t' {
            let spaces = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push(c);
            column += 1;
        }
    }
    out
}

/// Returns the `repr` of a bytes object, without the `b` in front.
pub(crate) fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(bytes.len() * 2 + 2);
    out.push(quote);
    for byte in bytes {
        let c = char::from(*byte);
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: CPython 3.11's `str(bytes).removeprefix('b')`.
    #[test]
    fn bytes_are_shown_as_python_shows_them() {
        for (bytes, expected) in [
            (&b"abc\0"[..], r"'abc\x00'"),
            (b"it's", r#""it's""#),
            (br#"say "it's""#, r#"'say "it\'s"'"#),
            (br#"say "x""#, r#"'say "x"'"#),
            (b"\t\n\r\\", r"'\t\n\r\\'"),
            (b"\x07\x1b\x7f\x80\xff ~", r"'\x07\x1b\x7f\x80\xff ~'"),
        ] {
            assert_eq!(bytes_repr(bytes), expected);
        }
    }
}
