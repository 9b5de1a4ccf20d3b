//! The cache: results of earlier builds, stored under hashes of their inputs.

mod arguments;
#[cfg(feature = "cli")]
mod kept;
pub(crate) mod key;
pub(crate) mod lookup;
pub(crate) mod record;
pub(crate) mod remote;
pub(crate) mod store;
