//! Constants of the format.

/// The first bytes of every stencil file. The first byte is not valid text, and the last three are
/// changed by a transfer that takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x93STEN\r\n\x1a";

/// The newest version of the format. All versions from 1 to this one are read.
///
/// A file has version 1 if no data in it has a greater alignment than [`SLOT_SIZE`](crate::SLOT_SIZE) and
/// it is not known of any code how it ends, and version 2 otherwise.
pub const VERSION: u32 = 2;

/// The version in which files state the alignment of data and how code ends.
pub(super) const DETAILED_VERSION: u32 = 2;

/// The number of bytes before the part with the checksum: [`MAGIC`], [`VERSION`] and the CRC-32.
pub const HEADER_SIZE: usize = 16;
