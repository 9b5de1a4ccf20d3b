//! The preprocessor's output, split by source.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::MARKER;
use crate::{
    lexical::{has_raw_string, is_word, words},
    source::Source,
};

/// The definitions of macros, by name.
pub(super) type Definitions = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// The macro that is the name of the source.
const OPCODE: &[u8] = b"_JIT_OPCODE";

/// A part of the output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The text without macro definitions. After a pragma that may change what is compiled, there are the definitions
    /// of the macros in it, as macros in a pragma are expanded when it is compiled.
    pub(super) tokens: Vec<u8>,
    /// The pragmas that may change what is compiled, each as a line.
    pub(super) pragmas: Vec<Vec<u8>>,
    /// Whether pragmas may mean something that neither they nor the definitions of macros in them show: names that `##` makes,
    /// and the place in the file.
    pub(super) has_open_pragmas: bool,
    /// Whether lines may be parts of a raw string, and not what they seem to be.
    pub(super) has_raw_strings: bool,
    /// The macros that were defined, with each of their definitions, as in `NAME(x) (x + 1)`. Those that
    /// were undefined have an empty one.
    pub(super) definitions: Definitions,
}

impl Part {
    fn note(&mut self, line: &[u8]) {
        self.has_raw_strings |= has_raw_string(line);
        if let Some(definition) = line.strip_prefix(b"#define ") {
            let name = definition[..name_length(definition)].to_vec();
            let all = self.definitions.entry(name).or_default();
            all.push(definition.to_vec());
        } else if let Some(name) = line.strip_prefix(b"#undef ") {
            let name = name[..name_length(name)].to_vec();
            self.definitions.entry(name).or_default().push(Vec::new());
        } else if line.starts_with(b"#pragma ") {
            // Each is on a line of its own in its place.
            self.tokens.push(b'\n');
            if is_harmless(line) {
                // It may make an error of a warning.
                self.tokens.extend_from_slice(line);
                self.tokens.push(b'\n');
            } else {
                self.note_pragma(line);
            }
        } else {
            self.tokens.extend_from_slice(line);
            self.tokens.push(b'\n');
        }
    }

    fn note_pragma(&mut self, line: &[u8]) {
        self.pragmas.push(line.to_vec());
        self.tokens.extend_from_slice(line);
        self.tokens.push(b'\n');
        self.has_open_pragmas |= mentions_place(line);
        for definition in mentioned(line, &self.definitions) {
            self.has_open_pragmas |=
                memmem::find(definition, b"##").is_some() || mentions_place(definition);
            self.tokens.extend_from_slice(b"#define ");
            self.tokens.extend_from_slice(definition);
            self.tokens.push(b'\n');
        }
    }

    /// Returns the macros that are defined at the end.
    pub(super) fn last_definitions(&self) -> Vec<String> {
        let last = self.definitions.values().filter_map(|all| all.last());
        last.filter(|definition| !definition.is_empty())
            .map(|definition| String::from_utf8_lossy(definition).into_owned())
            .collect()
    }
}

/// The parts of the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) preamble: Part,
    pub(super) bodies: Vec<Part>,
}

/// The result of splitting the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    Parts(Output),
    /// The sources change these macros, which were not restored.
    MoreMacros(BTreeSet<String>),
    /// Something in a source has an effect on others.
    Unclear,
}

/// Returns lines that save macros.
pub(super) fn pushes(macros: &BTreeSet<String>) -> String {
    pragmas("push", macros)
}

/// Returns lines that restore macros.
pub(super) fn pops(macros: &BTreeSet<String>) -> String {
    pragmas("pop", macros)
}

fn pragmas(action: &str, macros: &BTreeSet<String>) -> String {
    let line = |name| format!("#pragma {action}_macro(\"{name}\")\n");
    macros.iter().map(line).collect()
}

/// Splits the output at the markers.
pub(super) fn split(output: &[u8], sources: &[&Source], macros: &BTreeSet<String>) -> Split {
    let mut preamble = Part::default();
    let mut bodies: Vec<Part> = Vec::with_capacity(sources.len());
    let mut more = BTreeSet::new();
    for line in output.split(|byte| *byte == b'\n') {
        if let Some(name) = marked(line) {
            let expected = sources
                .get(bodies.len())
                .map(|source| source.name.as_bytes());
            if expected != Some(name) {
                return Split::Unclear;
            }
            bodies.push(Part::default());
        } else {
            bodies.last_mut().unwrap_or(&mut preamble).note(line);
        }
    }
    if bodies.len() != sources.len() {
        return Split::Unclear;
    }
    for body in &mut bodies {
        body.definitions.remove(OPCODE);
        for name in body.definitions.keys() {
            match String::from_utf8(name.clone()) {
                Ok(name) if !macros.contains(&name) => more.insert(name),
                Ok(_) => false,
                Err(_) => return Split::Unclear,
            };
        }
    }
    match more.is_empty() {
        true => Split::Parts(Output { preamble, bodies }),
        false => Split::MoreMacros(more),
    }
}

/// Returns the output as one part.
pub(super) fn whole(output: &[u8]) -> Part {
    let mut part = Part::default();
    for line in output.split(|byte| *byte == b'\n') {
        part.note(line);
    }
    part
}

/// Returns the name in a marker.
fn marked(line: &[u8]) -> Option<&[u8]> {
    let name = line.trim_ascii().strip_prefix(MARKER.as_bytes())?;
    name.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// Returns whether a pragma only has an effect on warnings.
fn is_harmless(line: &[u8]) -> bool {
    const HARMLESS: [&[u8]; 7] = [
        b"#pragma GCC diagnostic ",
        b"#pragma clang diagnostic ",
        b"#pragma GCC system_header",
        b"#pragma mark ",
        b"#pragma region",
        b"#pragma endregion",
        b"#pragma warning(",
    ];
    HARMLESS.iter().any(|start| line.starts_with(start))
}

/// Returns whether a text mentions a macro of clang's own whose value depends on where it is.
pub(super) fn mentions_place(text: &[u8]) -> bool {
    const PLACES: [&[u8]; 9] = [
        b"__BASE_FILE__",
        b"__COUNTER__",
        b"__DATE__",
        b"__FILE_NAME__",
        b"__FILE__",
        b"__INCLUDE_LEVEL__",
        b"__LINE__",
        b"__TIMESTAMP__",
        b"__TIME__",
    ];
    words(text).any(|word| PLACES.contains(&word))
}

/// Returns the present definitions of all macros that a text mentions, directly or through other macros.
fn mentioned<'a>(text: &'a [u8], definitions: &'a Definitions) -> Vec<&'a [u8]> {
    let mut found: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    let mut texts = vec![text];
    while let Some(text) = texts.pop() {
        for word in words(text) {
            let last = definitions.get(word).and_then(|all| all.last());
            if let Some(last) = last.filter(|last| !last.is_empty())
                && found.insert(word, last).is_none()
            {
                texts.push(last);
            }
        }
    }
    found.into_values().collect()
}

/// Returns the length of the name at the start of a definition.
pub(super) fn name_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_word(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source {
            name: name.to_owned(),
            body: String::new(),
        }
    }

    fn macros(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    // The preprocessor does not print the lines that save and restore macros.
    const OUTPUT: &str = concat!(
        "#define X 1\nint a;\n#define Y 2\n#undef X\n",
        "__jit_expansion_of__ \"_A\"\n#define _JIT_OPCODE _A\nint b;\n#define Z 1\n#undef _JIT_OPCODE\n",
        "__jit_expansion_of__ \"_B\"\nint c;\n#pragma unroll 4\n",
    );

    #[test]
    fn output_is_split_at_the_markers() {
        let (a, b) = (source("_A"), source("_B"));
        let Split::Parts(output) = split(OUTPUT.as_bytes(), &[&a, &b], &macros(&["Z"])) else {
            panic!("not split");
        };
        assert_eq!(output.preamble.tokens, b"int a;\n");
        assert_eq!(output.preamble.last_definitions(), ["Y 2"]);
        assert_eq!(output.bodies[0].tokens, b"int b;\n");
        assert_eq!(output.bodies[1].tokens, b"int c;\n\n#pragma unroll 4\n\n");
        assert_eq!(output.bodies[1].pragmas, [b"#pragma unroll 4"]);
        for sources in [&[&a][..], &[&b, &a]] {
            assert_eq!(
                split(OUTPUT.as_bytes(), sources, &macros(&["Z"])),
                Split::Unclear
            );
        }
    }

    #[test]
    fn macros_that_are_not_restored_are_noticed() {
        let (a, b) = (source("_A"), source("_B"));
        let Split::MoreMacros(more) = split(OUTPUT.as_bytes(), &[&a, &b], &macros(&[])) else {
            panic!("not noticed");
        };
        assert_eq!(more, macros(&["Z"]));
    }

    #[test]
    fn pragmas_keep_their_places() {
        let harmless = "#pragma GCC diagnostic push\n";
        let texts = [
            "#pragma pack(1)\nint a;\n#pragma pack()\nint b;\n",
            "#pragma pack()\nint a;\n#pragma pack(1)\nint b;\n",
            &format!("{harmless}int a;\n#pragma pack(1)\nint b;\n"),
            &format!("#pragma pack(1)\nint a;\n{harmless}int b;\n"),
            "#define N 1\n#pragma pack(N)\n#define N 2\nint a;\n",
            "#define N 1\n#define N 2\n#pragma pack(N)\nint a;\n",
            "#pragma pack(N)\n#define N 1\nint a;\n",
            "#define N 1\n#undef N\n#pragma pack(M)\nint a;\n",
        ];
        let all: BTreeSet<Vec<u8>> = texts
            .iter()
            .map(|text| whole(text.as_bytes()).tokens)
            .collect();
        assert_eq!(all.len(), texts.len());
        let pasted = whole(b"#define N(x) x##1\n#pragma pack(N(A))\n");
        assert!(pasted.has_open_pragmas);
        for text in [
            "#pragma unroll __LINE__\n",
            "#define N (__COUNTER__ + 1)\n#define M N\n#pragma unroll M\n",
            "#define N sizeof(__FILE_NAME__)\n#pragma unroll N\n",
        ] {
            assert!(whole(text.as_bytes()).has_open_pragmas, "{text}");
        }
        assert!(!whole(b"#define N 4\n#pragma unroll N\nint x = __LINE__;\n").has_open_pragmas);
        assert!(whole(b"x = R\"(\n#pragma mark x\n)\";\n").has_raw_strings);
    }
}
