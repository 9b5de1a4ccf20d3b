//! The names that a snapshot's headers were searched by.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use memchr::memmem;

/// A name that clang has searched for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct SearchedName {
    /// The name, as in `#include <NAME>`.
    pub name: PathBuf,
    /// The directories that are searched before others because the name is between quotes: that of the
    /// file that includes it, and those of the files that include that one.
    pub beside: Vec<PathBuf>,
    /// Whether the existence of the file matters, and not only its contents: `__has_include`.
    pub asked: bool,
}

/// What clang puts behind the lines that it adds for an include directive.
const EXPANDED: &str = "expanded by -frewrite-includes */";

/// Returns the names in a snapshot, or `None` if it is not clear what they are.
pub(crate) fn searched(text: &[u8]) -> Option<Vec<SearchedName>> {
    let text = String::from_utf8_lossy(text);
    if has_hidden_questions(&text) {
        return None;
    }
    let mut names = BTreeSet::new();
    // The files that include each other, the innermost last.
    let mut files: Vec<PathBuf> = Vec::new();
    // Whether a macro has the name of the file that is entered next.
    let mut computed = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((file, entered, left)) = marker(line) {
            if entered && std::mem::take(&mut computed) {
                names.extend(possible_names(&file, &files));
            }
            if left {
                files.pop();
            }
            if !entered {
                files.pop();
            }
            files.push(file);
        } else if line.trim_start().starts_with("#if ") && line.ends_with(EXPANDED) {
            let line = lines.next()?;
            // `#pragma once` is left out as well.
            if is_pragma(line) {
                continue;
            }
            if computed {
                return None;
            }
            match name(directive(line)?, false, &files) {
                Some(name) => drop(names.insert(name)),
                None => computed = true,
            }
        } else if let Some(rest) = embed(line) {
            names.insert(name(rest, false, &files)?);
        } else if line.contains("__has_") {
            probes(line, &files, &mut names)?;
        }
    }
    (!computed).then(|| names.into_iter().collect())
}

/// Returns the names by which a file may have been included: the ends of its path.
fn possible_names(file: &Path, files: &[PathBuf]) -> Vec<SearchedName> {
    let parts: Vec<_> = file.components().collect();
    let ends = (1..parts.len()).filter_map(|start| parts.get(start..));
    ends.map(|end| SearchedName {
        name: end.iter().collect(),
        beside: beside(files),
        asked: false,
    })
    .collect()
}

/// Returns the directories of these files, the innermost first.
fn beside(files: &[PathBuf]) -> Vec<PathBuf> {
    let directories = files.iter().rev().filter_map(|file| file.parent());
    let absolute = directories.filter(|directory| directory.is_absolute());
    absolute.map(Path::to_path_buf).collect()
}

/// Returns whether a word that asks for files is divided by a line break.
fn has_hidden_questions(text: &str) -> bool {
    let count = |text: &str| {
        let of = |word| text.matches(word).count();
        of("__has_include") + of("__has_embed") + of("#embed")
    };
    ["\\\n", "\\\r\n", "??/\n", "??/\r\n"]
        .iter()
        .any(|end| divides_a_word(text, end))
        && {
            let joined = text
                .replace('\r', "")
                .replace("??/", "\\")
                .replace("\\\n", "");
            count(&joined) != count(text)
        }
}

/// Returns whether a line ends within a word and goes on in the next one.
fn divides_a_word(text: &str, end: &str) -> bool {
    let is_part =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    memmem::find_iter(bytes, end.as_bytes()).any(|at| {
        is_part(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && is_part(bytes.get(at + end.len()))
    })
}

/// Returns whether a word that ends at a place in a text is used to ask, or becomes the meaning of a macro. Otherwise
/// it is in a comment, or there is a test whether the compiler knows it.
fn asks_or_names(text: &str, end: usize) -> bool {
    let (before, after) = text.split_at(end);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let words = line.split_whitespace().count();
    let is_definition = line.trim_start().starts_with('#') && line.contains("define ") && words > 2;
    let is_tested = line.contains("defined");
    after.trim_start().starts_with('(') || is_definition && !is_tested
}

/// Parses `# LINE "FILE" FLAGS`. Returns the file, and whether it is entered and returned to.
fn marker(line: &str) -> Option<(PathBuf, bool, bool)> {
    let rest = line.strip_prefix("# ")?;
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let (name, flags) = rest.strip_prefix(" \"")?.rsplit_once('"')?;
    let has = |wanted: &str| flags.split(' ').any(|flag| flag == wanted);
    let name = name.replace("\\\"", "\"").replace("\\\\", "\\");
    Some((name.into(), has("1"), has("2")))
}

/// Returns the name of the file that a place in a snapshot is from.
pub(crate) fn file_at(text: &[u8], at: usize) -> String {
    let before = String::from_utf8_lossy(text.get(..at).unwrap_or_default());
    let file = before.lines().rev().find_map(marker);
    file.map_or_else(
        || "a header".to_owned(),
        |(file, ..)| file.display().to_string(),
    )
}

/// Returns whether a line is a pragma.
fn is_pragma(line: &str) -> bool {
    let word = line.trim_start().strip_prefix('#');
    word.is_some_and(|word| word.trim_start().starts_with("pragma"))
}

/// Returns what follows the first word of an include directive.
fn directive(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let words = ["include_next", "include", "import"];
    words.iter().find_map(|word| rest.strip_prefix(word))
}

/// Returns what follows the first word of an `#embed` directive.
fn embed(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    rest.strip_prefix("embed")
}

/// Parses `"NAME"` or `<NAME>` at the start of a text.
fn name(text: &str, asked: bool, files: &[PathBuf]) -> Option<SearchedName> {
    let text = text.trim_start();
    let (name, quoted) = match text.strip_prefix('"') {
        Some(rest) => (rest.split_once('"')?.0, true),
        None => (text.strip_prefix('<')?.split_once('>')?.0, false),
    };
    Some(SearchedName {
        name: name.into(),
        beside: if quoted { beside(files) } else { Vec::new() },
        asked,
    })
}

/// Finds what a line asks about with `__has_include` and the like. Returns `None` if that is not clear.
fn probes(line: &str, files: &[PathBuf], names: &mut BTreeSet<SearchedName>) -> Option<()> {
    for rest in line.split("__has_").skip(1) {
        let words = ["include_next", "include", "embed"];
        let Some(rest) = words.iter().find_map(|word| rest.strip_prefix(word)) else {
            continue;
        };
        // Without parentheses, it asks whether there is such an operator, or a macro gets its meaning.
        match rest.trim_start().strip_prefix('(') {
            Some(argument) => drop(names.insert(name(argument, true, files)?)),
            None if asks_or_names(line, line.len() - rest.len()) => return None,
            None => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Vec<(String, Vec<String>, bool)>> {
        let names = searched(text.as_bytes())?;
        let shown = |path: &PathBuf| path.display().to_string();
        Some(
            names
                .iter()
                .map(|name| {
                    let beside = name.beside.iter().map(shown).collect();
                    (shown(&name.name), beside, name.asked)
                })
                .collect(),
        )
    }

    #[test]
    fn names_and_where_they_are_searched() {
        let text = concat!(
            "# 1 \"<built-in>\"\n",
            "# 1 \"/w/preamble.h\"\n",
            "#if defined(__CLANG_REWRITTEN_INCLUDES) /* a.h expanded by -frewrite-includes */\n",
            "#include \"sub/a.h\" // why\n",
            "#else /* a.h expanded by -frewrite-includes */\n",
            "# 1 \"/w/preamble.h\"\n",
            "# 1 \"/p/sub/a.h\" 1\n",
            "  #if 0 /* y expanded by -frewrite-includes */\n",
            "# include <y.h>\n",
            "#endif /* y expanded by -frewrite-includes */\n",
            "#if 0 /* x expanded by -frewrite-includes */\n",
            "# include_next <b.h>\n",
            "#endif /* x expanded by -frewrite-includes */\n",
            "#if 0 /* expanded by -frewrite-includes */\n#pragma once\n",
            "#ifdef __has_include\n",
            "#if __has_include(\"c.h\") || __has_include_next ( <d.h>)\n",
            "# 2 \"/w/preamble.h\" 2\n",
            "#endif /* a.h expanded by -frewrite-includes */\n",
            "#if __has_include(\"e.h\")\n",
        );
        let expected = [
            ("b.h", vec![], false),
            ("c.h", vec!["/p/sub", "/w"], true),
            ("d.h", vec![], true),
            ("e.h", vec!["/w"], true),
            ("sub/a.h", vec!["/w"], false),
            ("y.h", vec![], false),
        ];
        let expected = expected.map(|(name, beside, next)| {
            let beside: Vec<String> = beside.into_iter().map(str::to_owned).collect();
            (name.to_owned(), beside, next)
        });
        assert_eq!(found(text).unwrap(), expected);
    }

    #[test]
    fn names_that_macros_make_are_not_known() {
        assert_eq!(found("#if __has_include(NAME)\n"), None);
        assert_eq!(found("# define ASK __has_include\n"), None);
        assert_eq!(found("#define ASK __has_embed\n"), None);
        let data = |asked| Some(vec![("a".to_owned(), vec![], asked)]);
        assert_eq!(found("#if __has_embed(<a>)\n"), data(true));
        assert_eq!(found("# embed <a> limit(1)\n"), data(false));
        assert_eq!(found("#embed NAME\n"), None);
        assert_eq!(found("#if __has_inc\\\nlude(<a>)\n"), None);
        for known in [
            "#ifdef __has_include\n#endif /* __has_include */\n",
            "#if defined(__has_embed) && defined __has_include\n",
            "/* See __has_embed, as we\n define it. */\n",
        ] {
            assert_eq!(found(known), Some(Vec::new()), "{known}");
        }
        let include = "#if 1 /* x expanded by -frewrite-includes */\n#include NAME\n";
        assert_eq!(found(include), None);
        assert_eq!(found(&[include, include].concat()), None);
        let entered = "#else /* x expanded by -frewrite-includes */\n# 1 \"/p/sub/a.h\" 1\n";
        let names = found(&["# 1 \"/w/x.h\"\n", include, entered].concat()).unwrap();
        let names: Vec<&str> = names.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["a.h", "p/sub/a.h", "sub/a.h"]);
    }
}
