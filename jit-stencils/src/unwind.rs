//! How to unwind from JIT code through the shim that calls it.

#[cfg(feature = "lower")]
mod derive;
#[cfg(feature = "lower")]
mod error;
mod info;
#[cfg(feature = "lower")]
mod object;

#[cfg(feature = "lower")]
pub use derive::shim_unwind;
#[cfg(feature = "lower")]
pub use error::UnwindError;
pub use info::UnwindInfo;
