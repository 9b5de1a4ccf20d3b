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
mod error;
mod format;
mod numbers;
mod reader;

pub use decode::decode;
pub use encode::encode;
pub use error::FileError;
pub use format::{HEADER_SIZE, MAGIC, VERSION};
