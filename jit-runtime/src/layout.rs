//! Where everything goes: sizes and offsets of an image, before there is an address for it.

use std::ops::Range;

use crate::{
    error::LinkError,
    stencils::Stencils,
    table::{Mask, Sizes, ordinals},
    trace::Uop,
};

/// An image has fewer bytes than that, so that AArch64's conditional branches reach all of it
/// (`PY_MAX_JIT_CODE_SIZE` in CPython's `Include/internal/pycore_jit.h`).
pub const MAX_SIZE: usize = (1 << 20) - 1;

/// How a trace is as long as a jump target can say.
pub(crate) const MAX_LENGTH: usize = u16::MAX as usize;

/// How the parts of an image are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayoutPolicy {
    /// As `_PyJIT_Compile` in CPython's `Python/jit.c` does: the data starts 1 to 8 bytes behind the
    /// code (1 where data need not be aligned), and the image is rounded up to whole pages by at
    /// least one byte.
    CPython {
        /// Bytes of a page, a power of two.
        page_size: usize,
    },
    /// No more than what aligns the data to 8 bytes.
    Tight,
}

/// The layout of one trace's image: code, trampolines, data and GOT, in that order.
#[derive(Debug, Clone)]
pub struct Layout<'t> {
    pub(crate) identity: u64,
    pub(crate) trace: &'t [Uop],
    pub(crate) starts: Vec<u32>,
    /// Where the code of the guard starts: that of the uops ends.
    pub(crate) guard: usize,
    pub(crate) code: usize,
    pub(crate) trampolines: Range<usize>,
    pub(crate) data: Range<usize>,
    pub(crate) got: Range<usize>,
    pub(crate) size: usize,
    pub(crate) trampoline_mask: Mask,
    pub(crate) got_mask: Mask,
}

impl Layout<'_> {
    /// Bytes of the image.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bytes of code, the guard at the end included and trampolines not.
    pub fn code_size(&self) -> usize {
        self.code
    }

    /// Where the trampolines are.
    pub fn trampolines(&self) -> Range<usize> {
        self.trampolines.clone()
    }

    /// Where the uops' data is.
    pub fn data(&self) -> Range<usize> {
        self.data.clone()
    }

    /// Where the global offset table is.
    pub fn got(&self) -> Range<usize> {
        self.got.clone()
    }

    /// Where the code of a uop starts, by its index in the trace.
    pub fn start(&self, index: usize) -> Option<usize> {
        Some(*self.starts.get(index)? as usize)
    }

    /// The uop whose code has that offset in the image. The guard at the end is none.
    pub fn uop_at(&self, offset: usize) -> Option<usize> {
        if offset >= self.guard {
            return None;
        }
        let after = self
            .starts
            .partition_point(|start| *start as usize <= offset);
        after.checked_sub(1)
    }
}

/// Lay out a trace.
pub(crate) fn layout<'t>(
    stencils: &Stencils,
    policy: LayoutPolicy,
    trace: &'t [Uop],
) -> Result<Layout<'t>, LinkError> {
    if trace.len() > MAX_LENGTH {
        return Err(LinkError::TooLong {
            length: trace.len(),
            limit: MAX_LENGTH,
        });
    }
    let table = &stencils.table;
    let rules = stencils.rules;
    let mut starts = vec![0; trace.len()];
    let mut total = Sizes::default();
    for (index, (uop, start)) in trace.iter().zip(&mut starts).enumerate() {
        let Some(sizes) = table.sizes.get(usize::from(uop.opcode)) else {
            return Err(LinkError::UnknownOpcode {
                index,
                opcode: uop.opcode,
                known: stencils.len(),
            });
        };
        // Cut off only where the image is too big anyway.
        *start = total.code as u32;
        total.add(sizes);
    }
    let guard = total.code as usize;
    if let Some(sizes) = stencils
        .guard()
        .and_then(|guard| table.sizes.get(usize::from(guard)))
    {
        total.add(sizes);
    }
    let (code, data) = (total.code as usize, total.data as usize);
    let (got_mask, trampoline_mask) = (total.got, total.trampolines);
    let trampolines = code..code + rules.trampoline * ordinals(&trampoline_mask).count();
    let align = match policy {
        LayoutPolicy::CPython { .. } => rules.data_align,
        LayoutPolicy::Tight => 8,
    };
    let data_start = match policy {
        LayoutPolicy::CPython { .. } => trampolines.end + align - trampolines.end % align,
        LayoutPolicy::Tight => trampolines.end.next_multiple_of(align),
    };
    let data = data_start..data_start + data;
    let got = data.end..data.end + stencils.slot_size() * ordinals(&got_mask).count();
    let size = match policy {
        LayoutPolicy::CPython { page_size } if page_size.is_power_of_two() => {
            got.end + page_size - got.end % page_size
        }
        LayoutPolicy::CPython { page_size } => return Err(LinkError::PageSize { page_size }),
        LayoutPolicy::Tight => got.end,
    };
    if size > MAX_SIZE {
        return Err(LinkError::TooBig {
            size,
            limit: MAX_SIZE,
        });
    }
    Ok(Layout {
        identity: stencils.identity,
        trace,
        starts,
        guard,
        code,
        trampolines,
        data,
        got,
        size,
        trampoline_mask,
        got_mask,
    })
}
