//! The vocabulary the stencil tools share: [targets](Target), [object files](ObjectFile) and
//! [relocations](RelocationKind).
//!
//! An [`ObjectFile`] is an ELF, Mach-O or COFF object. Two readers make it: [`native`] parses the
//! bytes with the `object` crate, and [`readobj`] (feature `readobj`) parses the JSON that
//! `llvm-readobj --elf-output-style=JSON` prints, as CPython's `Tools/jit` does. Both give the same
//! `ObjectFile` for the same object.
//!
//! Everything that is known of a relocation is one row: see [`RelocationKind::row`]. The rows of
//! patches, by which values are written into fields, are at [`PatchKind::row`], and the names of the
//! labels that stand for relocations are in [`label`].
//!
//! ```
//! # #[cfg(feature = "native")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let object = concat!(
//!     env!("CARGO_MANIFEST_DIR"),
//!     "/tests/data/stencil-x86_64-unknown-linux-gnu.o"
//! );
//! let object = jit_schema::native::read(&std::fs::read(object)?)?;
//! let mut through_got = Vec::new();
//! for section in &object.sections {
//!     for relocation in &section.relocations {
//!         println!(
//!             "{}+{:#x}: {} against {} and {}",
//!             section.name, relocation.offset, relocation.kind, relocation.symbol,
//!             relocation.addend
//!         );
//!         if relocation.kind == jit_schema::RelocationKind::RX86_64Gotpcrelx {
//!             through_got.push(relocation.symbol.as_str());
//!         }
//!     }
//! }
//! assert_eq!(
//!     through_got,
//!     ["imported_function", "function", "_JIT_CONTINUE", "_JIT_JUMP_TARGET"]
//! );
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "native"))]
//! # fn main() {}
//! ```
#![forbid(unsafe_code)]

mod access;
mod advice;
mod code_end;
mod codegen;
#[cfg(any(feature = "native", feature = "readobj"))]
mod entry;
mod hardening;
pub mod label;
mod location;
mod machine;
mod model;
#[cfg(feature = "native")]
pub mod native;
mod patch;
#[cfg(feature = "readobj")]
pub mod readobj;
pub mod relocation;
mod rows;
#[cfg(any(feature = "native", feature = "readobj"))]
mod section_kind;
mod target;

pub use access::aarch64_access_scale;
pub use code_end::CodeEnd;
pub use codegen::Codegen;
pub use hardening::{Hardening, LANDING_PAD_SIZE, RETURN_TWICE};
pub use location::Location;
pub use machine::{Machine, MachineRow};
pub use model::{ObjectError, ObjectFile, Relocation, Section, SectionKind, Symbol};
pub use patch::{PatchKind, PatchRow, PatchShape};
pub use relocation::{RelocationKind, RelocationRow};
pub use target::{Arch, ObjectFormat, Target, UnknownTarget};

/// A hash of this crate's sources. What depends on them must be made again when it changes: the
/// optimizer's labels have the names that [`label`] gives them.
pub const FINGERPRINT: &str = env!("JIT_SCHEMA_FINGERPRINT");

/// The example in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
