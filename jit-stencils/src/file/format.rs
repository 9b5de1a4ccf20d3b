//! What all parts of the format share.

/// What every stencil file starts with. The first byte is no text in any encoding, the last three
/// do not survive a transfer that takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x93STEN\r\n\x1a";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Bytes before the checksummed part: [`MAGIC`], [`VERSION`] and the CRC-32.
pub const HEADER_SIZE: usize = 16;

/// How many times the size of a file the names and masks in memory may come to. A file refers to a
/// name as often as it likes, and each hole has a copy of its own.
pub(super) const EXPANSION: usize = 64;
