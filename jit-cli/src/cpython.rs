//! The CPython releases whose checkouts can be built. What one of them does its own way is in a file of
//! its own: a new release is such a file, and a line in the list in `checkout`.

pub(crate) mod checkout;
pub(crate) mod patchlevel;
pub(crate) mod pins;
pub(crate) mod release;
mod text;
pub(crate) mod tools;
mod v3_15;
