//! What build.py prints before it builds.

/// Returns the banner for targets that are not stable, if there are any. build.py prints it for each of several
/// targets; here it is one banner for all. `request` is its second line, if it is not the usual one.
pub(super) fn experimental(triples: &[&str], request: Option<String>) -> Option<String> {
    let targets = match triples {
        [] => return None,
        [triple] => (*triple).to_owned(),
        triples => format!("these {} targets", triples.len()),
    };
    let warning = format!("JIT support for {targets} is still experimental!");
    let width = warning.len();
    let usual = || centered("Please report any issues you encounter.", width);
    let request = request.unwrap_or_else(usual);
    let outline = "=".repeat(width);
    Some(format!("\n{outline}\n{warning}\n{request}\n{outline}\n"))
}

/// Python's `str.center`, which puts the odd space in front only if the width is odd, too.
fn centered(text: &str, width: usize) -> String {
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
