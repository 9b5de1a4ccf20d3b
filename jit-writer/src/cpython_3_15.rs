//! The headers of CPython 3.15, byte for byte as its `Tools/jit` writes them.

mod dispatcher;
mod expression;
mod function;
mod tables;

use jit_schema::{Arch, aarch64_access_scale};
use jit_stencils::{Hole, SLOT_SIZE, StencilGroup, StencilSet, UnwindInfo};

use crate::{c, error::HeaderError, format::HeaderFormat, preamble::Preamble};

/// The format with the name `cpython-3.15`.
pub(crate) const FORMAT: HeaderFormat = HeaderFormat {
    name: "cpython-3.15",
    locals: &[
        "code",
        "code_body",
        "data",
        "data_body",
        "executor",
        "instruction",
        "state",
    ],
    base: expression::base,
    stencils: write_stencils,
    unwind: write_unwind,
    dispatcher: dispatcher::write,
    is_whole,
    table: tables::TABLE,
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
        if let Some(hole) = vector(group) {
            return Err(HeaderError::Vector {
                opname: opname.clone(),
                offset: hole.offset,
                patch: hole.patch,
                format: FORMAT.name,
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

/// Returns the first hole in an AArch64 load or store of 128 bits, for which `patch_aarch64_12` of
/// CPython's `Python/jit.c` has an assertion.
fn vector(group: &StencilGroup) -> Option<&Hole> {
    let mut holes = group.code.holes.iter().filter(|hole| !hole.void);
    holes.find(|hole| {
        let rest = group.code.body.get(hole.offset..);
        let word = rest.and_then(<[u8]>::first_chunk).copied();
        let scale = word.map(u32::from_le_bytes).and_then(aarch64_access_scale);
        hole.patch.row().arches == [Arch::Aarch64] && scale == Some(4)
    })
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
    tables::is_end(text) || c::ends_with_unwind_macros(text)
}
