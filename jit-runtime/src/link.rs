//! From a table of stencils and a trace to an image.

#[cfg(test)]
mod bugs;
mod diagnose;
mod emit;
mod holes;
mod image;
mod layout;
mod linker;
mod plan;
mod quick;
mod references;
mod source;
mod special;
mod symbols;

pub use holes::PlacedHole;
pub use layout::{Layout, LayoutPolicy};
pub use linker::{Element, Linker};
pub use references::References;
pub use symbols::Symbols;
