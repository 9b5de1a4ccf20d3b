//! Packs: stencils that are built on one machine and used on another, without LLVM.
//!
//! A pack contains the files that a build of a CPython checkout writes, for any number of targets and configurations,
//! and a manifest that lists what the code depends on: the sources and headers that were read, by hashes of their
//! tokens, and the macros of `pyconfig.h` that these mention. [`Build::use_pack`](crate::Build::use_pack) and
//! [`Build::compare_with_pack`](crate::Build::compare_with_pack) compare that with another checkout.

mod apply;
mod archive;
mod compare;
mod create;
mod error;
mod manifest;
mod paste;
mod pyconfig;
mod rebuild;
mod sources;
mod tokens;
mod tree;

pub use self::{
    apply::Applied,
    compare::{Change, Difference},
    create::{Pack, Packed},
    error::PackError,
    rebuild::{Rebuilt, Verified},
};
pub(crate) use self::{
    apply::configure,
    create::{Made, entry, write},
};
