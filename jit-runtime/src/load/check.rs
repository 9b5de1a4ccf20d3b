//! Checks of a stencil as a whole: its sizes, its masks, and that its holes do not overlap.

use jit_schema::PatchKind;
use jit_stencils::{MAX_ALIGNMENT, Part, SLOT_SIZE, Stencil, StencilGroup};

use crate::{arch::Rules, error::StencilError, limits::MAX_SIZE, mask};

/// Checks that both parts of a stencil have a size that an image can hold, and that it can align the
/// data.
pub(super) fn check_sizes(
    uop: &str,
    group: &StencilGroup,
    rules: &Rules,
) -> Result<(), StencilError> {
    let sizes = [
        (Part::Code, &group.code, rules.code_unit),
        (Part::Data, &group.data, SLOT_SIZE),
    ];
    for (part, stencil, unit) in sizes {
        let size = stencil.body.len();
        if size > MAX_SIZE || !size.is_multiple_of(unit) {
            return Err(StencilError::Size {
                uop: uop.to_owned(),
                part,
                size,
                unit,
                limit: MAX_SIZE,
            });
        }
    }
    let alignment = group.data_alignment;
    if alignment.is_power_of_two() && (SLOT_SIZE..=MAX_ALIGNMENT).contains(&alignment) {
        Ok(())
    } else {
        Err(StencilError::Alignment {
            uop: uop.to_owned(),
            alignment,
        })
    }
}

/// Checks a stencil's masks. Each symbol in them takes room, whether a hole refers to it or not.
///
/// `known` is how many symbols have ordinals.
pub(super) fn check_masks(
    uop: &str,
    group: &StencilGroup,
    rules: &Rules,
    known: usize,
) -> Result<(), StencilError> {
    let wrong = |ordinal, problem: &str| StencilError::Mask {
        uop: uop.to_owned(),
        ordinal,
        problem: problem.to_owned(),
    };
    if rules.got.is_none()
        && let Some(ordinal) = mask::largest(&group.got_entries)
    {
        return Err(wrong(ordinal, "the target has no GOT"));
    }
    for mask in [&group.got_entries, &group.trampolines] {
        if let Some(ordinal) = mask::largest(mask).filter(|ordinal| *ordinal >= known) {
            return Err(wrong(ordinal, "there is no such symbol"));
        }
    }
    Ok(())
}

/// Checks that no two holes share a byte: they are filled in no particular order.
pub(super) fn check_overlaps(uop: &str, part: Part, stencil: &Stencil) -> Result<(), StencilError> {
    if stencil.holes.is_empty() {
        return Ok(());
    }
    let mut spans: Vec<(usize, usize, PatchKind)> = Vec::new();
    for hole in stencil.holes.iter().filter(|hole| !hole.void) {
        let width = hole.patch.width();
        for start in hole.first.into_iter().chain([hole.offset]) {
            spans.push((start, start.saturating_add(width), hole.patch));
        }
    }
    spans.retain(|(start, end, _)| start != end);
    spans.sort_by_key(|(start, end, _)| (*start, *end));
    for pair in spans.windows(2) {
        if let [(_, end, _), (start, _, kind)] = pair
            && start < end
        {
            return Err(StencilError::Hole {
                uop: uop.to_owned(),
                part,
                offset: *start,
                kind: *kind,
                problem: "it overlaps the hole before it".into(),
            });
        }
    }
    Ok(())
}
