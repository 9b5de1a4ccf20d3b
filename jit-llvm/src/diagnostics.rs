//! What clang prints about its inputs, parsed.

use std::fmt;

/// Everything that one run of clang printed on standard error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostics {
    /// The text as clang printed it, without the path of the work directory, which is gone by the
    /// time somebody reads it.
    pub text: String,
    /// The diagnostics in it that name a place, in the order of the text.
    pub list: Vec<Diagnostic>,
}

/// One message of clang's about a place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The name of the [`Source`](crate::Source) that the place is in; `None` for a header.
    pub source: Option<String>,
    /// The file, as clang names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The message, without place and severity.
    pub message: String,
    /// The whole text of the diagnostic: its first line, and the lines of source and markers after it,
    /// without empty lines at the end.
    pub rendered: String,
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// More about the diagnostic before it.
    Note,
    /// A suggestion, such as one of an optimization.
    Remark,
    /// The input compiles nevertheless.
    Warning,
    /// The input does not compile.
    Error,
}

impl Diagnostics {
    /// Parses what clang printed, without colors.
    pub fn parse(text: &str) -> Diagnostics {
        let mut list: Vec<Diagnostic> = Vec::new();
        let mut is_open = false;
        for line in text.lines() {
            // `lines` removes one of them.
            let line = line.trim_end_matches('\r');
            if let Some(diagnostic) = Diagnostic::parse(line) {
                list.push(diagnostic);
                is_open = true;
            } else if is_other(line) {
                is_open = false;
            } else if let Some(last) = list.last_mut().filter(|_| is_open) {
                last.rendered.push('\n');
                last.rendered.push_str(line);
            }
        }
        for one in &mut list {
            let end = one.rendered.trim_end_matches('\n').len();
            one.rendered.truncate(end);
        }
        Diagnostics {
            text: text.to_owned(),
            list,
        }
    }

    /// Returns the names of the sources that a diagnostic is about.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|one| one.source.as_deref())
    }
}

impl fmt::Display for Diagnostics {
    /// Writes the text as clang printed it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Diagnostic {
    /// Parses `FILE:LINE:COLUMN: SEVERITY: MESSAGE`. On Windows, a file's name may have a colon.
    fn parse(line: &str) -> Option<Diagnostic> {
        let (place, severity, message) = SEVERITIES
            .iter()
            .filter_map(|(word, severity)| {
                let (place, message) = line.split_once(word)?;
                Some((place, *severity, message))
            })
            .min_by_key(|(place, _, _)| place.len())?;
        let mut parts = place.rsplitn(3, ':');
        let (column, number, file) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Diagnostic {
            source: source_name(file),
            file: file.to_owned(),
            line: number.parse().ok()?,
            column: column.parse().ok()?,
            severity,
            message: message.to_owned(),
            rendered: line.to_owned(),
        })
    }
}

const SEVERITIES: [(&str, Severity); 5] = [
    (": note: ", Severity::Note),
    (": remark: ", Severity::Remark),
    (": warning: ", Severity::Warning),
    (": error: ", Severity::Error),
    (": fatal error: ", Severity::Error),
];

/// Returns the name of the source whose file this is. Such a file is in the work directory, whose
/// path is left out of diagnostics; all others have a directory in their names.
fn source_name(file: &str) -> Option<String> {
    let name = file.strip_suffix(".c")?;
    (!name.contains(['/', '\\'])).then(|| name.to_owned())
}

/// Whether a line without a place belongs to no diagnostic before it.
fn is_other(line: &str) -> bool {
    line.starts_with("In file included from ") || line.ends_with(" generated.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As clang 22 prints them.
    #[test]
    fn diagnostics_with_and_without_places() {
        let text = "In file included from _A.c:2:\n\
                    ./b.h:1:10: fatal error: 'sys/mman.h' file not found\n    1 | #include <sys/mman.h>\n      |          ^\n\
                    _A.c:3:22: warning: using the result: of an assignment [-Wparentheses]\n    3 | if (a = b)\n\
                    _A.c:3:22: note: place parentheses around\n\
                    C:\\x\\a.c:7:3: error: expected ';' after expression\n\
                    1 warning and 2 errors generated.\n\
                    fatal error: error in backend: x\n";
        let parsed = Diagnostics::parse(text);
        assert_eq!(parsed.to_string(), text);
        let all: Vec<_> = parsed
            .list
            .iter()
            .map(|one| {
                let place = (one.file.as_str(), one.line, one.column);
                (one.source.as_deref(), place, one.severity, &*one.message)
            })
            .collect();
        let assignment = "using the result: of an assignment [-Wparentheses]";
        assert_eq!(
            all,
            [
                (
                    None,
                    ("./b.h", 1, 10),
                    Severity::Error,
                    "'sys/mman.h' file not found"
                ),
                (Some("_A"), ("_A.c", 3, 22), Severity::Warning, assignment),
                (
                    Some("_A"),
                    ("_A.c", 3, 22),
                    Severity::Note,
                    "place parentheses around"
                ),
                (
                    None,
                    ("C:\\x\\a.c", 7, 3),
                    Severity::Error,
                    "expected ';' after expression"
                ),
            ]
        );
        assert!(parsed.list[0].rendered.ends_with("\n      |          ^"));
        assert!(parsed.list[1].rendered.ends_with("\n    3 | if (a = b)"));
        assert!(parsed.list[3].rendered.ends_with("expression"));
        assert_eq!(parsed.sources().collect::<Vec<_>>(), ["_A", "_A"]);
        // Empty lines and carriage returns at the end are no part of a diagnostic: libFuzzer found that the
        // text of one was parsed differently than the whole.
        let text = "_A.c:1:1: note: a\r\r\n  b\r\n\n  ^\n\r\n\n_A.c:2:1: note: c\n\n";
        let rendered: Vec<String> = Diagnostics::parse(text)
            .list
            .into_iter()
            .map(|one| one.rendered)
            .collect();
        assert_eq!(
            rendered,
            ["_A.c:1:1: note: a\n  b\n\n  ^", "_A.c:2:1: note: c"]
        );
        // The first severity of a line counts.
        let line = "_A.c:1:1: error: a: warning: b";
        assert_eq!(Diagnostics::parse(line).list[0].message, "a: warning: b");
    }
}
