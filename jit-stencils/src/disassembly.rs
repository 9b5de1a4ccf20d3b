//! Text for the comments of the generated header.

use std::fmt::Write as _;

/// The folder that objects are in as far as tabs are concerned. `file format` stands behind a tab
/// on the line that begins with the object's path, so its column follows from the path's length:
/// upstream's is that of a Python `tempfile.TemporaryDirectory()` in `/tmp`.
const FOLDER: &str = "/tmp/tmpxxxxxxxx/";

/// llvm-objdump's text as lines for [`Stencil::disassembly`](crate::Stencil): tabs expanded to
/// columns of 8, space at both ends removed, and the object's path, as llvm-objdump was given it,
/// replaced by its file name, so that no folder of the build machine shows
/// (`_parse` in CPython's `Tools/jit/_targets.py`).
///
/// The lines do not depend on the folder's length either. They are upstream's if that has its
/// temporary folder where Linux has it, which it does if `TMPDIR` is not set.
pub fn clean_disassembly(text: &str, path: &str, file_name: &str) -> Vec<String> {
    let usual_path = format!("{FOLDER}{file_name}");
    split_lines(text)
        .map(|line| {
            if path.is_empty() || !line.contains(path) {
                return expand_tabs(line).trim_matches(is_space).to_owned();
            }
            let line = expand_tabs(&line.replace(path, &usual_path));
            line.trim_matches(is_space).replace(&usual_path, file_name)
        })
        .collect()
}

/// Python's `str.splitlines`.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
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

/// Python's `str.isspace`, which has a few control characters more than Unicode.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Python's `str.expandtabs()`.
fn expand_tabs(line: &str) -> String {
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

/// Python's `repr` of a bytes object, without the `b` in front.
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

    /// Expected values: CPython 3.11's
    /// `[line.expandtabs().strip().replace(long, short) for line in text.splitlines()]`, where
    /// `long` is `/tmp/tmpabcdefgh/_X.o`, and so is what stands in the text.
    #[test]
    fn disassembly_is_cleaned_as_python_does_it() {
        let text =
            "\n/b/d/_X.o:\tfile format elf64-x86-64\n\n       0:\t48 83\r\n  é\tx \x1f\x0b\t\n\n";
        assert_eq!(
            clean_disassembly(text, "/b/d/_X.o", "_X.o"),
            [
                "",
                "_X.o:  file format elf64-x86-64",
                "",
                "0:       48 83",
                "é     x",
                "",
                ""
            ]
        );
        assert!(clean_disassembly("", "a", "b").is_empty());
    }
}
