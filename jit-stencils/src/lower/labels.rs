//! The assembly optimizer leaves labels behind where the assembler has no relocation for what it
//! wants: this turns them into holes (`convert_labels_to_relocations` in CPython's
//! `Tools/jit/_stencils.py`).

use std::collections::HashMap;

use jit_schema::RelocationKind;

use super::{LowerError, Symbols};
use crate::unresolved::{Place, UnresolvedHole, symbol_to_value};
use crate::{HoleValue, Part, PatchKind, Stencil};

/// Between the parts of `<relocation kind>_JIT_RELOCATION_<target>_JIT_RELOCATION_<number>`.
const RELOCATION: &str = "_JIT_RELOCATION_";
/// Between the parts of `<kind>33a_JIT_PAIR_<symbol>_JIT_PAIR_<number>`, and the same with `33b`.
const PAIR: &str = "_JIT_PAIR_";

pub(super) fn convert(
    code: &mut Stencil<UnresolvedHole>,
    symbols: &Symbols,
) -> Result<(), LowerError> {
    // Index of the last hole at each offset. Only the object's own relocations can be in pairs.
    let holes_by_offset: HashMap<usize, usize> = code
        .holes
        .iter()
        .enumerate()
        .map(|(index, hole)| (hole.offset, index))
        .collect();
    let mut first_in_pair: HashMap<&str, usize> = HashMap::new();
    for (name, place) in symbols {
        if name.contains(RELOCATION) {
            let [kind, target, _] = split(name, RELOCATION)?;
            let hole = label_hole(name, kind, target, *place, code.body.len())?;
            code.holes.push(hole);
        } else if name.contains(PAIR) {
            let [kind, _, number] = split(name, PAIR)?;
            let hole = usize::try_from(place.offset)
                .ok()
                .filter(|_| place.part == Part::Code)
                .and_then(|offset| holes_by_offset.get(&offset))
                .copied();
            let Some(hole) = hole else { continue };
            if kind.contains("33a") {
                first_in_pair.insert(number, hole);
            } else if kind.contains("33b")
                && let Some(first) = first_in_pair.get(number)
            {
                fold(name, &mut code.holes, *first, hole)?;
            }
        }
    }
    Ok(())
}

fn split<'a>(label: &'a str, separator: &str) -> Result<[&'a str; 3], LowerError> {
    let mut parts = label.split(separator);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(a), Some(b), Some(c), None) => Ok([a, b, c]),
        _ => Err(bad(
            label,
            format!("expected a kind, a symbol and a number with {separator} between them"),
        )),
    }
}

fn label_hole(
    label: &str,
    kind: &str,
    target: &str,
    place: Place,
    code_size: usize,
) -> Result<UnresolvedHole, LowerError> {
    let kind = RelocationKind::from_name(kind)
        .ok_or_else(|| bad(label, format!("unknown relocation {kind}")))?;
    let (base, symbol) = match target.strip_prefix("CONST_JIT_") {
        Some(field) => (
            constant(field)
                .ok_or_else(|| bad(label, format!("{field} is not OPARG, OPERAND0 or OPERAND1")))?,
            None,
        ),
        None => symbol_to_value(target),
    };
    let width = PatchKind::from(kind).width();
    // x86 has its constants at the end of the instruction, whose length only the assembler knows.
    let (before, side) = match kind {
        RelocationKind::CustomX86_64Const32 => (width, "before"),
        _ => (0, "behind"),
    };
    let offset = usize::try_from(place.offset)
        .ok()
        .and_then(|offset| offset.checked_sub(before))
        .filter(|offset| place.part == Part::Code && code_size.saturating_sub(*offset) >= width)
        .ok_or_else(|| {
            let Place { part, offset } = place;
            bad(
                label,
                format!(
                    "at {part}+{offset:#x}, but a {kind} must have {width} of the {code_size} \
                     bytes of code {side} it"
                ),
            )
        })?;
    Ok(UnresolvedHole::new(offset, kind, base, symbol, 0))
}

/// The instruction's field that a small constant is taken from: the whole field, of which the
/// patch function picks 16 bits.
fn constant(field: &str) -> Option<HoleValue> {
    HoleValue::from_name(field).filter(|value| {
        matches!(
            value,
            HoleValue::Oparg | HoleValue::Operand0 | HoleValue::Operand1
        )
    })
}

/// Make one hole of an adrp's and an ldr's of the same GOT slot.
fn fold(
    label: &str,
    holes: &mut [UnresolvedHole],
    first: usize,
    second: usize,
) -> Result<(), LowerError> {
    let (Some(adrp), Some(ldr)) = (holes.get(first), holes.get(second)) else {
        return Ok(());
    };
    if (adrp.patch, ldr.patch) != (PatchKind::Aarch64_21rx, PatchKind::Aarch64_12x) {
        return Err(bad(
            label,
            format!(
                "a pair must be patch_aarch64_21rx and patch_aarch64_12x, not {} at code+{:#x} \
                 and {} at code+{:#x}",
                adrp.patch.c_name(),
                adrp.offset,
                ldr.patch.c_name(),
                ldr.offset
            ),
        ));
    }
    if (adrp.base, &adrp.symbol, adrp.addend) != (ldr.base, &ldr.symbol, ldr.addend) {
        return Err(bad(
            label,
            format!(
                "the pair at code+{:#x} and code+{:#x} does not refer to one and the same thing",
                adrp.offset, ldr.offset
            ),
        ));
    }
    let offset = adrp.offset;
    if let Some(ldr) = holes.get_mut(second) {
        ldr.patch = PatchKind::Aarch64_33rx;
        ldr.first = Some(offset);
    }
    if let Some(adrp) = holes.get_mut(first) {
        adrp.void = true;
    }
    Ok(())
}

fn bad(label: &str, problem: String) -> LowerError {
    LowerError::Label {
        label: label.to_owned(),
        problem,
    }
}
