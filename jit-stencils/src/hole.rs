//! Holes, the places in a stencil that get a value when it is copied.

use std::fmt;
use std::sync::Arc;

use crate::PatchKind;

macro_rules! hole_values {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The base of a hole's value, to which the address of a symbol and an addend may be added.
        /// A symbol `_JIT_<name>` in the template stands for the base of that name (`HoleValue` in
        /// CPython's `Tools/jit/_stencils.py`).
        ///
        /// The last four are *general*: they have numbers, so that a stencil can have as many operands and
        /// places to go to as it needs. The others that are taken from an instruction have the shape of
        /// CPython's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum HoleValue {
            $($(#[$doc])* $variant,)*
            /// The operand with that number, up to 64 bits: `OPERAND_3`.
            Operand(u16),
            /// The upper 32 bits of the operand with that number, on 32-bit platforms: `OPERAND_3_HI`.
            OperandHigh(u16),
            /// The lower 32 bits of the operand with that number, on 32-bit platforms: `OPERAND_3_LO`.
            OperandLow(u16),
            /// The address of the code of the instruction that is the target with that number: `PLACE_1`.
            Place(u16),
        }

        impl HoleValue {
            /// All bases without a number.
            pub const FIXED: &'static [HoleValue] = &[$(HoleValue::$variant,)*];

            /// Finds the base of that name. Numbers are written in one way only: in decimal, without a
            /// sign and without leading zeros.
            pub fn from_name(name: &str) -> Option<HoleValue> {
                match name {
                    $($name => Some(HoleValue::$variant),)*
                    _ => general(name),
                }
            }
        }

        impl fmt::Display for HoleValue {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(HoleValue::$variant => f.write_str($name),)*
                    HoleValue::Operand(number) => write!(f, "{OPERAND}{number}"),
                    HoleValue::OperandHigh(number) => write!(f, "{OPERAND}{number}{HIGH}"),
                    HoleValue::OperandLow(number) => write!(f, "{OPERAND}{number}{LOW}"),
                    HoleValue::Place(number) => write!(f, "{PLACE}{number}"),
                }
            }
        }
    };
}

// The parts of the names of general bases.
const OPERAND: &str = "OPERAND_";
const HIGH: &str = "_HI";
const LOW: &str = "_LO";
const PLACE: &str = "PLACE_";

/// Finds the general base of that name.
fn general(name: &str) -> Option<HoleValue> {
    if let Some(number) = name.strip_prefix(PLACE) {
        return Some(HoleValue::Place(number_of(number)?));
    }
    let operand = name.strip_prefix(OPERAND)?;
    Some(if let Some(number) = operand.strip_suffix(HIGH) {
        HoleValue::OperandHigh(number_of(number)?)
    } else if let Some(number) = operand.strip_suffix(LOW) {
        HoleValue::OperandLow(number_of(number)?)
    } else {
        HoleValue::Operand(number_of(operand)?)
    })
}

fn number_of(digits: &str) -> Option<u16> {
    let number: u16 = digits.parse().ok()?;
    // Of all spellings that can be parsed, the one that is written.
    (number.to_string() == digits).then_some(number)
}

impl HoleValue {
    /// Returns whether the base is an address in the trace.
    #[cfg(feature = "lower")]
    pub(crate) const fn is_near(self) -> bool {
        matches!(
            self,
            HoleValue::Code
                | HoleValue::Data
                | HoleValue::JumpTarget
                | HoleValue::ErrorTarget
                | HoleValue::Continue
                | HoleValue::Place(_)
        )
    }

    /// Returns whether code may call the base's address: a place may be one that returns, and an operand the
    /// address of a function. The places of CPython's instructions are not, but for the code that follows the shim
    /// of CPython 3.14, which calls it.
    #[cfg(feature = "lower")]
    pub(crate) const fn may_return(self) -> bool {
        matches!(
            self,
            HoleValue::Operand(_) | HoleValue::Place(_) | HoleValue::Continue
        )
    }

    /// Returns whether the base is a value of an instruction in the shape of CPython's.
    pub const fn is_of_cpython(self) -> bool {
        !matches!(
            self,
            HoleValue::Code | HoleValue::Data | HoleValue::Got | HoleValue::Zero
        ) && !self.is_general()
            && !self.is_of_cpython_3_14()
    }

    /// Returns whether the base is one that only CPython 3.14's instructions have.
    pub const fn is_of_cpython_3_14(self) -> bool {
        matches!(self, HoleValue::Continue | HoleValue::Executor)
    }

    /// Returns whether the base is a number that the instruction has, not an address.
    pub const fn is_number(self) -> bool {
        !matches!(
            self,
            HoleValue::Code
                | HoleValue::Data
                | HoleValue::Got
                | HoleValue::JumpTarget
                | HoleValue::ErrorTarget
                | HoleValue::Continue
                | HoleValue::Executor
                | HoleValue::Zero
                | HoleValue::Place(_)
        )
    }

    /// Returns whether the base is one of those with a number, which instructions of any number of
    /// operands and targets have.
    pub const fn is_general(self) -> bool {
        matches!(
            self,
            HoleValue::Operand(_)
                | HoleValue::OperandHigh(_)
                | HoleValue::OperandLow(_)
                | HoleValue::Place(_)
        )
    }
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
    /// The address of the code after the current micro-op's. Only stencils for CPython 3.14 have it: in others, the
    /// last jump has been removed before they are assembled.
    Continue = "CONTINUE";
    /// The address of the current executor. Only stencils for CPython 3.14 have it.
    Executor = "EXECUTOR";
    /// Zero, so that the value is the address of the symbol plus the addend.
    Zero = "ZERO";
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
    /// `base * scale + addend`, modulo 2^64.
    Scaled {
        /// The base, a value of the instruction.
        base: HoleValue,
        /// What it is multiplied by: neither 0 nor 1.
        scale: i32,
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

impl PatchValue {
    /// Returns what the value is counted from, if that is not a symbol by number.
    pub fn base(&self) -> Option<HoleValue> {
        match self {
            PatchValue::Address { base, .. } | PatchValue::Scaled { base, .. } => Some(*base),
            PatchValue::GotSlot { .. } | PatchValue::Symbol { .. } => None,
        }
    }

    /// Returns what the base is multiplied by: 1 but for [`PatchValue::Scaled`].
    pub fn scale(&self) -> i32 {
        match self {
            PatchValue::Scaled { scale, .. } => *scale,
            PatchValue::Address { .. } | PatchValue::GotSlot { .. } | PatchValue::Symbol { .. } => {
                1
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_bases() {
        let general = [
            (HoleValue::Operand(0), "OPERAND_0"),
            (HoleValue::Operand(65535), "OPERAND_65535"),
            (HoleValue::OperandHigh(10), "OPERAND_10_HI"),
            (HoleValue::OperandLow(7), "OPERAND_7_LO"),
            (HoleValue::Place(1), "PLACE_1"),
        ];
        for (value, name) in general {
            assert_eq!(value.to_string(), name);
            assert_eq!(HoleValue::from_name(name), Some(value));
            assert!(value.is_general());
        }
        for value in HoleValue::FIXED {
            assert_eq!(HoleValue::from_name(&value.to_string()), Some(*value));
            assert!(!value.is_general());
        }
        for name in [
            "",
            "OPERAND",
            "OPERAND_",
            "OPERAND_00",
            "OPERAND_01",
            "OPERAND_+1",
            "OPERAND_-1",
            "OPERAND_ 1",
            "OPERAND_1 ",
            "OPERAND_65536",
            "OPERAND_1_",
            "OPERAND_1_HI_LO",
            "OPERAND__HI",
            "OPERAND_01_LO",
            "OPERAND_1_hi",
            "OPERAND_1_16",
            "OPERAND_\u{661}",
            "PLACE",
            "PLACE_",
            "PLACE_01",
            "PLACE_+1",
            "PLACE_65536",
            "PLACE_1_HI",
            "PLACE_1_LO",
            "PLACE0",
            "place_0",
            "OPERAND2",
            "OPERAND_0x1",
        ] {
            assert_eq!(HoleValue::from_name(name), None, "{name:?}");
        }
    }
}
