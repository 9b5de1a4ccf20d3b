//! Stencils as bytes: one compact file for each target.
//!
//! `docs/stencil-files.md` in the repository describes each byte of it. There is one way to write a
//! set down, so that the same set always gives the same file, and every file that [`decode`] takes is
//! what [`encode`] makes of the result. Disassembly is left out.
//!
//! ```
//! use jit_schema::Target;
//! use jit_stencils::{Stencil, StencilGroup, StencilSet, file};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // xorl %eax, %eax
//! let code = Stencil { body: vec![0x31, 0xc0], ..Stencil::default() };
//! let set = StencilSet {
//!     target: *Target::from_triple("x86_64-unknown-linux-gnu")?,
//!     groups: vec![("_CLEAR".into(), StencilGroup { code, ..StencilGroup::default() })],
//!     symbols: vec![],
//!     shim: None,
//! };
//! let bytes = file::encode(&set);
//! assert_eq!(file::decode(&bytes)?, set);
//!
//! // Damage is noticed.
//! let error = file::decode(&bytes[..bytes.len() - 1]).unwrap_err();
//! assert!(error.to_string().contains("damaged"));
//! # Ok(())
//! # }
//! ```

mod decode;
mod encode;
mod numbers;
mod reader;

pub use decode::decode;
pub use encode::encode;

/// What every stencil file starts with. The first byte is no text in any encoding, the last three
/// do not survive a transfer that takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x93STEN\r\n\x1a";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Bytes before the checksummed part: [`MAGIC`], [`VERSION`] and the CRC-32.
pub const HEADER_SIZE: usize = 16;

/// How many times the size of a file the names and masks in memory may come to. A file refers to a
/// name as often as it likes, and each hole has a copy of its own.
const EXPANSION: usize = 64;

/// Why bytes are not stencils. `Display` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Another kind of file, or less than a header.
    #[error(
        "this is not a stencil file: it does not start as one; `jit-cli build --emit stencils` \
         writes them"
    )]
    NotStencils,
    /// Written by another version of this crate.
    #[error(
        "the stencil file has version {version} of the format, and this program reads {supported}: \
         {}",
        if version > supported {
            "update the program's jit-stencils, or build the file with the jit-cli of its version"
        } else {
            "build the file again with `jit-cli build --emit stencils`"
        }
    )]
    Version {
        /// The file's.
        version: u32,
        /// What can be read: [`VERSION`].
        supported: u32,
    },
    /// The contents are not what was written.
    #[error(
        "the stencil file is damaged or cut short (its checksum is {stored:#010x}, its contents' is \
         {computed:#010x}): copy it again, or build it again with `jit-cli build --emit stencils`"
    )]
    Checksum {
        /// What the file says.
        stored: u32,
        /// The CRC-32 of what it holds.
        computed: u32,
    },
    /// The checksum is right, and still it makes no sense.
    #[error(
        "byte {offset:#x} of the stencil file, {place}: {problem}. What wrote it is wrong: build it \
         again with `jit-cli build --emit stencils`"
    )]
    Malformed {
        /// Where in the file, in bytes.
        offset: usize,
        /// What is there, e.g. `hole 2 of _ADD_INT_r21's code`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}
