//! Systems without any of it: code can be linked there, not run. Its `Chunk` also stands in where there is no way to
//! share pages that is never writable and executable at once, as on macOS for x86_64, whose MAP_JIT is just that.
#![allow(dead_code, reason = "other systems use some of it or nothing")]

use super::super::MemoryError;
use std::ptr::NonNull;

pub(in super::super) fn page_size() -> usize {
    4096
}

pub(in super::super) fn map(_len: usize) -> Result<NonNull<u8>, MemoryError> {
    Err(MemoryError::Unsupported)
}

pub(in super::super) unsafe fn make_executable(
    _start: NonNull<u8>,
    _len: usize,
) -> Result<(), MemoryError> {
    Err(MemoryError::Unsupported)
}

pub(in super::super) unsafe fn unmap(_start: NonNull<u8>, _len: usize) {}

/// A chunk that cannot be had.
#[derive(Debug)]
pub(in super::super) enum Chunk {}

impl Chunk {
    pub(in super::super) fn new(_len: usize) -> Result<Chunk, MemoryError> {
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
