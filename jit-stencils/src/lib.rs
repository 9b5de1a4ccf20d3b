//! Stencils: machine code with holes in it, and how to make them from object files.
//!
//! A [`StencilSet`] holds the stencils of one target: for each uop a [`StencilGroup`] of code and
//! data, with the [`Hole`]s that are patched when a copy is made. It is what CPython's
//! `Tools/jit/_stencils.py` makes of object files.
#![forbid(unsafe_code)]

#[cfg(feature = "lower")]
mod disassembly;
mod hole;
#[cfg(feature = "lower")]
mod lower;
mod patch;
#[cfg(feature = "lower")]
mod resolve;
mod stencil;
#[cfg(feature = "lower")]
mod unresolved;
mod unwind;

#[cfg(feature = "lower")]
pub use disassembly::clean_disassembly;
pub use hole::{Hole, HoleValue, PatchValue};
#[cfg(feature = "lower")]
pub use lower::{LowerError, lower};
pub use patch::PatchKind;
#[cfg(feature = "lower")]
pub use resolve::{ResolveError, resolve};
pub use stencil::{Part, Stencil, StencilGroup, StencilSet, SymbolMask};
#[cfg(feature = "lower")]
pub use unresolved::{Place, UnresolvedGroup, UnresolvedHole};
pub use unwind::UnwindInfo;
#[cfg(feature = "lower")]
pub use unwind::{UnwindError, shim_unwind};
