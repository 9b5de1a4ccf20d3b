//! Sizes and offsets of an image, whatever its trace is made of.

use std::ops::Range;

use crate::table::Masks;

/// Where the parts of an image go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The stencils that it was made for.
    pub(crate) identity: u64,
    /// The length of what comes before the code of the micro-ops: a landing pad, or nothing.
    pub(crate) lead: usize,
    /// Where the code of each micro-op starts.
    pub(crate) starts: Vec<u32>,
    /// Where the code of the micro-ops ends and that of the guard starts.
    pub(crate) guard: usize,
    pub(crate) code: usize,
    pub(crate) trampolines: Range<usize>,
    pub(crate) data: Range<usize>,
    pub(crate) got: Range<usize>,
    pub(crate) size: usize,
    pub(super) alignment: usize,
    pub(super) masks: Masks,
    pub(super) trampoline_size: usize,
    pub(super) slot_size: usize,
}

impl Plan {
    /// Returns the number of micro-ops in the trace.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.starts.len()
    }

    /// Returns the offset of a symbol's trampoline in the image.
    pub(super) fn trampoline(&self, ordinal: usize) -> usize {
        self.trampolines.start + self.trampoline_size * self.masks.trampolines.slot_index(ordinal)
    }

    /// Returns the symbols that have GOT slots, with the offsets of those in the GOT.
    pub(super) fn slots(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.masks
            .got
            .ordinals()
            .enumerate()
            .map(|(index, ordinal)| (ordinal, self.slot_size * index))
    }
}
