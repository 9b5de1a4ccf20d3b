//! Find LLVM's tools and drive them: C to assembly, assembly to object files, object files to
//! disassembly.
//!
//! [`Toolchain::discover`] looks in the places CPython's `Tools/jit/_llvm.py` looks in. A
//! [`Compiler`] holds the flags of one target; its methods take many inputs at once and return one
//! result for each, in the order of the inputs, whatever ran in parallel. Only clang is required:
//! llvm-objdump is used where it is there.
//!
//! ```
//! use jit_llvm::{CompileOptions, Compiler, Interrupt, Mode, Search, Source, Toolchain};
//! use jit_schema::Target;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let interrupt = Interrupt::default();
//! let toolchain = Toolchain::discover(&Search::default(), &interrupt)?;
//! println!("clang {}: {}", toolchain.version, toolchain.clang.display());
//!
//! let target = Target::from_triple("aarch64-apple-darwin")?;
//! let work = tempfile::tempdir()?;
//! let options = CompileOptions::new(target, work.path().to_owned());
//! let preamble = String::from("typedef long word;\n");
//! let compiler =
//!     Compiler::new(&toolchain, options, preamble, work.path(), Mode::Batch, interrupt)?;
//! let source = |name: &str, body: &str| Source { name: name.into(), body: body.into() };
//! let results = compiler.compile(&[
//!     source("_ADD", "word _JIT_ENTRY(word a, word b) { return a + b; }\n"),
//!     source("_BAD", "word _JIT_ENTRY(word a) { return b; }\n"),
//! ])?;
//! assert!(results[0].as_ref().is_ok_and(|assembly| assembly.contains("add\tx0")));
//! // The line counts from the preamble's first.
//! let error = results[1].as_ref().unwrap_err().to_string();
//! assert!(error.contains("_BAD.c:2:"), "{error}");
//! # Ok(())
//! # }
//! ```
//!
//! This is the only crate of the workspace that starts processes.
#![forbid(unsafe_code)]

mod batch;
mod command;
mod compiler;
mod context;
mod declarations;
mod discover;
mod driver;
mod error;
pub mod flags;
mod inspect;
mod layouts;
mod options;
mod plan;
mod preprocess;
mod version;

pub use command::Interrupt;
pub use compiler::{Compiler, Mode, Object, Source};
pub use declarations::{Declarations, Function};
pub use discover::{Search, Toolchain};
pub use error::{LlvmError, Rejection};
pub use flags::Flags;
pub use inspect::{Inspector, Macro, Passage};
pub use layouts::{Field, Record};
pub use options::CompileOptions;
pub use preprocess::{ExpandedFile, Expansion};
pub use version::{LlvmVersion, SUPPORTED_MAJORS};
