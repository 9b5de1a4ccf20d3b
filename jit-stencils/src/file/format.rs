//! Constants of the format.

/// The first bytes of every stencil file. The first byte is not valid text, and the last three are
/// changed by a transfer that takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x93STEN\r\n\x1a";

/// The version of the format that is written. It is also the only one that is read.
pub const VERSION: u32 = 1;

/// The number of bytes before the part with the checksum: [`MAGIC`], [`VERSION`] and the CRC-32.
pub const HEADER_SIZE: usize = 16;

/// The most memory that names and masks may take, in multiples of the file's size. A file can refer
/// to a name any number of times, and each hole has a copy of the name.
pub(super) const EXPANSION: usize = 64;
