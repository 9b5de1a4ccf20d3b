//! Which sources may be translated as one file.

mod statements;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet};

use memchr::{memchr, memmem};
use rayon::prelude::*;

use self::{
    statements::Needs,
    words::{is_name, words},
};
use crate::{
    lexical,
    linked::{Linked, symbol_of_builtin},
    modules::{ENTRY, RESERVED as OWN},
};

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
        if !start.allows_other_names() || !start.has_plain_strings() {
            return Joinable::default();
        }
        let pasted = start.names_to_paste();
        let needs = |candidate: &Candidate<'_>| {
            let needs = candidate.needs(&pasted)?;
            Some((candidate.name.to_owned(), needs))
        };
        let sources: HashMap<String, Needs> = candidates.par_iter().filter_map(needs).collect();
        let builtins = sources.values().flat_map(|needs| &needs.builtins);
        Joinable {
            builtins: builtins
                .map(|name| symbol_of_builtin(name).to_owned())
                .collect(),
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
            needs.values.iter().all(is_value)
                && needs.objects.iter().all(is_object)
                && needs.tags.iter().all(|tag| linked.has_tag(tag))
        })
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
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
    /// Returns whether names of sources that start with `_JIT_` mean the same after this text if they are others.
    fn allows_other_names(&self) -> bool {
        let is_taken = |word: &[u8]| {
            let mut starts = [OWN, PREFIX, OWN_PREFIX].into_iter();
            starts.any(|start| word.starts_with(start.as_bytes()))
        };
        let mut texts = self.definitions.iter().chain([&self.tokens]);
        !texts.any(|text| lexical::words(text).any(is_taken))
    }

    /// Returns whether no string may have a line break, besides those of statements of assembly. clang prints strings of
    /// attributes and the like as they are in the syntax tree, whose lines are its nodes.
    fn has_plain_strings(&self) -> bool {
        let text = self.tokens;
        // For each parenthesis that is open here, whether it belongs to an assembly statement.
        let mut open = Vec::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(next_quote_or_parenthesis) {
            at += found;
            let (before, rest) = text.split_at(at);
            let length = match rest.first() {
                Some(b'\'') if lexical::is_separator(before) => Some(1),
                Some(b'"' | b'\'') => lexical::literal_length(rest),
                Some(b'(') => {
                    open.push(is_assembly(before));
                    Some(1)
                }
                _ => {
                    open.pop();
                    Some(1)
                }
            };
            let Some(literal) = length.and_then(|length| rest.get(..length)) else {
                return false;
            };
            let has_escapes = literal.starts_with(b"\"")
                && (memchr(b'\\', literal).is_some() || memmem::find(literal, b"??/").is_some());
            if has_escapes && !open.contains(&true) {
                return false;
            }
            at += literal.len();
        }
        true
    }

    /// Returns the ends of names of macros that `##` may make of a name that starts with `_JIT_`.
    fn names_to_paste(&self) -> Vec<&[u8]> {
        let ends = self.definitions.iter().filter_map(|definition| {
            let name = lexical::words(definition).next()?;
            name.get(memmem::find(name, OWN.as_bytes())?..)
        });
        ends.collect()
    }
}

/// Returns where the next quote or parenthesis is.
fn next_quote_or_parenthesis(text: &[u8]) -> Option<usize> {
    let is_one = |byte: &u8| matches!(byte, b'"' | b'\'' | b'(' | b')');
    text.iter().position(is_one)
}

/// Returns whether the parenthesis after this text belongs to a statement `__asm__ volatile (...)`, rather than to the
/// assembly name of a declaration.
fn is_assembly(before: &[u8]) -> bool {
    const VOLATILE: [&[u8]; 3] = [b"volatile", b"__volatile", b"__volatile__"];
    const ASM: [&[u8]; 3] = [b"asm", b"__asm", b"__asm__"];
    let mut rest = before.trim_ascii_end();
    [&VOLATILE, &ASM].into_iter().all(|words| {
        let word = lexical::last_word(rest);
        rest = rest.strip_suffix(word).unwrap_or(rest).trim_ascii_end();
        words.contains(&word)
    }) && matches!(rest.last(), Some(b';' | b'{' | b'}'))
}

impl Candidate<'_> {
    fn needs(&self, pasted: &[&[u8]]) -> Option<Needs> {
        let is_unclear = |word: &[u8]| {
            let at = memmem::find(word, OWN.as_bytes());
            let mentions = |name: &str| memmem::find(word, name.as_bytes()).is_some();
            mentions(PREFIX)
                || mentions(OWN_PREFIX)
                || at.is_some_and(|at| at > 0 || pasted.iter().any(|end| end.starts_with(word)))
        };
        if lexical::words(self.body.as_bytes()).any(is_unclear) {
            return None;
        }
        let words = words(self.tokens)?;
        if !is_independent_of_names(&words) {
            return None;
        }
        statements::read(&words, ENTRY.as_bytes())
    }
}

/// Returns a source with other names: that of its function, and what those start with that start with `_JIT`.
pub(crate) fn renamed(body: &str, [entry, own]: [&str; 2]) -> String {
    let is_part = |c: char| !c.is_ascii() || lexical::is_word(c as u8);
    let mut out = String::with_capacity(body.len() + body.len() / 8);
    let mut rest = body;
    while let Some(start) = rest.find(is_part) {
        let (before, word) = rest.split_at(start);
        out.push_str(before);
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        match word.strip_prefix("_JIT") {
            _ if word == ENTRY => out.push_str(entry),
            // The macro with the source's name is the same in all of them.
            Some(name) if name.starts_with('_') && word != OPCODE => {
                out.push_str(own);
                out.push_str(name);
            }
            _ => out.push_str(word),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The macro that is the name of the source.
const OPCODE: &str = "_JIT_OPCODE";

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
    let is_argument = |at: usize| {
        let (before, after) = words.split_at(at);
        let starts = matches!(before, [.., b"(" | b","]);
        let ends = match after {
            [_, b",", ..] => true,
            [_, b")", next, ..] => *next != b"[",
            _ => false,
        };
        starts && ends && callee(before).is_some()
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

/// Returns the name before the parenthesis that is open at the end of some words, if that may be a function.
fn callee<'t>(before: &[&'t [u8]]) -> Option<&'t [u8]> {
    let mut depth = 0_usize;
    for (at, word) in before.iter().enumerate().rev() {
        match *word {
            b")" | b"]" => depth += 1,
            b"[" => depth = depth.checked_sub(1)?,
            b"(" if depth == 0 => {
                let name = before.get(at.checked_sub(1)?).copied()?;
                let is_keyword = KEYWORDS.contains(&name) || name.starts_with(b"__");
                return (is_name(name) && !is_keyword).then_some(name);
            }
            b"(" => depth -= 1,
            b";" | b"{" | b"}" => return None,
            _ => {}
        }
    }
    None
}

/// Words before parentheses that are no functions.
const KEYWORDS: [&[u8]; 12] = [
    b"return", b"case", b"else", b"do", b"if", b"while", b"for", b"switch", b"sizeof", b"typeof",
    b"alignof", b"goto",
];

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
        let linked = Linked::of(tree).unwrap();
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
        let joinable = |start: &[u8], definition: &[u8], body: &str| {
            let start = Start {
                tokens: start,
                definitions: vec![definition],
            };
            let candidate = Candidate {
                name: "A",
                body,
                tokens: b"T _JIT_ENTRY(T x) { return _JIT_A(x); }",
            };
            !Joinable::of(&start, &[candidate], BTreeSet::new()).is_empty()
        };
        for (definition, body) in [
            (&b"X 1"[..], "#ifdef _JIT_ENTRY\n_JIT_A"),
            (b"X_JIT_B 1", "_JIT_A"),
            (b"X_JIT 1", "_JIT_A"),
            (b"X(a) defined(a)", "don't /* _JIT_A"),
        ] {
            let start = b"int x_JIT_A = '\\n' + 1'0; f(\"a\"); { __asm__ volatile (\"nop\\n\" :: \"r\"(g('\"', \"\\n\")));";
            assert!(joinable(start, definition, body), "{body}");
        }
        for (start, definition, body) in [
            (&b"int _JIT_B;"[..], &b"X 1"[..], "_JIT_A"),
            (b"x _JITE00001", b"X 1", "_JIT_A"),
            (b"", b"X _JITO00001", "_JIT_A"),
            (b"f(\"a\\nb\");", b"X 1", "_JIT_A"),
            (b"f(\"a??/nb\");", b"X 1", "_JIT_A"),
            (b"int x __asm__ volatile (\"a\\n\");", b"X 1", "_JIT_A"),
            (
                b"void f(void) { asm volatile (\"a\" : : \"r\"('\"')); g(\"a\\n\"); }",
                b"X 1",
                "_JIT_A",
            ),
            (b"", b"_JIT_A(x) x", "_JIT_A"),
            (b"", b"X defined(_JIT_A)", "_JIT_A"),
            (b"", b"PROBE__JIT_A ~, 1", "_JIT_A"),
            (b"", b"PROBE__JIT_ABLE 1", "_JIT_A"),
            (b"", b"X 1", "#define X_JIT_A 1"),
            (b"", b"X 1", "#define _JITE00000 host"),
            (b"", b"X 1", "x_JITO00001"),
        ] {
            assert!(!joinable(start, definition, body), "{definition:?} {body}");
        }
    }

    #[test]
    fn other_names() {
        let body = "_JIT_ENTRY(_JIT_A, _JIT_ ## x, x_JIT_A, _JIT_ENTRY_2) _JIT_OPCODE _JIT 1_JIT_A \u{e9}_JIT_A";
        let expected =
            "E1(O1_A, O1_ ## x, x_JIT_A, O1_ENTRY_2) _JIT_OPCODE _JIT 1_JIT_A \u{e9}_JIT_A";
        assert_eq!(renamed(body, ["E1", "O1"]), expected);
    }

    #[test]
    fn names_of_functions() {
        let is_independent = |text: &str| is_independent_of_names(&words(text.as_bytes()).unwrap());
        for text in [
            "f(__func__);",
            "f(x, __FUNCTION__, y);",
            "f(_JIT_A, _JIT_ENTRY);",
            "strcmp(x, y); __builtin_strcmp(x, y);",
        ] {
            assert!(is_independent(text), "{text}");
        }
        for text in [
            "__func__[1];",
            "(__func__)[1];",
            "x + (__func__)[1];",
            "f((__func__));",
            "sizeof(__func__);",
            "((0, __func__))[5];",
            "f((0, __func__));",
            "(__extension__(__func__))[5];",
            "f(x, (0, __func__)[5]);",
            "word a[(0, __func__)[5]];",
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
