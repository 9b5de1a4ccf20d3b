//! Holes as C: calls to the patch functions of CPython's `Python/jit.c` (`Hole.as_c` in
//! `Tools/jit/_stencils.py`).

use std::fmt::{self, Write as _};

use jit_stencils::{Hole, HoleValue, Part, PatchKind, PatchValue};

/// A hexadecimal number as Python writes it: the sign in front of the `0x`.
pub(crate) struct SignedHex(pub(crate) i64);

impl fmt::Display for SignedHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{:#x}", self.0.unsigned_abs())
    }
}

/// The call that patches the hole; nothing if it is void.
pub(crate) fn write_patch(out: &mut String, part: Part, hole: &Hole) {
    if hole.void {
        return;
    }
    out.push_str(hole.patch.c_name());
    out.push('(');
    // Writing to a String cannot fail, here and below.
    let _ = match hole.patch {
        PatchKind::GotSymbol => write!(out, "state, "),
        _ => match hole.first {
            Some(first) => write!(out, "{part} + {first:#x}, {part} + {:#x}, ", hole.offset),
            None => write!(out, "{part} + {:#x}, ", hole.offset),
        },
    };
    write_value(out, &hole.value);
    out.push_str(match hole.patch {
        PatchKind::Aarch64Trampoline | PatchKind::X86_64Trampoline => ", state);",
        _ => ");",
    });
}

fn write_value(out: &mut String, value: &PatchValue) {
    let _ = match value {
        PatchValue::Address {
            base,
            symbol,
            addend,
        } => {
            write_sum(out, base_expression(*base), symbol.as_deref(), *addend);
            Ok(())
        }
        PatchValue::GotSlot { ordinal, addend } => {
            let _ = write!(out, "got_symbol_address({ordinal:#x}, state)");
            match addend {
                0 => Ok(()),
                ..0 => write!(out, " - {}", addend.unsigned_abs()),
                _ => write!(out, " + {addend}"),
            }
        }
        PatchValue::Symbol { ordinal } => write!(out, "{ordinal:#x}"),
    };
}

/// The terms that are there, with `+` between them.
fn write_sum(out: &mut String, base: &str, symbol: Option<&str>, addend: i64) {
    out.push_str(base);
    let mut empty = base.is_empty();
    if let Some(symbol) = symbol {
        out.push_str(if empty { "" } else { " + " });
        out.push_str("(uintptr_t)&");
        out.push_str(symbol);
        empty = false;
    }
    if empty || addend != 0 {
        let plus = if empty { "" } else { " + " };
        let _ = write!(out, "{plus}{}", SignedHex(addend));
    }
}

/// `_HOLE_EXPRS` in CPython's `Tools/jit/_stencils.py`.
const fn base_expression(value: HoleValue) -> &'static str {
    match value {
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
        // A resolved hole's base is never the GOT.
        HoleValue::Got | HoleValue::Zero => "",
    }
}
