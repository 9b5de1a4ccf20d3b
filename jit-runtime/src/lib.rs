//! Links stencils to code that runs, as CPython's `Python/jit.c` does at run time, for the stencils of
//! any of the seven targets, on any host.
//!
//! [`Stencils`] are loaded once, from a file that `jit-cli build --emit stencils` wrote or from a
//! [`StencilSet`](jit_stencils::StencilSet), and each hole is checked then. A [`Linker`] makes images of
//! traces: an array of [`Uop`]s or [`Instruction`]s becomes code, trampolines, data and a global offset
//! table. The bytes are those that CPython writes, and every assertion of CPython's is an error here. The
//! module [`memory`] has memory in which such images run.
//!
//! A [`Uop`] has the operands and targets of CPython's instructions. An [`Instruction`] has any number of
//! them, for stencils that take their values by number
//! ([`HoleValue::is_general`](jit_stencils::HoleValue::is_general)).
//!
//! # Limits
//!
//! | what | limit | source |
//! | --- | --- | --- |
//! | bytes of an image, [`LayoutPolicy::CPython`] | [`MAX_SIZE`], 1 MiB - 1 | AArch64's conditional branches, as in CPython |
//! | bytes of an image, [`LayoutPolicy::Tight`] | x86: 2 GiB - 1; AArch64: 128 MiB - 1 | displacements and branches; each is checked |
//! | bytes of code or of data of a stencil | [`MAX_SIZE`] | |
//! | [`Uop`]s of a trace | 65,535 | jump targets of 16 bits |
//! | [`Instruction`]s of a trace | 4,294,967,295 | targets of 32 bits |
//! | stencils | 4,294,967,295 | opcodes of 32 bits |
//! | external symbols | 32,760, or more if all are reached in the same way | indices of 16 bits |
//! | numbers of operands and targets | 21,840 operands without targets and symbols: 3 for each operand, 1 for each target, 1 or 2 for each symbol are 65,520 together at most | indices of 16 bits |
//!
//! CPython's limit of 256 external symbols with ordinals (`SYMBOL_MASK_WORDS`) does not apply.
//!
//! ```
//! use jit_runtime::{LayoutPolicy, Linker, Stencils, Symbols, memory::{Arena, ArenaOptions}};
//! use jit_schema::Target;
//! use jit_stencils::{
//!     Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet, file,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A stencil as jit-cli makes it from C, for x86_64: movl $OPERAND0, %eax; ret
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
//!     families: vec![],
//! };
//! let bytes = file::encode(&set); // jit_stencils-x86_64-unknown-linux-gnu.stencils
//!
//! let stencils = Stencils::load(&bytes)?;
//! let symbols = Symbols::new(&stencils, |_name| None);
//! let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
//! let mut trace = stencils.uops(["_RETURN"])?;
//! trace[0].operand = [42, 0];
//!
//! // The image, which can be for any target and address:
//! let layout = linker.layout(&trace)?;
//! let mut image = vec![0; layout.size()];
//! linker.link(&layout, 0x10000, &symbols, &mut image)?;
//! assert_eq!(image[..6], [0xb8, 42, 0, 0, 0, 0xc3]);
//!
//! // On x86_64, the code can also be run:
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
//! This crate becomes a part of other programs. It reads no object files, starts no processes, and has
//! `unsafe` code only in [`memory`] and, with the features `gdb` and `perf`, in one file of `debug`.
#![deny(unsafe_code)]

mod arch;
#[cfg(any(feature = "gdb", all(feature = "unwind", target_os = "linux")))]
mod cfi;
#[cfg(any(feature = "gdb", feature = "perf"))]
pub mod debug;
mod error;
mod family;
mod form;
mod limits;
mod link;
mod load;
mod mask;
#[allow(unsafe_code)]
pub mod memory;
#[cfg(feature = "registers")]
pub mod registers;
mod shape;
mod table;
mod trace;
mod values;

pub use error::{CompileError, LinkError, LoadError, StencilError};
pub use family::Family;
pub use limits::MAX_SIZE;
pub use link::{Element, Layout, LayoutPolicy, Linker, PlacedHole, References, Symbols};
pub use load::Stencils;
pub use trace::{Instruction, Uop};

/// The example in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
