//! The control flow of a stencil as a graph in the language of Graphviz (DOT).

use jit_stencils::{StencilGroup, StencilSet};

use crate::disassembly::{CONTINUE, Listing};

/// Returns the graph of a stencil.
pub(super) fn dot(title: &str, set: &StencilSet, group: &StencilGroup) -> String {
    let listing = Listing::of(set, group);
    let size = group.code.body.len();
    let mut text = format!(
        "digraph {} {{\n  node [shape=box, fontname=monospace];\n",
        quoted(title)
    );
    for block in &listing.blocks {
        let mut label = String::new();
        label.extend(block.label.iter().map(|label| format!("{label}:\n")));
        for instruction in listing.of_block(block) {
            let (offset, mnemonic) = (instruction.offset, &instruction.mnemonic);
            let operands = instruction.named();
            label += format!("{offset:x}  {mnemonic} {operands}").trim_end();
            label.push('\n');
        }
        let color = if block.hot { "black" } else { "steelblue" };
        let start = block.code.start;
        text += &format!("  b{start:x} [color={color}, label={}];\n", left(&label));
        for next in &block.successors {
            text += &match *next == size {
                true => format!("  b{start:x} -> next;\n"),
                false => format!("  b{start:x} -> b{next:x};\n"),
            };
        }
    }
    if listing
        .blocks
        .iter()
        .any(|block| block.successors.contains(&size))
    {
        text += &format!("  next [shape=ellipse, label={}];\n", quoted(CONTINUE));
    }
    text + "}\n"
}

/// Returns a string of DOT.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns a string of DOT whose lines are aligned to the left.
fn left(text: &str) -> String {
    quoted(text).replace('\n', "\\l")
}
