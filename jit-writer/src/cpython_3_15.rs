//! The headers of CPython 3.15, byte for byte as its `Tools/jit` writes them.

use jit_stencils::{StencilSet, UnwindInfo};

use crate::{
    c,
    cpython::{self, Release},
    error::HeaderError,
    format::HeaderFormat,
    preamble::Preamble,
};

/// The format with the name `cpython-3.15`.
pub(crate) const FORMAT: HeaderFormat = HeaderFormat {
    name: RELEASE.format,
    locals: cpython::LOCALS,
    has_shim: false,
    base: RELEASE.base,
    stencils: write_stencils,
    unwind: write_unwind,
    dispatcher: cpython::write_dispatcher,
    is_whole,
    table: RELEASE.table,
};

const RELEASE: Release = Release {
    format: "cpython-3.15",
    table: "static const StencilGroup stencil_groups[MAX_UOP_REGS_ID + 1]",
    has_got: true,
    has_patch: |_| true,
    base: cpython::base,
};

fn write_stencils(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    cpython::write_stencils(preamble, set, &RELEASE)
}

/// Returns the header with the unwind rules of a target (`dump_unwind_info` in
/// `Tools/jit/_writer.py`).
fn write_unwind(preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
    let mut out = String::new();
    preamble.write(&mut out);
    c::write_unwind_macros(&mut out, info);
    out
}

/// Returns whether a header ends with its last table or its last macro.
fn is_whole(text: &str) -> bool {
    cpython::ends_with_tables(text) || c::ends_with_unwind_macros(text)
}
