//! 32-bit x86: no GOT, and sums that wrap around.

use jit_schema::{ObjectFormat, PatchKind};
use jit_stencils::{HoleValue, Part, PatchValue};

use super::{Architecture, Fill, Problem, Rules, Site};
use crate::{form, limits};

pub(crate) struct I686;

impl Architecture for I686 {
    fn rules(&self, _format: ObjectFormat) -> Rules {
        Rules {
            trampoline: None,
            // CPython's slots would be 4 bytes apart and 8 bytes wide (`patch_got_symbol`).
            got: None,
            code_unit: 1,
            data_align: 1,
            plain: true,
            max_size: limits::LARGE_DISPLACEMENTS,
            end: 1 << 32,
        }
    }

    fn fill(&self, site: &Site<'_>) -> Result<Fill, Problem> {
        use PatchKind as P;
        Ok(match site.hole.patch {
            // Masks with slots have been refused by now, so that this one is not in the mask.
            P::GotSymbol => Fill::Slot,
            P::Patch32 => absolute(&site.hole.value),
            // Without a GOT there is nothing to relax.
            P::Patch32r | P::X86_64_32rx => Fill::Field(form::RELATIVE_32_WRAPPING),
            P::Patch64 => match site.part {
                Part::Code => Fill::Wide,
                Part::Data => Fill::Field(form::ABSOLUTE_64),
            },
            P::Patch32s
            | P::X86_64Trampoline
            | P::Aarch64_12
            | P::Aarch64_12x
            | P::Aarch64_16a
            | P::Aarch64_16b
            | P::Aarch64_16c
            | P::Aarch64_16d
            | P::Aarch64_19r
            | P::Aarch64_21r
            | P::Aarch64_21rx
            | P::Aarch64_26r
            | P::Aarch64_33rx
            | P::Aarch64Trampoline => return Err(site.foreign()),
        })
    }

    fn elf_machine(&self) -> u16 {
        3
    }
}

/// Returns how an absolute address is filled. To the compiler, all values have 32 bits, and so have the sums
/// that it folds into the addend: they wrap around. A value that has more bits does not fit.
fn absolute(value: &PatchValue) -> Fill {
    match value {
        PatchValue::Address {
            symbol: Some(_), ..
        }
        | PatchValue::Scaled { .. }
        | PatchValue::GotSlot { .. }
        | PatchValue::Symbol { .. } => Fill::Field(form::ABSOLUTE_32_WRAPPING),
        PatchValue::Address {
            base,
            symbol: None,
            addend,
        } => match base {
            HoleValue::Code
            | HoleValue::Data
            | HoleValue::JumpTarget
            | HoleValue::ErrorTarget
            | HoleValue::Continue
            | HoleValue::Executor
            | HoleValue::Operand0Hi
            | HoleValue::Operand0Lo
            | HoleValue::Operand1Hi
            | HoleValue::Operand1Lo
            | HoleValue::OperandHigh(_)
            | HoleValue::OperandLow(_)
            | HoleValue::Place(_) => Fill::Field(form::ABSOLUTE_32_WRAPPING),
            HoleValue::Oparg | HoleValue::Oparg16 | HoleValue::Target if *addend != 0 => {
                Fill::Field(form::ABSOLUTE_32_WRAPPING)
            }
            // Operands have 64 bits. CPython's C has the sum in 64 bits as well, and asserts that it fits.
            HoleValue::Operand0
            | HoleValue::Operand0_16
            | HoleValue::Operand0_32
            | HoleValue::Operand1
            | HoleValue::Operand1_16
            | HoleValue::Operand1_32
            | HoleValue::Operand(_)
                if *addend != 0 =>
            {
                Fill::Sum {
                    check: form::CHECK_32,
                    sum: form::ABSOLUTE_32_WRAPPING,
                }
            }
            HoleValue::Oparg
            | HoleValue::Oparg16
            | HoleValue::Target
            | HoleValue::Operand0
            | HoleValue::Operand0_16
            | HoleValue::Operand0_32
            | HoleValue::Operand1
            | HoleValue::Operand1_16
            | HoleValue::Operand1_32
            | HoleValue::Operand(_)
            | HoleValue::Got
            | HoleValue::Zero => Fill::Field(form::ABSOLUTE_32),
        },
    }
}
