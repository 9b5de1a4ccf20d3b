//! Systems without executable memory: code can be linked there, but not run. The `Chunk` is also for systems that cannot
//! share pages without making them writable and executable at once, as MAP_JIT does on macOS for x86_64.
#![allow(dead_code, reason = "other systems use parts of this or nothing")]

use super::super::{ArenaOptions, MemoryError};
use std::ptr::NonNull;

pub(in super::super) fn page_size() -> usize {
    4096
}

pub(in super::super) fn can_check_landing_pads() -> bool {
    false
}

pub(in super::super) fn map(_len: usize) -> Result<NonNull<u8>, MemoryError> {
    Err(MemoryError::Unsupported)
}

pub(in super::super) unsafe fn make_executable(
    _start: NonNull<u8>,
    _len: usize,
    _landing_pads: bool,
) -> Result<(), MemoryError> {
    Err(MemoryError::Unsupported)
}

pub(in super::super) unsafe fn unmap(_start: NonNull<u8>, _len: usize) {}

/// A chunk that cannot exist.
#[derive(Debug)]
pub(in super::super) enum Chunk {}

impl Chunk {
    pub(in super::super) fn new(
        _len: usize,
        _options: &ArenaOptions,
    ) -> Result<Chunk, MemoryError> {
        Err(MemoryError::Unsupported)
    }

    pub(in super::super) fn start(&self) -> NonNull<u8> {
        match *self {}
    }

    pub(in super::super) fn len(&self) -> usize {
        match *self {}
    }

    pub(in super::super) unsafe fn write(
        &self,
        _: usize,
        _: &[u8],
        _: bool,
    ) -> Result<(), MemoryError> {
        match *self {}
    }
}
