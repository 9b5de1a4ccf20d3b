//! The stencils that most of x86's are: up to 256 bytes of code with a few 64-bit values, 32-bit
//! displacements and instructions that may be relaxed.
//!
//! How many of each there are is a stencil's [shape](crate::shape). Each common shape has code of its
//! own, without a loop, so that the processor has to predict one branch, as it has to where each stencil
//! has a function of its own in C. The code is written to a *window* of a fixed size, so that no hole
//! needs a bounds check.

use super::image::{Bug, Image, content};
use crate::{
    arch::x86_64,
    form,
    shape::{MOST_CODE, VALUES, WINDOW, number},
    table::{Entry, Relax, Simple, Table},
    values::CODE,
};

/// The code of one micro-op.
struct Code<'a> {
    window: &'a mut [u8; WINDOW],
    values: &'a [u64; VALUES],
    address: u64,
    data: &'a [u8],
    data_address: u64,
}

impl Image {
    /// Copies a stencil with a shape to the offset `at`, and fills its holes. Returns nonzero if a value
    /// does not fit.
    #[inline(always)]
    pub(super) fn quick(
        &mut self,
        table: &Table,
        entry: &Entry,
        shape: u8,
        at: usize,
    ) -> Result<u64, Bug> {
        let window = self.code.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        let window = window.ok_or(Bug)?;
        let body = table.bodies.get(entry.body as usize..);
        let body: &[u8; WINDOW] = body.and_then(<[u8]>::first_chunk).ok_or(Bug)?;
        let values = self.values.first_chunk().ok_or(Bug)?;
        copy(window, body, entry.code as usize);
        let code = Code {
            window,
            values,
            address: values[CODE],
            data: &self.data,
            data_address: self.data_address,
        };
        macro_rules! shapes {
            ($($wide:literal $near:literal $relaxing:literal,)*) => {
                match usize::from(shape) {
                    $(shape if shape == const { number($wide, $near, $relaxing) } => {
                        code.fill::<$wide, $near, $relaxing>(table, entry)
                    })*
                    _ => Err(Bug),
                }
            };
        }
        shapes! {
            0 0 0, 1 0 0, 2 0 0, 3 0 0, 0 1 0, 1 1 0, 2 1 0, 3 1 0,
            0 2 0, 1 2 0, 2 2 0, 3 2 0, 0 3 0, 1 3 0, 2 3 0, 3 3 0,
            0 0 1, 1 0 1, 2 0 1, 3 0 1, 0 1 1, 1 1 1, 2 1 1, 3 1 1,
            0 2 1, 1 2 1, 2 2 1, 3 2 1, 0 3 1, 1 3 1, 2 3 1, 3 3 1,
            0 0 2, 1 0 2, 2 0 2, 3 0 2, 0 1 2, 1 1 2, 2 1 2, 3 1 2,
            0 2 2, 1 2 2, 2 2 2, 3 2 2, 0 3 2, 1 3 2, 2 3 2, 3 3 2,
        }
    }
}

/// Copies at least `length` bytes.
#[inline(always)]
fn copy(window: &mut [u8; WINDOW], body: &[u8; WINDOW], length: usize) {
    window[..64].copy_from_slice(&body[..64]);
    if length > 64 {
        window[64..128].copy_from_slice(&body[64..128]);
        if length > 128 {
            window[128..MOST_CODE].copy_from_slice(&body[128..MOST_CODE]);
        }
    }
}

/// Returns the first `N` holes from an index of a table on.
#[inline(always)]
fn first<T, const N: usize>(table: &[T], start: u32) -> Result<&[T; N], Bug> {
    let rest = table.get(start as usize..);
    rest.and_then(<[T]>::first_chunk).ok_or(Bug)
}

impl Code<'_> {
    #[inline(always)]
    fn fill<const WIDE: usize, const NEAR: usize, const RELAXING: usize>(
        mut self,
        table: &Table,
        entry: &Entry,
    ) -> Result<u64, Bug> {
        let mut bad = 0;
        for hole in first::<_, WIDE>(&table.wide, entry.wide.start)? {
            let value = self.value(hole.value, hole.addend);
            self.put(hole.offset, value.to_le_bytes());
        }
        for hole in first::<_, NEAR>(&table.near, entry.near.start)? {
            bad |= self.near(hole);
        }
        for hole in first::<_, RELAXING>(&table.relaxes, entry.relaxes.start)? {
            bad |= self.relax(hole)?;
        }
        Ok(bad)
    }

    /// Returns a value. Stencils with a shape only have indices below [`VALUES`].
    #[inline(always)]
    fn value(&self, value: u16, addend: i64) -> u64 {
        let index = usize::from(value);
        debug_assert!(index < VALUES, "value {index} in a stencil with a shape");
        self.values[index % VALUES].wrapping_add_signed(addend)
    }

    /// Writes at an offset. Stencils with a shape only have offsets of eight bits.
    #[inline(always)]
    fn put<const N: usize>(&mut self, offset: u32, bytes: [u8; N]) {
        debug_assert!(offset < 256, "offset {offset} in a stencil with a shape");
        let offset = usize::from(offset as u8);
        self.window[offset..offset + N].copy_from_slice(&bytes);
    }

    #[inline(always)]
    fn near(&mut self, hole: &Simple) -> u64 {
        let value = self.value(hole.value, hole.addend);
        let location = self.address.wrapping_add(u64::from(hole.offset));
        let formed = form::RELATIVE.apply::<true>(value, location);
        self.put(hole.offset, (formed.field as u32).to_le_bytes());
        formed.range
    }

    #[inline(always)]
    fn relax(&mut self, hole: &Relax) -> Result<u64, Bug> {
        let value = self.value(hole.value, hole.addend);
        let location = self.address.wrapping_add(u64::from(hole.offset));
        let content = content(self.data, self.data_address, x86_64::slot_of(value))?;
        let (formed, opcode) = x86_64::relaxed(hole, value, location, content);
        self.put(hole.offset.wrapping_sub(2), opcode.to_le_bytes());
        self.put(hole.offset, (formed.field as u32).to_le_bytes());
        Ok(formed.range)
    }
}
