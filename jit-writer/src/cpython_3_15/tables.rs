//! The tables at the end of a target's header: all stencils by micro-op, and the external symbols.

use std::fmt::Write as _;

use jit_stencils::StencilSet;

use crate::c;

/// The start of the table of stencils.
pub(super) const TABLE: &str = "static const StencilGroup stencil_groups";

/// The start of the last table.
const LAST: &str = "\nstatic const void * const symbols_map[";

/// Returns whether a text ends with the last table.
pub(super) fn is_end(text: &str) -> bool {
    text.rsplit_once(LAST)
        .is_some_and(|(_, table)| table.ends_with("\n};\n"))
}

/// Writes the tables (`_dump_footer` in `Tools/jit/_writer.py`).
pub(super) fn write(out: &mut String, set: &StencilSet) {
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
         \n",
    );
    let _ = writeln!(out, "{TABLE}[MAX_UOP_REGS_ID + 1] = {{");
    for (opname, group) in c::by_name(&set.groups) {
        let _ = write!(
            out,
            "    [{opname}] = {{emit_{opname}, {}, {}, ",
            group.code.body.len(),
            group.data.body.len()
        );
        c::write_mask(out, &group.trampolines);
        out.push_str(", ");
        c::write_mask(out, &group.got_entries);
        out.push_str("},\n");
    }
    // C has no empty arrays.
    let _ = writeln!(out, "}};\n{LAST}{}] = {{", set.symbols.len().max(1));
    if set.symbols.is_empty() {
        out.push_str("    0\n");
    }
    for (ordinal, symbol) in set.symbols.iter().enumerate() {
        let _ = writeln!(out, "    [{ordinal}] = &{symbol},");
    }
    out.push_str("};\n");
}
