//! Stencils (machine code with holes in it), and how to make them from object files.
//!
//! A [`StencilSet`] holds the stencils of one target: for each micro-op a [`StencilGroup`] of
//! code and data, with the [`Hole`]s that are patched when a copy is made. CPython's
//! `Tools/jit/_stencils.py` makes the same of object files.
//!
//! [`lower`] turns an object into an [`UnresolvedGroup`]. It depends on nothing but the object, so
//! objects can be lowered in parallel. [`resolve`] then goes over all groups in build order and gives
//! numbers to the external symbols:
//!
//! ```
//! # #[cfg(feature = "lower")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use jit_schema::{
//!     ObjectFile, ObjectFormat, Relocation, RelocationKind, Section, SectionKind, Symbol, Target,
//! };
//! use jit_stencils::{PatchKind, PatchValue, lower, resolve};
//!
//! // callq *PyNumber_Add@GOTPCREL(%rip), as jit_schema::native::read finds it in an object.
//! let object = ObjectFile {
//!     format: ObjectFormat::Elf,
//!     sections: vec![Section {
//!         index: 2,
//!         name: ".text".into(),
//!         kind: SectionKind::Code,
//!         address: 0,
//!         writable: false,
//!         alignment: 1,
//!         data: vec![0xff, 0x15, 0, 0, 0, 0],
//!         symbols: vec![Symbol { name: "_JIT_ENTRY".into(), value: 0 }],
//!         relocations: vec![Relocation {
//!             offset: 2,
//!             kind: RelocationKind::RX86_64Gotpcrelx,
//!             symbol: "PyNumber_Add".into(),
//!             addend: -4,
//!         }],
//!     }],
//! };
//! let target = Target::from_triple("x86_64-unknown-linux-gnu")?;
//! let group = lower(target, &object)?;
//!
//! let set = resolve(target, [("_ADD".to_owned(), group)])?;
//! assert_eq!(set.symbols, ["PyNumber_Add"]);
//! let add = set.group("_ADD").ok_or("no such micro-op")?;
//! assert_eq!(add.code.holes[0].patch, PatchKind::X86_64_32rx);
//! assert_eq!(add.code.holes[0].value, PatchValue::GotSlot { ordinal: 0, addend: -4 });
//! // A micro-op that uses the slot also fills it, along with its data.
//! assert_eq!(add.data.holes[0].patch, PatchKind::GotSymbol);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "lower"))]
//! # fn main() {}
//! ```
//!
//! The stencils of CPython 3.14 differ: [`cpython_3_14`] has functions of the same names for them.
//!
//! [`shim_unwind`] returns the rules for unwinding through the function that calls the code, and
//! [`attach_shim`] adds that function to the set. [`file`](mod@file) turns a set into bytes and back.
//!
//! # Features
//!
//! - `lower` (on by default): [`lower`], [`resolve`], [`shim_unwind`] and [`attach_shim`]. Without it,
//!   the crate has the model and the file format, and few dependencies.
#![forbid(unsafe_code)]

mod combine;
#[cfg(feature = "lower")]
pub mod cpython_3_14;
mod family;
pub mod file;
mod hole;
#[cfg(feature = "lower")]
mod lower;
#[cfg(feature = "lower")]
mod resolve;
#[cfg(feature = "lower")]
mod rules;
#[cfg(feature = "lower")]
mod shim;
mod stencil;
#[cfg(feature = "lower")]
mod unresolved;
mod unwind;

pub use jit_schema::{CodeEnd, Location, PatchKind};

pub use family::{Family, FamilyOperand};
pub use hole::{Hole, HoleValue, PatchValue};
#[cfg(feature = "lower")]
pub use lower::{LowerError, lower, lower_aligned};
#[cfg(feature = "lower")]
pub use resolve::{ResolveError, ResolveErrors, resolve};
#[cfg(feature = "lower")]
pub use shim::{ShimError, attach_shim};
pub use stencil::{
    GUARD, Interface, Listing, MAX_ALIGNMENT, Part, SLOT_SIZE, Shim, Stencil, StencilGroup,
    StencilSet, SymbolMask,
};
#[cfg(feature = "lower")]
pub use unresolved::{Place, UnresolvedGroup, UnresolvedHole};
pub use unwind::UnwindInfo;
#[cfg(feature = "lower")]
pub use unwind::{UnwindError, shim_unwind};

/// The example in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
