//! Constants of the format.

/// The first bytes of every stencil file. The first byte is not valid text, and the last three are
/// changed by a transfer that takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x93STEN\r\n\x1a";

/// The newest version of the format. All versions from 1 to this one are read, but there is none of version 4.
///
/// A file has the oldest version that has what its stencils need:
///
/// - 5 if it has any [`Family`](crate::Family),
/// - 4 if any hole has a [multiple](crate::PatchValue::Scaled) of a value, or
///   [`Patch32s`](crate::PatchKind::Patch32s),
/// - 3 if any stencil has a [general value](crate::HoleValue::is_general) or an
///   [`Interface`](crate::Interface),
/// - 2 if any data has a greater alignment than [`SLOT_SIZE`](crate::SLOT_SIZE), or it is known of any code
///   how it ends,
/// - 1 otherwise.
pub const VERSION: u32 = FAMILY_VERSION;

/// The version in which files state the alignment of data and how code ends.
pub(super) const DETAILED_VERSION: u32 = 2;

/// The version in which stencils have general values and interfaces.
pub(super) const GENERAL_VERSION: u32 = 3;

/// The version in which holes have multiples of values, and numbers with a sign.
pub(super) const SCALED_VERSION: u32 = 4;

/// The version in which there are families.
pub(super) const FAMILY_VERSION: u32 = 5;

/// The number of bytes before the part with the checksum: [`MAGIC`], [`VERSION`] and the CRC-32.
pub const HEADER_SIZE: usize = 16;
