//! Builds stencils for copy-and-patch JIT compilers.
#![forbid(unsafe_code)]

mod cache;
pub mod commands;
mod conventions;
mod cpython;
mod error;
mod output;
mod pipeline;
mod project;
mod sysroot;
mod terminal;
