//! Text as Python formats it.

/// Python's `str.center`, which puts the odd space in front only if the width is odd, too.
pub(super) fn centered(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.len());
    let left = missing / 2 + (missing & width & 1);
    format!("{:left$}{text}{:right$}", "", "", right = missing - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    // From Python: 'abc'.center(n).
    #[test]
    fn centered_as_python_does() {
        for (width, expected) in [
            (2, "abc"),
            (3, "abc"),
            (4, "abc "),
            (5, " abc "),
            (6, " abc  "),
            (7, "  abc  "),
        ] {
            assert_eq!(centered("abc", width), expected);
        }
        for (width, expected) in [(3, " ab"), (4, " ab "), (5, "  ab "), (6, "  ab  ")] {
            assert_eq!(centered("ab", width), expected);
        }
    }
}
