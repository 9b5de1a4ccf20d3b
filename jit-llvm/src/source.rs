//! The sources to compile.

use std::path::Path;

/// One C source to compile, without the preamble that it shares with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name of the micro-op, which `_JIT_OPCODE` is defined as. Files are named after it.
    pub name: String,
    /// The C text after the preamble.
    pub body: String,
}

impl Source {
    /// Returns whether the source may have a directive of its own that includes or embeds a file, so that
    /// it is more than its text. If one is missed, the source does not compile from a snapshot, and the driver
    /// compiles it.
    pub fn may_include(&self) -> bool {
        let lines = self.body.lines();
        let mut lines =
            lines.filter(|line| line.contains('#') || line.contains("%:") || line.contains("??="));
        lines.any(|line| {
            let after = |start: &str| line.split_once(start).map(|(_, rest)| rest);
            [after("#"), after("%:"), after("??=")]
                .into_iter()
                .flatten()
                .any(may_be_include)
        })
    }
}

/// Returns whether what follows the start of a directive may be the word of one that includes a file.
fn may_be_include(rest: &str) -> bool {
    let rest = rest.trim();
    let is_one = |word: &&str| {
        // The word may go on in the next line.
        let start = rest.strip_suffix('\\').or_else(|| rest.strip_suffix("??/"));
        rest.starts_with(*word) || start.is_some_and(|start| word.starts_with(start))
    };
    // A comment may hide it.
    rest.starts_with("/*")
        || ["include", "import", "embed", "__include_macros"]
            .iter()
            .any(is_one)
}

/// Returns a `#line` directive for what is on this line of a source's own file, so that `__FILE__`,
/// `__LINE__` and diagnostics are those of a file that starts with the preamble.
pub(crate) fn line_directive(file: &Path, line: usize) -> String {
    format!("#line {line} \"{}\"\n", escaped(&file.to_string_lossy()))
}

/// Returns the text as it has to be between the quotes of a C string.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\t' => out.push_str("\\t"),
            // `??=` and its like are trigraphs in -std=c11.
            '?' => out.push_str("\\?"),
            _ => out.push(character),
        }
    }
    out
}
