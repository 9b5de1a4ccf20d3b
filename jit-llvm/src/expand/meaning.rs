//! What the meaning of preprocessed text depends on besides its tokens.

use std::collections::BTreeSet;

use memchr::memmem;
use regex::Regex;

use super::output::{Definitions, Part, mentions_place};
use crate::lexical::{is_word, joined, last_word, literal_length, words};

/// Macros whose values depend on the time, on the number of uses, or on the names and places of files.
const UNSTABLE_MACROS: [&str; 6] = [
    "__BASE_FILE__",
    "__COUNTER__",
    "__DATE__",
    "__INCLUDE_LEVEL__",
    "__TIMESTAMP__",
    "__TIME__",
];

/// Operators of conditions that depend on which files there are, and pragmas with an effect on other sources,
/// neither of which the preprocessor prints.
const OPERATORS: [&str; 5] = [
    "__has_embed",
    "__has_include",
    "__has_include_next",
    "pop_macro",
    "push_macro",
];

/// Functions of the compiler whose results depend on where they are called.
const PLACES: [&str; 5] = [
    "__builtin_COLUMN",
    "__builtin_FILE",
    "__builtin_FILE_NAME",
    "__builtin_LINE",
    "__builtin_source_location",
];

/// What the macros of [`UNSTABLE_MACROS`] become.
const UNSTABLE: &str = "__jit_unstable__";

/// Returns lines that define the macros with a value that can be found again.
pub(super) fn definitions_of_unstable_macros() -> String {
    let line = |name| format!("#undef {name}\n#define {name} {UNSTABLE}\n");
    UNSTABLE_MACROS.iter().map(line).collect()
}

/// The names whose effect depends on more than the tokens show: the operators and macros above, and the macros
/// that mention one of them.
pub(super) struct UnstableNames(Option<Regex>);

impl UnstableNames {
    pub(super) fn of(definitions: &Definitions) -> UnstableNames {
        let start = UNSTABLE_MACROS.iter().chain(&OPERATORS);
        let mut names: BTreeSet<&[u8]> = start.map(|name| name.as_bytes()).collect();
        loop {
            let before = names.len();
            for (name, all) in definitions {
                let mentions = all.iter().any(|definition| {
                    let value = definition.get(name.len()..).unwrap_or_default();
                    let is_pasted = contains(value, "##");
                    value.contains(&b'_')
                        && words(value).any(|word| {
                            names.contains(word) || is_pasted && word.starts_with(b"__has_")
                        })
                });
                if mentions {
                    names.insert(name);
                }
            }
            if names.len() == before {
                break;
            }
        }
        let names: Vec<String> = names
            .into_iter()
            .map(|name| regex::escape(&String::from_utf8_lossy(name)))
            .collect();
        UnstableNames(Regex::new(&names.join("|")).ok())
    }

    /// Returns whether one of the names is in a source, in whatever form.
    pub(super) fn are_in(&self, body: &str) -> bool {
        // A name may go on in the next line.
        let names = self.0.as_ref();
        names.is_none_or(|names| names.is_match(&joined(body)))
    }
}

/// Returns what the result depends on for the text that all sources start with, or `None` if that is not
/// known. `whole` is the text before preprocessing.
pub(super) fn of_preamble(part: &Part, whole: &[u8]) -> Option<Vec<u8>> {
    // Flags say which names files have in `__builtin_FILE()`.
    let is_elsewhere = depends_on_place(&part.tokens) || assembler_may_read_files(&part.tokens);
    if contains(&part.tokens, UNSTABLE) || is_elsewhere || part.has_raw_strings {
        return None;
    }
    let mut meaning = part.tokens.clone();
    if part.has_open_pragmas {
        // Whoever compares tokens ignores line breaks.
        meaning.extend(whole.iter().map(|byte| match byte {
            b'\n' => 1,
            b'\r' => 2,
            other => *other,
        }));
    }
    Some(meaning)
}

/// Returns what the result depends on for a source after the preamble, or `None` if that is not known.
pub(super) fn of_body(part: Part, definitions: &Definitions) -> Option<Vec<u8>> {
    let is_macro = |word| definitions.contains_key(word) || part.definitions.contains_key(word);
    let mut pragmas = part.pragmas.iter();
    let is_unclear = contains(&part.tokens, UNSTABLE)
        || assembler_may_read_files(&part.tokens)
        || part.has_raw_strings
        || pragmas.any(|pragma| mentions_place(pragma) || words(pragma).any(is_macro));
    (!is_unclear).then_some(part.tokens)
}

/// Returns whether the text asks for its own place in a file.
pub(super) fn depends_on_place(tokens: &[u8]) -> bool {
    // Most have none of them.
    contains(tokens, "__builtin_") && PLACES.iter().any(|name| contains(tokens, name))
}

/// Returns whether the assembler may read a file because of inline assembly, or assembles something that
/// only its own macros show.
pub(super) fn assembler_may_read_files(tokens: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 4] = [b"asm", b"_asm", b"__asm", b"__asm__"];
    memmem::find_iter(tokens, b"asm").any(|at| {
        let (before, after) = tokens.split_at(at);
        let start = at - last_word(before).len();
        let length = after.iter().take_while(|byte| is_word(**byte)).count();
        let (word, rest) = (tokens.get(start..at + length), tokens.get(at + length..));
        word.is_some_and(|word| KEYWORDS.contains(&word))
            && match assembly(rest.unwrap_or_default()) {
                Assembly::None => false,
                Assembly::Text(text) => may_read_files(&text.to_ascii_lowercase()),
                Assembly::Unclear => true,
            }
    })
}

/// What follows a keyword for inline assembly.
enum Assembly {
    /// Something else.
    None,
    /// All string literals, joined, or MSVC's block as it is.
    Text(Vec<u8>),
    Unclear,
}

fn assembly(text: &[u8]) -> Assembly {
    // There may be any number of qualifiers, such as `volatile`.
    let is_between = |byte: &u8| is_word(*byte) || byte.is_ascii_whitespace();
    let length = text.iter().take_while(|byte| is_between(byte)).count();
    let (qualifiers, rest) = text.split_at(length);
    match rest.first() {
        Some(b'(') => literals(rest).map_or(Assembly::Unclear, Assembly::Text),
        Some(b'{') => {
            let end = rest.iter().position(|byte| b"}\"'".contains(byte));
            let block = end.and_then(|end| rest.get(..=end));
            block
                .and_then(|block| block.strip_suffix(b"}"))
                .map_or(Assembly::Unclear, |block| Assembly::Text(block.to_vec()))
        }
        // It is a name, or in a string.
        Some(b'"' | b';' | b')' | b',' | b'=' | b']') | None
            if qualifiers.trim_ascii().is_empty() =>
        {
            Assembly::None
        }
        _ => Assembly::Unclear,
    }
}

/// Returns the string literals between the parentheses that a text starts with, joined. Returns `None` if it has a string
/// with a prefix, or if it does not end.
fn literals(text: &[u8]) -> Option<Vec<u8>> {
    let mut depth = 0_usize;
    let mut joined = Vec::new();
    let mut at = 0;
    loop {
        let (before, rest) = text.split_at(at);
        match rest.first()? {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(joined),
            b')' => depth -= 1,
            b'"' if !last_word(before).is_empty() => return None,
            quote @ (b'"' | b'\'') => {
                let length = literal_length(rest)?;
                if *quote == b'"' {
                    joined.extend_from_slice(rest.get(1..length - 1)?);
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Returns whether assembly has a directive that reads a file or makes other directives, or a name of a directive that is
/// not plain text, as in `.i{n|n}cbin` and `.%c0`. `text` is in lower case.
fn may_read_files(text: &[u8]) -> bool {
    const DIRECTIVES: [&[u8]; 7] = [
        b".inc",
        b"incbin",
        b".macro",
        b".altmacro",
        b".irp",
        b".rep",
        b".secure_log",
    ];
    let is_divided = |at: usize| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let is_name = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'_';
        let length = rest.iter().take_while(is_name).count();
        match rest.get(length..) {
            Some([b'%', b'=', ..]) => false,
            Some([b'%' | b'{' | b'|' | b'}', ..]) => true,
            _ => false,
        }
    };
    DIRECTIVES
        .iter()
        .any(|directive| memmem::find(text, directive).is_some())
        || memchr::memchr_iter(b'.', text).any(is_divided)
        || has_odd_escape(text)
}

/// Returns whether a string literal has an escape sequence that may hide a letter.
fn has_odd_escape(literal: &[u8]) -> bool {
    let mut bytes = literal.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && !bytes.next().is_some_and(|byte| b"nt\\\"'".contains(byte)) {
            return true;
        }
    }
    false
}

fn contains(text: &[u8], word: &str) -> bool {
    memmem::find(text, word.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::{
        super::output::{name_length, whole},
        *,
    };

    fn definitions(all: &[&str]) -> Definitions {
        let mut definitions = Definitions::new();
        for text in all {
            let name = text.as_bytes()[..name_length(text.as_bytes())].to_vec();
            definitions
                .entry(name)
                .or_default()
                .push(text.as_bytes().to_vec());
        }
        definitions
    }

    #[test]
    fn names_through_macros() {
        let names = UnstableNames::of(&definitions(&[
            "HAS(x) __has_include(x)",
            "HAS_X HAS(<x.h>)",
            "ONE 1",
            "UNIQUE JOIN(x, __COUNTER__)",
            "PASTE(x) __has_ ## x",
        ]));
        for text in [
            "HAS_X",
            "__COUN\\\nTER__",
            "__COUN\\ \r\nTER__",
            "f(UNIQUE)",
            "PASTE(include)(<x.h>)",
            "__COUN??/\nTER__",
            "__TIME__",
        ] {
            assert!(names.are_in(text), "{text}");
        }
        assert!(!names.are_in("ONE HA S_X"));
    }

    #[test]
    fn macros_in_pragmas_count() {
        let of = |definitions: &str| {
            let text = format!("{definitions}\n#pragma pack(push, N)\nint x;\n");
            of_preamble(&whole(text.as_bytes()), b"whole").unwrap()
        };
        let with = |value: &str| of(&format!("#define N M\n#define {value}\n#define OTHER 1"));
        assert_ne!(with("M 1"), with("M 2"));
        assert_eq!(with("M 1"), of("#define N M\n#define M 1"));
        assert!(!with("M 1").ends_with(b"whole"));
        assert!(with("M x##1").ends_with(b"whole"));
        let body = |pragma: &str| whole(pragma.as_bytes());
        let definitions = definitions(&["N 4"]);
        assert_eq!(of_body(body("#pragma unroll N"), &definitions), None);
        assert!(of_body(body("#pragma unroll 4"), &definitions).is_some());
        for raw in ["x = R\"(\n#pragma mark a\n)\";", "f(u8R\"x(a  b)x\");"] {
            assert_eq!(of_body(body(raw), &definitions), None);
            assert_eq!(of_preamble(&body(raw), b""), None);
        }
    }

    #[test]
    fn files_that_the_assembler_reads() {
        for text in [
            "__asm__(\".incbin \\\"f\\\"\")",
            "asm volatile (\".inc\" \"bin \\\"f\\\"\" : : \"r\"(x))",
            "__asm__ __volatile__(\".INCLUDE \\\"f\\\"\")",
            "asm(\".macro m a\\n.\\\\a \\\"f\\\"\\n.endm\")",
            "asm(\".inc\\x62in \\\"f\\\"\")",
            "__asm { .incbin \"f\" }",
            "__asm__ __inline volatile(\".incbin \\\"f\\\"\")",
            "__asm__ __inline__ __volatile__(\".incbin \\\"f\\\"\")",
            "asm inline goto\nvolatile (\".incbin \\\"f\\\"\")",
            "_asm{.incbin \"f\"}",
            "__asm .incbin \"f\"",
            "asm(\".i{n|n}cbin \\\"f\\\"\")",
            "asm(\"{.|}incbin \\\"f\\\"\")",
            "asm(\".i%c0 \\\"f\\\"\" :: \"i\"(&ncbin))",
            "asm volatile(R\"x(#\")x\" \"\\n.incbin \\\"f\\\"\")",
            "asm(\"nop\" :: \"i\"('\"'), \"i\"(f(\")\")) : \".incbin\")",
            "asm(\"nop\"",
        ] {
            assert!(assembler_may_read_files(text.as_bytes()), "{text}");
        }
        for text in [
            "__asm__(\"bswap %0\\n\\tnop\" : \"+r\"(x))",
            "int asm_count; f(\".incbin\");",
            "asm volatile(\"xchg{l}\\t{%%ebx|ebx}\" : \"=r\"(x) : \"i\"('('))",
            "asm goto(\"jmp .L%=\\n.L%=: .long 1f - .\" :::: label); f(\".incbin\")",
            "int asm; f(asm, \"asm\", \".incbin\");",
            "int f(void) __asm__(\"\" \"__isoc99_f\"); char *s = \".incbin\";",
            "int plasma(void) { return g(\".incline\"); }",
        ] {
            assert!(!assembler_may_read_files(text.as_bytes()), "{text}");
        }
    }
}
