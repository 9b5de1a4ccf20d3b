//! The table of values: what each hole's value is counted from, by index.
//!
//! First come the values of the micro-op that is being linked: those of CPython's shape, and then those with
//! numbers. They are followed by the addresses of GOT slots by the ordinals of their symbols, and by the
//! addresses of symbols.

use jit_stencils::HoleValue;

/// Index of the address of the micro-op's code.
pub(crate) const CODE: usize = 0;
/// Index of the address of the micro-op's data.
pub(crate) const DATA: usize = 1;
/// Indices of the halves of the operands that [`Uop`](crate::Uop) has, in the order of [`Values::index_of`].
pub(crate) const HALVES: std::ops::Range<usize> = 8..12;
/// The index of the first value with a number.
const NUMBERED: usize = 16;

/// Where the values of some stencils are in the table: how many have numbers, and how many are addresses
/// of GOT slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Values {
    operands: usize,
    targets: usize,
    ordinals: usize,
}

impl Values {
    /// Returns the indices for stencils that have so many operands and targets by number, and so many
    /// symbols by ordinal.
    pub(crate) const fn new(operands: usize, targets: usize, ordinals: usize) -> Values {
        Values {
            operands,
            targets,
            ordinals,
        }
    }

    /// Returns the index of one of the micro-op's values.
    pub(crate) const fn index_of(self, base: HoleValue) -> usize {
        match base {
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
            // Always 0. GOT slots have indices of their own, so that `Got` is refused before this, and so are the
            // values of CPython 3.14.
            HoleValue::Zero | HoleValue::Got | HoleValue::Continue | HoleValue::Executor => 12,
            HoleValue::Operand(number) => self.operands_from() + number as usize,
            HoleValue::Place(number) => self.places_from() + number as usize,
            HoleValue::OperandHigh(number) => self.halves_from() + 2 * number as usize,
            HoleValue::OperandLow(number) => self.halves_from() + 2 * number as usize + 1,
        }
    }

    /// Returns the index of operand 0 of those with numbers.
    pub(crate) const fn operands_from(self) -> usize {
        NUMBERED
    }

    /// Returns the index of the address of target 0.
    pub(crate) const fn places_from(self) -> usize {
        self.operands_from() + self.operands
    }

    /// Returns the index of the upper half of operand 0. Each upper half is followed by the lower one.
    pub(crate) const fn halves_from(self) -> usize {
        self.places_from() + self.targets
    }

    /// Returns the index of the address of the first GOT slot.
    pub(crate) const fn slots_from(self) -> usize {
        self.halves_from() + 2 * self.operands
    }

    /// Returns the index of the first symbol's address.
    pub(crate) const fn symbols_from(self) -> usize {
        self.slots_from() + self.ordinals
    }
}
