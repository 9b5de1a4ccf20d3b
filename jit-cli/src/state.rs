//! The state of a target's files: what they were made from, and what was written.
//!
//! A build compares it with what it finds to decide whether the files are up to date. There are no time stamps in
//! it, and it does not depend on where the project's directory is.

pub(crate) mod collect;
pub(crate) mod compare;
pub(crate) mod file;
pub(crate) mod inputs;
pub(crate) mod locations;
