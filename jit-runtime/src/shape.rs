//! Shapes: how many holes of the usual kinds a stencil of x86 code has. Common shapes are numbered, and
//! the linker has code for each of them.

/// How many 64-bit values, displacements and relaxing instructions the largest shape has.
const MOST: [usize; 3] = [3, 3, 2];
/// The most code that a stencil with a shape has, in bytes.
pub(crate) const MOST_CODE: usize = 256;
/// Length in bytes of the buffer for such code, with room for an 8-byte store at any offset. All bodies,
/// and the places that they are copied to, have that much room from their start on.
pub(crate) const WINDOW: usize = MOST_CODE + 8;
/// How many values such code can refer to, a power of two.
pub(crate) const VALUES: usize = 1024;

/// Returns the number of a shape, or none if it is not common.
///
/// `code` is the size of the code in bytes, `holes` counts the holes of the three kinds, and `value` is
/// the largest index of a value that they refer to.
pub(crate) fn shape(code: usize, holes: [usize; 3], value: u16) -> Option<u8> {
    let common = holes.iter().zip(MOST).all(|(count, most)| *count <= most);
    if !common || code > MOST_CODE || usize::from(value) >= VALUES {
        return None;
    }
    let [wide, near, relaxing] = holes;
    u8::try_from(number(wide, near, relaxing)).ok()
}

/// Returns the number of the shape with so many holes, which are at most [`MOST`].
pub(crate) const fn number(wide: usize, near: usize, relaxing: usize) -> usize {
    wide + (MOST[0] + 1) * (near + (MOST[1] + 1) * relaxing)
}
