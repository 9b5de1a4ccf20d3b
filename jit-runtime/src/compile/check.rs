//! What is checked of a stencil as a whole: sizes, masks, overlaps.

use jit_schema::Arch;
use jit_stencils::{Hole, Part, PatchKind, PatchValue, Stencil};

use super::{Adding, Compiler, Problem};
use crate::{
    error::StencilError,
    table::{Mask, contains, ordinals},
};

impl Compiler<'_> {
    pub(super) fn check_sizes(&self, adding: &Adding<'_>) -> Result<(), StencilError> {
        let sizes = [(Part::Code, &adding.code, 1), (Part::Data, &adding.data, 8)];
        for (part, body, unit) in sizes {
            let unit = match self.target.arch {
                Arch::Aarch64 => unit.max(4),
                _ => unit,
            };
            if body.len() > crate::layout::MAX_SIZE || !body.len().is_multiple_of(unit) {
                return Err(StencilError::Size {
                    uop: adding.uop.to_owned(),
                    part,
                    size: body.len(),
                    unit,
                    limit: crate::layout::MAX_SIZE,
                });
            }
        }
        Ok(())
    }

    /// Each symbol of the masks takes room, whether a hole refers to it or not.
    pub(super) fn check_masks(&self, adding: &Adding<'_>) -> Result<(), StencilError> {
        let wrong = |ordinal, problem: &str| StencilError::Mask {
            uop: adding.uop.to_owned(),
            ordinal,
            problem: problem.to_owned(),
        };
        // Slots would be 4 bytes apart there, and 8 bytes wide (`patch_got_symbol`).
        if self.target.arch == Arch::I686
            && let Some(ordinal) = ordinals(&adding.got).next()
        {
            return Err(wrong(ordinal, "32-bit x86 has no GOT"));
        }
        let unknown = ordinals(&adding.got)
            .chain(ordinals(&adding.trampolines))
            .find(|ordinal| *ordinal >= self.ordinals);
        match unknown {
            Some(ordinal) => Err(wrong(ordinal, "there is no such symbol")),
            None => Ok(()),
        }
    }

    /// GOT slots are filled for the whole trace, by its mask.
    pub(super) fn check_slot_fill(
        &self,
        adding: &Adding<'_>,
        part: Part,
        hole: &Hole,
    ) -> Result<(), Problem> {
        match hole.value {
            PatchValue::Symbol { ordinal } if part == Part::Data => {
                self.check_ordinal(&adding.got, ordinal)
            }
            _ => Err("only data fills GOT slots, and with symbols".into()),
        }
    }

    pub(super) fn check_ordinal(&self, mask: &Mask, ordinal: usize) -> Result<(), Problem> {
        if ordinal < self.ordinals && contains(mask, ordinal) {
            Ok(())
        } else {
            Err(format!(
                "symbol number {ordinal} is not in the stencil's mask"
            ))
        }
    }
}

/// Two holes must not share a byte: they are filled in no particular order.
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
