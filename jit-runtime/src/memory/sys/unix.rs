//! Pages by mmap, mprotect and munmap.

use super::super::MemoryError;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ptr::{NonNull, null_mut};

/// Bytes per page.
pub(in super::super) fn page_size() -> usize {
    rustix::param::page_size()
}

/// New zeroed pages for `len` bytes, readable and writable.
pub(in super::super) fn map(len: usize) -> Result<NonNull<u8>, MemoryError> {
    // SAFETY: without MAP_FIXED, mmap only takes addresses that nothing uses.
    let start = unsafe {
        mmap_anonymous(
            null_mut(),
            len,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }
    .map_err(|error| MemoryError::system("mmap", len, error.into()))?;
    NonNull::new(start.cast()).ok_or(MemoryError::TooLarge { len })
}

/// Turns pages of [`map`] readable and executable.
///
/// # Safety
///
/// `start` and `len` are those of a [`map`], and nobody writes to the pages any more.
pub(in super::super) unsafe fn make_executable(
    start: NonNull<u8>,
    len: usize,
) -> Result<(), MemoryError> {
    // SAFETY: as the caller promises.
    unsafe {
        mprotect(
            start.as_ptr().cast(),
            len,
            MprotectFlags::READ | MprotectFlags::EXEC,
        )
    }
    .map_err(|error| MemoryError::system("mprotect", len, error.into()))
}

/// Gives pages back.
///
/// # Safety
///
/// `start` and `len` are those of a mapping that nothing refers to any more.
pub(in super::super) unsafe fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: as the caller promises.
    let result = unsafe { munmap(start.as_ptr().cast(), len) };
    // Splitting a mapping could fail, but these are whole ones; if it fails nevertheless, the pages are leaked.
    debug_assert!(result.is_ok(), "munmap: {result:?}");
}
