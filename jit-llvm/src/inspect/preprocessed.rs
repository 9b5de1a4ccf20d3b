//! Macro definitions and line markers in the preprocessor's output.

use std::path::PathBuf;

/// A macro's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// The names of its parameters, with `...` if there may be more arguments. `None` if it is not
    /// called with parentheses.
    pub parameters: Option<Vec<String>>,
    /// The replacement text as the preprocessor prints it, with macros in it not expanded.
    pub body: String,
}

/// A part of a source after preprocessing, which is from one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The file.
    pub file: PathBuf,
    /// Its tokens.
    pub text: String,
}

/// Parses `#define NAME BODY` or `#define NAME(A, B, ...) BODY`.
pub(super) fn definition(line: &str) -> Option<(String, Macro)> {
    let rest = line.strip_prefix("#define ")?;
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at_checked(end)?;
    let (parameters, body) = match rest.strip_prefix('(') {
        Some(rest) => {
            let (list, body) = rest.split_once(')')?;
            let names = list.split(',').map(|name| name.trim().to_owned());
            (Some(names.filter(|name| !name.is_empty()).collect()), body)
        }
        None => (None, rest),
    };
    let body = body.trim().to_owned();
    Some((name.to_owned(), Macro { parameters, body }))
}

/// Splits the preprocessor's output by file.
pub(super) fn passages(text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for line in text.lines() {
        if let Some(file) = line_marker(line) {
            passages.push(Passage {
                file,
                text: String::new(),
            });
        } else if let Some(passage) = passages.last_mut() {
            passage.text.push_str(line);
            passage.text.push('\n');
        }
    }
    passages
}

/// Returns the file in `# LINE "FILE" FLAGS`.
fn line_marker(line: &str) -> Option<PathBuf> {
    let rest = line.strip_prefix("# ")?;
    let (number, rest) = rest.split_once(" \"")?;
    number.parse::<u64>().ok()?;
    let (name, _) = rest.rsplit_once('"')?;
    Some(PathBuf::from(
        name.replace("\\\"", "\"").replace("\\\\", "\\"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_as_the_preprocessor_prints_them() {
        let parsed = |line| {
            let (name, Macro { parameters, body }) = definition(line)?;
            Some((name, parameters.map(|names| names.join(" ")), body))
        };
        for (line, name, parameters, body) in [
            ("#define A 1", "A", None, "1"),
            ("#define A", "A", None, ""),
            ("#define A (1)", "A", None, "(1)"),
            ("#define A() f()", "A", Some(""), "f()"),
            ("#define A(b,...) b(c)", "A", Some("b ..."), "b(c)"),
        ] {
            let expected = (
                name.to_owned(),
                parameters.map(str::to_owned),
                body.to_owned(),
            );
            assert_eq!(parsed(line), Some(expected), "{line}");
        }
        assert_eq!(parsed("#undef A"), None);
    }
}
