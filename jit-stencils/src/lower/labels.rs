//! The assembly optimizer leaves labels behind where the assembler has no relocation for what it
//! wants: this turns them into holes (`convert_labels_to_relocations` in CPython's
//! `Tools/jit/_stencils.py`).

use std::collections::HashMap;

use jit_schema::RelocationKind;
use jit_schema::label::{Constant, Half, Label, LabelTarget, PairKind};

use super::{LowerError, Symbols};
use crate::unresolved::{Place, UnresolvedHole, symbol_to_value};
use crate::{HoleValue, Part, PatchKind, Stencil};

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
    let mut first_in_pair: HashMap<(PairKind, usize), usize> = HashMap::new();
    for (name, place) in symbols {
        let label = Label::parse(name).map_err(|error| bad(name, error.to_string()))?;
        match label {
            None => {}
            Some(Label::Relocation { kind, target, .. }) => {
                let hole = label_hole(name, kind, target, *place, code.body.len())?;
                code.holes.push(hole);
            }
            Some(Label::Pair {
                kind, half, number, ..
            }) => {
                let hole = usize::try_from(place.offset)
                    .ok()
                    .filter(|_| place.part == Part::Code)
                    .and_then(|offset| holes_by_offset.get(&offset))
                    .copied();
                let Some(hole) = hole else { continue };
                match half {
                    Half::First => {
                        first_in_pair.insert((kind, number), hole);
                    }
                    Half::Second => {
                        if let Some(first) = first_in_pair.get(&(kind, number)) {
                            fold(name, &mut code.holes, *first, hole)?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn label_hole(
    label: &str,
    kind: RelocationKind,
    target: LabelTarget<'_>,
    place: Place,
    code_size: usize,
) -> Result<UnresolvedHole, LowerError> {
    let (base, symbol) = match target {
        // The whole field, of which the patch function picks 16 bits.
        LabelTarget::Constant(Constant::Oparg) => (HoleValue::Oparg, None),
        LabelTarget::Constant(Constant::Operand0) => (HoleValue::Operand0, None),
        LabelTarget::Constant(Constant::Operand1) => (HoleValue::Operand1, None),
        LabelTarget::Symbol(symbol) => symbol_to_value(symbol),
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
