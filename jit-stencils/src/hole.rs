//! Holes: the places in a stencil that get their value when it is copied.

use std::fmt;

use crate::PatchKind;

macro_rules! hole_values {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a hole's value is counted from; the address of a symbol and an addend may be
        /// added. A symbol `_JIT_<name>` in the template stands for the value of that name
        /// (`HoleValue` in CPython's `Tools/jit/_stencils.py`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum HoleValue {
            $($(#[$doc])* $variant,)*
        }

        impl HoleValue {
            /// All values.
            pub const ALL: &'static [HoleValue] = &[$(HoleValue::$variant,)*];

            /// The name, e.g. `JUMP_TARGET`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(HoleValue::$variant => $name,)*
                }
            }

            /// The value of that name.
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
    /// Address of the current uop's code (also `_JIT_ENTRY`).
    Code = "CODE";
    /// Address of the current uop's data.
    Data = "DATA";
    /// Slot of a symbol in the global offset table. Only before resolution: afterwards these are
    /// [`PatchValue::GotSlot`], or [`HoleValue::Data`] for `_JIT_` symbols.
    Got = "GOT";
    /// The uop's oparg, 16 bits.
    Oparg = "OPARG";
    /// The uop's oparg, for a 16-bit field.
    Oparg16 = "OPARG_16";
    /// The uop's first operand, 64 bits.
    Operand0 = "OPERAND0";
    /// The upper 32 bits of the first operand, on 32-bit platforms.
    Operand0Hi = "OPERAND0_HI";
    /// The lower 32 bits of the first operand, on 32-bit platforms.
    Operand0Lo = "OPERAND0_LO";
    /// The first operand, for a 16-bit field.
    Operand0_16 = "OPERAND0_16";
    /// The first operand, for two 16-bit fields.
    Operand0_32 = "OPERAND0_32";
    /// The uop's second operand, 64 bits.
    Operand1 = "OPERAND1";
    /// The upper 32 bits of the second operand, on 32-bit platforms.
    Operand1Hi = "OPERAND1_HI";
    /// The lower 32 bits of the second operand, on 32-bit platforms.
    Operand1Lo = "OPERAND1_LO";
    /// The second operand, for a 16-bit field.
    Operand1_16 = "OPERAND1_16";
    /// The second operand, for two 16-bit fields.
    Operand1_32 = "OPERAND1_32";
    /// The uop's target: an offset into the bytecode, 32 bits.
    Target = "TARGET";
    /// Code address of the uop to jump to.
    JumpTarget = "JUMP_TARGET";
    /// Code address of the uop to jump to on an error.
    ErrorTarget = "ERROR_TARGET";
    /// Zero: the symbol's address is all there is.
    Zero = "ZERO";
}

impl fmt::Display for HoleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to write into a hole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PatchValue {
    /// `base + address of symbol + addend`, modulo 2^64.
    Address {
        /// What to count from. Never [`HoleValue::Got`].
        base: HoleValue,
        /// The C symbol whose address is added.
        symbol: Option<String>,
        /// A constant that is added.
        addend: i64,
    },
    /// The address of an external symbol's slot in the trace's GOT, plus an addend: -4 on x86,
    /// where displacements count from the end of the field, 0 elsewhere.
    GotSlot {
        /// Index into [`StencilSet::symbols`](crate::StencilSet::symbols).
        ordinal: usize,
        /// A constant that is added.
        addend: i64,
    },
    /// An external symbol by number: for trampolines, and for filling GOT slots.
    Symbol {
        /// Index into [`StencilSet::symbols`](crate::StencilSet::symbols).
        ordinal: usize,
    },
}

/// A place in a [`Stencil`](crate::Stencil) to be patched, and what with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hole {
    /// Where the field starts in the stencil's body, in bytes; 0 for [`PatchKind::GotSymbol`],
    /// which writes to the GOT instead.
    pub offset: usize,
    /// How to write the value.
    pub patch: PatchKind,
    /// The value.
    pub value: PatchValue,
    /// Where the adrp is whose ldr is at `offset`: given for [`PatchKind::Aarch64_33rx`] only.
    pub first: Option<usize>,
    /// Folded into another hole (as its `first`): nothing is to be done here.
    pub void: bool,
}
