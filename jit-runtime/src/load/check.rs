//! Checks of a stencil as a whole: its sizes, its masks, and that its holes do not overlap.

use jit_stencils::{Part, PatchKind, Stencil, StencilGroup, SymbolMask};

use crate::{
    arch::Rules,
    error::StencilError,
    limits::MAX_SIZE,
    mask::{Mask, ordinals},
};

/// What data is a multiple of, in bytes.
const DATA_UNIT: usize = 8;

/// Checks that both parts of a stencil have a size that an image can hold.
pub(super) fn check_sizes(
    uop: &str,
    group: &StencilGroup,
    rules: &Rules,
) -> Result<(), StencilError> {
    let sizes = [
        (Part::Code, &group.code, rules.code_unit),
        (Part::Data, &group.data, DATA_UNIT),
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
    Ok(())
}

/// The masks of a stencil: which symbols have a GOT slot, and which a trampoline.
pub(super) struct Masks {
    pub(super) got: Mask,
    pub(super) trampolines: Mask,
}

impl Masks {
    /// Returns a stencil's masks. Each symbol in them takes room, whether a hole refers to it or not.
    ///
    /// `known` is how many symbols have ordinals.
    pub(super) fn of(
        uop: &str,
        group: &StencilGroup,
        rules: &Rules,
        known: usize,
    ) -> Result<Masks, StencilError> {
        let convert = |mask: &SymbolMask| {
            convert(mask).map_err(|ordinal| StencilError::TooManySymbols {
                uop: uop.to_owned(),
                ordinal,
            })
        };
        let masks = Masks {
            got: convert(&group.got_entries)?,
            trampolines: convert(&group.trampolines)?,
        };
        let wrong = |ordinal, problem: &str| StencilError::Mask {
            uop: uop.to_owned(),
            ordinal,
            problem: problem.to_owned(),
        };
        if rules.got.is_none()
            && let Some(ordinal) = ordinals(&masks.got).next()
        {
            return Err(wrong(ordinal, "the target has no GOT"));
        }
        let unknown = ordinals(&masks.got)
            .chain(ordinals(&masks.trampolines))
            .find(|ordinal| *ordinal >= known);
        match unknown {
            Some(ordinal) => Err(wrong(ordinal, "there is no such symbol")),
            None => Ok(masks),
        }
    }
}

/// Returns a mask as the linker has it, or its first ordinal that is too large.
fn convert(mask: &SymbolMask) -> Result<Mask, usize> {
    let mut converted = Mask::default();
    for (index, word) in mask.words().iter().enumerate() {
        match converted.get_mut(index / 2) {
            Some(place) => *place |= u64::from(*word) << (index % 2 * 32),
            None if *word == 0 => {}
            None => return Err(index * 32 + word.trailing_zeros() as usize),
        }
    }
    Ok(converted)
}

/// Checks that no two holes share a byte: they are filled in no particular order.
pub(super) fn check_overlaps(uop: &str, part: Part, stencil: &Stencil) -> Result<(), StencilError> {
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
