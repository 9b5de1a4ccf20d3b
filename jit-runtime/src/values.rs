//! The table of values: what each hole's value is counted from, by index.
//!
//! First come the values of the micro-op that is being linked, then the addresses of GOT slots by the
//! ordinals of their symbols, then the addresses of symbols.

use jit_stencils::HoleValue;

/// Index of the address of the micro-op's code.
pub(crate) const CODE: usize = 0;
/// Index of the address of the micro-op's data.
pub(crate) const DATA: usize = 1;
/// Indices of the halves of operands, in the order of [`index_of`].
pub(crate) const HALVES: std::ops::Range<usize> = 8..12;
/// How many values a micro-op can have; the index of the first GOT slot's address.
pub(crate) const UOP_VALUES: usize = 16;

/// Returns the index of one of the micro-op's values, or none for a general one.
pub(crate) const fn index_of(base: HoleValue) -> Option<usize> {
    let index = match base {
        HoleValue::Code => CODE,
        HoleValue::Data => DATA,
        HoleValue::Oparg | HoleValue::Oparg16 => 2,
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => 3,
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => 4,
        HoleValue::Target => 5,
        HoleValue::JumpTarget => 6,
        HoleValue::ErrorTarget => 7,
        // 32-bit targets take operands in halves.
        HoleValue::Operand0Hi => 8,
        HoleValue::Operand0Lo => 9,
        HoleValue::Operand1Hi => 10,
        HoleValue::Operand1Lo => 11,
        // Always 0. GOT slots have indices of their own, so that `Got` is refused before this.
        HoleValue::Zero | HoleValue::Got => 12,
        HoleValue::Operand(_)
        | HoleValue::OperandHigh(_)
        | HoleValue::OperandLow(_)
        | HoleValue::Place(_) => return None,
    };
    Some(index)
}

/// Returns the index of the first symbol's address, for so many symbols with ordinals.
pub(crate) const fn symbols_from(ordinals: usize) -> usize {
    UOP_VALUES + ordinals
}
