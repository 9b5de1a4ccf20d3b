//! What the headers of CPython's releases have in common, byte for byte as `Tools/jit` writes them.

mod dispatcher;
mod expression;
mod function;
mod tables;

use jit_schema::{Arch, PatchKind, aarch64_access_scale};
use jit_stencils::{Hole, SLOT_SIZE, StencilGroup, StencilSet};

pub(crate) use self::{
    dispatcher::write as write_dispatcher, expression::base, tables::is_end as ends_with_tables,
};
use crate::{c, error::HeaderError, expression::BaseExpression, names, preamble::Preamble};

/// What the headers of releases differ in.
pub(crate) struct Release {
    /// The name of the format.
    pub(crate) format: &'static str,
    /// The first line of the table of stencils.
    pub(crate) table: &'static str,
    /// Whether stencils have a mask of the symbols whose addresses they read from the trace's GOT.
    pub(crate) has_got: bool,
    /// Returns whether `Python/jit.c` has the function of a patch.
    pub(crate) has_patch: fn(PatchKind) -> bool,
    /// Returns the C expression for the base of a hole.
    pub(crate) base: BaseExpression,
}

/// The parameters and variables of the functions of micro-ops.
pub(crate) const LOCALS: &[&str] = &[
    "code",
    "code_body",
    "data",
    "data_body",
    "executor",
    "instruction",
    "state",
];

/// Returns the header with the stencils of a target (`dump` in `Tools/jit/_writer.py`). The shim comes first, if it is
/// a stencil.
pub(crate) fn write_stencils(
    preamble: Preamble<'_>,
    set: &StencilSet,
    release: &Release,
) -> Result<String, HeaderError> {
    let shim = set.shim.as_ref().filter(|_| !release.has_got);
    let shim = shim.map(|shim| (shim.name.as_str(), &shim.group));
    let groups = set
        .groups
        .iter()
        .map(|(name, group)| (name.as_str(), group));
    let all: Vec<(&str, &StencilGroup)> = shim.into_iter().chain(groups).collect();
    for (opname, group) in &all {
        check(opname, group, release)?;
    }
    let size: usize = all.iter().map(|(_, group)| c::estimate(group)).sum();
    let mut out = String::with_capacity(size + 64 * set.symbols.len() + 2048);
    preamble.write(&mut out);
    for (opname, group) in &all {
        function::write(&mut out, opname, group, release.base);
    }
    tables::write(&mut out, set, shim, release);
    Ok(out)
}

/// Checks that the users of headers give a stencil what it needs.
fn check(opname: &str, group: &StencilGroup, release: &Release) -> Result<(), HeaderError> {
    if group.data_alignment > SLOT_SIZE {
        return Err(HeaderError::Alignment {
            opname: opname.to_owned(),
            alignment: group.data_alignment,
            format: release.format,
            supported: SLOT_SIZE,
        });
    }
    if let Some(hole) = vector(group) {
        return Err(HeaderError::Vector {
            opname: opname.to_owned(),
            offset: hole.offset,
            patch: hole.patch,
            format: release.format,
        });
    }
    let mut holes = names::holes(group).filter(|(_, hole)| !hole.void);
    match holes.find(|(_, hole)| !(release.has_patch)(hole.patch)) {
        Some((part, hole)) => Err(HeaderError::Patch {
            opname: opname.to_owned(),
            part,
            offset: hole.offset,
            patch: hole.patch,
            format: release.format,
        }),
        None => Ok(()),
    }
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
