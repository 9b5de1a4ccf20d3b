//! Holes as C: calls of patch functions (`Hole.as_c` in CPython's `Tools/jit/_stencils.py`). The
//! names and arguments are the same in all formats; the expressions for the bases of values are
//! not.

use std::borrow::Cow;
use std::fmt::Write as _;

use jit_schema::{PatchKind, PatchShape};
use jit_stencils::{Hole, HoleValue, Part, PatchValue, StencilGroup};

use crate::{c::SignedHex, error::HeaderError, names::holes};

/// A function that returns a format's C expression for the base of a hole's value, or none if instructions
/// of the format do not have it. The expression is empty if the base adds nothing.
pub(crate) type BaseExpression = fn(HoleValue) -> Option<Cow<'static, str>>;

/// Comes before the value of a number with a sign, in parentheses.
pub(crate) const LOW_32: &str = "(uint32_t)";
/// Comes before a base of which there is a multiple, so that it is computed with 64 bits.
pub(crate) const WIDE: &str = "(uint64_t)";

/// Checks that a format has an expression for the base of each hole.
pub(crate) fn check(
    groups: &[(&str, &StencilGroup)],
    format: &'static str,
    base_expression: BaseExpression,
) -> Result<(), HeaderError> {
    for (opname, group) in groups {
        for (part, hole) in holes(group) {
            if let Some(base) = hole.value.base()
                && base_expression(base).is_none()
            {
                return Err(HeaderError::Value {
                    opname: (*opname).to_owned(),
                    part,
                    offset: hole.offset,
                    value: base,
                    format,
                });
            }
        }
    }
    Ok(())
}

/// Writes the call that patches the hole. A void hole needs none.
pub(crate) fn write_patch(out: &mut String, part: Part, hole: &Hole, base: BaseExpression) {
    if hole.void {
        return;
    }
    let signed = hole.patch == PatchKind::Patch32s;
    let function = match signed {
        // `jit.c` has no function for a number with a sign: the same bytes are those of the lowest 32 bits.
        true => PatchKind::Patch32.c_name(),
        false => hole.patch.c_name(),
    };
    out.push_str(function);
    out.push('(');
    // Writing to a String cannot fail, here and below.
    let shape = hole.patch.row().shape;
    let _ = match (shape, hole.first) {
        (PatchShape::Slot, _) => write!(out, "state, "),
        (PatchShape::Field | PatchShape::Pair | PatchShape::Trampoline, Some(first)) => {
            write!(out, "{part} + {first:#x}, {part} + {:#x}, ", hole.offset)
        }
        (PatchShape::Field | PatchShape::Pair | PatchShape::Trampoline, None) => {
            write!(out, "{part} + {:#x}, ", hole.offset)
        }
    };
    if signed {
        out.push_str(LOW_32);
        out.push('(');
    }
    write_value(out, &hole.value, base);
    if signed {
        out.push(')');
    }
    out.push_str(match shape {
        PatchShape::Trampoline => ", state);",
        PatchShape::Field | PatchShape::Pair | PatchShape::Slot => ");",
    });
}

fn write_value(out: &mut String, value: &PatchValue, base_expression: BaseExpression) {
    match value {
        PatchValue::Address {
            base,
            symbol,
            addend,
        } => {
            // A header is written only if its format has all bases.
            let base = base_expression(*base).unwrap_or_default();
            write_sum(out, &base, symbol.as_deref(), *addend);
        }
        PatchValue::Scaled {
            base,
            scale,
            addend,
        } => {
            let base = base_expression(*base).unwrap_or_default();
            let scale = SignedHex((*scale).into());
            let _ = write!(out, "{WIDE}{base} * {scale}");
            if *addend != 0 {
                let _ = write!(out, " + {}", SignedHex(*addend));
            }
        }
        PatchValue::GotSlot { ordinal, addend } => {
            let _ = write!(out, "got_symbol_address({ordinal:#x}, state)");
            let _ = match addend {
                0 => Ok(()),
                ..0 => write!(out, " - {}", addend.unsigned_abs()),
                1.. => write!(out, " + {addend}"),
            };
        }
        PatchValue::Symbol { ordinal } => {
            let _ = write!(out, "{ordinal:#x}");
        }
    }
}

/// Writes the terms that are not empty, with `+` between them.
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
