//! Cache keys: hashes of everything that can change a stencil's bytes, and of nothing else.
//!
//! That is the compiler, its [arguments](crate::cache::arguments), and the preprocessed tokens of the text that
//! is compiled. Flags for the preprocessor, paths, comments, white space and unused macros are left out,
//! because their effect is visible in the tokens.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Returns the hash of several parts, in their order. The boundaries between parts are hashed, too.
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Key {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Key(hasher.finalize().into())
    }

    /// Returns the hash of a file's contents, which may be large.
    pub(crate) fn of_file(path: &Path) -> io::Result<Key> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut part = vec![0; 1 << 18];
        loop {
            match file.read(&mut part)? {
                0 => return Ok(Key(hasher.finalize().into())),
                length => hasher.update(part.get(..length).unwrap_or_default()),
            }
        }
    }

    /// Returns the key with these bytes, if they are as many as a key has.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Key> {
        bytes.try_into().ok().map(Key)
    }

    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let bytes: Option<Vec<u8>> = digits.map(|digits| {
            let pairs = digits.chunks_exact(2);
            pairs
                .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
                .collect()
        });
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Key)
            .ok_or_else(|| serde::de::Error::custom("not a SHA-256"))
    }
}

/// Returns preprocessed text without the blanks that do not separate tokens. Two texts with the same tokens
/// have the same result, whatever their layout. A text is returned as it is if it is not clear where its literals end.
pub(crate) fn tokens(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    let mut line_start = true;
    let mut blank = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => {
                line_start = true;
                blank = true;
            }
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => blank = true,
            // A directive that the preprocessor keeps, such as #pragma, must be on a line of its own.
            b'#' if line_start => {
                out.extend_from_slice(b"\n#");
                while let Some(byte) = bytes.next_if(|byte| *byte != b'\n') {
                    out.push(byte);
                }
                out.push(b'\n');
                blank = false;
            }
            _ => {
                if std::mem::take(&mut blank) && separates(out.last().copied(), byte) {
                    out.push(b' ');
                }
                line_start = false;
                let is_quote = matches!(byte, b'"' | b'\'');
                if is_quote && !is_plain_quote(&out, byte) {
                    return text.to_vec();
                }
                out.push(byte);
                // Blanks within quotes are part of the token.
                if is_quote && !copy_literal(byte, &mut bytes, &mut out) {
                    return text.to_vec();
                }
            }
        }
    }
    out
}

/// Returns whether a quote after this text starts a literal with escape sequences. Otherwise it may be a separator of digits
/// (`1'000`) or start a raw string (`R"(...)"`).
fn is_plain_quote(before: &[u8], quote: u8) -> bool {
    let word = before
        .rsplit(|byte| !is_word(*byte))
        .next()
        .unwrap_or_default();
    match quote {
        b'"' => !word.ends_with(b"R"),
        _ => [&b""[..], b"L", b"u", b"U", b"u8"].contains(&word),
    }
}

/// Copies the rest of a literal. Returns whether it ends in its line.
fn copy_literal(quote: u8, bytes: &mut impl Iterator<Item = u8>, out: &mut Vec<u8>) -> bool {
    while let Some(inner) = bytes.next() {
        out.push(inner);
        match inner {
            b'\\' => out.extend(bytes.next()),
            b'\n' => return false,
            _ if inner == quote => return true,
            _ => {}
        }
    }
    false
}

/// Returns whether a byte may be a part of an identifier, also as `\u00e9`, or of a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$\\".contains(&byte) || byte >= 0x80
}

/// Returns whether two bytes would become one token without a blank between them.
fn separates(before: Option<u8>, after: u8) -> bool {
    let alone = |byte: u8| b"()[]{},;".contains(&byte);
    match before {
        None => false,
        Some(b'\n') => false,
        Some(before) => {
            !(alone(before) || alone(after)
                // A quote may have a prefix, a dot may be a part of a number.
                || is_word(before) != is_word(after) && !b"\"'.+-".contains(&after) && before != b'.')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        tokens(a.as_bytes()) == tokens(b.as_bytes())
    }

    #[test]
    fn layout_does_not_matter() {
        assert!(same(
            "int a(void)\n{\n  return 1;\n}\n",
            "int a( void ) { return 1 ; }"
        ));
        assert!(same("a\n\n\n=  b", "a = b"));
        assert!(same("  a", "a"));
        assert!(same("f(x,\n  y)", "f(x, y)"));
        assert!(same("a = L'x'  ;", "a = L'x';"));
        assert!(same("f(\"it's\",  1)", "f(\"it's\", 1)"));
    }

    #[test]
    fn tokens_matter() {
        for (a, b) in [
            ("int a", "inta"),
            ("a + +b", "a ++b"),
            ("a - -b", "a --b"),
            ("a & &b", "a &&b"),
            ("x . 5", "x .5"),
            ("1 .e", "1.e"),
            ("1 e+5", "1e+5"),
            ("1e +5", "1e+5"),
            ("L \"a\"", "L\"a\""),
            ("L 'a'", "L'a'"),
            ("\"a b\"", "\"a  b\""),
            ("' '", "''"),
            ("\"\\\" \"", "\"\\\"\""),
            ("a\n#pragma x\nb", "a #pragma x b"),
            ("a\n#pragma x\nb", "a\nb"),
            ("a < <b", "a <<b"),
            ("é a", "éa"),
            ("sizeof $x", "sizeof$x"),
            ("a$ b", "a$b"),
            ("a \\u00e9", "a\\u00e9"),
            ("1'000 + ' '", "1'000 + '  '"),
            ("0xab'cd'ef ' '", "0xab'cd'ef '  '"),
            ("R\"(a  b)\"", "R\"(a b)\""),
            ("u8R\"(\"a  b)\"", "u8R\"(\"a b)\""),
            ("x = '\n' '", "x = '\n'  '"),
        ] {
            assert!(!same(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn parts_have_ends() {
        let a = Key::of([&b"ab"[..], b"c"]);
        assert_ne!(a, Key::of([&b"a"[..], b"bc"]));
        assert_ne!(a, Key::of([&b"abc"[..]]));
        assert_eq!(a, Key::of([&b"ab"[..], b"c"]));
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(text, format!("\"{a}\""));
        assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), a);
        for bad in ["\"\"", "\"zz\"", "1"] {
            assert!(serde_json::from_str::<Key>(bad).is_err());
        }
    }
}
