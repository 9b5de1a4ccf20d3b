//! The pipeline from micro-ops to stencils, for one target at a time.

mod actions;
mod doubts;
pub(crate) mod flags;
mod line;
pub(crate) mod one_target;
mod warned;
pub(crate) mod workdir;
