//! Which sources may be translated as one file.

mod statements;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet};

use memchr::memmem;
use rayon::prelude::*;

use self::{
    statements::{Needs, OWN},
    words::{is_name, words},
};
use crate::{lexical, linked::Linked, modules::ENTRY};

/// How the names start that functions have in a common file. They are as long as [`ENTRY`], because there are strings with
/// the name of a function.
pub(crate) const PREFIX: &str = "_JITE";

/// How other names start there that start with `_JIT_`.
pub(crate) const OWN_PREFIX: &str = "_JITO";

/// Names of the function that a source defines, which are literals.
const FUNCTION_NAMES: [&[u8]; 3] = [b"__func__", b"__FUNCTION__", b"__PRETTY_FUNCTION__"];

/// How the names of functions start that clang knows without a declaration, besides those of [`Linked`].
const KNOWN: [&str; 4] = ["__builtin_", "__atomic_", "__sync_", "__c11_atomic_"];

/// Sources that mean the same one after the other in one file as each on its own, if their names mean what they seem to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joinable {
    sources: HashMap<String, Needs>,
    /// The macros to restore after each source.
    macros: BTreeSet<String>,
    /// The functions that some source calls as `__builtin_NAME`.
    builtins: HashSet<String>,
}

/// A source after preprocessing.
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a str,
    /// The text before preprocessing.
    pub(crate) body: &'a str,
    pub(crate) tokens: &'a [u8],
}

/// The text before all sources.
pub(crate) struct Start<'a> {
    pub(crate) tokens: &'a [u8],
    /// The definitions of its macros, as in `NAME(x) (x + 1)`.
    pub(crate) definitions: Vec<&'a [u8]>,
}

impl Joinable {
    /// Returns those of some sources that are joinable. `macros` are those that they change.
    pub(crate) fn of(
        start: &Start<'_>,
        candidates: &[Candidate<'_>],
        macros: BTreeSet<String>,
    ) -> Joinable {
        let is_macro = |name: &str| {
            let is_name = |definition: &&[u8]| {
                let rest = definition.strip_prefix(name.as_bytes());
                rest.is_some_and(|rest| !rest.first().is_some_and(|byte| lexical::is_word(*byte)))
            };
            macros.contains(name) || start.definitions.iter().any(is_name)
        };
        if !start.allows_other_names() || macros.contains(ENTRY) {
            return Joinable::default();
        }
        let needs = |candidate: &Candidate<'_>| {
            let needs = candidate.needs()?;
            Some((candidate.name.to_owned(), needs))
        };
        let mut sources: HashMap<String, Needs> = candidates.par_iter().filter_map(needs).collect();
        let all = sources.values().flat_map(|needs| &needs.own);
        let own: BTreeSet<String> = all.cloned().collect();
        let taken: Vec<String> = own.into_iter().filter(|name| is_macro(name)).collect();
        sources.retain(|_, needs| taken.iter().all(|name| !needs.own.contains(name)));
        let builtins = sources.values().flat_map(|needs| &needs.builtins);
        Joinable {
            builtins: builtins.cloned().collect(),
            sources,
            macros,
        }
    }

    /// Returns whether a source of this name is one of them, after a preamble that declares this.
    pub(crate) fn has(&self, name: &str, linked: &Linked) -> bool {
        let needs = self.sources.get(name);
        needs.is_some_and(|needs| {
            let is_value = |name: &String| {
                let mut rest = name.chars().skip(1);
                let is_reserved = name.starts_with('_')
                    && rest.next().is_some_and(|c| c == '_' || c.is_uppercase());
                let is_known = || {
                    let mut known = KNOWN.iter().chain([&OWN]);
                    linked.has(name) || known.any(|start| name.starts_with(start))
                };
                !linked.is_type(name) && (!is_reserved || is_known())
            };
            let is_object = |name: &String| !linked.is_type_of_function(name);
            needs.values.iter().all(is_value) && needs.objects.iter().all(is_object)
        })
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns the names in a source that start with `_JIT_`, besides that of its function.
    pub(crate) fn own(&self, name: &str) -> impl Iterator<Item = &str> {
        let needs = self.sources.get(name);
        needs
            .into_iter()
            .flat_map(|needs| needs.own.iter().map(String::as_str))
    }

    /// Returns the macros to restore after each source.
    pub(crate) fn macros(&self) -> &BTreeSet<String> {
        &self.macros
    }

    /// Returns whether a symbol has one declaration for all uses in all of these sources, after a preamble that declares this.
    pub(crate) fn is_clear(&self, symbol: &str, linked: &Linked) -> bool {
        linked.is_clear(symbol) && !self.builtins.contains(symbol)
    }
}

impl Start<'_> {
    /// Returns whether the names of a source mean the same after this text if they are others that nothing else has.
    fn allows_other_names(&self) -> bool {
        let mentions = |text: &[u8], name: &str| memmem::find(text, name.as_bytes()).is_some();
        // A condition that does not show may ask for such a name.
        let asks = |definition: &&[u8]| {
            let mut words = definition.split(|byte| !lexical::is_word(*byte));
            words.any(|word| word == b"defined")
                && (mentions(definition, OWN) || mentions(definition, "##"))
        };
        let is_taken =
            |definition: &&[u8]| mentions(definition, PREFIX) || mentions(definition, OWN_PREFIX);
        let tokens = [OWN, PREFIX, OWN_PREFIX];
        !tokens.iter().any(|name| mentions(self.tokens, name))
            && !self
                .definitions
                .iter()
                .any(|definition| asks(definition) || is_taken(definition))
    }
}

impl Candidate<'_> {
    fn needs(&self) -> Option<Needs> {
        if directives_depend_on_names(self.body) {
            return None;
        }
        let words = words(self.tokens)?;
        if !is_independent_of_names(&words) {
            return None;
        }
        statements::read(&words, ENTRY.as_bytes())
    }
}

/// Returns whether a directive of a source may ask whether a name is a macro that is one only in a common file, or says which
/// file the next lines are from.
fn directives_depend_on_names(body: &str) -> bool {
    const CONDITIONS: [&str; 6] = ["if", "elif", "ifdef", "ifndef", "elifdef", "elifndef"];
    let body = lexical::joined(body);
    let body = lexical::without_comments(&body);
    body.lines().any(|line| {
        let line = line.trim_start();
        let directive = ["#", "%:", "??="]
            .iter()
            .find_map(|start| line.strip_prefix(start));
        directive.is_some_and(|directive| {
            let directive = directive.trim_start();
            let end = directive.find(|c: char| !c.is_alphanumeric());
            let word = directive
                .get(..end.unwrap_or(directive.len()))
                .unwrap_or_default();
            let is_condition = CONDITIONS.contains(&word) || directive.contains("defined");
            word == "line"
                || word.starts_with(|c: char| c.is_ascii_digit())
                || is_condition && (directive.contains(OWN) || directive.contains("##"))
        })
    })
}

/// Returns whether a source has the names that change only in ways in which clang's front end does not compute with them.
fn is_independent_of_names(words: &[&[u8]]) -> bool {
    let mentions = |word: &[u8], name: &str| memmem::find(word, name.as_bytes()).is_some();
    let is_other = |word: &&[u8]| {
        // Part of another name, or of a literal.
        mentions(word, OWN) && !word.starts_with(OWN.as_bytes())
            || mentions(word, PREFIX)
            || mentions(word, OWN_PREFIX)
            || word.starts_with(b"__builtin_FUNC")
            || is_name(word)
                && (word.ends_with(b"__FUNCTION__") || word.ends_with(b"FUNCSIG__"))
                && !FUNCTION_NAMES.contains(word)
    };
    let word = |at: Option<usize>| at.and_then(|at| words.get(at).copied()).unwrap_or_default();
    let is_argument = |at: usize| {
        let starts = match word(at.checked_sub(1)) {
            b"," => true,
            b"(" => {
                let callee = word(at.checked_sub(2));
                is_name(callee) && !matches!(callee, b"return" | b"case" | b"else" | b"do")
            }
            _ => false,
        };
        starts
            && match word(Some(at + 1)) {
                b"," => true,
                b")" => word(Some(at + 2)) != b"[",
                _ => false,
            }
    };
    let mut names = words.iter().enumerate();
    let has_unusual = names.any(|(at, word)| FUNCTION_NAMES.contains(word) && !is_argument(at));
    let has_names = words.iter().any(|word| FUNCTION_NAMES.contains(word));
    // clang computes the results of some of these if it knows the strings.
    let computes = |word: &&[u8]| {
        const HARMLESS: [&[u8]; 3] = [
            b"__builtin_expect",
            b"__builtin_unreachable",
            b"__builtin_object_size",
        ];
        word.ends_with(b"cmp")
            || word.ends_with(b"chr")
            || word.starts_with(b"__builtin_") && !HARMLESS.contains(word)
    };
    !(has_unusual || words.iter().any(is_other) || has_names && words.iter().any(computes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_decide_about_statements() {
        let tree = "TranslationUnitDecl 0x1 <<invalid sloc>> <invalid sloc>\n\
            |-TypedefDecl 0x2 <tree.c:1:1> col:1 T 'int'\n| `-BuiltinType 0x3 'int'\n\
            |-TypedefDecl 0x2 <tree.c:1:1> col:1 F 'int (int)'\n| `-FunctionProtoType 0x3 'int (int)'\n\
            |-FunctionDecl 0x4 <col:1> col:1 _Known 'int (int)' extern\n\
            `-FunctionDecl 0x4 <col:1> col:1 known 'int (int)' extern\n";
        let linked = Linked::of(tree);
        let joinable = |statement: &str| {
            let tokens = format!("T _JIT_ENTRY(T x) {{ {statement} return x; }}");
            let start = Start {
                tokens: b"",
                definitions: Vec::new(),
            };
            let candidate = Candidate {
                name: "A",
                body: "",
                tokens: tokens.as_bytes(),
            };
            Joinable::of(&start, &[candidate], BTreeSet::new())
        };
        for (statement, expected) in [
            (
                "known(x); _Known(x); other(x); __builtin_abort(); __atomic_x();",
                true,
            ),
            ("T y; T z = 1; F *f = known;", true),
            ("__sync_x(); _JIT_A(x);", true),
            ("known * y; F f = x;", true),
            ("T known(T);", false),
            ("T (known)(T);", false),
            ("F known;", false),
            ("const F known;", false),
            ("_Unknown(x);", false),
            ("__typeof__(x) y;", false),
            ("__extension__ T y, known(T);", false),
            ("__attribute__((cold)) T known(T);", false),
        ] {
            assert_eq!(
                joinable(statement).has("A", &linked),
                expected,
                "{statement}"
            );
        }
        let with_builtin = joinable("__builtin_known(x);");
        assert!(!with_builtin.is_clear("known", &linked));
        assert!(with_builtin.is_clear("_Known", &linked));
    }

    #[test]
    fn texts_before_sources() {
        let tokens = b"T _JIT_ENTRY(T x) { return _JIT_A(x); }";
        let joinable = |start: &[u8], definition: &[u8], macros: &[&str]| {
            let start = Start {
                tokens: start,
                definitions: vec![definition],
            };
            let candidate = Candidate {
                name: "A",
                body: "",
                tokens,
            };
            let macros = macros.iter().map(|name| (*name).to_owned()).collect();
            !Joinable::of(&start, &[candidate], macros).is_empty()
        };
        assert!(joinable(b"int x;", b"X _JIT_ENTRY", &["X"]));
        for (start, definition, macros) in [
            (&b"int _JIT_A;"[..], &b"X 1"[..], &["X"][..]),
            (b"\"_JITE00001\"", b"X 1", &[]),
            (b"", b"X _JITO00001", &[]),
            (b"", b"_JIT_A(x) x", &[]),
            (b"", b"X defined(_JIT_A)", &[]),
            (b"", b"X(a, b) defined(a##b)", &[]),
            (b"", b"X 1", &["_JIT_A"]),
            (b"", b"X 1", &["_JIT_ENTRY"]),
        ] {
            assert!(
                !joinable(start, definition, macros),
                "{start:?} {definition:?}"
            );
        }
    }

    #[test]
    fn directives_that_ask_for_names() {
        for body in [
            "#ifdef _JIT_ENTRY\n",
            "  #  if /* x\n */ defined(_JIT_A)\n",
            "/* */ %: elif \\\n _JIT_A\n",
            "#define D defined(_JIT_A)\n",
            "#define D(x, y) defined(x##y)\n",
            "# 1 \"x.h\" 3\n",
            "#line 3\n",
        ] {
            assert!(directives_depend_on_names(body), "{body}");
        }
        for body in [
            "#ifdef A // _JIT_A\n_JIT_A\n#endif\n",
            "#define A _JIT_A\n#if A\n#endif\n",
            "x = \"\\\n#ifdef _JIT_A\";\n",
            "char c = '\"'; /* \" */\n#undef _JIT_A\n",
        ] {
            assert!(!directives_depend_on_names(body), "{body}");
        }
    }

    #[test]
    fn names_of_functions() {
        let is_independent = |text: &str| is_independent_of_names(&words(text.as_bytes()).unwrap());
        for text in [
            "f(__func__);",
            "f(x, __FUNCTION__, y);",
            "f(_JIT_A, _JIT_ENTRY);",
            "sizeof(__func__);",
            "strcmp(x, y); __builtin_strcmp(x, y);",
        ] {
            assert!(is_independent(text), "{text}");
        }
        for text in [
            "__func__[1];",
            "(__func__)[1];",
            "x + (__func__)[1];",
            "f((__func__));",
            "x = __func__;",
            "return (__func__)[1];",
            "f(__func__ + 1);",
            "f(__func__)[1];",
            "strcmp(__func__, x);",
            "__builtin_strlen(__func__);",
            "L\"_JIT_A\";",
            "f_JIT_A;",
            "_JITE00001;",
            "x_JITO00001;",
            "__builtin_FUNCTION();",
            "L__FUNCTION__;",
        ] {
            assert!(!is_independent(text), "{text}");
        }
    }
}
