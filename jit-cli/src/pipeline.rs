//! From micro-ops to stencils, one target at a time.

mod line;
pub(crate) mod one_target;
mod warned;
pub(crate) mod workdir;
