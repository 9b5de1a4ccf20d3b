//! Which declarations belong to a project, and not to the system's headers.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use jit_llvm::Passage;

use crate::paths;

/// The files of a project, with the records and identifiers in them.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    directories: Vec<PathBuf>,
    files: BTreeSet<PathBuf>,
    /// The tags of the records that its files define.
    tags: BTreeSet<String>,
    /// Every identifier in its files, comments left out.
    words: BTreeSet<String>,
    /// The identifiers in conditions, such as those of `#if`.
    tested: BTreeSet<String>,
}

impl Scope {
    /// Returns the scope of the files in some directories.
    pub(crate) fn new(directories: &[PathBuf]) -> Scope {
        Scope {
            directories: directories.to_vec(),
            ..Scope::default()
        }
    }

    /// Adds the contents of a preprocessed source.
    pub(crate) fn add(&mut self, passages: &[Passage]) {
        for passage in passages {
            if !self.is_inside(&passage.file) {
                continue;
            }
            self.tags.extend(tags(&passage.text));
            if self.files.insert(passage.file.clone())
                && let Ok(bytes) = paths::read(&passage.file)
            {
                self.read(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn read(&mut self, text: &str) {
        let text = without_comments(&text.replace("\\\n", " "));
        for line in text.lines() {
            let words = identifiers(line).map(str::to_owned);
            match line.trim_start().strip_prefix('#') {
                Some(directive) if is_test(directive) => {
                    let words: Vec<String> = words.collect();
                    self.tested.extend(words.iter().cloned());
                    self.words.extend(words);
                }
                _ => self.words.extend(words),
            }
        }
    }

    /// Returns whether the project defines a record, given the name that clang prints.
    pub(crate) fn has_record(&self, name: &str) -> bool {
        // A record without a name has a location: `union (unnamed at FILE:LINE:COLUMN)`.
        if let Some((_, place)) = name.split_once(" at ") {
            let file = place.rsplitn(3, ':').nth(2).unwrap_or(place);
            return self.is_inside(Path::new(file));
        }
        let tag = name.rsplit(' ').next().unwrap_or(name);
        let outermost = tag.split("::").next().unwrap_or(tag);
        self.tags.contains(outermost)
    }

    /// Returns whether the project's files have a name in them.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.words.contains(name)
    }

    /// Returns whether the project's files test a macro.
    pub(crate) fn tests(&self, name: &str) -> bool {
        self.tested.contains(name)
    }

    fn is_inside(&self, file: &Path) -> bool {
        self.directories
            .iter()
            .any(|directory| file.starts_with(directory))
    }
}

fn is_test(directive: &str) -> bool {
    let word = identifiers(directive).next();
    matches!(word, Some("if" | "ifdef" | "ifndef" | "elif"))
}

/// Returns the tags of the records that a preprocessed text defines: `struct NAME {`, with or without
/// attributes.
fn tags(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((word, after)) = next_word(rest) {
        rest = after;
        if !matches!(word, "struct" | "union") {
            continue;
        }
        while let Some((name, after)) = leading_word(rest) {
            rest = after;
            match arguments(rest) {
                Some(after) => rest = after,
                None => {
                    if rest.trim_start().starts_with('{') {
                        found.push(name.to_owned());
                    }
                    break;
                }
            }
        }
    }
    found
}

/// Returns the next word and the text after it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    leading_word(text.get(text.find(is_word)?..)?)
}

/// Returns the word at the start of a text, after blanks, and the text after it.
fn leading_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at_checked(end))?
}

/// Returns the text after an attribute's arguments.
fn arguments(text: &str) -> Option<&str> {
    let text = text.trim_start().strip_prefix('(')?;
    let mut depth = 1;
    for (place, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(place + 1..);
        }
    }
    None
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c))
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Returns a text with a space in place of each comment. Quotes are ignored, since strings in headers have no
/// comments in them.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        let (before, comment) = rest.split_at_checked(place).unwrap_or((rest, ""));
        out.push_str(before);
        out.push(' ');
        rest = match comment.starts_with("/*") {
            true => comment.split_once("*/").map_or("", |(_, rest)| rest),
            false => comment
                .find('\n')
                .and_then(|end| comment.get(end..))
                .unwrap_or(""),
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        let mut scope = Scope::new(&[PathBuf::from("/own")]);
        scope.read(text);
        scope
    }

    #[test]
    fn records_by_tag_and_place() {
        let mut own = scope("");
        let passage = |file: &str, text: &str| Passage {
            file: PathBuf::from(file),
            text: text.to_owned(),
        };
        own.add(&[
            passage(
                "/own/a.h",
                "typedef struct _a { int b; } a;\nstruct\n__attribute__((x)) c\n{ struct d *e; };\n\
                 struct f g(struct h *i) { return x; }\nint substruct { }; union u{int j;};\
                 struct { int k; } l;",
            ),
            passage("/usr/include/b.h", "struct other { int x; };"),
        ]);
        for (name, expected) in [
            ("struct _a", true),
            ("struct c", true),
            ("union u", true),
            ("struct _a::(anonymous at /usr/include/b.h:1:2)", false),
            ("struct _a::(anonymous at /own/a.h:1:2)", true),
            ("union (unnamed at /own/x/a.h:1:2)", true),
            ("struct (unnamed union)::(unnamed at /own/a.h:1:2)", true),
            ("union (unnamed at /usr/own/a.h:1:2)", false),
            ("struct d", false),
            ("struct f", false),
            ("struct h", false),
            ("struct other", false),
        ] {
            assert_eq!(own.has_record(name), expected, "{name}");
        }
    }

    #[test]
    fn words_and_tests() {
        let own = scope(
            "#if defined(A) && \\\n    B > 0x10 // C\n/* D\n#ifdef E\n*/ F 1G\n  # ifndef H\n#include <I>\n",
        );
        for word in ["A", "B", "H"] {
            assert!(own.tests(word) && own.mentions(word), "{word}");
        }
        for word in ["F", "I"] {
            assert!(!own.tests(word) && own.mentions(word), "{word}");
        }
        for word in ["C", "D", "E", "G", "x10"] {
            assert!(!own.mentions(word), "{word}");
        }
    }
}
