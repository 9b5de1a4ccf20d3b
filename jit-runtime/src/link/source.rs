//! Where the linker gets the values of a micro-op from: the two shapes that traces are made of.

use jit_stencils::HoleValue;

use super::{
    image::{Bug, Image, Place},
    plan::Plan,
};
use crate::{
    error::LinkError,
    limits::{MAX_INSTRUCTIONS, MAX_UOPS},
    load::Stencils,
    table::{Entry, Takes},
    trace::{Instruction, Uop},
    values::HALVES,
};

/// A micro-op of a trace, as the linker sees it.
pub trait Source: Copy {
    /// Whether its values have numbers.
    const GENERAL: bool;
    /// The longest trace, in micro-ops.
    const LONGEST: usize;

    /// Returns the index of the stencil.
    fn opcode(&self) -> u32;

    /// Returns a micro-op without values.
    fn bare(opcode: u32) -> Self;

    /// Sets the values of the image. Returns nonzero if some are missing, have too many bits, or lead out of
    /// the trace.
    fn set(
        &self,
        image: &mut Image,
        stencils: &Stencils,
        plan: &Plan,
        entry: &Entry,
        at: Place,
    ) -> Result<u64, Bug>;

    /// Returns what is wrong with the micro-op at an index of the trace if [`set`](Source::set) returned
    /// nonzero.
    fn problem(&self, stencils: &Stencils, index: usize, length: usize) -> Option<LinkError>;
}

impl Source for Uop {
    const GENERAL: bool = false;
    const LONGEST: usize = MAX_UOPS;

    #[inline(always)]
    fn opcode(&self) -> u32 {
        self.opcode
    }

    fn bare(opcode: u32) -> Uop {
        Uop {
            opcode,
            ..Uop::default()
        }
    }

    #[inline(always)]
    fn set(
        &self,
        image: &mut Image,
        stencils: &Stencils,
        plan: &Plan,
        entry: &Entry,
        at: Place,
    ) -> Result<u64, Bug> {
        let length = plan.length();
        let outside =
            |needed: bool, target: u16| u64::from(needed & (usize::from(target) >= length));
        let base = image.base;
        let target = |index: u16| {
            let start = plan.starts.get(usize::from(index)).copied();
            // A target that the stencil does not use can be anything; others are checked below.
            base.wrapping_add(u64::from(start.unwrap_or(0)))
        };
        let values = [
            image.code_at(at),
            image.data_at(at),
            u64::from(self.oparg),
            self.operand[0],
            self.operand[1],
            u64::from(self.target),
            target(self.jump_target),
            target(self.error_target),
        ];
        *image.values.first_chunk_mut().ok_or(Bug)? = values;
        if stencils.table.halves {
            let [first, second] = self.operand.map(halves);
            let place = image.values.get_mut(HALVES).ok_or(Bug)?;
            place.copy_from_slice([first, second].as_flattened());
        }
        Ok(outside(entry.jumps, self.jump_target) | outside(entry.errs, self.error_target))
    }

    fn problem(&self, stencils: &Stencils, index: usize, length: usize) -> Option<LinkError> {
        let entry = stencils.table.entries.get(self.opcode as usize)?;
        let targets = [
            (entry.jumps, HoleValue::JumpTarget, self.jump_target),
            (entry.errs, HoleValue::ErrorTarget, self.error_target),
        ];
        let (_, value, target) = targets
            .into_iter()
            .find(|(needed, _, target)| *needed && usize::from(*target) >= length)?;
        Some(LinkError::JumpOutside {
            index,
            uop: stencils.name(self.opcode)?.to_owned(),
            value,
            target: target.into(),
            length,
        })
    }
}

impl Source for Instruction<'_> {
    const GENERAL: bool = true;
    const LONGEST: usize = MAX_INSTRUCTIONS;

    #[inline(always)]
    fn opcode(&self) -> u32 {
        self.opcode
    }

    fn bare(opcode: u32) -> Self {
        Instruction {
            opcode,
            operands: &[],
            targets: &[],
        }
    }

    #[inline(always)]
    fn set(
        &self,
        image: &mut Image,
        stencils: &Stencils,
        plan: &Plan,
        _entry: &Entry,
        at: Place,
    ) -> Result<u64, Bug> {
        let table = &stencils.table;
        let (base, of_trace) = (image.base, [image.code_at(at), image.data_at(at)]);
        let takes = table.takes.get(self.opcode as usize).ok_or(Bug)?;
        *image.values.first_chunk_mut().ok_or(Bug)? = of_trace;
        let mut bad = 0;
        let from = table.values.operands_from();
        for taken in takes.operands.of(&table.operands).ok_or(Bug)? {
            let number = usize::from(taken.number);
            let Some(operand) = self.operands.get(number) else {
                return Ok(1);
            };
            *image.values.get_mut(from + number).ok_or(Bug)? = *operand;
            bad |= operand & taken.excess;
            if table.halves {
                let place = image
                    .values
                    .get_mut(table.values.halves_from() + 2 * number..);
                let place = place.and_then(<[u64]>::first_chunk_mut).ok_or(Bug)?;
                *place = halves(*operand);
            }
        }
        let from = table.values.places_from();
        for number in takes.targets.of(&table.targets).ok_or(Bug)? {
            let number = usize::from(*number);
            let target = self.targets.get(number);
            let Some(start) = target.and_then(|target| plan.starts.get(*target as usize)) else {
                return Ok(1);
            };
            let address = base.wrapping_add(u64::from(*start));
            *image.values.get_mut(from + number).ok_or(Bug)? = address;
        }
        Ok(bad)
    }

    fn problem(&self, stencils: &Stencils, index: usize, length: usize) -> Option<LinkError> {
        let table = &stencils.table;
        let uop = || Some(stencils.name(self.opcode)?.to_owned());
        let Takes { operands, targets } = table.takes.get(self.opcode as usize)?;
        let (operands, targets) = (operands.of(&table.operands)?, targets.of(&table.targets)?);
        for taken in operands {
            let operand = usize::from(taken.number);
            let Some(value) = self.operands.get(operand).copied() else {
                return Some(LinkError::MissingOperands {
                    index,
                    uop: uop()?,
                    given: self.operands.len(),
                    needed: usize::from(operands.last()?.number) + 1,
                });
            };
            if value & taken.excess != 0 {
                return Some(LinkError::OperandBits {
                    index,
                    uop: uop()?,
                    operand,
                    value,
                    bits: taken.excess.trailing_zeros(),
                });
            }
        }
        for number in targets {
            let Some(target) = self.targets.get(usize::from(*number)).copied() else {
                return Some(LinkError::MissingTargets {
                    index,
                    uop: uop()?,
                    given: self.targets.len(),
                    needed: usize::from(*targets.last()?) + 1,
                });
            };
            if target as usize >= length {
                return Some(LinkError::JumpOutside {
                    index,
                    uop: uop()?,
                    value: HoleValue::Place(*number),
                    target,
                    length,
                });
            }
        }
        None
    }
}

/// Returns the upper and the lower half of an operand.
const fn halves(operand: u64) -> [u64; 2] {
    [operand >> 32, operand & 0xffff_ffff]
}
