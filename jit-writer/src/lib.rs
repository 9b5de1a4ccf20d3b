//! Stencils as the C headers that CPython's build includes, byte for byte as its
//! `Tools/jit/_writer.py` writes them.
//!
//! ```
//! use jit_schema::Target;
//! use jit_stencils::{
//!     Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet,
//! };
//! use jit_writer::{Preamble, write_header};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let jump = Hole {
//!     offset: 1,
//!     patch: PatchKind::Patch32r,
//!     value: PatchValue::Address { base: HoleValue::JumpTarget, symbol: None, addend: -4 },
//!     first: None,
//!     void: false,
//! };
//! let code = Stencil { body: vec![0xe9, 0, 0, 0, 0], holes: vec![jump], disassembly: vec![] };
//! let set = StencilSet {
//!     target: *Target::from_triple("x86_64-unknown-linux-gnu")?,
//!     groups: vec![("_JUMP_TO_TOP".into(), StencilGroup { code, ..Default::default() })],
//!     symbols: vec![],
//!     shim: None,
//! };
//! let header = write_header(Preamble { digest: "a digest", comment: "$ a command" }, &set);
//! assert!(header.starts_with("// a digest\n// $ a command\n\nvoid\nemit__JUMP_TO_TOP(\n"));
//! assert!(header.contains(
//!     "    patch_32r(code + 0x1, state->instruction_starts[instruction->jump_target] + -0x4);\n"
//! ));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod dispatcher;
mod expression;
mod footer;
mod header;
mod stencil;
mod unwind;

pub use dispatcher::write_dispatcher;
pub use header::{Preamble, write_header};
pub use unwind::write_unwind_header;
