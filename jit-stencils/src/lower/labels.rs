//! Turns the [labels](jit_schema::label) of the assembly optimizer into holes
//! (`convert_labels_to_relocations` in CPython's `Tools/jit/_stencils.py`).

use std::collections::HashMap;

use jit_schema::label::{Constant, Half, Label, LabelTarget, PairKind, PairRow};
use jit_schema::relocation::Side;
use jit_schema::{PatchKind, RelocationKind};

use super::error::LowerError;
use super::layout::Symbols;
use crate::unresolved::{Place, UnresolvedHole, symbol_to_value};
use crate::{HoleValue, Part, Stencil};

pub(super) fn convert(
    code: &mut Stencil<UnresolvedHole>,
    symbols: &Symbols,
) -> Result<(), LowerError> {
    // The index of the last hole at each offset. Only relocations of the object can be in pairs.
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
                            fold(name, kind.row(), &mut code.holes, [*first, hole])?;
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
    let width = kind.row().width;
    let side = kind
        .label_side()
        .ok_or_else(|| bad(label, format!("{kind} is not made from labels")))?;
    let before = match side {
        Side::Before => width,
        Side::After => 0,
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
                     bytes of code {} it",
                    side.name()
                ),
            )
        })?;
    Ok(UnresolvedHole::new(offset, kind, base, symbol, 0))
}

/// Makes one hole of those of a pair's two instructions.
fn fold(
    label: &str,
    pair: &PairRow,
    holes: &mut [UnresolvedHole],
    [first, second]: [usize; 2],
) -> Result<(), LowerError> {
    let Ok([first, second]) = holes.get_disjoint_mut([first, second]) else {
        return Err(bad(
            label,
            "both halves of the pair are at one place".to_owned(),
        ));
    };
    if [first.patch, second.patch] != pair.halves {
        let [expected_first, expected_second] = pair.halves.map(PatchKind::c_name);
        return Err(bad(
            label,
            format!(
                "a pair must be {expected_first} and {expected_second}, not {} at code+{:#x} and \
                 {} at code+{:#x}",
                first.patch.c_name(),
                first.offset,
                second.patch.c_name(),
                second.offset
            ),
        ));
    }
    if (first.base, &first.symbol, first.addend) != (second.base, &second.symbol, second.addend) {
        return Err(bad(
            label,
            format!(
                "the pair at code+{:#x} and code+{:#x} does not refer to one and the same thing",
                first.offset, second.offset
            ),
        ));
    }
    second.patch = pair.patch;
    second.first = Some(first.offset);
    first.void = true;
    Ok(())
}

fn bad(label: &str, problem: String) -> LowerError {
    LowerError::Label {
        label: label.to_owned(),
        problem,
    }
}
