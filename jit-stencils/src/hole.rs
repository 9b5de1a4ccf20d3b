//! Holes, the places in a stencil that get a value when it is copied.

use std::fmt;
use std::sync::Arc;

use crate::PatchKind;

macro_rules! hole_values {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The base of a hole's value, to which the address of a symbol and an addend may be added.
        /// A symbol `_JIT_<name>` in the template stands for the base of that name (`HoleValue` in
        /// CPython's `Tools/jit/_stencils.py`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum HoleValue {
            $($(#[$doc])* $variant,)*
        }

        impl HoleValue {
            /// All bases.
            pub const ALL: &'static [HoleValue] = &[$(HoleValue::$variant,)*];

            /// Returns the name, e.g. `JUMP_TARGET`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(HoleValue::$variant => $name,)*
                }
            }

            /// Finds the base of that name.
            pub fn from_name(name: &str) -> Option<HoleValue> {
                match name {
                    $($name => Some(HoleValue::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

hole_values! {
    /// The address of the current micro-op's code (also `_JIT_ENTRY`).
    Code = "CODE";
    /// The address of the current micro-op's data.
    Data = "DATA";
    /// A symbol's slot in the global offset table (GOT). It occurs only before resolution, which
    /// replaces it by [`PatchValue::GotSlot`], or by [`HoleValue::Data`] for `_JIT_` symbols.
    Got = "GOT";
    /// The micro-op's oparg, 16 bits.
    Oparg = "OPARG";
    /// The micro-op's oparg, for a 16-bit field.
    Oparg16 = "OPARG_16";
    /// The micro-op's first operand, 64 bits.
    Operand0 = "OPERAND0";
    /// The upper 32 bits of the first operand, on 32-bit platforms.
    Operand0Hi = "OPERAND0_HI";
    /// The lower 32 bits of the first operand, on 32-bit platforms.
    Operand0Lo = "OPERAND0_LO";
    /// The first operand, for a 16-bit field.
    Operand0_16 = "OPERAND0_16";
    /// The first operand, for two 16-bit fields.
    Operand0_32 = "OPERAND0_32";
    /// The micro-op's second operand, 64 bits.
    Operand1 = "OPERAND1";
    /// The upper 32 bits of the second operand, on 32-bit platforms.
    Operand1Hi = "OPERAND1_HI";
    /// The lower 32 bits of the second operand, on 32-bit platforms.
    Operand1Lo = "OPERAND1_LO";
    /// The second operand, for a 16-bit field.
    Operand1_16 = "OPERAND1_16";
    /// The second operand, for two 16-bit fields.
    Operand1_32 = "OPERAND1_32";
    /// The micro-op's target, a 32-bit offset into the bytecode.
    Target = "TARGET";
    /// The address of the code of the micro-op to jump to.
    JumpTarget = "JUMP_TARGET";
    /// The address of the code of the micro-op to jump to on an error.
    ErrorTarget = "ERROR_TARGET";
    /// Zero, so that the value is the address of the symbol plus the addend.
    Zero = "ZERO";
}

impl fmt::Display for HoleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value that is written into a hole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PatchValue {
    /// `base + address of symbol + addend`, modulo 2^64.
    Address {
        /// The base, which is never [`HoleValue::Got`].
        base: HoleValue,
        /// The C symbol whose address is added. The holes of a stencil file share it.
        symbol: Option<Arc<str>>,
        /// The constant that is added.
        addend: i64,
    },
    /// The address of an external symbol's slot in the trace's GOT, plus an addend: -4 on x86, where
    /// displacements count from the end of the field, and 0 elsewhere.
    GotSlot {
        /// The index in [`StencilSet::symbols`](crate::StencilSet::symbols).
        ordinal: usize,
        /// The constant that is added.
        addend: i64,
    },
    /// An external symbol by number, for trampolines and for filling GOT slots.
    Symbol {
        /// The index in [`StencilSet::symbols`](crate::StencilSet::symbols).
        ordinal: usize,
    },
}

/// A place in a [`Stencil`](crate::Stencil) to be patched, and the value for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hole {
    /// The offset of the field in the stencil's body, in bytes. It is 0 for [`PatchKind::GotSymbol`],
    /// which writes to the GOT instead.
    pub offset: usize,
    /// How the value is written.
    pub patch: PatchKind,
    /// The value.
    pub value: PatchValue,
    /// The offset of the `adrp` whose `ldr` is at `offset`, in bytes. Only
    /// [`PatchKind::Aarch64_33rx`] has it.
    pub first: Option<usize>,
    /// Whether nothing is written here because the hole is the `first` of another one.
    pub void: bool,
}
