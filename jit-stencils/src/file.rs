//! Stencil files, which have all stencils of one target in a compact form.
//!
//! `docs/stencil-files.md` in the repository describes the format byte for byte. There is only one
//! way to write a set: the same set always gives the same file, and [`encode`] gives back any file
//! that [`decode`] accepts. [Listings](crate::Listing) are left out.
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
//!     families: vec![],
//! };
//! let bytes = file::encode(&set);
//! assert_eq!(file::decode(&bytes)?, set);
//!
//! // Damage is detected.
//! let error = file::decode(&bytes[..bytes.len() - 1]).unwrap_err();
//! assert!(error.to_string().contains("damaged"));
//! # Ok(())
//! # }
//! ```

mod decode;
mod encode;
mod error;
mod format;
mod numbers;
mod reader;

pub use decode::decode;
pub use encode::encode;
pub use error::FileError;
pub use format::{HEADER_SIZE, MAGIC, VERSION};
