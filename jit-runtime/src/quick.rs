//! The stencils that nearly all of x86's are: no more than 256 bytes of code, and in it a few 64-bit
//! values, 32-bit displacements and instructions that may be relaxed.
//!
//! How many of each there are is a stencil's *shape*, and each common shape has code of its own, with
//! no loop in it: the processor has to guess once what comes, as it has to where a stencil has a
//! function of its own in C. The code is written to a *window* of a fixed size, so that nothing has to
//! be checked for each hole.

use jit_stencils::HoleValue;

use crate::{
    form,
    link::Image,
    table::{CODE, CODE_PART, Entry, Field, Relax, Simple, Table, value_of},
};

/// How many 64-bit values, displacements and relaxing instructions the largest shape has.
const MOST: [usize; 3] = [3, 3, 2];
/// The most code of a stencil that has a shape.
const MOST_CODE: usize = 256;
/// What eight bytes at any offset of such code fit in. There is so much room behind all bodies, and
/// behind what they are copied to.
pub(crate) const WINDOW: usize = MOST_CODE + 8;
/// Values that such code may refer to, a power of two.
pub(crate) const VALUES: usize = 1024;

/// The number of a shape: of so many bytes, with so many holes of the three kinds, that refer to values
/// up to that one. None if it is not common.
pub(crate) fn shape(code: usize, holes: [usize; 3], value: u16) -> Option<u8> {
    let common = holes.iter().zip(MOST).all(|(count, most)| *count <= most);
    if !common || code > MOST_CODE || usize::from(value) >= VALUES {
        return None;
    }
    let [wide, near, relaxing] = holes;
    u8::try_from(number(wide, near, relaxing)).ok()
}

/// The number of the shape with so many holes, as many as [`MOST`] at most.
const fn number(wide: usize, near: usize, relaxing: usize) -> usize {
    wide + (MOST[0] + 1) * (near + (MOST[1] + 1) * relaxing)
}

/// Values that surely fit their 32 bits of x86_64 code are written as 64 bits, with the four bytes that
/// come next: these holes have quicker code. What is filled there is filled later.
pub(crate) fn widen(
    fields: Vec<Field>,
    mut wide: Vec<Simple>,
    code: usize,
) -> (Vec<Field>, Vec<Simple>) {
    const SMALL: [usize; 2] = [value_of(HoleValue::Oparg), value_of(HoleValue::Target)];
    let starts: Vec<u32> = fields
        .iter()
        .filter(|field| field.part == CODE_PART)
        .map(|field| field.offset)
        .collect();
    let fits = |field: &Field| {
        let (next, end) = (field.offset + 4, field.offset + 8);
        field.part == CODE_PART
            && field.form == form::ABSOLUTE_32
            && field.addend == 0
            && SMALL.contains(&usize::from(field.value))
            && end as usize <= code
            // Fields are filled first.
            && !starts.iter().any(|start| (next..end).contains(start))
    };
    let (small, fields): (Vec<Field>, Vec<Field>) = fields.into_iter().partition(fits);
    wide.extend(small.iter().map(|field| Simple {
        addend: field.around.cast_signed(),
        offset: field.offset,
        value: field.value,
    }));
    wide.sort_by_key(|hole| hole.offset);
    (fields, wide)
}

/// The code of one uop.
struct Code<'a> {
    window: &'a mut [u8; WINDOW],
    values: &'a [u64; VALUES],
    address: u64,
    data: &'a [u8],
    data_address: u64,
}

impl Image {
    /// Copy a stencil that has a shape to that place, and fill its holes. Returns not 0 if a value does
    /// not fit.
    #[inline(always)]
    pub(crate) fn quick(&mut self, table: &Table, entry: &Entry, shape: u8, at: usize) -> u64 {
        let window = self.code.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        let body: Option<&[u8; WINDOW]> = table
            .bodies
            .get(entry.body as usize..)
            .and_then(<[u8]>::first_chunk);
        let values = self.values.first_chunk();
        let (Some(window), Some(body), Some(values)) = (window, body, values) else {
            // There is room for all of them.
            return !0;
        };
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
                    _ => !0,
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

/// Copy at least `length` bytes.
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

/// So many holes from a place on.
#[inline(always)]
fn first<T, const N: usize>(table: &[T], start: u32) -> &[T] {
    let holes: Option<&[T; N]> = table.get(start as usize..).and_then(<[T]>::first_chunk);
    holes.map_or(&[], |holes| holes)
}

impl Code<'_> {
    #[inline(always)]
    fn fill<const WIDE: usize, const NEAR: usize, const RELAXING: usize>(
        mut self,
        table: &Table,
        entry: &Entry,
    ) -> u64 {
        let mut bad = 0;
        for hole in first::<_, WIDE>(&table.wide, entry.wide.0) {
            let value = self.value(hole.value, hole.addend);
            self.put(hole.offset, value.to_le_bytes());
        }
        for hole in first::<_, NEAR>(&table.near, entry.near.0) {
            bad |= self.near(hole);
        }
        for hole in first::<_, RELAXING>(&table.relaxes, entry.relaxes.0) {
            bad |= self.relax(hole);
        }
        bad
    }

    /// A value by its index, which a shape says to be so small.
    #[inline(always)]
    fn value(&self, value: u16, addend: i64) -> u64 {
        self.values[usize::from(value) % VALUES].wrapping_add_signed(addend)
    }

    /// Write at an offset, which a shape says to have eight bits.
    #[inline(always)]
    fn put<const N: usize>(&mut self, offset: u32, bytes: [u8; N]) {
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
    fn relax(&mut self, hole: &Relax) -> u64 {
        let value = self.value(hole.value, hole.addend);
        let location = self.address.wrapping_add(u64::from(hole.offset));
        let slot = value.wrapping_add(4).wrapping_sub(self.data_address) as usize;
        let content = self.data.get(slot..).and_then(<[u8]>::first_chunk);
        let content = content.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let (formed, opcode) = hole.relaxed(value, location, content);
        self.put(hole.offset.wrapping_sub(2), opcode.to_le_bytes());
        self.put(hole.offset, (formed.field as u32).to_le_bytes());
        formed.range
    }
}
