//! Builds stencils for copy-and-patch JIT compilers.
#![forbid(unsafe_code)]

mod build;
mod cache;
#[cfg(feature = "cli")]
pub mod commands;
mod conventions;
mod cpython;
mod error;
mod events;
mod pipeline;
mod project;
mod statistics;
mod sysroot;
#[cfg(feature = "cli")]
mod terminal;
mod tuned;

pub use build::{
    Build,
    explain::{Changes, Explanation},
    outcome::{Built, TargetBuild, Written},
};
pub use error::{Error, Headers};
pub use events::Event;
pub use jit_llvm::Interrupt;
pub use jit_schema::{Codegen, Target};
pub use jit_stencils::StencilSet;
pub use project::{emit::Emit, sources::Sources};
pub use statistics::{StageTimes, Statistics};
