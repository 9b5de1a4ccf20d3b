//! Finding the stencil of an operation by where its operands are.

use jit_stencils::{FamilyOperand, Location};

use crate::error::StencilError;

/// The stencils of an operation: one for each choice of where its results and operands are.
///
/// A choice is an index into [`FamilyOperand::choices`]. A compiler finds out once what the choices are, with
/// [`choice`](Family::choice), and then picks stencils with [`member`](Family::member), which takes one or two nanoseconds.
///
/// ```
/// # use jit_runtime::{Family, Stencils};
/// # use jit_stencils::Location;
/// /// Returns the opcode of an addition of two registers.
/// fn add(stencils: &Stencils, to: u8, a: u8, b: u8) -> Option<u32> {
///     let family = stencils.family("add")?;
///     let choice = |operand, register| family.choice(operand, Location::Reg(register));
///     family.member(&[choice(0, to)?, choice(1, a)?, choice(2, b)?])
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Family<'s>(&'s Members);

/// The members of a family.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    name: String,
    operands: Vec<FamilyOperand>,
    /// For each operand, its last choice, and the distance between members that differ by one choice.
    strides: Vec<(u32, u32)>,
    /// Opcodes.
    members: Vec<u32>,
}

impl Members {
    /// Checks a family of a set with so many stencils.
    pub(crate) fn new(
        family: jit_stencils::Family,
        stencils: usize,
    ) -> Result<Members, StencilError> {
        let size = family.size().filter(|size| *size == family.members.len());
        let is_whole = size.is_some_and(|size| u32::try_from(size).is_ok());
        let mut members = family.members.iter();
        if !is_whole || members.any(|member| *member as usize >= stencils) {
            return Err(StencilError::Family { name: family.name });
        }
        let mut strides = Vec::with_capacity(family.operands.len());
        let mut stride = 1_u32;
        for operand in family.operands.iter().rev() {
            // The product of all is the number of members.
            let count = operand.choices.len() as u32;
            strides.push((count.saturating_sub(1), stride));
            stride = stride.wrapping_mul(count);
        }
        strides.reverse();
        Ok(Members {
            name: family.name,
            operands: family.operands,
            strides,
            members: family.members,
        })
    }
}

impl<'s> Family<'s> {
    /// Returns the family with a name.
    pub(crate) fn named(families: &'s [Members], name: &str) -> Option<Family<'s>> {
        let mut families = families.iter();
        families.find(|family| family.name == name).map(Family)
    }

    /// Returns the name of the operation.
    pub fn name(&self) -> &'s str {
        &self.0.name
    }

    /// Returns the results, then the operands, with the locations that each can be in. The number of one is that of the
    /// operand of an [`Instruction`](crate::Instruction) that has the value of an immediate, or the offset in bytes of what is
    /// in the frame.
    pub fn operands(&self) -> &'s [FamilyOperand] {
        &self.0.operands
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.0.members.len()
    }

    /// Returns whether there are no members, which is never so.
    pub fn is_empty(&self) -> bool {
        self.0.members.is_empty()
    }

    /// Returns which choice of an operand is a location, or `None` if the operand cannot be there.
    pub fn choice(&self, operand: usize, location: Location) -> Option<u32> {
        let choices = &self.0.operands.get(operand)?.choices;
        let choice = choices.iter().position(|known| *known == location)?;
        u32::try_from(choice).ok()
    }

    /// Returns the number of the member with these choices, one for each result and operand, or `None` if there is no such
    /// member.
    #[inline]
    pub fn index(&self, choices: &[u32]) -> Option<usize> {
        let strides = &self.0.strides;
        let is_known = strides.len() == choices.len();
        is_known.then(|| sum(strides, choices))?
    }

    /// Returns the opcode of the member with a number, from 0 to [`len`](Family::len).
    #[inline]
    pub fn at(&self, index: usize) -> Option<u32> {
        self.0.members.get(index).copied()
    }

    /// Returns the opcode of the member with these choices, one for each result and operand, or `None` if there is no such
    /// member. It does what [`index`](Family::index) and [`at`](Family::at) do, and is faster, as the number of operands is
    /// known when it is compiled.
    #[inline]
    pub fn member<const N: usize>(&self, choices: &[u32; N]) -> Option<u32> {
        let strides: &[(u32, u32); N] = self.0.strides.as_slice().try_into().ok()?;
        self.at(sum(strides, choices)?)
    }
}

/// Returns the sum of what choices are away from the first member, if there are so many choices.
#[inline(always)]
fn sum(strides: &[(u32, u32)], choices: &[u32]) -> Option<usize> {
    let (mut index, mut past) = (0_u64, 0_u64);
    for ((last, stride), choice) in strides.iter().zip(choices) {
        let choice = u64::from(*choice);
        // Bit 63 is set if the choice is past the last one.
        past |= u64::from(*last).wrapping_sub(choice);
        index = index.wrapping_add(choice * u64::from(*stride));
    }
    (past >> 63 == 0).then_some(index as usize)
}
