//! The layout of an image: sizes and offsets, before there is an address for it.

use std::ops::Range;

use jit_stencils::SLOT_SIZE;

use super::{plan::Plan, source::Source};
use crate::{
    error::LinkError,
    limits::MAX_SIZE,
    load::Stencils,
    mask::Mask,
    table::{Masks, Sizes},
    trace::Uop,
};

/// How the parts of an image are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayoutPolicy {
    /// The padding of `_PyJIT_Compile` in CPython's `Python/jit.c`: the data starts 1 to 8 bytes after
    /// the code (1 where data need not be aligned), and the image is rounded up to whole pages, by at
    /// least one byte.
    CPython {
        /// Bytes of a page, a power of two.
        page_size: usize,
    },
    /// Only what aligns the data, to 8 bytes or to what a stencil needs.
    Tight,
}

/// The layout of one trace's image: code, trampolines, data and GOT, in that order.
///
/// `E` is what the trace is made of: [`Uop`](crate::Uop)s or [`Instruction`](crate::Instruction)s.
#[derive(Debug, Clone)]
pub struct Layout<'t, E = Uop> {
    pub(crate) trace: &'t [E],
    pub(crate) plan: Plan,
}

impl<E> Layout<'_, E> {
    /// Returns the size of the image in bytes.
    pub fn size(&self) -> usize {
        self.plan.size
    }

    /// Returns what the image's address must be a multiple of for the alignment of its data, in bytes: a
    /// power of two from 8 to [`MAX_ALIGNMENT`](jit_stencils::MAX_ALIGNMENT).
    ///
    /// If it is more than 8, [`Linker::link`](crate::Linker::link) refuses other addresses.
    pub fn alignment(&self) -> usize {
        self.plan.alignment
    }

    /// Returns the size of the code in bytes, with the guard at its end and without trampolines.
    pub fn code_size(&self) -> usize {
        self.plan.code
    }

    /// Returns where the trampolines are: a range of offsets in the image, in bytes.
    pub fn trampolines(&self) -> Range<usize> {
        self.plan.trampolines.clone()
    }

    /// Returns where the data of the micro-ops is: a range of offsets in the image, in bytes.
    pub fn data(&self) -> Range<usize> {
        self.plan.data.clone()
    }

    /// Returns where the global offset table is: a range of offsets in the image, in bytes.
    pub fn got(&self) -> Range<usize> {
        self.plan.got.clone()
    }

    /// Returns the offset in bytes at which the code of a micro-op starts, by its index in the trace.
    pub fn start(&self, index: usize) -> Option<usize> {
        Some(*self.plan.starts.get(index)? as usize)
    }

    /// Returns the index of the micro-op whose code has that offset in the image, or none for the guard
    /// and what comes after it.
    pub fn uop_at(&self, offset: usize) -> Option<usize> {
        if offset >= self.plan.guard {
            return None;
        }
        let after = self
            .plan
            .starts
            .partition_point(|start| *start as usize <= offset);
        after.checked_sub(1)
    }
}

impl<E: Source> Layout<'_, E> {
    /// Returns the indices of the trace's stencils.
    pub(crate) fn opcodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.trace.iter().map(E::opcode)
    }
}

/// Lays out a trace, with so many bytes before its code.
pub(super) fn layout<'t, E: Source>(
    stencils: &Stencils,
    (policy, lead): (LayoutPolicy, usize),
    trace: &'t [E],
) -> Result<Layout<'t, E>, LinkError> {
    if trace.len() > E::LONGEST {
        return Err(LinkError::TooLong {
            length: trace.len(),
            limit: E::LONGEST,
        });
    }
    check_shape::<E>(stencils)?;
    check_end(stencils, trace)?;
    let rules = stencils.rules;
    let mut starts = vec![0; trace.len()];
    let Totals { guard, mut all } = add_up(stencils, trace, lead, &mut starts)?;
    let mut alignment = SLOT_SIZE;
    if stencils.table.aligned {
        (all.data, alignment) = align(stencils, trace);
    }
    let limit = match policy {
        LayoutPolicy::CPython { .. } => MAX_SIZE,
        LayoutPolicy::Tight => rules.max_size,
    };
    check_size(all.code.saturating_add(all.data), limit)?;
    let (code, data) = (all.code as usize, all.data as usize);
    let mut masks = Masks {
        got: Mask::from(all.got),
        trampolines: Mask::from(all.trampolines),
    };
    if stencils.table.many_symbols {
        let opcodes = trace.iter().map(E::opcode).chain(stencils.guard());
        for opcode in opcodes {
            let Some(own) = stencils.table.high.get(opcode as usize) else {
                let what = "a stencil has no masks";
                return Err(LinkError::bug(None, stencils.name(opcode), what));
            };
            own.iter().for_each(|own| masks.add_high(own));
        }
    }
    // A target without trampolines, or without a GOT, has no stencils with a symbol in that mask.
    let trampoline_size = rules.trampoline.map_or(0, |trampoline| trampoline.size);
    let slot_size = rules.got.map_or(0, |got| got.slot_size);

    let trampolines = code..code + trampoline_size * masks.trampolines.len();
    let data_start = match policy {
        LayoutPolicy::CPython { .. } => {
            // CPython's stencils need no more than 8 bytes, and may have less.
            let align = if alignment > SLOT_SIZE {
                alignment
            } else {
                rules.data_align
            };
            trampolines.end + align - trampolines.end % align
        }
        LayoutPolicy::Tight => trampolines.end.next_multiple_of(alignment),
    };
    let data = data_start..data_start + data;
    let got = data.end..data.end + slot_size * masks.got.len();
    let size = match policy {
        LayoutPolicy::CPython { page_size } if page_size.is_power_of_two() => {
            got.end + page_size - got.end % page_size
        }
        LayoutPolicy::CPython { page_size } => return Err(LinkError::PageSize { page_size }),
        LayoutPolicy::Tight => got.end,
    };
    check_size(size as u64, limit)?;
    let plan = Plan {
        identity: stencils.identity,
        lead,
        starts,
        guard,
        code,
        trampolines,
        data,
        got,
        size,
        alignment,
        masks,
        trampoline_size,
        slot_size,
    };
    Ok(Layout { trace, plan })
}

/// Checks that the micro-ops of the trace have the values that the stencils take.
fn check_shape<E: Source>(stencils: &Stencils) -> Result<(), LinkError> {
    match stencils.takes {
        Some((opcode, value)) if value.is_general() != E::GENERAL => Err(LinkError::OtherShape {
            uop: stencils
                .groups
                .get(opcode)
                .map(|(name, _)| name.clone())
                .unwrap_or_default(),
            value,
        }),
        _ => Ok(()),
    }
}

fn check_size(size: u64, limit: usize) -> Result<(), LinkError> {
    match usize::try_from(size) {
        Ok(size) if size <= limit => Ok(()),
        size => Err(LinkError::TooBig {
            size: size.unwrap_or(usize::MAX),
            limit,
        }),
    }
}

/// Checks that there is something to run, and that control does not go on past the end of the code: from
/// the guard, or from the last micro-op if there is no guard.
fn check_end<E: Source>(stencils: &Stencils, trace: &[E]) -> Result<(), LinkError> {
    let last = stencils.guard().or_else(|| Some(trace.last()?.opcode()));
    let last = last.ok_or(LinkError::Empty)?;
    match stencils.table.falls_through.get(last as usize) {
        Some(true) => Err(runs_off_end(stencils, trace.len(), last)),
        // Opcodes are checked later.
        Some(false) | None => Ok(()),
    }
}

#[cold]
fn runs_off_end(stencils: &Stencils, length: usize, last: u32) -> LinkError {
    LinkError::RunsOffEnd {
        index: match stencils.guard() {
            Some(_) => None,
            None => length.checked_sub(1),
        },
        uop: stencils.name(last).unwrap_or_default().to_owned(),
    }
}

/// What all stencils of a trace add up to.
struct Totals {
    /// Bytes of code before the guard.
    guard: usize,
    /// The sizes of all of it.
    all: Sizes,
}

/// Adds up the sizes of a trace's stencils, and notes where the code of each starts.
#[inline(always)]
fn add_up<E: Source>(
    stencils: &Stencils,
    trace: &[E],
    lead: usize,
    starts: &mut [u32],
) -> Result<Totals, LinkError> {
    let table = &stencils.table;
    let mut total = Sizes {
        code: lead as u64,
        ..Sizes::default()
    };
    for (index, (uop, start)) in trace.iter().zip(starts).enumerate() {
        let Some(sizes) = table.sizes.get(uop.opcode() as usize) else {
            return Err(LinkError::UnknownOpcode {
                index,
                opcode: uop.opcode(),
                known: stencils.len(),
            });
        };
        // Cut off only where the image is too big anyway.
        *start = total.code as u32;
        total.add(sizes);
    }
    let guard = total.code as usize;
    if let Some(opcode) = stencils.guard() {
        let Some(sizes) = table.sizes.get(opcode as usize) else {
            return Err(LinkError::bug(
                None,
                stencils.name(opcode),
                "the guard has no size",
            ));
        };
        total.add(sizes);
    }
    Ok(Totals { guard, all: total })
}

/// Returns the size of the data of a trace's stencils, with padding between them, and its alignment, in
/// bytes. Only some of all sets of stencils have data that needs more alignment than 8.
#[cold]
#[inline(never)]
fn align<E: Source>(stencils: &Stencils, trace: &[E]) -> (u64, usize) {
    let table = &stencils.table;
    let (mut data, mut alignment) = (0_u64, SLOT_SIZE);
    let opcodes = trace.iter().map(E::opcode);
    for opcode in opcodes.chain(stencils.guard()) {
        let own = table.data_alignment(opcode);
        let size = table.sizes.get(opcode as usize);
        alignment = alignment.max(own);
        data = data.next_multiple_of(own as u64) + size.map_or(0, |size| size.data);
    }
    (data, alignment)
}
