//! Families: an operation has a stencil for each choice of where its operands are.

use jit_schema::Location;

/// An operation, and the stencils that do it with its operands in different locations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The name of the operation, which no other family of the set has.
    pub name: String,
    /// The results, then the operands. The number of one is that of the instruction's operand that it has if its
    /// location is given by the instruction.
    pub operands: Vec<FamilyOperand>,
    /// The index of each member's stencil in the set's groups. The choice of the last operand changes from each member to the
    /// next, that of the first changes least. Members with the same code share a stencil.
    pub members: Vec<u32>,
}

/// A result or an operand of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyOperand {
    /// The name, which no other operand of the family has.
    pub name: String,
    /// The locations that it can be in: at least one, and none twice.
    pub choices: Vec<Location>,
}

impl Family {
    /// Returns the number of members that the operands make, or `None` if 64 bits do not suffice.
    pub fn size(&self) -> Option<usize> {
        let mut sizes = self.operands.iter().map(|operand| operand.choices.len());
        sizes.try_fold(1_usize, usize::checked_mul)
    }
}
