//! Chunks on Apple silicon: MAP_JIT pages, which are either writable or executable for each thread.

use super::super::{ArenaOptions, MemoryError, near};
use super::unix;
use core::ffi::c_int;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::ptr::{NonNull, without_provenance_mut};

/// `MAP_JIT` of `sys/mman.h`.
const MAP_JIT: u32 = 0x0800;

unsafe extern "C" {
    fn pthread_jit_write_protect_np(enabled: c_int);
    fn pthread_jit_write_protect_supported_np() -> c_int;
}

#[derive(Debug)]
pub(in super::super) struct Chunk {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process; what is per thread is switched and switched back inside `write`.
unsafe impl Send for Chunk {}
// SAFETY: `&Chunk` writes to disjoint ranges only, as callers of `write` promise.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Returns a chunk of `len` zero bytes, a multiple of the page size: in reach of an address if there is room.
    pub(in super::super) fn new(len: usize, options: &ArenaOptions) -> Result<Chunk, MemoryError> {
        // SAFETY: a question without arguments.
        if unsafe { pthread_jit_write_protect_supported_np() } == 0 {
            return Err(MemoryError::Unsupported);
        }
        let start = match options
            .near_address()
            .and_then(|address| map_near(len, address))
        {
            Some(start) => start,
            None => map(len, 0)
                .map_err(|error| MemoryError::system("mmap with MAP_JIT", len, error.into()))?,
        };
        let start = NonNull::new(start).ok_or(MemoryError::TooLarge { len })?;
        Ok(Chunk { start, len })
    }

    pub(in super::super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    /// Writes `bytes` at `offset`. Meanwhile this thread cannot execute MAP_JIT pages, and others cannot write them.
    ///
    /// # Safety
    ///
    /// The range must be inside the chunk and belong to the caller only: it is not read or executed meanwhile.
    pub(in super::super) unsafe fn write(
        &self,
        offset: usize,
        bytes: &[u8],
        _forked: bool,
    ) -> Result<(), MemoryError> {
        // SAFETY: nothing between the two calls is in MAP_JIT pages or can unwind; the range is the caller's.
        unsafe {
            pthread_jit_write_protect_np(0);
            self.start
                .as_ptr()
                .add(offset)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            pthread_jit_write_protect_np(1);
        }
        Ok(())
    }
}

/// Maps `len` bytes in reach of an address, or returns none if there is no place for them.
fn map_near(len: usize, address: usize) -> Option<*mut u8> {
    let places = near::places(address, len, unix::page_size(), None);
    places.into_iter().find_map(|place| {
        let start = map(len, place).ok()?;
        if near::is_near(address, start.addr(), len) {
            return Some(start);
        }
        // SAFETY: the mapping is new, and nothing refers to it.
        unsafe { unix::unmap(NonNull::new(start)?, len) };
        None
    })
}

/// Maps `len` bytes: where the system chooses to, which prefers the first free addresses from `hint` on.
fn map(len: usize, hint: usize) -> rustix::io::Result<*mut u8> {
    let protection = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
    let flags = MapFlags::PRIVATE | MapFlags::from_bits_retain(MAP_JIT);
    // SAFETY: without MAP_FIXED, mmap only takes addresses that nothing uses.
    let start = unsafe { mmap_anonymous(without_provenance_mut(hint), len, protection, flags) }?;
    Ok(start.cast())
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`; callers of code in it hold a reference to this chunk.
        unsafe { unix::unmap(self.start, self.len) }
    }
}
