//! The ways to write a value into a field: the patch functions of CPython's `Python/jit.c`.

use crate::Arch;
use crate::rows::rows;

/// What is known of a [`PatchKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatchRow {
    /// The C function's name, e.g. `patch_32r`. `patch_32s` has no function of its own.
    pub c_name: &'static str,
    /// Bytes of the stencil's body that the field takes, from the hole's offset: 4 or 8, and 0 for
    /// a patch that does not write to the body.
    pub width: usize,
    /// The instruction sets that have such a field.
    pub arches: &'static [Arch],
    /// What the patch writes to, and the kind of value that it takes.
    pub shape: PatchShape,
    /// The addend that leads to the symbol itself, in bytes: -4 where displacements count from the
    /// end of a 4-byte field, and 0 elsewhere.
    pub base_addend: i64,
}

/// What a patch writes to, and the kind of value that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchShape {
    /// One field, which gets an address.
    Field,
    /// Two instructions, which together get an address.
    Pair,
    /// A branch to a symbol by number, which goes through a trampoline if it does not reach.
    Trampoline,
    /// The GOT slot of a symbol by number. There is no field in the stencil.
    Slot,
}

const ANY: &[Arch] = &[Arch::Aarch64, Arch::I686, Arch::X86_64];
const AARCH64: &[Arch] = &[Arch::Aarch64];
const X86: &[Arch] = &[Arch::I686, Arch::X86_64];
const X86_64: &[Arch] = &[Arch::X86_64];

impl PatchKind {
    /// Returns the C function's name, e.g. `patch_32r`.
    pub const fn c_name(self) -> &'static str {
        self.row().c_name
    }

    /// Returns the bytes of the stencil's body that the field takes, from the hole's offset: 4 or 8,
    /// and 0 for [`PatchKind::GotSymbol`], which does not write to the body.
    pub const fn width(self) -> usize {
        self.row().width
    }
}

rows! {
    /// A way to write a value into a field of a stencil: one patch function of CPython's
    /// `Python/jit.c`. In a name, the number is the field's size in bits, `r` is for a value relative
    /// to the field's own address, and `x` for an instruction that may be rewritten to a shorter way to
    /// the same value.
    pub enum PatchKind: PatchRow

    /// A 32-bit absolute address.
    Patch32 {
        c_name: "patch_32",
        width: 4,
        arches: X86,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// A 32-bit number with a sign, in x86_64 code. CPython has no patch function for it: `patch_32` writes the
    /// same bytes if it gets the lowest 32 bits.
    Patch32s {
        c_name: "patch_32s",
        width: 4,
        arches: X86_64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// A 32-bit PC-relative displacement.
    Patch32r {
        c_name: "patch_32r",
        width: 4,
        arches: X86,
        shape: PatchShape::Field,
        base_addend: -4,
    }
    /// A 64-bit absolute address.
    Patch64 {
        c_name: "patch_64",
        width: 8,
        arches: ANY,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: the low 12 bits of an address, in an add, load or store.
    Aarch64_12 {
        c_name: "patch_aarch64_12",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: as [`PatchKind::Aarch64_12`], of a GOT slot.
    Aarch64_12x {
        c_name: "patch_aarch64_12x",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: bits 0 to 15, in a movz or movk.
    Aarch64_16a {
        c_name: "patch_aarch64_16a",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: bits 16 to 31.
    Aarch64_16b {
        c_name: "patch_aarch64_16b",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: bits 32 to 47.
    Aarch64_16c {
        c_name: "patch_aarch64_16c",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: bits 48 to 63.
    Aarch64_16d {
        c_name: "patch_aarch64_16d",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: a conditional branch, 19 bits of words.
    Aarch64_19r {
        c_name: "patch_aarch64_19r",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: an adrp, 21 bits of pages.
    Aarch64_21r {
        c_name: "patch_aarch64_21r",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: as [`PatchKind::Aarch64_21r`], of a GOT slot.
    Aarch64_21rx {
        c_name: "patch_aarch64_21rx",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: a branch or call, 26 bits of words.
    Aarch64_26r {
        c_name: "patch_aarch64_26r",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Field,
        base_addend: 0,
    }
    /// AArch64: an adrp and an ldr of the same GOT slot, as one.
    Aarch64_33rx {
        c_name: "patch_aarch64_33rx",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Pair,
        base_addend: 0,
    }
    /// AArch64: a branch or call that goes through a trampoline if it does not reach.
    Aarch64Trampoline {
        c_name: "patch_aarch64_trampoline",
        width: 4,
        arches: AARCH64,
        shape: PatchShape::Trampoline,
        base_addend: 0,
    }
    /// x86: as [`PatchKind::Patch32r`], of a GOT slot.
    X86_64_32rx {
        c_name: "patch_x86_64_32rx",
        width: 4,
        arches: X86,
        shape: PatchShape::Field,
        base_addend: -4,
    }
    /// x86_64: a branch or call that goes through a trampoline if it does not reach.
    X86_64Trampoline {
        c_name: "patch_x86_64_trampoline",
        width: 4,
        arches: X86_64,
        shape: PatchShape::Trampoline,
        base_addend: -4,
    }
    /// Fills the trace's GOT slot of an external symbol with its address.
    GotSymbol {
        c_name: "patch_got_symbol",
        width: 0,
        arches: ANY,
        shape: PatchShape::Slot,
        base_addend: 0,
    }
}
