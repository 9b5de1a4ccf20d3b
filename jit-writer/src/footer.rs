//! The tables at the end of a target's header: all stencils by uop, and the external symbols
//! (`_dump_footer` in CPython's `Tools/jit/_writer.py`).

use std::fmt::Write as _;

use jit_stencils::{StencilGroup, StencilSet, SymbolMask};

pub(crate) fn write(out: &mut String, set: &StencilSet) {
    let mask_words = set.symbols.len().div_ceil(32).max(1);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "static_assert(SYMBOL_MASK_WORDS >= {mask_words}, \"SYMBOL_MASK_WORDS too small\");"
    );
    out.push_str(
        "\n\
         typedef struct {\n\
         \x20   void (*emit)(\n\
         \x20       unsigned char *code, unsigned char *data, _PyExecutorObject *executor,\n\
         \x20       const _PyUOpInstruction *instruction, jit_state *state);\n\
         \x20   size_t code_size;\n\
         \x20   size_t data_size;\n\
         \x20   symbol_mask trampoline_mask;\n\
         \x20   symbol_mask got_mask;\n\
         } StencilGroup;\n\
         \n\
         static const StencilGroup stencil_groups[MAX_UOP_REGS_ID + 1] = {\n",
    );
    let mut groups: Vec<&(String, StencilGroup)> = set.groups.iter().collect();
    groups.sort_by_key(|(opname, _)| opname);
    for (opname, group) in groups {
        let _ = write!(
            out,
            "    [{opname}] = {{emit_{opname}, {}, {}, ",
            group.code.body.len(),
            group.data.body.len()
        );
        write_mask(out, &group.trampolines);
        out.push_str(", ");
        write_mask(out, &group.got_entries);
        out.push_str("},\n");
    }
    // C has no empty arrays.
    let _ = writeln!(
        out,
        "}};\n\nstatic const void * const symbols_map[{}] = {{",
        set.symbols.len().max(1)
    );
    if set.symbols.is_empty() {
        out.push_str("    0\n");
    }
    for (ordinal, symbol) in set.symbols.iter().enumerate() {
        let _ = writeln!(out, "    [{ordinal}] = &{symbol},");
    }
    out.push_str("};\n");
}

/// The mask's words as an initializer.
fn write_mask(out: &mut String, mask: &SymbolMask) {
    if mask.words().is_empty() {
        out.push_str("{0}");
        return;
    }
    let mut separator = "{";
    for word in mask.words() {
        let _ = write!(out, "{separator}{word:#04x}");
        separator = ", ";
    }
    out.push('}');
}
