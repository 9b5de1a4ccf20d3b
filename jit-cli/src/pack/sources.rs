//! What the code of stencils depends on in a source tree.
//!
//! Comments, and macros that nothing mentions, do not change code. So a file is identified by a hash of its tokens,
//! without the definitions of such macros, and `pyconfig.h`, which configure writes, by the macros that something mentions.
//! Conditions are not evaluated: a macro counts as mentioned even if the line that mentions it is not compiled.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    paste::{self, Paste},
    pyconfig::{Definition, Placed, definitions, is_unconditional, placed, shown},
    tokens::{self, Kind, Line},
};
use crate::{
    hex,
    state::inputs::{Names, hexadecimal},
};

/// What stencils depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inputs {
    /// The files that were read, other than `pyconfig.h`, by their paths in the tree, with `/` as separator.
    pub(super) files: BTreeMap<String, FileHashes>,
    /// The hashes of `pyconfig.h`. The second one does not cover macros.
    pub(super) pyconfig: Option<FileHashes>,
    /// The macros in `pyconfig.h` that are mentioned, with their definitions.
    pub(super) macros: BTreeMap<String, String>,
    /// The names that occur in conditions of headers outside of the tree.
    pub(super) outside: BTreeSet<String>,
    /// The names of files that must not be there, by directory: they would be read instead of others.
    pub(super) absent: BTreeMap<String, Names>,
    /// Whether the numbers of lines count, as in the messages of assertions.
    pub(super) lines: bool,
}

/// The hashes of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileHashes {
    /// The SHA-256 of its bytes.
    pub(super) bytes: String,
    /// The SHA-256 of the tokens that can change code.
    pub(super) code: String,
}

/// The text of a file.
#[derive(Debug, Clone)]
pub(super) struct Text {
    bytes: String,
    /// Whether all of it counts.
    is_odd: bool,
    spliced: String,
}

impl Text {
    pub(super) fn new(bytes: &[u8]) -> Text {
        Text {
            bytes: hexadecimal(bytes),
            is_odd: tokens::is_odd(bytes),
            spliced: tokens::spliced(&String::from_utf8_lossy(bytes)),
        }
    }

    /// Returns all words in it, those of comments included.
    pub(super) fn words(&self) -> BTreeSet<&str> {
        let is_part = |c: char| c == '_' || c.is_alphanumeric();
        self.spliced.split(|c| !is_part(c)).collect()
    }

    /// Returns the names in its tokens that are among these words.
    pub(super) fn names_among(&self, words: &BTreeSet<&str>) -> BTreeSet<String> {
        let lines = tokens::lines(&self.spliced);
        let names = lines.iter().flat_map(|line| tokens::names(&line.tokens));
        names
            .filter(|name| words.contains(name))
            .map(str::to_owned)
            .collect()
    }

    fn hashes(&self, code: String) -> FileHashes {
        FileHashes {
            code: match self.is_odd {
                true => self.bytes.clone(),
                false => code,
            },
            bytes: self.bytes.clone(),
        }
    }

    /// Returns the names that occur in its conditions.
    pub(super) fn conditions(&self) -> BTreeSet<String> {
        let lines = tokens::lines(&self.spliced);
        let conditions = lines
            .iter()
            .filter(|line| matches!(line.kind, Kind::If | Kind::Else));
        conditions
            .flat_map(|line| tokens::names(&line.tokens))
            .map(str::to_owned)
            .collect()
    }
}

/// The texts of the files in a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    pub(super) files: BTreeMap<String, Text>,
    pub(super) pyconfig: Option<Text>,
    /// The names that occur in conditions of headers outside of the tree.
    pub(super) outside: BTreeSet<String>,
    /// The names of files that must not be there, by directory.
    pub(super) absent: BTreeMap<String, Names>,
    /// Whether the numbers of lines count.
    pub(super) lines: bool,
}

impl Sources {
    /// Returns whether `pyconfig.h` defines a macro unconditionally.
    pub(super) fn configures(&self, name: &str) -> bool {
        let Some(text) = &self.pyconfig else {
            return false;
        };
        let lines = tokens::lines(&text.spliced);
        let found = definitions(&lines).remove(name);
        found.is_some_and(|definition| is_unconditional(&definition.text))
    }

    /// Returns what stencils depend on.
    pub(super) fn inputs(&self) -> Inputs {
        let files: BTreeMap<&str, Vec<Line<'_>>> = self
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), tokens::lines(&text.spliced)))
            .collect();
        let pyconfig = self.pyconfig.as_ref();
        let pyconfig_lines = pyconfig.map_or_else(Vec::new, |text| tokens::lines(&text.spliced));
        let configured = definitions(&pyconfig_lines);
        let mentioned = self.mentioned(files.values().flatten(), &configured);
        let hashes = files.iter().filter_map(|(name, lines)| {
            let text = self.files.get(*name)?;
            let code = self.hash(lines, |name| mentioned.contains(name));
            Some(((*name).to_owned(), text.hashes(code)))
        });
        let hashes = hashes.collect();
        let macros = configured
            .into_iter()
            .filter(|(name, _)| mentioned.contains(*name))
            .map(|(name, definition)| (name.to_owned(), definition.text))
            .collect();
        Inputs {
            files: hashes,
            pyconfig: pyconfig.map(|text| text.hashes(self.order(&pyconfig_lines, &mentioned))),
            macros,
            outside: self.outside.clone(),
            absent: self.absent.clone(),
            lines: self.lines,
        }
    }

    /// Returns the names of macros that are mentioned: in a line, by a macro that is mentioned, or as the result of `##`.
    fn mentioned<'a>(
        &'a self,
        lines: impl Iterator<Item = &'a Line<'a>>,
        configured: &BTreeMap<&'a str, Definition<'a>>,
    ) -> BTreeSet<&'a str> {
        let mut bodies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut pastes: BTreeMap<&str, Vec<Paste<'_>>> = BTreeMap::new();
        let mut words: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> = self.outside.iter().map(String::as_str).collect();
        for line in lines {
            words.extend(line.tokens.iter().map(|token| token.text));
            match &line.kind {
                Kind::Define(name) => {
                    let names = bodies.entry(name.as_str()).or_default();
                    names.extend(tokens::names(line.body()));
                    pastes
                        .entry(name.as_str())
                        .or_default()
                        .extend(paste::of(line.body()));
                }
                Kind::Undefine(_) => {}
                _ => waiting.extend(tokens::names(&line.tokens)),
            }
        }
        for (name, definition) in configured {
            bodies.entry(name).or_default().extend(&definition.names);
        }
        let mut mentioned = BTreeSet::new();
        // Macros of the system's headers, which are not here, may join two words.
        let mut joined = vec![Paste::TWO];
        loop {
            while let Some(name) = waiting.pop() {
                if mentioned.insert(name) {
                    waiting.extend(bodies.get(name).into_iter().flatten());
                    joined.extend(pastes.remove(name).into_iter().flatten());
                }
            }
            let others = bodies.keys().filter(|name| !mentioned.contains(*name));
            let made = others.filter(|name| joined.iter().any(|paste| paste.makes(name, &words)));
            waiting.extend(made.copied());
            if waiting.is_empty() {
                return mentioned;
            }
        }
    }

    /// Returns a hash of what `pyconfig.h` has besides the values of macros: the order of those that are mentioned, and
    /// other text, with the conditions around each.
    fn order(&self, lines: &[Line<'_>], mentioned: &BTreeSet<&str>) -> String {
        let mut hasher = Sha256::new();
        for Placed { line, conditions } in placed(lines) {
            match &line.kind {
                Kind::Define(name) | Kind::Undefine(name) if !mentioned.contains(name.as_str()) => {
                    continue;
                }
                Kind::Define(name) | Kind::Undefine(name) => hasher.update(name),
                _ => {
                    for condition in conditions {
                        hasher.update(shown(&condition.tokens));
                        hasher.update("\n");
                    }
                    hasher.update(shown(&line.tokens));
                }
            }
            if self.lines {
                hasher.update(format!(":{}", line.number));
            }
            hasher.update("\n");
        }
        hex::digits(&hasher.finalize())
    }

    /// Returns a hash of the tokens. Only definitions of macros for which `counts` returns true are included.
    fn hash(&self, lines: &[Line<'_>], counts: impl Fn(&str) -> bool) -> String {
        let mut hasher = Sha256::new();
        for line in lines {
            if let Kind::Define(name) | Kind::Undefine(name) = &line.kind
                && !counts(name)
            {
                continue;
            }
            // Line ends do not matter in other text.
            if line.kind != Kind::Text {
                hasher.update("\n");
            }
            for token in &line.tokens {
                if self.lines {
                    hasher.update(format!("{}:", token.line));
                }
                if token.spaced {
                    hasher.update(" ");
                }
                hasher.update(token.text);
                // A separator that no token contains.
                hasher.update("\0");
            }
            if line.kind != Kind::Text {
                hasher.update("\n");
            }
        }
        hex::digits(&hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)], pyconfig: &str) -> Sources {
        Sources {
            files: files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), Text::new(text.as_bytes())))
                .collect(),
            pyconfig: Some(Text::new(pyconfig.as_bytes())),
            outside: ["SYSTEM".to_owned()].into(),
            absent: BTreeMap::new(),
            lines: false,
        }
    }

    const HEADER: &str =
        "#define USED(x) (x + OTHER)\n#define UNUSED 1\n#if HAVE_A\nint a;\n#endif\n";
    const CASES: &str = "case A: { x = USED(1); }\n";
    const PYCONFIG: &str = "#ifndef GUARD_H\n#define GUARD_H\n#define HAVE_A 1\n/* #undef HAVE_B */\n\
                            #define OTHER 2\n#define SYSTEM 3\n#define NOBODY 4\n#ifndef _EXT\n#define _EXT 1\n#endif\n#endif\n";

    fn inputs(header: &str, cases: &str, pyconfig: &str) -> Inputs {
        sources(&[("a.h", header), ("cases.h", cases)], pyconfig).inputs()
    }

    /// Returns whether two sets of inputs lead to the same code.
    fn same(a: &Inputs, b: &Inputs) -> bool {
        let codes = |inputs: &Inputs| {
            let files = inputs.files.iter();
            let codes: Vec<(String, String)> = files
                .map(|(name, file)| (name.clone(), file.code.clone()))
                .collect();
            (
                codes,
                inputs.macros.clone(),
                inputs.pyconfig.as_ref().map(|file| file.code.clone()),
            )
        };
        codes(a) == codes(b)
    }

    #[test]
    fn macros_that_count() {
        let all = inputs(HEADER, CASES, PYCONFIG);
        let macros: Vec<(&str, &str)> = all
            .macros
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(macros, [("HAVE_A", "1"), ("OTHER", "2"), ("SYSTEM", "3")]);
    }

    #[test]
    fn what_changes_nothing() {
        let all = inputs(HEADER, CASES, PYCONFIG);
        let replaced = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from));
            text.replace(from, to)
        };
        for header in [
            replaced(HEADER, "int a;", "/* new */ int a; // b"),
            replaced(HEADER, "#define UNUSED 1", "#define UNUSED 2"),
            replaced(HEADER, "#define UNUSED 1", "#define MORE 3\n#undef MORE"),
            replaced(HEADER, "(x + OTHER)", "(x \\\n + OTHER)"),
        ] {
            assert!(same(&all, &inputs(&header, CASES, PYCONFIG)), "{header}");
        }
        for pyconfig in [
            replaced(PYCONFIG, "NOBODY 4", "NOBODY 5"),
            replaced(PYCONFIG, "_EXT", "_EXTENSIONS"),
            replaced(
                PYCONFIG,
                "#define SYSTEM 3\n#define NOBODY 4\n",
                "#define NEW 1\n#define SYSTEM 3\n",
            ),
            replaced(PYCONFIG, "GUARD_H", "OTHER_GUARD_H"),
        ] {
            assert!(same(&all, &inputs(HEADER, CASES, &pyconfig)), "{pyconfig}");
        }
    }

    #[test]
    fn what_changes_code() {
        let all = inputs(HEADER, CASES, PYCONFIG);
        let replaced = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from));
            text.replace(from, to)
        };
        for (header, cases, pyconfig) in [
            (
                replaced(HEADER, "int a;", "long a;"),
                CASES.to_owned(),
                PYCONFIG.to_owned(),
            ),
            (
                replaced(HEADER, "x + OTHER", "x - OTHER"),
                CASES.to_owned(),
                PYCONFIG.to_owned(),
            ),
            (
                HEADER.to_owned(),
                replaced(CASES, "1", "UNUSED"),
                PYCONFIG.to_owned(),
            ),
            (
                HEADER.to_owned(),
                CASES.to_owned(),
                replaced(PYCONFIG, "OTHER 2", "OTHER 3"),
            ),
            (
                HEADER.to_owned(),
                CASES.to_owned(),
                replaced(PYCONFIG, "#define HAVE_A 1\n", ""),
            ),
            (
                HEADER.to_owned(),
                CASES.to_owned(),
                replaced(
                    PYCONFIG,
                    "#define SYSTEM 3",
                    "#ifdef Z\n#define SYSTEM 3\n#endif",
                ),
            ),
            (
                HEADER.to_owned(),
                CASES.to_owned(),
                replaced(PYCONFIG, "#define SYSTEM 3", "#undef SYSTEM"),
            ),
            (
                HEADER.to_owned(),
                CASES.to_owned(),
                replaced(
                    PYCONFIG,
                    "#define SYSTEM 3",
                    "#pragma pack(1)\n#define SYSTEM 3",
                ),
            ),
        ] {
            assert!(
                !same(&all, &inputs(&header, &cases, &pyconfig)),
                "{header}{cases}{pyconfig}"
            );
        }
    }

    #[test]
    fn what_else_changes_code() {
        let orders = [
            (
                "#define HAVE_A 1\n#define OTHER 2\n",
                "#define OTHER 2\n#define HAVE_A 1\n",
            ),
            ("#define HAVE_A(x) x\n", "#define HAVE_A (x) x\n"),
            (
                "#ifndef G\n#define G\n#define HAVE_A 1\n#endif\n",
                "#ifdef G\n#define G\n#define HAVE_A 1\n#endif\n",
            ),
            ("#ifdef X\nint a;\n#endif\n", "#ifdef Y\nint a;\n#endif\n"),
        ];
        for (one, other) in orders {
            let [one, other] = [one, other].map(|pyconfig| inputs(HEADER, CASES, pyconfig));
            assert!(!same(&one, &other));
        }
        // A name that is made with `##`.
        let joining = "#define JOIN(a, b) a##b\n#define HAVE(x) JOIN(NOB, x)\nint j = HAVE(ODY);\n";
        let joined = inputs(joining, CASES, PYCONFIG);
        assert_eq!(joined.macros.get("NOBODY"), Some(&"4".to_owned()));
        let with_lines = |header: &str| {
            let sources = sources(&[("a.h", header)], PYCONFIG);
            Sources {
                lines: true,
                ..sources
            }
            .inputs()
        };
        assert!(!same(
            &with_lines(HEADER),
            &with_lines(&format!("/* a\n */{HEADER}"))
        ));
        assert!(same(
            &with_lines(HEADER),
            &with_lines(&format!("/* a */{HEADER}"))
        ));
    }
}
