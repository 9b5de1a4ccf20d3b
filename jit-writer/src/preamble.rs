//! The first lines of a generated file.

use crate::comments::write_rest_of_line;

/// The two comment lines at the top of a generated header, which every format has (upstream writes
/// them in `_write_generated_header` in CPython's `Tools/jit/_targets.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble<'a> {
    /// The digest of everything that the header depends on, in hexadecimal digits. It is the first
    /// line, by which a later build knows that the header is current.
    pub digest: &'a str,
    /// How the header was made, without the `//`. If it is empty, there is no second line.
    pub comment: &'a str,
}

impl Preamble<'_> {
    /// Writes the lines, and an empty one after them.
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str("// ");
        write_rest_of_line(out, self.digest);
        if !self.comment.is_empty() {
            out.push_str("// ");
            write_rest_of_line(out, self.comment);
        }
        out.push('\n');
    }
}
