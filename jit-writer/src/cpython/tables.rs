//! The tables at the end of a target's header: all stencils by micro-op, and the external symbols.

use std::fmt::Write as _;

use jit_stencils::{StencilGroup, StencilSet};

use super::Release;
use crate::c;

/// The start of the last table.
const LAST: &str = "\nstatic const void * const symbols_map[";

/// Returns whether a text ends with the last table.
pub(crate) fn is_end(text: &str) -> bool {
    text.rsplit_once(LAST)
        .is_some_and(|(_, table)| table.ends_with("\n};\n"))
}

/// Writes the tables (`_dump_footer` in `Tools/jit/_writer.py`).
pub(super) fn write(
    out: &mut String,
    set: &StencilSet,
    shim: Option<(&str, &StencilGroup)>,
    release: &Release,
) {
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
         \x20   symbol_mask trampoline_mask;\n",
    );
    if release.has_got {
        out.push_str("    symbol_mask got_mask;\n");
    }
    out.push_str("} StencilGroup;\n\n");
    if let Some((name, group)) = shim {
        let _ = write!(out, "static const StencilGroup {name} = ");
        write_group(out, name, group, release);
        out.push_str(";\n\n");
    }
    let _ = writeln!(out, "{} = {{", release.table);
    for (opname, group) in c::by_name(&set.groups) {
        let _ = write!(out, "    [{opname}] = ");
        write_group(out, opname, group, release);
        out.push_str(",\n");
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

/// Writes the initializer of a stencil (`StencilGroup.as_c` in `Tools/jit/_stencils.py`).
fn write_group(out: &mut String, opname: &str, group: &StencilGroup, release: &Release) {
    let (code, data) = (group.code.body.len(), group.data.body.len());
    let _ = write!(out, "{{emit_{opname}, {code}, {data}, ");
    c::write_mask(out, &group.trampolines);
    if release.has_got {
        out.push_str(", ");
        c::write_mask(out, &group.got_entries);
    }
    out.push('}');
}
