//! The header of a target's stencils.

use jit_stencils::{StencilGroup, StencilSet};

use crate::{footer, stencil};

/// The two lines on top of a generated header (`_write_generated_header` in CPython's
/// `Tools/jit/_targets.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble<'a> {
    /// The digest of everything the header depends on, in hexadecimal digits: the first line, by
    /// which a later build knows that the header is current.
    pub digest: &'a str,
    /// How the header was made, without the `//`; nothing is written if it is empty.
    pub comment: &'a str,
}

impl Preamble<'_> {
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str("// ");
        out.push_str(self.digest);
        out.push('\n');
        if !self.comment.is_empty() {
            out.push_str("// ");
            out.push_str(self.comment);
            out.push('\n');
        }
        out.push('\n');
    }
}

/// The whole of `jit_stencils-<triple>.h`: a function for each uop in build order, then the tables
/// (`dump` in CPython's `Tools/jit/_writer.py`).
pub fn write_header(preamble: Preamble<'_>, set: &StencilSet) -> String {
    let size: usize = set.groups.iter().map(|(_, group)| estimate(group)).sum();
    let mut out = String::with_capacity(size + 64 * set.symbols.len() + 2048);
    preamble.write(&mut out);
    for (opname, group) in &set.groups {
        stencil::write(&mut out, opname, group);
    }
    footer::write(&mut out, set);
    out
}

/// About how many bytes of C a group takes.
fn estimate(group: &StencilGroup) -> usize {
    let stencils = [&group.code, &group.data].into_iter().map(|stencil| {
        let comments: usize = stencil.disassembly.iter().map(|line| line.len() + 8).sum();
        comments + stencil.body.len() * 7 + stencil.holes.len() * 90
    });
    stencils.sum::<usize>() + 512
}
