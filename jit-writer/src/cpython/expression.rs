//! C expressions for the bases of holes, with the names of `Python/jit.c`.

use std::borrow::Cow;

use jit_stencils::HoleValue;

/// Returns the C expression for the base of a hole (`_HOLE_EXPRS` in `Tools/jit/_stencils.py`), if the newest
/// release's instructions have it.
pub(crate) fn base(value: HoleValue) -> Option<Cow<'static, str>> {
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
        HoleValue::JumpTarget => "state->instruction_starts[instruction->jump_target]",
        HoleValue::ErrorTarget => "state->instruction_starts[instruction->error_target]",
        // The base of a resolved hole is never the GOT.
        HoleValue::Got | HoleValue::Zero => "",
        HoleValue::Continue
        | HoleValue::Executor
        | HoleValue::Operand(_)
        | HoleValue::OperandHigh(_)
        | HoleValue::OperandLow(_)
        | HoleValue::Place(_) => return None,
    };
    Some(Cow::Borrowed(fixed))
}
