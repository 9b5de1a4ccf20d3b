//! Linking stencils to code that runs: what CPython's `Python/jit.c` does at run time, for the
//! stencils of any of the seven targets, on any host.
//!
//! [`Stencils`] are loaded once, from a file that `jit-cli build --emit stencils` wrote or from a
//! [`StencilSet`](jit_stencils::StencilSet), and each hole is checked then. A [`Linker`] makes images of
//! traces: an array of [`Uop`]s becomes code, trampolines, data and a global offset table, byte for
//! byte as CPython does it, and every assertion of CPython's is an error here. [`memory`] has places
//! where such images run.
//!
//! ```
//! use jit_runtime::{LayoutPolicy, Linker, Stencils, Symbols, Uop, memory::{Arena, ArenaOptions}};
//! use jit_schema::Target;
//! use jit_stencils::{
//!     Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet, file,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A stencil that jit-cli would have made of C, for x86_64: movl $OPERAND0, %eax; ret
//! let code = Stencil {
//!     body: vec![0xb8, 0, 0, 0, 0, 0xc3],
//!     holes: vec![Hole {
//!         offset: 1,
//!         patch: PatchKind::Patch32,
//!         value: PatchValue::Address { base: HoleValue::Operand0, symbol: None, addend: 0 },
//!         first: None,
//!         void: false,
//!     }],
//! };
//! let set = StencilSet {
//!     target: *Target::from_triple("x86_64-unknown-linux-gnu")?,
//!     groups: vec![("_RETURN".into(), StencilGroup { code, ..StencilGroup::default() })],
//!     symbols: vec![],
//!     shim: None,
//! };
//! let bytes = file::encode(&set); // jit_stencils-x86_64-unknown-linux-gnu.stencils
//!
//! let stencils = Stencils::load(&bytes)?;
//! let symbols = Symbols::new(&stencils, |_name| None);
//! let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
//! let opcode = stencils.opcode("_RETURN").ok_or("no such uop")?;
//! let trace = [Uop { opcode, operand: [42, 0], ..Uop::default() }];
//!
//! // The image, for any target and address:
//! let layout = linker.layout(&trace)?;
//! let mut image = vec![0; layout.size()];
//! linker.link(&layout, 0x10000, &symbols, &mut image)?;
//! assert_eq!(image[..6], [0xb8, 42, 0, 0, 0, 0xc3]);
//!
//! // And where this is an x86_64, code that runs:
//! # #[cfg(target_arch = "x86_64")] {
//! let arena = Arena::new(ArenaOptions::default())?;
//! let code = linker.compile(&trace, &symbols, &arena)?;
//! // SAFETY: the stencil is a function without arguments that returns 32 bits, and `code` is alive.
//! let run = unsafe { code.entry::<extern "C" fn() -> u32>(0)? };
//! assert_eq!(run(), 42);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! This crate goes into other people's programs: it has no object readers, no processes and no JSON,
//! and `unsafe` code in [`memory`] alone, and, with the features `gdb` and `perf`, in one file of
//! `debug`.
#![deny(unsafe_code)]

mod arch;
#[cfg(any(feature = "gdb", feature = "perf"))]
pub mod debug;
mod error;
mod form;
mod limits;
mod link;
mod load;
mod mask;
#[allow(unsafe_code)]
pub mod memory;
mod shape;
mod table;
mod trace;
mod values;

pub use error::{CompileError, LinkError, LoadError, StencilError};
pub use limits::MAX_SIZE;
pub use link::{Layout, LayoutPolicy, Linker, Symbols};
pub use load::Stencils;
pub use trace::Uop;
