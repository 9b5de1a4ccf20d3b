//! System headers for other targets: the built-in ones, real ones, and the comparison of both.

#[cfg(feature = "cli")]
pub(crate) mod check;
pub(crate) mod headers;
