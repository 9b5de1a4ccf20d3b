//! Stencils as the C headers that CPython's build includes, byte for byte as its
//! `Tools/jit/_writer.py` writes them.
#![forbid(unsafe_code)]

mod dispatcher;
mod expression;
mod footer;
mod header;
mod stencil;
mod unwind;

pub use dispatcher::write_dispatcher;
pub use header::{Preamble, write_header};
pub use unwind::write_unwind_header;
