//! Splitting `executor_cases.c.h` into micro-ops.

use std::{collections::HashMap, ops::Range, path::Path};

use crate::{
    error::Error,
    project::outside::{self, Directives},
};

/// One `case OPNAME: {...}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case<'a> {
    /// The name of the micro-op.
    pub(crate) name: &'a str,
    /// The text, from `case` to the closing brace.
    pub(crate) text: &'a str,
    /// The line of its start.
    pub(crate) line: usize,
}

/// The start of a case: a line that is indented by eight spaces.
const START: &str = "\n        case ";
/// The end of a case: a closing brace with the same indentation.
const END: &str = "\n        }";

/// Returns all cases in the order of build.py: sorted by their text.
///
/// A case is what build.py's regular expression `\n {8}(case (\w+): \{\n.*?\n {8}\})` finds. Where that
/// would silently skip something or include the next case, this function returns an error. Besides cases, blank lines and
/// comments, the file may have directives: a generated file of CPython is one `switch` for its interpreter, and they are without
/// effect on stencils.
pub(crate) fn split<'a>(text: &'a str, path: &Path) -> Result<Vec<Case<'a>>, Error> {
    split_with(text, path, Directives::Allowed)
}

/// Returns all cases like [`split`], or an error if the file has directives around them: in a file that somebody writes, they
/// are mistakes.
pub(crate) fn split_only_cases<'a>(text: &'a str, path: &Path) -> Result<Vec<Case<'a>>, Error> {
    // Clang skips this mark, too.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    split_with(text, path, Directives::Refused)
}

fn split_with<'a>(
    text: &'a str,
    path: &Path,
    directives: Directives,
) -> Result<Vec<Case<'a>>, Error> {
    let mut cases = Vec::new();
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let mut position = 0;
    let mut line = 1;
    let mut counted = 0;
    while let Some((start, name, body)) = next_start(text, position) {
        let first = line + newlines(text, counted..position);
        refuse_strays(text, position..start, first, path)?;
        outside::refuse(text, position..start, first, path, directives)?;
        line += newlines(text, counted..start);
        counted = start;
        let cut = || Error::CaseCutShort {
            path: path.to_path_buf(),
            line,
            name: name.to_owned(),
        };
        let rest = text.get(body..).ok_or_else(cut)?;
        let length = rest.find(END).ok_or_else(cut)?;
        let end = body + length + END.len();
        if next_start(text, body).is_some_and(|(other, _, _)| other < end) {
            return Err(cut());
        }
        if let Some(first) = lines.insert(name, line) {
            return Err(Error::DuplicateCase {
                path: path.to_path_buf(),
                name: name.to_owned(),
                first,
                second: line,
            });
        }
        let case = text.get(start..end).ok_or_else(cut)?;
        cases.push(Case {
            name,
            text: case,
            line,
        });
        position = end;
    }
    line += newlines(text, counted..position);
    refuse_strays(text, position..text.len(), line, path)?;
    if cases.is_empty() {
        return Err(Error::NoCase {
            path: path.to_path_buf(),
        });
    }
    outside::refuse(text, position..text.len(), line, path, directives)?;
    cases.sort_by_key(|case| (case.text, case.name));
    Ok(cases)
}

/// Finds the next line that starts a case. Returns the offset of its `case`, the name, and the offset after
/// its `{`.
fn next_start(text: &str, from: usize) -> Option<(usize, &str, usize)> {
    let mut from = from;
    loop {
        // The first line of the file has no newline before it.
        let first = START.trim_start_matches('\n');
        let after = match text.get(from..)?.strip_prefix(first) {
            Some(_) if from == 0 => first.len(),
            _ => from + text.get(from..)?.find(START)? + START.len(),
        };
        let rest = text.get(after..)?;
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (name, tail) = rest.split_at_checked(length)?;
        let start = after - "case ".len();
        // The newline after the brace belongs to the body.
        if !name.is_empty() && tail.starts_with(": {\n") {
            return Some((start, name, after + length + ": {".len()));
        }
        // The file ends within the first line of a case.
        if !name.is_empty() && ": {\n".starts_with(tail) {
            return Some((start, name, text.len()));
        }
        from = after;
    }
}

/// Returns an error if a line between two cases begins like a case: it would be left out without a word.
/// `first` is the number of the range's first line.
fn refuse_strays(text: &str, range: Range<usize>, first: usize, path: &Path) -> Result<(), Error> {
    let part = text.get(range).unwrap_or_default();
    let begins_a_case = |line: &str| {
        let rest = line.trim_start().strip_prefix("case");
        rest.is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.contains('{'))
    };
    match part
        .lines()
        .enumerate()
        .find(|(_, line)| begins_a_case(line))
    {
        Some((index, line)) => Err(Error::NotACase {
            path: path.to_path_buf(),
            line: first + index,
            text: line.trim().to_owned(),
        }),
        None => Ok(()),
    }
}

fn newlines(text: &str, range: Range<usize>) -> usize {
    let part = text.get(range).unwrap_or_default();
    part.bytes().filter(|byte| *byte == b'\n').count()
}

/// Replaces line ends of any kind with `\n`, as Python's `read_text` does.
pub(crate) fn universal_newlines(text: String) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let cases = split(text, Path::new("cases.h")).unwrap();
        cases.iter().map(|case| case.name).collect()
    }

    fn failure(text: &str) -> String {
        split(text, Path::new("cases.h")).unwrap_err().to_string()
    }

    #[test]
    fn sorted_by_text_not_by_name() {
        // ':' sorts before '_': Python's sorted() has the same order.
        let text = "\n        case _A_B: {\n            x;\n        }\n        case _A: {\n        }\n\
                    \n        case _A1: {\n            if (x) {\n            }\n        }\n";
        assert_eq!(names(text), ["_A1", "_A", "_A_B"]);
    }

    #[test]
    fn the_text_goes_from_case_to_brace() {
        let text = "// head\n\n        case _X: {\n            break;\n        }\n\n#undef Y\n";
        let cases = split(text, Path::new("cases.h")).unwrap();
        assert_eq!(
            cases.first().unwrap().text,
            "case _X: {\n            break;\n        }"
        );
    }

    #[test]
    fn none() {
        assert!(failure("// nothing\n").contains("cases.h has no case"));
        // The indentation is another one.
        assert!(failure("\n    case _X: {\n    }\n").contains("not the start of a case"));
    }

    #[test]
    fn the_first_line_may_start_a_case() {
        let text = "        case _X: {\n        }\n        case _Y: {\n        }\n";
        assert_eq!(names(text), ["_X", "_Y"]);
    }

    #[test]
    fn lines_that_almost_start_a_case_are_refused() {
        let good = "\n        case _X: {\n        }\n";
        for bad in [
            "        case A-B: {",
            "        case A : {",
            "\tcase A: {",
            "    case A: {",
            "        case A: { ",
            "        case A: { // x",
        ] {
            for text in [
                format!("{good}{bad}\n        }}\n"),
                format!("\n\n{bad}\n        }}{good}"),
            ] {
                let line = 1 + text.lines().position(|line| line == bad).unwrap();
                let message = failure(&text);
                assert!(
                    message.contains(&format!("cases.h:{line}: `case A")),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn no_case_is_overlooked() {
        for start in [
            "\u{feff}        case _C: {",
            "\0        case _C: {",
            "x;      case _C: {",
            "/* c */ case _C: {",
            "        case _C:\n        {",
            "        case _C: <%",
            "        ca\\\nse _C: {",
            "        TARGET(_C) {",
            "        default: {",
            "        #if 0\n        x += 5;\n        #endif\n",
        ] {
            let message = failure(&format!("\n{A}\n{start}\n        }}\n{B}\n"));
            assert!(message.contains("cases.h:"), "{message}");
            assert!(message.contains("outside of the cases"), "{message}");
        }
        let message = failure(&format!("\n{A}\n/* case _C: {{\n        }}\n{B}\n"));
        assert!(message.contains("cases.h:5: the comment"), "{message}");
        let around = [
            "/* in case of x: y, case _C: { */",
            "// case _C: {",
            "#ifdef X /* a\n b */ // c\n #  error \"x // y\"\n#endif\n#define A \\\n  4",
        ];
        for around in around {
            assert_eq!(
                names(&format!("{around}\n{A}\n{around}\n{B}\n{around}\n")),
                ["_A", "_B"]
            );
        }
    }

    const A: &str = "        case _A: {\n            x;\n        }";
    const B: &str = "        case _B: {\n            y;\n        }";

    fn only_cases(text: &str) -> Result<Vec<&str>, String> {
        let cases =
            split_only_cases(text, Path::new("cases.h")).map_err(|error| error.to_string())?;
        Ok(cases.iter().map(|case| case.name).collect())
    }

    #[test]
    fn space_and_comments_may_be_outside_of_cases() {
        for good in [
            "\n",
            " \t\u{c}\n\n",
            " // x\n",
            "\n/* x\n #if 0\n*/\n",
            "/**/\n",
            "\n// x /*\n",
            "\n/* // */\n",
            "/* 'x\" */ // y\n\t/*/ z */\n",
            "\n/\\\n/ x \\ \n junk\n",
            "\n/* x *\\\n/\n",
        ] {
            for text in [
                format!("\n{A}{good}{B}\n"),
                format!("{}{A}\n{B}\n", good.trim_start_matches(' ')),
                format!("\u{feff}{A}\n{B}{good}"),
                format!("{A}\n{B}{}", good.trim_end()),
            ] {
                assert_eq!(only_cases(&text), Ok(vec!["_A", "_B"]), "{text:?}");
            }
        }
        // Without a case, that is the problem.
        assert!(only_cases("int x;\n").unwrap_err().contains("has no case"));
    }

    #[test]
    fn other_text_outside_of_cases_is_refused() {
        // What is refused follows the `!`.
        for (bad, problem) in [
            ("\n!#define X 4\n", "`#define X 4` is outside"),
            ("\n!#if 0\n", "`#if 0` is outside"),
            ("\n!junk junk { } )\n", "`junk junk { } )` is outside"),
            ("! else {\n", "`else {` is outside"),
            ("!;\n", "`;` is outside"),
            ("\n!        }\n", "`}` is outside"),
            ("\n/* x\n!y */ #undef Y\n", "`y */ #undef Y` is outside"),
            ("\n// x\n\n!/ / x\n", "`/ / x` is outside"),
            ("\n// x \\\ny\n!z\n", "`z` is outside"),
            ("\n/* *\\\n/\n!#undef Y\n/* */\n", "`#undef Y` is outside"),
            ("\n!\"/*\"\n// */\n", "`\"/*\"` is outside"),
            ("\n\n!/* x\n", "the comment that starts here"),
            ("\n/* x *//**/\n!/*/\n", "the comment that starts here"),
        ] {
            let line = |before: &str| {
                let start = bad.split('!').next().unwrap();
                1 + before.matches('\n').count() + start.matches('\n').count()
            };
            let bad_text = bad.replace('!', "");
            for (text, line) in [
                (format!("\n{A}{bad_text}{B}\n"), line(&format!("\n{A}"))),
                (format!("{A}\n{B}{bad_text}"), line(&format!("{A}\n{B}"))),
                (format!("{bad_text}{A}\n"), line("")),
            ] {
                let message = only_cases(&text).unwrap_err();
                assert!(
                    message.starts_with(&format!("cases.h:{line}: {problem}")),
                    "{text:?}: {message}"
                );
            }
            // CPython's generated file has directives.
            let text = format!("\n{A}{bad_text}{B}\n");
            match bad.contains("\n!#") {
                true => assert_eq!(names(&text), ["_A", "_B"], "{text:?}"),
                false => assert!(failure(&text).contains(problem), "{text:?}"),
            }
        }
        // A backslash makes the next line a part of the comment.
        for comment in ["// x \\\n", "// x \\ \n"] {
            let message = only_cases(&format!("\n{A}\n{comment}{B}\n")).unwrap_err();
            assert!(message.starts_with("cases.h:5: the comment"), "{message}");
            assert_eq!(
                only_cases(&format!("\n{A}\n{B}\n{comment}")),
                Ok(vec!["_A", "_B"])
            );
        }
    }

    #[test]
    fn duplicates_are_named_with_both_lines() {
        let text =
            "\n        case _X: {\n        }\n        case _X: {\n            y;\n        }\n";
        let message = failure(text);
        assert!(
            message.contains("_X") && message.contains("2") && message.contains("4"),
            "{message}"
        );
    }

    #[test]
    fn cut_short() {
        let whole = "\n        case _X: {\n            break;\n        }\n        case _Y: {\n            break;\n        }\n";
        for end in 1..whole.len() {
            let text = &whole[..end];
            let outcome = split(text, Path::new("cases.h"));
            match outcome {
                // This is correct only where a case has just ended.
                Ok(cases) => {
                    let rest = text.rsplit_once('}').unwrap().1;
                    assert!(rest.trim().is_empty(), "{text:?}");
                    assert!(cases.len() <= 2);
                }
                Err(Error::CaseCutShort { name, line, .. }) => {
                    assert!(
                        ("_X".starts_with(&name) && line == 2)
                            || ("_Y".starts_with(&name) && line == 5)
                    );
                }
                Err(Error::NoCase { .. }) => assert!(!text.contains("case _")),
                Err(Error::OutsideOfCases { text, line, .. }) => {
                    assert!(line == 5 && "case _Y: {".starts_with(&text));
                }
                Err(other) => panic!("{other}"),
            }
        }
        // The end of the first case is missing.
        let merged = "\n        case _X: {\n            break;\n        case _Y: {\n        }\n";
        assert!(failure(merged).contains("_X"));
    }
}
