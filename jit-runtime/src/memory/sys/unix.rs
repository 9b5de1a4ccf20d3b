//! Pages by mmap, mprotect and munmap.

use super::super::MemoryError;
use super::landing_pads;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ptr::{NonNull, null_mut};

/// Returns the size of a page in bytes.
pub(in super::super) fn page_size() -> usize {
    rustix::param::page_size()
}

/// Maps new zeroed pages for `len` bytes, readable and writable.
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

/// Makes pages of [`map`] readable and executable. With `landing_pads`, indirect branches may arrive at landing pads only.
///
/// # Safety
///
/// `start` and `len` must be those of a [`map`], and the pages must not be written any more.
pub(in super::super) unsafe fn make_executable(
    start: NonNull<u8>,
    len: usize,
    landing_pads: bool,
) -> Result<(), MemoryError> {
    // SAFETY: as the caller promises.
    unsafe {
        mprotect(
            start.as_ptr().cast(),
            len,
            landing_pads::protected(landing_pads),
        )
    }
    .map_err(|error| MemoryError::system("mprotect", len, error.into()))
}

/// Unmaps pages.
///
/// # Safety
///
/// `start` and `len` must be those of a mapping that nothing refers to any more.
pub(in super::super) unsafe fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: as the caller promises.
    // This is called by destructors. If the system refuses it, as a seccomp filter may, the pages are leaked.
    let _ = unsafe { munmap(start.as_ptr().cast(), len) };
}
