//! What the meaning of preprocessed text depends on besides its tokens.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;
use regex::Regex;

use super::output::{Part, name_length};

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

type Definitions = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

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
                    value.contains(&b'_') && words(value).any(|word| names.contains(word))
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
        let Some(names) = &self.0 else { return true };
        if body.contains("\\\n") || body.contains("??/") || body.contains("\\\r") {
            // A name may go on in the next line.
            let joined = body
                .replace('\r', "")
                .replace("??/", "\\")
                .replace("\\\n", "");
            return names.is_match(&joined);
        }
        names.is_match(body)
    }
}

/// Returns what the result depends on for the text that all sources start with, or `None` if that is not
/// known. `whole` is the text before preprocessing.
pub(super) fn of_preamble(part: &Part, whole: &[u8]) -> Option<Vec<u8>> {
    // Flags say which names files have in `__builtin_FILE()`.
    let is_elsewhere = depends_on_place(&part.tokens) || assembler_may_read_files(&part.tokens);
    if contains(&part.tokens, UNSTABLE) || is_elsewhere {
        return None;
    }
    let mut meaning = part.tokens.clone();
    let mut pasted = false;
    for pragma in &part.pragmas {
        meaning.extend_from_slice(pragma);
        meaning.push(b'\n');
        // Macros in a pragma are expanded when it is compiled.
        for definition in mentioned(pragma, &part.definitions) {
            pasted |= contains(definition, "##");
            meaning.extend_from_slice(b"#define ");
            meaning.extend_from_slice(definition);
            meaning.push(b'\n');
        }
    }
    if pasted {
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
    if contains(&part.tokens, UNSTABLE) || assembler_may_read_files(&part.tokens) {
        return None;
    }
    let mut meaning = part.tokens;
    for pragma in &part.pragmas {
        let is_macro = |word| definitions.contains_key(word) || part.definitions.contains_key(word);
        if words(pragma).any(is_macro) {
            return None;
        }
        meaning.extend_from_slice(pragma);
        meaning.push(b'\n');
    }
    Some(meaning)
}

/// Returns whether the text asks for its own place in a file.
pub(super) fn depends_on_place(tokens: &[u8]) -> bool {
    // Most have none of them.
    contains(tokens, "__builtin_") && PLACES.iter().any(|name| contains(tokens, name))
}

/// Returns the definitions of all macros that a text mentions, directly or through other macros.
fn mentioned<'a>(text: &'a [u8], definitions: &'a Definitions) -> Vec<&'a [u8]> {
    let mut found: BTreeMap<&[u8], &Vec<Vec<u8>>> = BTreeMap::new();
    let mut texts = vec![text];
    while let Some(text) = texts.pop() {
        for word in words(text) {
            if let Some((name, all)) = definitions.get_key_value(word)
                && found.insert(name, all).is_none()
            {
                texts.extend(all.iter().map(Vec::as_slice));
            }
        }
    }
    found.into_values().flatten().map(Vec::as_slice).collect()
}

/// Returns whether the assembler may read a file because of inline assembly, or assembles something that
/// only its own macros show.
pub(super) fn assembler_may_read_files(tokens: &[u8]) -> bool {
    const DIRECTIVES: [&[u8]; 6] = [
        b".inc",
        b".macro",
        b".altmacro",
        b".irp",
        b".rep",
        b".secure_log",
    ];
    memmem::find_iter(tokens, b"asm").any(|at| {
        let rest = tokens.get(at..).unwrap_or_default();
        // Words that only have it in them are not followed by a parenthesis as a rule.
        let Some(text) = literals(rest) else {
            return false;
        };
        let text = text.to_ascii_lowercase();
        let names = |directive: &&[u8]| memmem::find(&text, directive).is_some();
        DIRECTIVES.iter().any(names) || has_odd_escape(&text)
    })
}

/// Returns the string literals between the parentheses that follow the word at the start of a text, joined,
/// or `None` if no parentheses follow. MSVC's blocks are returned as they are.
fn literals(text: &[u8]) -> Option<Vec<u8>> {
    let after = text.get(name_length(text)..)?;
    let mut rest = after.trim_ascii_start();
    for word in [
        &b"volatile"[..],
        b"__volatile__",
        b"__volatile",
        b"goto",
        b"inline",
    ] {
        rest = rest.strip_prefix(word).unwrap_or(rest).trim_ascii_start();
    }
    if let Some(block) = rest.strip_prefix(b"{") {
        let end = block.iter().position(|byte| *byte == b'}');
        return Some(block.get(..end.unwrap_or(block.len()))?.to_vec());
    }
    let mut depth = 0_usize;
    let mut joined = Vec::new();
    let mut bytes = rest.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    joined.push(*byte);
                    if *byte == b'\\' {
                        joined.extend(bytes.next());
                    }
                }
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    rest.starts_with(b"(").then_some(joined)
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

/// Returns the identifiers in a text.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'$' || *byte >= 0x80;
    text.split(move |byte| !is_part(byte))
        .filter(|word| !word.is_empty())
}

fn contains(text: &[u8], word: &str) -> bool {
    memmem::find(text, word.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ]));
        for text in [
            "HAS_X",
            "__COUN\\\nTER__",
            "f(UNIQUE)",
            "__COUN??/\nTER__",
            "__TIME__",
        ] {
            assert!(names.are_in(text), "{text}");
        }
        assert!(!names.are_in("ONE HA S_X"));
    }

    #[test]
    fn macros_in_pragmas_count() {
        let part = |value: &str| Part {
            tokens: b"int x;\n".to_vec(),
            pragmas: vec![b"#pragma pack(push, N)".to_vec()],
            definitions: definitions(&["N M", value, "OTHER 1"]),
        };
        let of = |part: &Part| of_preamble(part, b"whole").unwrap();
        assert_ne!(of(&part("M 1")), of(&part("M 2")));
        let (a, mut b) = (part("M 1"), part("M 1"));
        b.definitions.remove(&b"OTHER"[..]);
        assert_eq!(of(&a), of(&b));
        assert!(!of(&a).ends_with(b"whole"));
        assert!(of(&part("M(x) x##1")).ends_with(b"whole"));
        let body = |pragma: &str| Part {
            pragmas: vec![pragma.as_bytes().to_vec()],
            ..Part::default()
        };
        let definitions = definitions(&["N 4"]);
        assert_eq!(of_body(body("#pragma unroll N"), &definitions), None);
        assert!(of_body(body("#pragma unroll 4"), &definitions).is_some());
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
        ] {
            assert!(assembler_may_read_files(text.as_bytes()), "{text}");
        }
        for text in [
            "__asm__(\"bswap %0\\n\\tnop\" : \"+r\"(x))",
            "int asm_count; f(\".incbin\");",
            "int f(void) __asm__(\"\" \"__isoc99_f\"); char *s = \".incbin\";",
            "int plasma(void) { return g(\".incline\"); }",
        ] {
            assert!(!assembler_may_read_files(text.as_bytes()), "{text}");
        }
    }
}
