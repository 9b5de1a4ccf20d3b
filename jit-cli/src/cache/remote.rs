//! The shared cache: a store in the network that many machines use, after the local cache.
//!
//! It has the same entries under the same keys, and is never believed: an entry is checked as if the local cache
//! had it, and written there. Whatever goes wrong costs one warning, a bounded time, and never a build.

pub(crate) mod settings;

use std::env;

use settings::{CacheTable, Settings, Wrong};

#[cfg(feature = "remote-cache")]
mod patience;
#[cfg(feature = "remote-cache")]
mod service;
#[cfg(feature = "remote-cache")]
mod transfer;
#[cfg(feature = "remote-cache")]
pub(crate) use transfer::Remote;

#[cfg(not(feature = "remote-cache"))]
mod absent;
#[cfg(not(feature = "remote-cache"))]
pub(crate) use absent::Remote;

/// Returns the shared cache that the environment names, or else the table `[cache]` of a `jit.toml`.
pub(crate) fn named(table: Option<&CacheTable>) -> Result<Option<Remote>, Wrong> {
    Ok(Settings::of(table, env::vars_os())?.and_then(Remote::open))
}
