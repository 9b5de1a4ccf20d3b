//! The names that a snapshot's headers were searched by.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use memchr::memchr3;

use crate::lexical::{is_separator, is_word, joined, last_word, literal_length, starts_raw_string};

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
    let text = plain(&String::from_utf8_lossy(text))?;
    // Another file than the one with the name may be included.
    if has_word(&text, "include_alias") {
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
            if is_directive(line, &["pragma"]) {
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

/// Returns whether a word is in a text, and not only as a part of another.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text.as_bytes().get(at + word.len());
        let (before, _) = text.split_at(at);
        last_word(before.as_bytes()).is_empty() && !after.is_some_and(|byte| is_word(*byte))
    })
}

/// Returns a text with joined lines instead of those that end with a backslash, and without comments other than clang's
/// own. Returns `None` if it is not clear what is a comment.
fn plain(text: &str) -> Option<String> {
    // Whether a trigraph is one depends on flags.
    if text.contains("??/") {
        return None;
    }
    let text = joined(text);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = memchr3(b'"', b'\'', b'/', rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let line = after.lines().next().unwrap_or_default();
        let start = after.get(..2).unwrap_or_default();
        // What is copied, and what takes its place.
        let (length, copy) = if start == "/*" {
            let length = after.get(2..)?.find("*/")? + 4;
            let comment = after.get(..length)?;
            (
                length,
                if comment.ends_with(EXPANDED) {
                    comment
                } else {
                    " "
                },
            )
        } else if start == "//" {
            (line.len(), "")
        } else if after.starts_with('/') {
            (1, "/")
        } else if after.starts_with('\'') && is_separator(out.as_bytes()) {
            let opens = line.rfind("/*");
            // It may be one of digits, or start a literal.
            if opens.is_some_and(|open| !line.get(open..).is_some_and(|text| text.contains("*/"))) {
                return None;
            }
            (1, "'")
        } else if after.starts_with('"') && starts_raw_string(out.as_bytes()) {
            return None;
        } else {
            let length = literal_length(after.as_bytes()).unwrap_or(line.len());
            (length, after.get(..length)?)
        };
        out.push_str(copy);
        rest = after.get(length..)?;
    }
    out.push_str(rest);
    Some(out)
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

/// Returns the name of the file in a snapshot that mentions a word, whose parts may be in two lines.
pub(crate) fn mention(text: &[u8], word: &str) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let text = joined(&text);
    let (before, _) = text.split_once(word)?;
    let file = before.lines().rev().find_map(marker);
    Some(file.map_or_else(
        || "a header".to_owned(),
        |(file, ..)| file.display().to_string(),
    ))
}

/// Returns what follows the `#` of a directive, in any spelling.
fn after_hash(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let hashes = ["#", "%:", "??="];
    let rest = hashes.iter().find_map(|hash| line.strip_prefix(hash));
    rest.map(str::trim_start)
}

/// Returns whether a line is a directive that begins with one of these words.
fn is_directive(line: &str, words: &[&str]) -> bool {
    after_hash(line).is_some_and(|rest| words.iter().any(|word| rest.starts_with(word)))
}

/// Returns what follows the first word of an include directive.
fn directive(line: &str) -> Option<&str> {
    let rest = after_hash(line)?;
    let words = ["include_next", "include", "import"];
    words.iter().find_map(|word| rest.strip_prefix(word))
}

/// Returns what follows the first word of an `#embed` directive.
fn embed(line: &str) -> Option<&str> {
    after_hash(line)?.strip_prefix("embed")
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
    // Messages ask for nothing.
    if is_directive(line, &["error", "warning"]) {
        return Some(());
    }
    for (at, start) in line.match_indices("__has_") {
        let rest = line.get(at + start.len()..)?;
        if ["##", "%:%:", "??=??="]
            .iter()
            .any(|paste| rest.trim_start().starts_with(paste))
        {
            return None;
        }
        let words = ["include_next", "include", "embed"];
        let Some(rest) = words.iter().find_map(|word| rest.strip_prefix(word)) else {
            continue;
        };
        match rest.trim_start().strip_prefix('(') {
            Some(argument) => drop(names.insert(name(argument, true, files)?)),
            // A macro may get its meaning, or its arguments may follow in some other form.
            None if !is_only_tested(line.get(..at)?) => return None,
            None => {}
        }
    }
    Some(())
}

/// Returns whether a directive does nothing with the word after this text but to test whether it is defined, or to define
/// it.
fn is_only_tested(before: &str) -> bool {
    let before = before.trim_end();
    let before = before.strip_suffix('(').unwrap_or(before).trim_end();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word = before.rsplit(|c| !is_word(c)).next().unwrap_or_default();
    let tests = ["defined", "ifdef", "ifndef", "elifdef", "elifndef"];
    after_hash(before).is_some() && (tests.contains(&word) || ["define", "undef"].contains(&word))
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
        assert_eq!(found("#if __has_inc\\\nlude(<a>)\n"), data(true));
        assert_eq!(found("#if __has_include \\ \r\n(<a>)\n"), data(true));
        assert_eq!(found("#if __has_include/**/(<a>)\n"), data(true));
        assert_eq!(found("#if __has_embed/*\n*/ ( /**/ <a>)\n"), data(true));
        assert_eq!(found("%: embed <a>\n"), data(false));
        assert_eq!(found("#/**/em\\\nbed <a>\n"), data(false));
        for unknown in [
            "#pragma include_alias(<a>, <b>)\n",
            "_Pragma(\"include_alias(<a>, <b>)\")\n",
            "#define\tASK __has_include\n",
            "#define ASK \\\n__has_include\n",
            "#/**/define ASK /*\n*/ __has_include\n",
            "/* it's */ %:define ASK defined(X) && __has_include_next\n",
            "#define ASK(x) __has_##x\n",
            "#define ASK(x) __has_ \\\n ## x\n",
            "#if __has_include NOTHING (<a>)\n",
            "#if __has_include??/\n(<a>)\n",
            "char x[] = R\"(/*)\";\n#if __has_include(NAME) /* */\n",
            "#if 0\nit's /* \n#define ASK __has_include // */\n#endif\n",
            "char x[] = \"/*\";\n#if __has_include(NAME) /* */\n",
        ] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
        for known in [
            "#ifdef __has_include\n#endif /* __has_include */\n",
            "#if defined(__has_embed) && defined __has_include\n",
            "/* See __has_embed, as we\n define it. */\n",
            "// #define ASK __has_include\n",
            "#error it needs __has_include\n",
            "X(include_aliases) Y(an_include_alias)\n",
            "#ifdef __has_include /* in\n some */\n#undef __has_include\n",
            "int x = 1'000'000; /* __has_include() */ // \" __has_embed()\n",
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

    #[test]
    fn a_word_is_found_in_its_file() {
        let text =
            "# 1 \"/a.h\" 1\nint x;\n# 1 \"/b.h\" 1\n#if 0 /* disabled */\n#if WO\\\nRD == 1\n";
        assert_eq!(mention(text.as_bytes(), "WORD"), Some("/b.h".to_owned()));
        assert_eq!(mention(text.as_bytes(), "WORDS"), None);
    }
}
