//! The tables at the end: all stencils by micro-op, and the external symbols. Both are written
//! without designated initializers, which C++ has not for arrays.

use std::fmt::Write as _;

use jit_stencils::{Interface, SLOT_SIZE, StencilGroup, StencilSet};

use super::function::PARAMETERS;
use crate::c;

/// Returns whether the data of any micro-op has to be aligned to more than 8 bytes.
pub(super) fn has_alignments(set: &StencilSet) -> bool {
    let mut groups = set.groups.iter();
    groups.any(|(_, group)| group.data_alignment > SLOT_SIZE)
}

/// Returns whether any micro-op has operands or targets by number.
pub(super) fn has_interfaces(set: &StencilSet) -> bool {
    let mut groups = set.groups.iter();
    groups.any(|(_, group)| group.interface != Interface::default())
}

/// Writes what the micro-ops take from an instruction by number.
fn write_interfaces(out: &mut String, groups: &[(&str, &StencilGroup)]) {
    let operands = groups
        .iter()
        .map(|(_, group)| group.interface.operands.len());
    let operands = operands.max().unwrap_or(0);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "}};\n\n// How many operands micro-ops have at most.\n\
         #define JIT_OPERAND_COUNT {operands}\n\
         \n\
         // How many bits each operand of a micro-op has; 0 if the micro-op does not use it.\n\
         static const unsigned char jit_operand_bits[{}][{}] = {{\n",
        groups.len(),
        operands.max(1)
    );
    for (_, group) in groups {
        let bits: Vec<String> = group.interface.operands.iter().map(u8::to_string).collect();
        let bits = if bits.is_empty() {
            "0".to_owned()
        } else {
            bits.join(", ")
        };
        let _ = writeln!(out, "    {{{bits}}},");
    }
    let _ = write!(
        out,
        "}};\n\n// How many targets each micro-op has.\n\
         static const uint16_t jit_target_counts[{}] = {{\n",
        groups.len()
    );
    for (_, group) in groups {
        let _ = writeln!(out, "    {},", group.interface.targets);
    }
}

/// The start of the table of stencils.
pub(super) const TABLE: &str = "static const jit_stencil jit_stencils";

/// Writes the tables.
pub(super) fn write(out: &mut String, set: &StencilSet) {
    let groups = c::by_name(&set.groups);
    out.push_str(
        "// Applies X to the name of each micro-op, in the order of jit_stencils.\n\
         #define JIT_UOPS(X)",
    );
    // Writing to a String cannot fail, here and below.
    for (name, _) in &groups {
        let _ = write!(out, " \\\n    X({name})");
    }
    out.push_str("\n\n// Indices of jit_stencils.\nenum {\n");
    for (name, _) in &groups {
        let _ = writeln!(out, "    JIT_UOP_{name},");
    }
    let words = set.symbols.len().div_ceil(32).max(1);
    let _ = write!(
        out,
        "    JIT_UOP_COUNT\n\
         }};\n\
         \n\
         // How many external symbols there are, and how many words of a mask they take.\n\
         #define JIT_SYMBOL_COUNT {}\n\
         #define JIT_SYMBOL_WORDS {words}\n\
         \n\
         // The stencils of a micro-op. Symbol N is bit N % 32 of word N / 32 of a mask.\n\
         typedef struct {{\n\
         \x20   const char *name;\n\
         \x20   void (*emit)({PARAMETERS});\n\
         \x20   size_t code_size;\n\
         \x20   size_t data_size;\n\
         \x20   uint32_t trampolines[JIT_SYMBOL_WORDS]; // symbols that are reached by trampolines\n\
         \x20   uint32_t got_slots[JIT_SYMBOL_WORDS];   // symbols that need a slot in the GOT\n\
         }} jit_stencil;\n\
         \n\
         {TABLE}[{}] = {{\n",
        set.symbols.len(),
        groups.len().max(1)
    );
    // C has no empty arrays.
    if groups.is_empty() {
        out.push_str("    {0, 0, 0, 0, {0}, {0}},\n");
    }
    for (name, group) in &groups {
        let _ = write!(
            out,
            "    {{\"{name}\", emit_{name}, {}, {}, ",
            group.code.body.len(),
            group.data.body.len()
        );
        c::write_mask(out, &group.trampolines);
        out.push_str(", ");
        c::write_mask(out, &group.got_entries);
        out.push_str("},\n");
    }
    if has_alignments(set) {
        let _ = write!(
            out,
            "}};\n\n// What the data of each micro-op has to be aligned to, in bytes.\n\
             static const size_t jit_data_alignments[{}] = {{\n",
            groups.len()
        );
        for (_, group) in &groups {
            let _ = writeln!(out, "    {},", group.data_alignment);
        }
    }
    if has_interfaces(set) {
        write_interfaces(out, &groups);
    }
    let _ = writeln!(
        out,
        "}};\n\n// The addresses of external symbols, by number.\n\
         static const void *const jit_symbols[{}] = {{",
        set.symbols.len().max(1)
    );
    if set.symbols.is_empty() {
        out.push_str("    0,\n");
    }
    for symbol in &set.symbols {
        let _ = writeln!(out, "    (const void *)&{symbol},");
    }
    out.push_str("};\n");
}
