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
