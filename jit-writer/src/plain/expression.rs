//! C expressions for the bases of holes, with the names of `jit_instruction` and of parameters.

use std::borrow::Cow;

use jit_stencils::HoleValue;

/// Returns the C expression for the base of a hole, if instructions have it; it is empty for a base that
/// adds nothing.
pub(super) fn base(value: HoleValue) -> Option<Cow<'static, str>> {
    let fixed = match value {
        HoleValue::Code => "(uintptr_t)code",
        HoleValue::Data => "(uintptr_t)data",
        HoleValue::Oparg | HoleValue::Oparg16 => "instruction->oparg",
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => {
            "instruction->operand0"
        }
        HoleValue::Operand0Hi => "(instruction->operand0 >> 32)",
        HoleValue::Operand0Lo => "(instruction->operand0 & UINT32_MAX)",
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => {
            "instruction->operand1"
        }
        HoleValue::Operand1Hi => "(instruction->operand1 >> 32)",
        HoleValue::Operand1Lo => "(instruction->operand1 & UINT32_MAX)",
        HoleValue::Target => "instruction->target",
        HoleValue::JumpTarget => "instruction->jump_target",
        HoleValue::ErrorTarget => "instruction->error_target",
        HoleValue::Continue | HoleValue::Executor => return None,
        // The base of a resolved hole is never the GOT.
        HoleValue::Got | HoleValue::Zero => "",
        HoleValue::Operand(number) => {
            return Some(format!("instruction->operands[{number}]").into());
        }
        HoleValue::OperandHigh(number) => {
            return Some(format!("(instruction->operands[{number}] >> 32)").into());
        }
        HoleValue::OperandLow(number) => {
            return Some(format!("(instruction->operands[{number}] & UINT32_MAX)").into());
        }
        HoleValue::Place(number) => {
            return Some(format!("instruction->targets[{number}]").into());
        }
    };
    Some(Cow::Borrowed(fixed))
}
