//! Quotes and line breaks in C.

use std::borrow::Cow;

use memchr::memchr2;

/// Returns a text with joined lines instead of those that go on in the next one: those that end with a backslash or the
/// trigraph for it, which may depend on flags, and with blanks, which clang allows.
pub(crate) fn joined(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let rest = |from: usize| text.get(from..).unwrap_or_default();
    // Most texts have few of these, and finding them takes little time without optimization as well.
    while let Some(found) = memchr2(b'\\', b'?', rest(at).as_bytes()) {
        let start = at + found;
        at = start + 1;
        let after = rest(start);
        let after = after.strip_prefix('\\').or(after.strip_prefix("??/"));
        let after = after.map(|after| after.trim_start_matches([' ', '\t', '\x0b', '\x0c']));
        let line = after.and_then(|after| after.strip_prefix("\r\n").or(after.strip_prefix('\n')));
        if let Some(line) = line {
            out.push_str(text.get(copied..start).unwrap_or_default());
            at = text.len() - line.len();
            copied = at;
        }
    }
    match copied {
        0 => text.into(),
        _ => {
            out.push_str(rest(copied));
            out.into()
        }
    }
}

/// Returns whether a byte may be a part of an identifier or a number.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$".contains(&byte) || byte >= 0x80
}

/// Returns the identifiers and numbers in a text.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !is_word(*byte))
        .filter(|word| !word.is_empty())
}

/// Returns the identifier or number at the end of a text.
pub(crate) fn last_word(text: &[u8]) -> &[u8] {
    let length = text.iter().rev().take_while(|byte| is_word(**byte)).count();
    text.get(text.len() - length..).unwrap_or_default()
}

/// Returns whether the quote after this text starts a raw string (`R"(...)"`), in which there are neither escape sequences
/// nor comments or directives.
pub(crate) fn starts_raw_string(before: &[u8]) -> bool {
    let prefixes: [&[u8]; 5] = [b"R", b"LR", b"uR", b"UR", b"u8R"];
    prefixes.contains(&last_word(before))
}

/// Returns whether the apostrophe after this text is within a number, as in `1'000`, or may be.
pub(crate) fn is_separator(before: &[u8]) -> bool {
    let prefixes: [&[u8]; 5] = [b"", b"L", b"u", b"U", b"u8"];
    !prefixes.contains(&last_word(before))
}

/// Returns the length of the literal that a text starts with, or `None` if it does not end in its line.
pub(crate) fn literal_length(text: &[u8]) -> Option<usize> {
    let (quote, inner) = text.split_first()?;
    let mut bytes = inner.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\n' => return None,
            b'\\' => drop(bytes.next()),
            _ if byte == quote => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Returns whether a raw string starts in a line, or may start there.
pub(crate) fn has_raw_string(line: &[u8]) -> bool {
    let may_have = |text: &[u8]| memchr::memmem::find(text, b"R\"").is_some();
    // Most lines have none.
    if !may_have(line) {
        return false;
    }
    let mut at = 0;
    while at < line.len() {
        let (before, rest) = line.split_at(at);
        at += match rest.first() {
            Some(b'"') if starts_raw_string(before) => return true,
            Some(b'\'') if is_separator(before) => 1,
            Some(b'"' | b'\'') => match literal_length(rest) {
                Some(length) => length,
                None => return may_have(rest),
            },
            _ => 1,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_go_on() {
        for (text, expected) in [
            ("", ""),
            ("a\\b ?? c\\", "a\\b ?? c\\"),
            ("a\\\nb", "ab"),
            ("\\\na \\ \t\r\n b\\\n", "a  b"),
            ("a???/\n b ??/ \nc", "a? b c"),
            ("a\\\r b\\ \\\n\\\nc", "a\\\r b\\ c"),
            ("a\\\n\nb", "a\nb"),
        ] {
            assert_eq!(joined(text), expected, "{text:?}");
        }
    }

    #[test]
    fn raw_strings() {
        for text in [
            "x = R\"(a",
            "1'000 + LR\"(a",
            "\"R\\\"\" u8R\"x(",
            "'\"' R\"(",
            "don't R\"(",
        ] {
            assert!(has_raw_string(text.as_bytes()), "{text}");
        }
        for text in [
            "\"ERROR\"",
            "f(\"a\", \" R\")",
            "XR\"(a",
            "'R' \"\\\"R\" \"R\"",
        ] {
            assert!(!has_raw_string(text.as_bytes()), "{text}");
        }
    }
}
