//! The places of micro-ops in the files of a project, for messages.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::project::{cases::Case, template};

/// Where the lines of the sources that are made of a template and cases come from.
#[derive(Debug)]
pub(crate) struct Places {
    /// The names of the template and of the cases file.
    template: PathBuf,
    cases: PathBuf,
    /// The number of lines before the template's body, in a source and in the template.
    before: usize,
    before_in_template: usize,
    /// The line of the body, from 0, that a case replaces a part of, if there is only one such place.
    hole: Option<usize>,
    /// The line on which each case starts, and the number of its lines.
    lines: HashMap<String, (usize, usize)>,
}

impl Places {
    /// Returns the places of cases in a template, which is a preamble and a body. `compiled` is the preamble
    /// that is compiled.
    pub(crate) fn new(
        [template, cases]: [PathBuf; 2],
        (preamble, body): (&str, &str),
        compiled: &str,
        list: &[Case<'_>],
    ) -> Places {
        let count = |case: &Case<'_>| (case.line, case.text.lines().count());
        Places {
            template,
            cases,
            before: compiled.lines().count(),
            before_in_template: preamble.lines().count(),
            hole: template::only_placeholder(body),
            lines: list
                .iter()
                .map(|case| (case.name.to_owned(), count(case)))
                .collect(),
        }
    }

    /// Returns the cases file and the line of it on which a micro-op starts.
    pub(crate) fn start(&self, uop: &str) -> Option<(PathBuf, usize)> {
        let (line, _) = self.lines.get(uop)?;
        Some((self.cases.clone(), *line))
    }

    /// Returns the file and the line that a line of a micro-op's source comes from.
    fn origin(&self, uop: &str, line: usize) -> Option<(&Path, usize)> {
        let (start, count) = *self.lines.get(uop)?;
        let Some(in_body) = line.checked_sub(self.before + 1) else {
            return Some((&self.template, line));
        };
        let hole = self.hole?;
        let first = self.before_in_template + 1;
        match in_body.checked_sub(hole) {
            None => Some((&self.template, first + in_body)),
            Some(in_case) if in_case < count => Some((&self.cases, start + in_case)),
            Some(in_case) => Some((&self.template, first + hole + in_case + 1 - count)),
        }
    }

    /// Returns diagnostics with the places in the template and the cases file, instead of those in the sources
    /// that are made of them.
    pub(crate) fn translate(&self, diagnostics: &str) -> String {
        let mut text = String::with_capacity(diagnostics.len());
        let mut source = None;
        for line in diagnostics.split_inclusive('\n') {
            match (
                self.place(line),
                source.and_then(|uop| self.snippet(uop, line)),
            ) {
                (Some((before, uop, number, rest)), _) => {
                    let (path, number) = number;
                    text.push_str(&format!("{before}{}:{number}{rest}", path.display()));
                    source = Some(uop);
                }
                (None, Some(snippet)) => text.push_str(&snippet),
                (None, None) => {
                    text.push_str(line);
                    let is_place = |word: &str| line.contains(word);
                    if [": error: ", ": warning: ", ": note: "]
                        .into_iter()
                        .any(is_place)
                    {
                        source = None;
                    }
                }
            }
        }
        text
    }

    /// Finds the place at the start of a line, after `In file included from` maybe: returns what comes before
    /// it, the micro-op, the place and what follows.
    fn place<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str, (&Path, usize), &'a str)> {
        const INCLUDED: &str = "In file included from ";
        let (before, rest) = match line.strip_prefix(INCLUDED) {
            Some(rest) => (INCLUDED, rest),
            None => ("", line),
        };
        let (uop, rest) = rest.split_once(".c:")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = rest.split_at_checked(digits)?;
        let origin = self.origin(uop, number.parse().ok()?)?;
        Some((before, uop, origin, rest))
    }

    /// Returns a line of clang's that shows a line of a source, with its number where it comes from:
    /// `   24 |     x += 1;`.
    fn snippet(&self, uop: &str, line: &str) -> Option<String> {
        let (number, rest) = line.split_once(" |")?;
        let (_, number) = self.origin(uop, number.trim_start().parse().ok()?)?;
        Some(format!("{number:>5} |{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a source are found in the files that it was made of.
    #[test]
    fn each_line_has_its_origin() {
        let preamble = "#include <a>\n\n";
        let body = "int x;\nvoid f(void) {\n    CASE\n    g();\n}\n";
        let texts = [
            "case _A: {\n            a;\n        }",
            "case _B: {\n        }",
        ];
        let cases = format!("// cases\n        {}\n\n        {}\n", texts[0], texts[1]);
        let list = [("_A", texts[0], 2), ("_B", texts[1], 6)];
        let list = list.map(|(name, text, line)| Case { name, text, line });
        let files = [("t.c", format!("{preamble}{body}")), ("c.h", cases)];
        for compiled in [preamble, "#include <a>\n\n#include <more>\n"] {
            let names = ["t.c", "c.h"].map(PathBuf::from);
            let places = Places::new(names, (preamble, body), compiled, &list);
            for source in template::sources(body, &list) {
                let text = format!("{compiled}{}", source.body);
                for (line, words) in (1..).zip(text.lines()) {
                    if words == "#include <more>" {
                        continue;
                    }
                    let (path, number) = places.origin(&source.name, line).unwrap();
                    let (_, file) = files
                        .iter()
                        .find(|(name, _)| Path::new(name) == path)
                        .unwrap();
                    let found = file.lines().nth(number - 1).unwrap();
                    assert_eq!(found.trim(), words.trim(), "{line} of {}", source.name);
                }
            }
        }
    }

    #[test]
    fn what_clang_prints() {
        let case = Case {
            name: "_A",
            text: "case _A: {\n            a;\n        }",
            line: 7,
        };
        let names = ["t.c", "c.h"].map(PathBuf::from);
        let places = Places::new(
            names,
            ("#include <a>\n", "CASE\n"),
            "#include <a>\n",
            &[case],
        );
        let text = "In file included from _A.c:1:\n./a.h:3:1: error: x\n    3 | x\n      | ^\n\
                    _A.c:3:13: error: use of 'a'\n    3 |             a;\n      |             ^\n\
                    other.c:3:1: note: y\n    3 | y\n1 error generated.\n";
        let expected = "In file included from t.c:1:\n./a.h:3:1: error: x\n    3 | x\n      | ^\n\
                        c.h:8:13: error: use of 'a'\n    8 |             a;\n      |             ^\n\
                        other.c:3:1: note: y\n    3 | y\n1 error generated.\n";
        assert_eq!(places.translate(text), expected);
        // With two places for a case, nothing is known.
        let names = ["t.c", "c.h"].map(PathBuf::from);
        let places = Places::new(names, ("", "CASE\nCASE\n"), "", &[case]);
        assert_eq!(places.translate(text), text.to_owned());
    }
}
