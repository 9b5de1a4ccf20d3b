//! Headers for other systems: the ones that jit-cli carries, real ones, and how the two compare.

#[cfg(feature = "cli")]
pub(crate) mod check;
pub(crate) mod headers;
