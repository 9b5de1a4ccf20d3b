//! Stencils as CPython 3.14 has them (its `Tools/jit/_stencils.py`). They differ from those of later releases:
//!
//! - There is no assembly optimizer: clang's object files are what stencils are made of, and the jump to the next
//!   micro-op at the end of the code is removed here.
//! - Each stencil has slots of its own for the addresses of all symbols. A trace has no GOT.
//! - The function that enters compiled code is a stencil.
//! - On AArch64, code is filled up to 8 bytes, as its data follows directly.

use jit_schema::relocation::Reach;
use jit_schema::{Arch, ObjectFile, PatchKind, RelocationKind, Target};

use crate::lower::{self, LowerError};
use crate::resolve::{ResolveError, ResolveErrors, resolve_all};
use crate::rules::{Rules, Slots};
use crate::unresolved::{UnresolvedGroup, UnresolvedHole};
use crate::{HoleValue, Part, Shim, Stencil, StencilSet};

/// The symbol of the code that follows.
const CONTINUE: &str = "_JIT_CONTINUE";

/// An AArch64 instruction that does nothing.
const NOP: [u8; 4] = [0x1f, 0x20, 0x03, 0xd5];

/// What the size of AArch64 code is a multiple of, in bytes.
const ALIGNMENT: usize = 8;

/// Does what [`lower`] does, for CPython 3.14. All references to slots lead to the stencil's own
/// data, so none is a load that may be replaced by the symbol's address on AArch64.
///
/// # Errors
///
/// Those of [`lower`].
pub fn lower(target: &Target, object: &ObjectFile) -> Result<UnresolvedGroup, LowerError> {
    let mut group = lower::lower(target, object)?;
    for hole in group.code.holes.iter_mut().chain(&mut group.data.holes) {
        hole.patch = match hole.patch {
            PatchKind::Aarch64_12x => PatchKind::Aarch64_12,
            PatchKind::Aarch64_21rx => PatchKind::Aarch64_21r,
            patch => patch,
        };
    }
    Ok(group)
}

/// Does what [`resolve`](crate::resolve) does, for CPython 3.14. `shim` is the stencil of the function that enters
/// compiled code, and its name. Its external symbols get the first numbers.
///
/// # Errors
///
/// Those of [`resolve`](crate::resolve).
pub fn resolve(
    target: &Target,
    shim: Option<(String, UnresolvedGroup)>,
    groups: impl IntoIterator<Item = (String, UnresolvedGroup)>,
) -> Result<StencilSet, ResolveErrors> {
    let has_shim = shim.is_some();
    let mut set = resolve_all(target, shim.into_iter().chain(groups), &RULES)?;
    if has_shim && !set.groups.is_empty() {
        let (name, group) = set.groups.remove(0);
        set.shim = Some(Shim {
            name,
            group,
            unwind: None,
        });
    }
    Ok(set)
}

const RULES: Rules = Rules {
    has_value: |value| {
        let is_newer = matches!(
            value,
            HoleValue::Oparg16
                | HoleValue::Operand0_16
                | HoleValue::Operand0_32
                | HoleValue::Operand1_16
                | HoleValue::Operand1_32
        );
        !is_newer && !value.is_general()
    },
    slots: Slots::Own,
    // There are none for x86. Upstream has none for AArch64 Windows either, and cuts the distance to 28 bits.
    trampoline: |kind| match kind.row().reach {
        Reach::Branch {
            trampoline: PatchKind::Aarch64Trampoline,
        } => Some(PatchKind::Aarch64Trampoline),
        _ => None,
    },
    prepare,
};

/// Removes the jump at the end, and fills the code up.
fn prepare(
    target: &Target,
    opname: &str,
    code: &mut Stencil<UnresolvedHole>,
) -> Result<(), ResolveError> {
    if let Some(hole) = code.holes.iter().find(|hole| !is_known(hole.patch)) {
        return Err(ResolveError::Unsupported {
            opname: opname.to_owned(),
            kind: hole.kind,
            symbol: hole.symbol.clone(),
            part: Part::Code,
            offset: hole.offset,
            problem: format!("CPython 3.14 has no {}", hole.patch.c_name()),
        });
    }
    remove_jump(code);
    match target.arch {
        Arch::Aarch64 => fill(opname, &mut code.body),
        Arch::I686 | Arch::X86_64 => Ok(()),
    }
}

/// Returns whether CPython 3.14 has the function of a patch.
const fn is_known(patch: PatchKind) -> bool {
    !matches!(patch, PatchKind::Aarch64_19r)
}

/// Removes the jump to the code that follows if it is the last instruction (`remove_jump` in upstream's
/// `_stencils.py`).
fn remove_jump(code: &mut Stencil<UnresolvedHole>) {
    let mut last: Option<(usize, &UnresolvedHole)> = None;
    for (index, hole) in code.holes.iter().enumerate() {
        if last.is_none_or(|(_, last)| hole.offset > last.offset) {
            last = Some((index, hole));
        }
    }
    let jump = last.and_then(|(index, hole)| Some((index, hole.offset, jump_of(hole)?)));
    if let Some((index, offset, (jump, field))) = jump
        && let Some(start) = offset.checked_sub(field)
        && code.body.get(start..) == Some(jump)
    {
        code.body.truncate(start);
        code.holes.remove(index);
    }
}

/// Returns the bytes of the jump that a hole is in if it leads to the code that follows, and the offset of the hole in
/// the jump.
fn jump_of(hole: &UnresolvedHole) -> Option<(&'static [u8], usize)> {
    let is_next = hole.base == HoleValue::Continue && hole.symbol.is_none();
    match hole.kind {
        // jmpq *(%rip), through a slot.
        RelocationKind::ImageRelAmd64Rel32
            if hole.base == HoleValue::Got
                && hole.symbol.as_deref() == Some(CONTINUE)
                && hole.addend == -4 =>
        {
            Some((&[0x48, 0xff, 0x25, 0, 0, 0, 0], 3))
        }
        RelocationKind::ImageRelI386Rel32
        | RelocationKind::RX86_64Plt32
        | RelocationKind::X86_64RelocBranch
            if is_next && hole.addend == -4 =>
        {
            Some((&[0xe9, 0, 0, 0, 0], 1))
        }
        RelocationKind::RAarch64Jump26 if is_next && hole.addend == 0 => {
            Some((&[0, 0, 0, 0x14], 0))
        }
        _ => None,
    }
}

/// Adds instructions that do nothing up to a multiple of [`ALIGNMENT`].
fn fill(opname: &str, body: &mut Vec<u8>) -> Result<(), ResolveError> {
    let size = body.len();
    if !size.is_multiple_of(NOP.len()) {
        return Err(ResolveError::CodeSize {
            opname: opname.to_owned(),
            size,
        });
    }
    while !body.len().is_multiple_of(ALIGNMENT) {
        body.extend(NOP);
    }
    Ok(())
}
