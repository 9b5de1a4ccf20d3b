//! Find LLVM's tools and drive them: C to assembly, assembly to object files, object files to
//! disassembly.
//!
//! [`Toolchain::discover`] looks in the places CPython's `Tools/jit/_llvm.py` looks in. A
//! [`Compiler`] holds the flags of one target; its methods take many inputs at once and return one
//! result for each, in the order of the inputs, whatever ran in parallel. Only clang is required:
//! llvm-objdump is used where it is there.
//!
//! This is the only crate of the workspace that starts processes.
#![forbid(unsafe_code)]

mod arguments;
mod batch;
mod command;
mod compiler;
mod context;
mod discover;
mod driver;
mod error;
mod plan;
mod preprocess;
mod version;

pub use arguments::CompileOptions;
pub use command::Interrupt;
pub use compiler::{Compiler, Mode, Object, Source};
pub use discover::{Search, Toolchain};
pub use error::{LlvmError, Rejection};
pub use preprocess::{ExpandedFile, Expansion};
pub use version::{LlvmVersion, SUPPORTED_MAJORS};
