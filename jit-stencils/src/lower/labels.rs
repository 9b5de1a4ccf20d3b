//! Turns the [labels](jit_schema::label) of the assembly optimizer into holes
//! (`convert_labels_to_relocations` in CPython's `Tools/jit/_stencils.py`).

use std::collections::HashMap;

use jit_schema::label::{Constant, FIELD_MARK, Half, Label, LabelTarget, PairKind, PairRow};
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
                let hole = label_hole(name, kind, target, *place, &code.body)?;
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
    code: &[u8],
) -> Result<UnresolvedHole, LowerError> {
    let (mut scale, mut addend) = (1, 0);
    let (base, symbol) = match target {
        // The whole field, of which the patch function picks 16 bits.
        LabelTarget::Constant(Constant::Oparg) => (HoleValue::Oparg, None),
        LabelTarget::Constant(Constant::Operand0) => (HoleValue::Operand0, None),
        LabelTarget::Constant(Constant::Operand1) => (HoleValue::Operand1, None),
        LabelTarget::Symbol(symbol) => symbol_to_value(symbol),
        LabelTarget::Scaled {
            symbol,
            scale: times,
            addend: plus,
        } => {
            let base = value_of(label, symbol)?;
            if times == 0 {
                return Err(bad(label, "the scale is 0".to_owned()));
            }
            (scale, addend) = (times, plus.into());
            (base, None)
        }
    };
    let width = kind.row().width;
    let side = kind
        .label_side()
        .ok_or_else(|| bad(label, format!("{kind} is not made from labels")))?;
    let at = usize::try_from(place.offset).ok();
    let at = at.filter(|_| place.part == Part::Code);
    let offset = match side {
        Side::After => at,
        Side::Near => at.and_then(|at| marked(code, at)),
    };
    let size = code.len();
    let offset = offset
        .filter(|offset| size.saturating_sub(*offset) >= width)
        .ok_or_else(|| {
            let Place { part, offset } = place;
            bad(
                label,
                format!(
                    "at {part}+{offset:#x}, but a {kind} must have {width} of the {size} bytes of code {} it",
                    side.name()
                ),
            )
        })?;
    Ok(UnresolvedHole {
        scale,
        ..UnresolvedHole::new(offset, kind, base, symbol, addend)
    })
}

/// Returns the value of the instruction that a symbol stands for.
fn value_of(label: &str, symbol: &str) -> Result<HoleValue, LowerError> {
    match symbol_to_value(symbol) {
        (base, None) if base.is_number() => Ok(base),
        _ => Err(bad(
            label,
            format!("{symbol} is no number of the instruction"),
        )),
    }
}

/// Returns where the field is in the instruction that ends at an offset. After the field, there is an immediate
/// of 0, 1, 2 or 4 bytes. None if there is not exactly one place with the mark.
fn marked(code: &[u8], end: usize) -> Option<usize> {
    let mark = FIELD_MARK.to_le_bytes();
    let places = [4, 5, 6, 8].into_iter().filter_map(|distance| {
        let start = end.checked_sub(distance)?;
        (code.get(start..start + 4)? == mark).then_some(start)
    });
    let places: Vec<usize> = places.collect();
    match *places {
        [place] => Some(place),
        _ => None,
    }
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
