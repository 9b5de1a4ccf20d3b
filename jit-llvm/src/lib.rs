//! Finds LLVM's tools and runs them: C to assembly, assembly to object files, object files to
//! disassembly.
//!
//! [`Toolchain::discover`] searches the places that CPython's `Tools/jit/_llvm.py` searches. A
//! [`Compiler`] has the flags of one target; its methods take many inputs at once and return one
//! result for each, in the order of the inputs, whatever ran in parallel. Only clang is required:
//! llvm-objdump is used if it is there. An [`Inspector`] answers questions about the declarations of
//! a source.
//!
//! ```
//! use jit_llvm::{CompileOptions, Compiler, Interrupt, Search, Source, Toolchain};
//! use jit_schema::Target;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if fixtures::needs::clang_22().is_none() { return Ok(()) }
//! let toolchain = Toolchain::discover(&Search::default(), &Interrupt::default())?;
//! println!("clang {}: {}", toolchain.version, toolchain.clang.display());
//!
//! let target = Target::from_triple("aarch64-apple-darwin")?;
//! let work = tempfile::tempdir()?;
//! let options = CompileOptions::new(target, work.path());
//! let compiler = Compiler::builder(&toolchain, options, work.path())
//!     .preamble("typedef long word;\n")
//!     .on_warnings(|diagnostics| eprintln!("{diagnostics}"))
//!     .build()?;
//! let source = |name: &str, body: &str| Source { name: name.into(), body: body.into() };
//! let results = compiler.compile(&[
//!     source("_ADD", "word _JIT_ENTRY(word a, word b) { return a + b; }\n"),
//!     source("_BAD", "word _JIT_ENTRY(word a) { return b; }\n"),
//! ])?;
//! assert!(results[0].as_ref().is_ok_and(|made| made.value.contains("add\tx0")));
//! // Lines are counted from the first line of the preamble.
//! let error = results[1].as_ref().unwrap_err().to_string();
//! assert!(error.contains("_BAD.c:2:"), "{error}");
//! # Ok(())
//! # }
//! ```
//!
//! This is the only crate of the workspace that starts processes.
#![forbid(unsafe_code)]

mod batch;
mod bitcode;
mod command;
mod compact;
mod compiler;
mod context;
mod dependencies;
mod diagnostics;
mod discover;
mod doing;
mod driver;
mod error;
mod expand;
mod files;
pub mod flags;
mod front_end;
mod includes;
mod inspect;
mod interrupt;
mod ir;
mod joinable;
mod joined;
mod lexical;
mod linked;
mod made;
mod module;
pub mod modules;
mod object;
mod options;
mod order;
mod parts;
mod plan;
mod plans;
mod preamble;
mod preprocess;
mod process;
mod script;
mod shim;
mod snapshot;
mod source;
mod values;
mod version;
mod work;
mod written;

pub use compiler::{Compiler, CompilerBuilder, Mode, WithIr};
pub use dependencies::Dependencies;
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use discover::{Search, Toolchain};
pub use error::{Installed, LlvmError, Rejection};
pub use expand::Expansion;
pub use flags::Flags;
pub use front_end::FrontEnd;
pub use includes::SearchedName;
pub use inspect::{Declarations, Field, Function, Inspector, Macro, Passage, Record};
pub use interrupt::Interrupt;
pub use ir::Ir;
pub use joinable::Joinable;
pub use made::Made;
pub use object::Object;
pub use options::{CompileOptions, Language, LastFlags, Output};
pub use parts::Parts;
pub use script::run_script;
pub use snapshot::Snapshot;
pub use source::Source;
pub use values::{Cause, Folded};
pub use version::{LlvmVersion, SUPPORTED_MAJORS};

/// A hash of this crate's sources: caches of what it makes can tell its versions apart by it.
pub const FINGERPRINT: &str = env!("JIT_LLVM_FINGERPRINT");

/// The example in the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
