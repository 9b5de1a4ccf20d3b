//! From a file to a table that can be linked: every hole is checked here.

mod builder;
mod check;
mod draft;
mod interfaces;
mod names;
mod opcodes;
mod stencils;

pub use stencils::Stencils;
