//! The headers of CPython 3.14, byte for byte as its `Tools/jit` writes them.

use std::borrow::Cow;

use jit_schema::PatchKind;
use jit_stencils::{HoleValue, StencilSet, UnwindInfo};

use crate::{
    cpython::{self, Release},
    error::HeaderError,
    format::HeaderFormat,
    preamble::Preamble,
};

/// The format with the name `cpython-3.14`.
pub(crate) const FORMAT: HeaderFormat = HeaderFormat {
    name: RELEASE.format,
    locals: cpython::LOCALS,
    has_shim: true,
    base: RELEASE.base,
    stencils: write_stencils,
    unwind: write_unwind,
    dispatcher: cpython::write_dispatcher,
    is_whole: cpython::ends_with_tables,
    table: RELEASE.table,
};

const RELEASE: Release = Release {
    format: "cpython-3.14",
    table: "static const StencilGroup stencil_groups[MAX_UOP_ID + 1]",
    has_got: false,
    has_patch,
    base,
};

fn write_stencils(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    cpython::write_stencils(preamble, set, &RELEASE)
}

/// Returns a header with the preamble alone: this release has no unwind rules.
fn write_unwind(preamble: Preamble<'_>, _: Option<&UnwindInfo>) -> String {
    let mut out = String::new();
    preamble.write(&mut out);
    out
}

/// Returns whether the release's `Python/jit.c` has the function of a patch.
fn has_patch(patch: PatchKind) -> bool {
    match patch {
        PatchKind::Patch32
        | PatchKind::Patch32r
        | PatchKind::Patch64
        | PatchKind::Aarch64_12
        | PatchKind::Aarch64_16a
        | PatchKind::Aarch64_16b
        | PatchKind::Aarch64_16c
        | PatchKind::Aarch64_16d
        | PatchKind::Aarch64_21r
        | PatchKind::Aarch64_26r
        | PatchKind::Aarch64Trampoline
        | PatchKind::X86_64_32rx => true,
        PatchKind::Patch32s
        | PatchKind::Aarch64_12x
        | PatchKind::Aarch64_19r
        | PatchKind::Aarch64_21rx
        | PatchKind::Aarch64_33rx
        | PatchKind::X86_64Trampoline
        | PatchKind::GotSymbol => false,
    }
}

/// Returns the C expression for the base of a hole (`_HOLE_EXPRS` in `Tools/jit/_stencils.py`), if CPython's
/// instructions have it.
fn base(value: HoleValue) -> Option<Cow<'static, str>> {
    match value {
        HoleValue::Continue => Some("(uintptr_t)code + sizeof(code_body)".into()),
        HoleValue::Executor => Some("(uintptr_t)executor".into()),
        HoleValue::Oparg16
        | HoleValue::Operand0_16
        | HoleValue::Operand0_32
        | HoleValue::Operand1_16
        | HoleValue::Operand1_32 => None,
        value => cpython::base(value),
    }
}
