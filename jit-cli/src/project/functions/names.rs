//! Which functions become stencils, and what the stencils are called.

use std::path::Path;

use super::demangle;

/// Which functions become stencils.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// In the order in which they are given.
    pub(crate) patterns: Vec<Pattern>,
    /// The function of each file that becomes a stencil of the file's name.
    pub(crate) entry: Option<String>,
}

/// A pattern for names, which may exclude them.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    excludes: bool,
    pattern: glob::Pattern,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Pattern, glob::PatternError> {
        let (excludes, pattern) = match text.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, text),
        };
        Ok(Pattern {
            text: text.to_owned(),
            excludes,
            pattern: glob::Pattern::new(pattern)?,
        })
    }

    fn matches(&self, symbol: &str) -> bool {
        self.pattern.matches(symbol)
            || self.pattern.matches(&demangle::base(symbol))
            || self.pattern.matches(&demangle::demangled(symbol))
    }
}

impl Names {
    /// Returns the name of the stencil that a function of a file becomes, if it becomes one.
    pub(crate) fn stencil(&self, symbol: &str, file: &Path) -> Option<String> {
        let base = demangle::base(symbol);
        if demangle::is_inner(&base) {
            return None;
        }
        let name = match &self.entry {
            Some(entry) if symbol == entry || base == *entry => {
                identifier(&file.file_stem()?.to_string_lossy())
            }
            Some(_) => return None,
            None => identifier(&base),
        };
        // With an entry, patterns are about the names of files.
        let subject = match self.entry {
            Some(_) => name.as_str(),
            None => symbol,
        };
        let mut is_wanted = self.patterns.iter().all(|pattern| pattern.excludes);
        for pattern in &self.patterns {
            if pattern.matches(subject) {
                is_wanted = !pattern.excludes;
            }
        }
        is_wanted.then_some(name)
    }

    /// Returns whether a word in a source may be the name of a function that is selected because its name has something in
    /// common with a pattern. Patterns for all functions select helpers as well.
    pub(crate) fn may_select(&self, word: &str) -> bool {
        let mut patterns = self.patterns.iter().filter(|pattern| !pattern.excludes);
        self.entry.is_none()
            && patterns.any(|pattern| {
                let last = pattern.text.rsplit("::").next().unwrap_or_default();
                let last = last.split('(').next().unwrap_or_default();
                !last.chars().all(|c| c == '*')
                    && glob::Pattern::new(last).is_ok_and(|pattern| pattern.matches(word))
            })
    }

    /// Returns the patterns that match none of these functions.
    pub(crate) fn unused<'a>(&'a self, symbols: &[String]) -> Vec<&'a str> {
        if self.entry.is_some() {
            return Vec::new();
        }
        let patterns = self.patterns.iter();
        let unused = patterns.filter(|pattern| !symbols.iter().any(|name| pattern.matches(name)));
        unused.map(|pattern| pattern.text.as_str()).collect()
    }
}

/// Returns a name with `_` in the place of what C does not allow.
fn identifier(name: &str) -> String {
    let name = name.replace("(anonymous namespace)::", "");
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character.is_ascii_alphanumeric() || character == '_' {
            true => text.push(character),
            false if text.ends_with('_') => {}
            false => text.push('_'),
        }
    }
    match text.starts_with(|character: char| character.is_ascii_digit()) {
        true => format!("_{text}"),
        false => text,
    }
}

/// Returns whether a text is a name in C.
pub(crate) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && identifier(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str], entry: Option<&str>) -> Names {
        Names {
            patterns: patterns
                .iter()
                .map(|text| Pattern::new(text).unwrap())
                .collect(),
            entry: entry.map(str::to_owned),
        }
    }

    #[test]
    fn patterns_match_what_the_author_wrote() {
        let file = Path::new("/x/ops.cpp");
        let some = names(
            &["stencil_*", "!stencil_old*", "vm::*", "stencil_older"],
            None,
        );
        for (symbol, expected) in [
            ("stencil_add", Some("stencil_add")),
            ("stencil_old_add", None),
            ("stencil_older", Some("stencil_older")),
            ("helper", None),
            ("_ZN2vm3addEP5Framel", Some("vm_add")),
            ("?add@vm@@YAXPEAUFrame@@@Z", Some("vm_add")),
        ] {
            assert_eq!(some.stencil(symbol, file).as_deref(), expected, "{symbol}");
        }
        for (word, expected) in [("stencil_x", true), ("add", false), ("stencil_", true)] {
            assert_eq!(some.may_select(word), expected, "{word}");
        }
        let all = names(&["!helper"], None);
        assert!(!all.may_select("op"));
        assert_eq!(all.stencil("op", file).as_deref(), Some("op"));
        assert_eq!(all.stencil("helper", file), None);
        assert_eq!(
            some.unused(&["stencil_add".to_owned()]),
            ["!stencil_old*", "vm::*", "stencil_older"]
        );
    }

    #[test]
    fn files_give_their_names() {
        let some = names(&["!two"], Some("_JIT_ENTRY"));
        for (file, expected) in [
            ("a/one.c", Some("one")),
            ("two.c", None),
            ("3-x.c", Some("_3_x")),
        ] {
            assert_eq!(
                some.stencil("_JIT_ENTRY", Path::new(file)).as_deref(),
                expected
            );
        }
        assert_eq!(some.stencil("other", Path::new("one.c")), None);
    }
}
