//! Comparing what two sets of headers make of the same source.

pub(crate) mod compare;
mod functions;
mod macros;
pub(crate) mod outcome;
mod records;
mod scope;
pub(crate) mod side;
pub(crate) mod subject;
mod types;
