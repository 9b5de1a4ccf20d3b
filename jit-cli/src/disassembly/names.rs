//! The names of holes, for people.

use jit_schema::PatchKind;
use jit_stencils::{Hole, HoleValue, PatchValue, StencilSet};

/// Returns the name of a hole's value, such as `<oparg>`, `<operand0[31:16]>`, `<PyNumber_Add@got>`, `<data+0x8>` and
/// `<jump target>`.
///
/// `bias` is what the instruction adds to the addend: the number of bytes from the hole's offset to the place that a displacement counts
/// from, and 0 for holes with an address. [`usual`] is enough for those who do not decode instructions.
pub(crate) fn name(set: &StencilSet, hole: &Hole, bias: i64) -> String {
    let (what, addend) = match &hole.value {
        PatchValue::Address {
            base,
            symbol,
            addend,
        } => (address(*base, symbol.as_deref()), *addend),
        PatchValue::Scaled {
            base,
            scale,
            addend,
        } => (format!("{}*{scale}", of_base(*base)), *addend),
        PatchValue::GotSlot { ordinal, addend } => {
            (format!("{}@got", symbol(set, *ordinal)), *addend)
        }
        // A trampoline's value has no addend: the patch itself knows where the displacement counts from.
        PatchValue::Symbol { ordinal } => (symbol(set, *ordinal).to_owned(), -bias),
    };
    let constant = match addend + bias {
        0 if what.is_empty() => "0".to_owned(),
        0 => String::new(),
        value if what.is_empty() => format!("{value:#x}"),
        value if value < 0 => format!("-{:#x}", value.unsigned_abs()),
        value => format!("+{value:#x}"),
    };
    format!("<{what}{constant}{}>", part(hole))
}

/// Returns the name of a hole's value where its instruction is not known: displacements count from the end of the field.
pub(crate) fn usual(set: &StencilSet, hole: &Hole) -> String {
    name(set, hole, -hole.patch.row().base_addend)
}

/// Returns the addend of a hole whose value is a place in the stencil's own code.
pub(super) fn place_in_code(hole: &Hole) -> Option<i64> {
    match &hole.value {
        PatchValue::Address {
            base: HoleValue::Code,
            symbol: None,
            addend,
        } => Some(*addend),
        PatchValue::Address { .. }
        | PatchValue::Scaled { .. }
        | PatchValue::GotSlot { .. }
        | PatchValue::Symbol { .. } => None,
    }
}

fn symbol(set: &StencilSet, ordinal: usize) -> &str {
    set.symbols.get(ordinal).map_or("?", String::as_str)
}

fn address(base: HoleValue, symbol: Option<&str>) -> String {
    let base = match base {
        HoleValue::Zero => return symbol.unwrap_or_default().to_owned(),
        other => of_base(other),
    };
    match symbol {
        Some(symbol) => format!("{base}+{symbol}"),
        None => base,
    }
}

/// Returns the name of a base.
fn of_base(base: HoleValue) -> String {
    let name = match base {
        HoleValue::Code => "code",
        HoleValue::Data => "data",
        HoleValue::Got => "got",
        HoleValue::Oparg | HoleValue::Oparg16 => "oparg",
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => "operand0",
        HoleValue::Operand0Hi => "operand0[63:32]",
        HoleValue::Operand0Lo => "operand0[31:0]",
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => "operand1",
        HoleValue::Operand1Hi => "operand1[63:32]",
        HoleValue::Operand1Lo => "operand1[31:0]",
        HoleValue::Target => "target",
        HoleValue::JumpTarget => "jump target",
        HoleValue::ErrorTarget => "error target",
        HoleValue::Continue => "next",
        HoleValue::Executor => "executor",
        HoleValue::Zero => "0",
        HoleValue::Operand(number) => return format!("operand{number}"),
        HoleValue::OperandHigh(number) => return format!("operand{number}[63:32]"),
        HoleValue::OperandLow(number) => return format!("operand{number}[31:0]"),
        HoleValue::Place(number) => return format!("target{number}"),
    };
    name.to_owned()
}

/// Returns which part of the value the field has, if it is not all of it.
fn part(hole: &Hole) -> &'static str {
    // The oparg has 16 bits.
    if let PatchValue::Address {
        base: HoleValue::Oparg | HoleValue::Oparg16,
        ..
    } = hole.value
        && hole.patch == PatchKind::Aarch64_16a
    {
        return "";
    }
    // A multiple has no other bits than the field.
    if let PatchValue::Scaled { .. } = hole.value {
        return "";
    }
    match hole.patch {
        PatchKind::Aarch64_16a => "[15:0]",
        PatchKind::Aarch64_16b => "[31:16]",
        PatchKind::Aarch64_16c => "[47:32]",
        PatchKind::Aarch64_16d => "[63:48]",
        PatchKind::Aarch64_12 | PatchKind::Aarch64_12x => ":lo12",
        PatchKind::Aarch64_33rx if !hole.void => ":lo12",
        PatchKind::Aarch64_21r | PatchKind::Aarch64_21rx | PatchKind::Aarch64_33rx => ":page",
        PatchKind::Patch32
        | PatchKind::Patch32s
        | PatchKind::Patch32r
        | PatchKind::Patch64
        | PatchKind::Aarch64_19r
        | PatchKind::Aarch64_26r
        | PatchKind::Aarch64Trampoline
        | PatchKind::X86_64_32rx
        | PatchKind::X86_64Trampoline
        | PatchKind::GotSymbol => "",
    }
}

#[cfg(test)]
mod tests {
    use jit_schema::Target;

    use super::*;

    fn set() -> StencilSet {
        StencilSet {
            target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
            groups: Vec::new(),
            symbols: vec!["PyNumber_Add".to_owned()],
            shim: None,
            families: vec![],
        }
    }

    const EIGHTFOLD: PatchValue = PatchValue::Scaled {
        base: HoleValue::Operand(0),
        scale: 8,
        addend: 0,
    };

    #[test]
    fn names_of_values() {
        let address = |base, symbol: Option<&str>, addend| PatchValue::Address {
            base,
            symbol: symbol.map(Into::into),
            addend,
        };
        let slot = |addend| PatchValue::GotSlot { ordinal: 0, addend };
        for (patch, value, expected) in [
            (
                PatchKind::Patch64,
                address(HoleValue::Oparg, None, 0),
                "<oparg>",
            ),
            (
                PatchKind::Patch32r,
                address(HoleValue::JumpTarget, None, -4),
                "<jump target>",
            ),
            (
                PatchKind::Patch32r,
                address(HoleValue::Data, None, 4),
                "<data+0x8>",
            ),
            (
                PatchKind::Patch64,
                address(HoleValue::Data, None, -8),
                "<data-0x8>",
            ),
            (
                PatchKind::Patch64,
                address(HoleValue::Zero, Some("errno"), 1),
                "<errno+0x1>",
            ),
            (PatchKind::Patch64, address(HoleValue::Zero, None, 0), "<0>"),
            (
                PatchKind::Patch64,
                address(HoleValue::Operand(3), None, 0),
                "<operand3>",
            ),
            (
                PatchKind::Patch32,
                address(HoleValue::Operand0Hi, None, 0),
                "<operand0[63:32]>",
            ),
            (
                PatchKind::Patch32r,
                address(HoleValue::Place(1), None, -4),
                "<target1>",
            ),
            (PatchKind::X86_64_32rx, slot(-4), "<PyNumber_Add@got>"),
            (PatchKind::Aarch64_21rx, slot(0), "<PyNumber_Add@got:page>"),
            (PatchKind::Aarch64_33rx, slot(0), "<PyNumber_Add@got:lo12>"),
            (
                PatchKind::Aarch64_16a,
                address(HoleValue::Oparg16, None, 0),
                "<oparg>",
            ),
            (
                PatchKind::Aarch64_16b,
                address(HoleValue::Operand1_32, None, 0),
                "<operand1[31:16]>",
            ),
            (PatchKind::Aarch64_12, EIGHTFOLD, "<operand0*8>"),
            (
                PatchKind::X86_64Trampoline,
                PatchValue::Symbol { ordinal: 0 },
                "<PyNumber_Add>",
            ),
        ] {
            let hole = Hole {
                offset: 0,
                patch,
                value,
                first: None,
                void: false,
            };
            assert_eq!(usual(&set(), &hole), expected);
        }
    }
}
