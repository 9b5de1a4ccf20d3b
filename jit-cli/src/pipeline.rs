//! The pipeline from micro-ops to stencils, for one target at a time.

mod actions;
mod doubts;
pub(crate) mod flags;
mod functions;
mod line;
mod module_reads;
pub(crate) mod one_target;
mod tuner;
pub(crate) mod units;
mod warned;
pub(crate) mod workdir;
