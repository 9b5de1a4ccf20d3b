//! Text matching as in Python's `re` and `str`, for the patterns of `_optimizers.py`.

/// Matches `\s`. Python counts the four separators of ASCII as white space, but Rust does not.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Matches `\w`. Beyond ASCII, Rust also counts combining vowel signs and circled letters. LLVM prints
/// such characters only in comments and in quoted symbols.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Returns whether a character can be in a symbol without quotes.
pub(crate) fn is_symbol(c: char) -> bool {
    is_word(c) || matches!(c, '.' | '$' | '?' | '@')
}

/// Splits a text after the leading characters that `accept` returns true for.
pub(crate) fn split_run(text: &str, accept: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !accept(c)).unwrap_or(text.len()))
}

/// Returns a text without its leading white space: what follows `\s*`.
pub(crate) fn skip_space(text: &str) -> &str {
    split_run(text, is_space).1
}

/// Matches `\s*(\S+)\s` and returns the first word and the rest of the line, starting with the white
/// space, or `None` if the line ends with the first word.
pub(crate) fn mnemonic(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = split_run(skip_space(line), |c| !is_space(c));
    (!word.is_empty() && !rest.is_empty()).then_some((word, rest))
}

/// Splits off the symbol that a text starts with, as the assembler spells it: with the quotes, if it
/// has some.
pub(crate) fn symbol(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(split_run(text, is_symbol)).filter(|(symbol, _)| !symbol.is_empty());
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    text.split_at_checked(end + 2)
}

/// Returns an operand, if it is a single symbol: the target of a branch, jump or call.
pub(crate) fn target(operand: &str) -> Option<&str> {
    let (symbol, rest) = symbol(operand.trim_matches(is_space))?;
    rest.is_empty().then_some(symbol)
}

/// Returns a symbol without its quotes, which do not belong to its name.
pub(crate) fn unquoted(symbol: &str) -> &str {
    let inner = symbol.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    inner.unwrap_or(symbol)
}

/// Returns the symbols, mnemonics, registers and numbers in a text, each as a whole.
pub(crate) fn symbols(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c| c == '"' || is_symbol(c))?;
            let tail = rest.get(start..)?;
            match symbol(tail) {
                Some((found, after)) => {
                    rest = after;
                    return Some(found);
                }
                // A quote that does not end.
                None => rest = tail.get(1..)?,
            }
        }
    })
}

/// Replaces a symbol wherever a text has it as a whole.
pub(crate) fn replace_symbol(text: &str, old: &str, new: &str) -> String {
    let mut result = String::with_capacity(text.len() + new.len());
    let mut rest = text;
    for found in symbols(text) {
        if found != old {
            continue;
        }
        let start = found.as_ptr().addr() - text.as_ptr().addr();
        let done = text.len() - rest.len();
        result.push_str(text.get(done..start).unwrap_or_default());
        result.push_str(new);
        rest = text.get(start + found.len()..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

/// Returns whether a word ends before this text: `\b` after a word.
pub(crate) fn at_word_end(text: &str) -> bool {
    !text.chars().next().is_some_and(is_word)
}

/// Returns the lines of a text, as `str.splitlines` does: not only `\n` ends a line.
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

    // The expected values are what Python 3.11 prints for `text.splitlines()`.
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
    fn a_mnemonic_is_followed_by_operands() {
        assert_eq!(mnemonic("\tjmp\tfoo"), Some(("jmp", "\tfoo")));
        assert_eq!(mnemonic("\tret"), None);
        assert_eq!(mnemonic("  "), None);
    }
}
