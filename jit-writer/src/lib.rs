//! Writes stencils as C headers.
//!
//! [`host_header`] is for programs in C and C++ that link stencils at run time. It has tables and a linker. For programs
//! in Rust, [`rust_opcodes`] has the opcodes.
//!
//! [`read_header`] reads a header with stencils.
//!
//! A [`HeaderFormat`] determines the contents of a header. There is a format for each supported
//! CPython release, which is byte for byte that of its `Tools/jit`, and [`HeaderFormat::PLAIN`] for
//! other programs.
//!
//! ```
//! use jit_schema::Target;
//! use jit_stencils::{
//!     Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet,
//! };
//! use jit_writer::{HeaderFormat, Preamble};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let jump = Hole {
//!     offset: 1,
//!     patch: PatchKind::Patch32r,
//!     value: PatchValue::Address { base: HoleValue::JumpTarget, symbol: None, addend: -4 },
//!     first: None,
//!     void: false,
//! };
//! let code = Stencil { body: vec![0xe9, 0, 0, 0, 0], holes: vec![jump] };
//! let set = StencilSet {
//!     target: *Target::from_triple("x86_64-unknown-linux-gnu")?,
//!     groups: vec![("_JUMP_TO_TOP".into(), StencilGroup { code, ..Default::default() })],
//!     symbols: vec![],
//!     shim: None,
//!     families: vec![],
//! };
//! let preamble = Preamble { digest: "a digest", comment: "$ a command" };
//! let header = HeaderFormat::CPYTHON_3_15.stencil_header(preamble, &set)?;
//! assert!(header.starts_with("// a digest\n// $ a command\n\nvoid\nemit__JUMP_TO_TOP(\n"));
//! assert!(header.contains(
//!     "    patch_32r(code + 0x1, state->instruction_starts[instruction->jump_target] + -0x4);\n"
//! ));
//! let header = HeaderFormat::PLAIN.stencil_header(preamble, &set)?;
//! assert!(header.contains("    patch_32r(code + 0x1, instruction->jump_target + -0x4);\n"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod c;
mod c_host;
mod comments;
mod cpython;
mod cpython_3_14;
mod cpython_3_15;
mod error;
mod expression;
mod format;
mod formats;
mod names;
mod plain;
mod preamble;
mod python;
mod reader;
mod rust;

pub use c::Included;
pub use c_host::{host_header, is_whole_host_header};
pub use error::HeaderError;
pub use format::HeaderFormat;
pub use preamble::Preamble;
pub use reader::{ReadError, read_header};
pub use rust::{is_whole_opcodes, rust_opcodes};

/// The example in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
