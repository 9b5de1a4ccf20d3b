//! Linking stencils to code that runs: the place for what CPython's `Python/jit.c` does at run time.
//!
//! There is nothing here yet. What is to come takes the stencils of a
//! [`StencilSet`](jit_stencils::StencilSet) and a trace of micro-ops with their operands, lays out
//! code, trampolines, data and GOT as `jit.c` does, applies each hole's
//! [`PatchKind`](jit_stencils::PatchKind) with every check that CPython leaves to assertions, and
//! makes the result executable.
//!
//! This crate goes into other people's programs, so it depends on the stencil model alone: no object
//! readers, no processes, no JSON. The model is what `jit-writer` writes, too:
//!
//! ```
//! use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil};
//!
//! // movl $oparg, %eax
//! let code = Stencil {
//!     body: vec![0xb8, 0, 0, 0, 0],
//!     holes: vec![Hole {
//!         offset: 1,
//!         patch: PatchKind::Patch32,
//!         value: PatchValue::Address {
//!             base: HoleValue::Oparg,
//!             symbol: None,
//!             addend: 0,
//!         },
//!         first: None,
//!         void: false,
//!     }],
//!     disassembly: vec![],
//! };
//! assert_eq!(code.holes[0].patch.c_name(), "patch_32");
//! ```
#![forbid(unsafe_code)]
