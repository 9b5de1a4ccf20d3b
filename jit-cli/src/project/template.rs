//! Making a C source of the template and a micro-op.

use jit_llvm::Source;

use crate::project::cases::Case;

/// The word in a template that a micro-op replaces.
const PLACEHOLDER: &str = "CASE";

/// Splits the template into its leading includes, which can be precompiled for all micro-ops, and the rest.
/// There is no `CASE` in the first part, since build.py replaces each one.
pub(crate) fn split(template: &str) -> (&str, &str) {
    let mut end = 0;
    let mut offset = 0;
    for line in template.split_inclusive('\n') {
        offset += line.len();
        let text = line.trim();
        let include = text.starts_with("#include") && ends_here(text) && line.ends_with('\n');
        if include && !text.contains(PLACEHOLDER) {
            end = offset;
        } else if !(text.is_empty() || text.starts_with("//")) || text.contains(PLACEHOLDER) {
            break;
        }
    }
    template.split_at_checked(end).unwrap_or(("", template))
}

/// Returns whether a directive ends with its line. It does not if the line ends in a backslash, or in the middle of a
/// comment.
fn ends_here(text: &str) -> bool {
    let spliced = text.ends_with('\\') || text.ends_with("??/");
    let comment = text.rsplit_once("/*");
    !spliced && comment.is_none_or(|(_, rest)| rest.contains("*/"))
}

/// Returns whether a template's body has a place for a micro-op.
pub(crate) fn has_placeholder(body: &str) -> bool {
    body.contains(PLACEHOLDER)
}

/// Returns the line of a template's body, from 0, that the only micro-op in it is on. There is none if a source
/// has the micro-op in several places.
pub(crate) fn only_placeholder(body: &str) -> Option<usize> {
    let (before, after) = body.split_once(PLACEHOLDER)?;
    (!after.contains(PLACEHOLDER)).then(|| before.matches('\n').count())
}

/// Returns one source for each case, in their order: the template's body with the case in it.
pub(crate) fn sources(body: &str, cases: &[Case<'_>]) -> Vec<Source> {
    let source = |case: &Case<'_>| Source {
        name: case.name.to_owned(),
        body: body.replace(PLACEHOLDER, case.text),
    };
    cases.iter().map(source).collect()
}

/// Returns the source of a micro-op without the micro-op, which has the same declarations as all others. Returns `None`
/// if the declarations may depend on the micro-op.
pub(crate) fn without_case(body: &str, cases: &[Case<'_>]) -> Option<Source> {
    let is_condition =
        |line: &str| line.trim_start().starts_with('#') && line.contains("_JIT_OPCODE");
    if body.lines().any(is_condition) {
        return None;
    }
    Some(Source {
        name: cases.first()?.name.to_owned(),
        body: body.replace(PLACEHOLDER, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_includes_are_shared() {
        for (template, preamble) in [
            (
                "#include <a>\n\n// x\n#include \"b\"\nint f;\n",
                "#include <a>\n\n// x\n#include \"b\"\n",
            ),
            ("int f;\n#include <a>\n", ""),
            ("#include <a>\n#define X\n#include <b>\n", "#include <a>\n"),
            // Both would become part of every case.
            ("#include \"CASE.h\"\n#include <b>\n", ""),
            ("#include <a>\n// CASE\n#include <b>\n", "#include <a>\n"),
            ("#include <a>", ""),
            // Directives that go on in the next line.
            ("#include <a>\n#include \\\n<b>\n", "#include <a>\n"),
            ("#include <a>\n#include <b> /* b\n */\n", "#include <a>\n"),
            ("#include <a> /* a */\n", "#include <a> /* a */\n"),
            ("", ""),
        ] {
            let (head, body) = split(template);
            assert_eq!(head, preamble, "{template:?}");
            assert_eq!(format!("{head}{body}"), template);
        }
    }

    #[test]
    fn every_placeholder_is_replaced() {
        let case = Case {
            name: "_X",
            text: "case _X: {\n        }",
            line: 1,
        };
        let sources = sources("a CASE b XCASEX\n", &[case]);
        let source = sources.first().unwrap();
        assert_eq!(source.name, "_X");
        assert_eq!(
            source.body,
            "a case _X: {\n        } b Xcase _X: {\n        }X\n"
        );
    }
}
