//! The names of files in C text.

use std::collections::BTreeSet;

/// A name as it is in an `#include`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// Whether the directory of the file that names it is searched first.
    pub(crate) quoted: bool,
}

/// The files that a text names. Names in comments and in parts that are left out are among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Named {
    /// The files that it includes or embeds.
    pub(crate) included: BTreeSet<Name>,
    /// The files that it asks for, with `__has_include`.
    pub(crate) asked: BTreeSet<Name>,
    /// Whether a macro has a name that it includes.
    pub(crate) computed: bool,
    /// Whether it may have the time of the build in it.
    pub(crate) dated: bool,
    /// What it has that depends on more than the contents of files that are known, if it has anything like that.
    pub(crate) unknown: Option<&'static str>,
}

/// Words before a name.
const INCLUDES: [&str; 4] = ["include", "include_next", "import", "embed"];
/// Words that ask whether a file exists.
const QUESTIONS: [&str; 3] = ["__has_include", "__has_include_next", "__has_embed"];

impl Named {
    /// Returns the files that a text names.
    pub(crate) fn of(text: &str) -> Named {
        // A line may end anywhere.
        let text = text.replace("\\\r\n", "").replace("\\\n", "");
        let mut named = Named::default();
        // Literals that follow each other are one.
        let parts: Vec<&str> = text.split('"').collect();
        let parts = parts.iter().filter(|part| !part.trim().is_empty());
        let literals: String = parts.copied().collect();
        if ["incbin", ".include"]
            .iter()
            .any(|word| literals.contains(word))
        {
            named.unknown = Some(".incbin");
        }
        if text.contains("__TIMESTAMP__") {
            named.unknown = Some("__TIMESTAMP__");
        }
        named.dated = ["__DATE__", "__TIME__"]
            .iter()
            .any(|word| text.contains(word));
        let mut end = 0;
        for start in starts(&text) {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let rest = text.get(start..).unwrap_or_default();
            let word = rest.split(|c: char| !is_word(c)).next().unwrap_or_default();
            let before = text.get(..start).unwrap_or_default();
            // The rest of a word is no word.
            if start < end || before.ends_with(is_word) {
                continue;
            }
            end = start + word.len().max(1);
            let after = text.get(end..).unwrap_or_default();
            if INCLUDES.contains(&word) {
                named.include(before, after);
            } else if QUESTIONS.contains(&word) {
                named.ask(before, after);
            }
        }
        named
    }

    fn include(&mut self, before: &str, after: &str) {
        let is_directive = before.trim_end().ends_with(['#', ':']);
        match name(after) {
            Some(name) => drop(self.included.insert(name)),
            None => self.computed |= is_directive,
        }
    }

    fn ask(&mut self, before: &str, after: &str) {
        let before = before.trim_end();
        let Some(argument) = after.trim_start().strip_prefix('(') else {
            // It may be tested with `#ifdef`. In the definition of a macro, it gets another name.
            let line = before.rsplit('\n').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.len() > 1 && words.iter().any(|word| word.ends_with("define")) {
                self.unknown = Some("another name of __has_include");
            }
            return;
        };
        // It may be defined for compilers that do not have it.
        if before.ends_with("define") {
            return;
        }
        match name(argument) {
            Some(name) => drop(self.asked.insert(name)),
            None => self.unknown = Some("__has_include with a macro"),
        }
    }
}

/// Returns where the words start that may come before a name, in their order.
fn starts(text: &str) -> Vec<usize> {
    let all = ["include", "import", "embed"].into_iter();
    let all = all.flat_map(|word| text.match_indices(word));
    let mut starts: Vec<usize> = all
        .map(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            // `__has_` belongs to the word.
            before.strip_suffix("__has_").map_or(at, str::len)
        })
        .collect();
    starts.sort_unstable();
    starts
}

/// Returns the name in quotes or angle brackets that a text starts with.
fn name(text: &str) -> Option<Name> {
    let text = text.trim_start_matches([' ', '\t']);
    let (quoted, close) = match text.chars().next()? {
        '"' => (true, '"'),
        '<' => (false, '>'),
        _ => return None,
    };
    let (name, _) = text.get(1..)?.split_once(close)?;
    (!name.is_empty() && !name.contains('\n')).then(|| Name {
        text: name.to_owned(),
        quoted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &BTreeSet<Name>) -> Vec<String> {
        let shown = |name: &Name| match name.quoted {
            true => format!("\"{}\"", name.text),
            false => format!("<{}>", name.text),
        };
        names.iter().map(shown).collect()
    }

    #[test]
    fn names_in_all_forms() {
        let named = Named::of(
            "#include \"a.h\"\n #\tinclude <b/c.h>\n%:include\"d.h\"\n#inc\\\nlude \"e.h\"\n\
             #include_next <f.h>\n# import \"g.h\"\n#embed \"h.bin\" limit(1)\nint include, myinclude;\n",
        );
        assert_eq!(
            names(&named.included),
            [
                "\"a.h\"",
                "<b/c.h>",
                "\"d.h\"",
                "\"e.h\"",
                "<f.h>",
                "\"g.h\"",
                "\"h.bin\""
            ]
        );
        assert!(!named.computed && named.unknown.is_none());
        assert!(Named::of("#include HEADER\n").computed);
        assert!(Named::of("#include /* x */ \"a.h\"\n").computed);
    }

    #[test]
    fn questions() {
        let named = Named::of(
            "#ifdef __has_include\n#if __has_include(<a.h>) && defined(__has_include) || __has_include_next ( \"b.h\" )\n\
             #define __has_include(x) 0\n",
        );
        assert_eq!(names(&named.asked), ["<a.h>", "\"b.h\""]);
        assert_eq!(named.unknown, None);
        assert!(Named::of("#if __has_include(X)\n").unknown.is_some());
        assert!(Named::of("#define HAS __has_include\n").unknown.is_some());
        assert!(
            Named::of("# define HAS(x) __has_embed (x)\n")
                .unknown
                .is_some()
        );
        for text in [
            "#ifdef __has_include\n",
            "/* #define HAS\n   as __has_include */\n",
            "#define HAS 1 /* defined by */\n#endif /* __has_include */\n",
            "#if defined(__has_include) && defined __has_embed\n",
            "#undef __has_include\n#define __has_include\n",
        ] {
            assert_eq!(Named::of(text).unknown, None, "{text}");
        }
        assert!(
            Named::of("__asm__(\".incbin \\\"x\\\"\");")
                .unknown
                .is_some()
        );
    }
}
