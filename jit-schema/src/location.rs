//! Where an operand of an operation is.

use std::fmt;

/// Where an operand is when a stencil starts, and a result when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// An argument of the stencil that is an integer or a pointer, by its number from 0.
    Reg(u8),
    /// An argument of the stencil that is a double, by its number from 0.
    Vec(u8),
    /// The operand of the instruction, up to 64 bits.
    Imm,
    /// 8 bytes of the frame, at the offset that the operand of the instruction is, in bytes.
    Mem,
}

impl Location {
    /// Returns whether an instruction has an operand for it.
    pub const fn is_given(self) -> bool {
        match self {
            Location::Imm | Location::Mem => true,
            Location::Reg(_) | Location::Vec(_) => false,
        }
    }
}

/// As in the names of stencils: `r0`, `v0`, `i` or `m`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Reg(number) => write!(f, "r{number}"),
            Location::Vec(number) => write!(f, "v{number}"),
            Location::Imm => f.write_str("i"),
            Location::Mem => f.write_str("m"),
        }
    }
}
