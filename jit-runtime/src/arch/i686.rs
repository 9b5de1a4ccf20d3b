//! 32-bit x86: no GOT, and sums that wrap around.

use jit_schema::{ObjectFormat, PatchKind};
use jit_stencils::{HoleValue, Part, PatchValue};

use super::{Architecture, Fill, Problem, Rules, Site};
use crate::form;

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
            end: 1 << 32,
        }
    }

    fn fill(&self, site: &Site<'_>) -> Result<Fill, Problem> {
        use PatchKind as P;
        Ok(match site.hole.patch {
            // Masks with slots have been refused by now, so that this one is not in the mask.
            P::GotSymbol => Fill::Slot,
            P::Patch32 if is_narrow(&site.hole.value) => Fill::Field(form::ABSOLUTE_32_WRAPPING),
            P::Patch32 => Fill::Field(form::ABSOLUTE_32),
            // Without a GOT there is nothing to relax.
            P::Patch32r | P::X86_64_32rx => Fill::Field(form::RELATIVE_32_WRAPPING),
            P::Patch64 => match site.part {
                Part::Code => Fill::Wide,
                Part::Data => Fill::Field(form::ABSOLUTE_64),
            },
            P::X86_64Trampoline
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

/// Returns whether the C expression for the value has 32 bits, because its terms do.
fn is_narrow(value: &PatchValue) -> bool {
    match value {
        PatchValue::Address {
            symbol: Some(_), ..
        }
        | PatchValue::GotSlot { .. }
        | PatchValue::Symbol { .. } => true,
        PatchValue::Address {
            base, symbol: None, ..
        } => match base {
            HoleValue::Code
            | HoleValue::Data
            | HoleValue::JumpTarget
            | HoleValue::ErrorTarget
            // Half of an operand is 32 bits to the compiler as well, which folds `+ 16` into the addend.
            // CPython's C has 64 bits there, and cuts them off.
            | HoleValue::Operand0Hi
            | HoleValue::Operand0Lo
            | HoleValue::Operand1Hi
            | HoleValue::Operand1Lo => true,
            HoleValue::Got
            | HoleValue::Oparg
            | HoleValue::Oparg16
            | HoleValue::Operand0
            | HoleValue::Operand0_16
            | HoleValue::Operand0_32
            | HoleValue::Operand1
            | HoleValue::Operand1_16
            | HoleValue::Operand1_32
            | HoleValue::Target
            | HoleValue::Zero => false,
        },
    }
}
