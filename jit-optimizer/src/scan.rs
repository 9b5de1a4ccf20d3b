//! Text matching the way Python's `re` and `str` do it, for the patterns of `_optimizers.py`.

/// `\s`. Python counts the four separators of ASCII as white space, Rust does not.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `\w`. Beyond ASCII, Rust also counts combining vowel signs and circled letters; LLVM prints
/// such characters nowhere but in comments and in quoted symbols.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The characters of labels: `[\w."$?@]`.
pub(crate) fn is_label(c: char) -> bool {
    is_word(c) || matches!(c, '.' | '"' | '$' | '?' | '@')
}

/// The characters of branch targets: `[\w.]`.
fn is_target(c: char) -> bool {
    is_word(c) || c == '.'
}

/// Split off the leading characters that `accept` holds for.
pub(crate) fn split_run(text: &str, accept: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !accept(c)).unwrap_or(text.len()))
}

/// `\s*`.
pub(crate) fn skip_space(text: &str) -> &str {
    split_run(text, is_space).1
}

/// `\s*(\S+)\s`: the first word, and what follows from the white space on. `None` for a word that
/// ends the line.
pub(crate) fn mnemonic(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = split_run(skip_space(line), |c| !is_space(c));
    (!word.is_empty() && !rest.is_empty()).then_some((word, rest))
}

/// `[\w.]+`.
pub(crate) fn target(text: &str) -> Option<&str> {
    Some(split_run(text, is_target).0).filter(|target| !target.is_empty())
}

/// Whether nothing, or a character other than `\w`, comes first: `\b` after a word.
pub(crate) fn at_word_end(text: &str) -> bool {
    !text.chars().next().is_some_and(is_word)
}

/// `str.splitlines`, which breaks lines at more than `\n`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((end, separator)) = rest.char_indices().find(|&(_, c)| is_line_break(c)) else {
            return Some(std::mem::take(&mut rest));
        };
        let (line, tail) = rest.split_at(end);
        rest = match tail.strip_prefix("\r\n") {
            Some(next) => next,
            None => tail.get(separator.len_utf8()..).unwrap_or_default(),
        };
        Some(line)
    })
}

fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r'
            | '\u{b}'
            | '\u{c}'
            | '\u{1c}'
            | '\u{1d}'
            | '\u{1e}'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: what Python 3.11 prints for `text.splitlines()`.
    #[test]
    fn lines_break_where_python_breaks_them() {
        for (text, expected) in [
            ("", &[] as &[&str]),
            ("\n", &[""]),
            ("a", &["a"]),
            ("a\n", &["a"]),
            ("a\n\n", &["a", ""]),
            ("a\r\nb\rc\n\rd", &["a", "b", "c", "", "d"]),
            ("a\u{b}b\u{c}c\u{1c}d\u{1e}e", &["a", "b", "c", "d", "e"]),
            ("a\u{85}b\u{2028}c\u{2029}d", &["a", "b", "c", "d"]),
            ("a\u{1f}b\tc\u{a0}d", &["a\u{1f}b\tc\u{a0}d"]),
        ] {
            assert_eq!(lines(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_mnemonic_needs_something_behind_it() {
        assert_eq!(mnemonic("\tjmp\tfoo"), Some(("jmp", "\tfoo")));
        assert_eq!(mnemonic("\tret"), None);
        assert_eq!(mnemonic("  "), None);
    }
}
