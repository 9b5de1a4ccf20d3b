//! Where the holes of a trace are in its image, for hosts that patch some of them on their own.

use jit_schema::PatchShape;
use jit_stencils::{Hole, Part};

use super::{layout::Layout, source::Source};
use crate::load::Stencils;

/// A hole of a micro-op, and where it is in an image.
///
/// Not all of the bytes around it need be those of the stencil: the linker replaces an instruction that
/// loads from a slot if there is a shorter way (`patch_x86_64_32rx` and `patch_aarch64_33rx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacedHole<'s> {
    /// The index of the micro-op in the trace; none for the guard at its end.
    pub index: Option<usize>,
    /// Whether the hole is in the micro-op's code or in its data.
    pub part: Part,
    /// The offset of the hole's field in the image, in bytes.
    pub offset: usize,
    /// The hole: its patch, and the value that was written.
    pub hole: &'s Hole,
}

/// Returns the holes of a trace's micro-ops and then those of the guard. Each micro-op has those of its code
/// first.
pub(super) fn holes<'a, E: Source>(
    stencils: &'a Stencils,
    layout: &'a Layout<'_, E>,
) -> impl Iterator<Item = PlacedHole<'a>> + 'a {
    let plan = &layout.plan;
    let length = plan.length();
    let mut end = 0;
    let opcodes = layout.opcodes().chain(stencils.guard()).enumerate();
    let placed = opcodes.filter_map(move |(index, opcode)| {
        let (_, group) = stencils.groups.get(opcode as usize)?;
        let code = plan
            .starts
            .get(index)
            .map_or(plan.guard, |start| *start as usize);
        let data = stencils.table.aligned_data(opcode, end);
        end = data + group.data.body.len();
        let index = (index < length).then_some(index);
        Some((index, group, [code, plan.data.start + data]))
    });
    placed.flat_map(|(index, group, [code, data])| {
        let parts = [
            (Part::Code, &group.code, code),
            (Part::Data, &group.data, data),
        ];
        parts.into_iter().flat_map(move |(part, stencil, start)| {
            let fields = stencil.holes.iter().filter(|hole| {
                // A GOT slot is filled for the whole trace.
                !hole.void && hole.patch.row().shape != PatchShape::Slot
            });
            fields.map(move |hole| PlacedHole {
                index,
                part,
                offset: start + hole.offset,
                hole,
            })
        })
    })
}
