//! The headers of CPython 3.15, byte for byte as its `Tools/jit` writes them.

mod dispatcher;
mod expression;
mod function;
mod tables;

use jit_stencils::{SLOT_SIZE, StencilSet, UnwindInfo};

use crate::{c, error::HeaderError, format::HeaderFormat, preamble::Preamble};

/// The format with the name `cpython-3.15`.
pub(crate) const FORMAT: HeaderFormat = HeaderFormat {
    name: "cpython-3.15",
    stencils: write_stencils,
    unwind: write_unwind,
    dispatcher: dispatcher::write,
};

/// Returns the header with the stencils of a target (`dump` in `Tools/jit/_writer.py`).
fn write_stencils(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    for (opname, group) in &set.groups {
        if group.data_alignment > SLOT_SIZE {
            return Err(HeaderError::Alignment {
                opname: opname.clone(),
                alignment: group.data_alignment,
                format: FORMAT.name,
                supported: SLOT_SIZE,
            });
        }
    }
    let size: usize = set.groups.iter().map(|(_, group)| c::estimate(group)).sum();
    let mut out = String::with_capacity(size + 64 * set.symbols.len() + 2048);
    preamble.write(&mut out);
    for (opname, group) in &set.groups {
        function::write(&mut out, opname, group);
    }
    tables::write(&mut out, set);
    Ok(out)
}

/// Returns the header with the unwind rules of a target (`dump_unwind_info` in
/// `Tools/jit/_writer.py`).
fn write_unwind(preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
    let mut out = String::new();
    preamble.write(&mut out);
    c::write_unwind_macros(&mut out, info);
    out
}
