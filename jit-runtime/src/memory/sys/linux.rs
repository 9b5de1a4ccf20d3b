//! Chunks that are memfd files: mapped executable, and written by pwrite. Nothing is ever mapped writable.

use super::super::{MemoryError, fork, near};
use super::signal::within_limit;
use super::{landing_pads, maps, unix};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::ptr::{NonNull, without_provenance_mut};

/// The call that writes a trace, for messages.
const WRITE: &str = "pwrite to a memfd";

#[derive(Debug)]
pub(in super::super) struct Chunk {
    start: NonNull<u8>,
    len: usize,
    file: File,
    /// The process that made the file: in its children, the file is still the parent's.
    process: u32,
}

// SAFETY: the mapping belongs to the process; nothing here is tied to a thread.
unsafe impl Send for Chunk {}
// SAFETY: `&Chunk` writes to disjoint ranges only, as callers of `write` promise, through the kernel.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Returns a chunk of `len` zero bytes, a multiple of the page size: in reach of an address if there is room.
    /// With `landing_pads`, indirect branches may arrive at landing pads only.
    pub(in super::super) fn new(
        len: usize,
        near: Option<usize>,
        landing_pads: bool,
    ) -> Result<Chunk, MemoryError> {
        let protection = landing_pads::mapped(landing_pads);
        fork::watch();
        // Since Linux 6.3, vm.memfd_noexec=2 only allows files that cannot be executed, as mmap does not need them to be.
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL;
        let file = memfd_create(c"jit-runtime", flags)
            .or_else(|error| match error {
                rustix::io::Errno::INVAL => memfd_create(c"jit-runtime", MemfdFlags::CLOEXEC),
                error => Err(error),
            })
            .map(File::from)
            .map_err(|error| MemoryError::system("memfd_create", len, error.into()))?;
        within_limit(|| file.set_len(len as u64))
            .map_err(|error| MemoryError::system("ftruncate of a memfd", len, error))?;
        // Nothing is written, but a filter that refuses the call is noticed before a trace is linked for this chunk.
        file.write_at(&[], 0)
            .map_err(|error| MemoryError::system(WRITE, len, error))?;
        let start = match near.and_then(|address| map_near((&file, protection), len, address)) {
            Some(start) => start,
            None => map((&file, protection), len, 0, MapFlags::empty())
                .map_err(|error| MemoryError::system("mmap of a memfd", len, error.into()))?,
        };
        let start = NonNull::new(start).ok_or(MemoryError::TooLarge { len })?;
        Ok(Chunk {
            start,
            len,
            file,
            process: std::process::id(),
        })
    }

    pub(in super::super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    /// Writes `bytes` at `offset`. `forked` says whether this process or its parent has forked since they were linked.
    ///
    /// # Safety
    ///
    /// The range must be inside the chunk and belong to the caller only: it is not read or executed meanwhile.
    pub(in super::super) unsafe fn write(
        &self,
        offset: usize,
        bytes: &[u8],
        forked: bool,
    ) -> Result<(), MemoryError> {
        if forked && std::process::id() != self.process {
            return Err(MemoryError::Forked);
        }
        within_limit(|| self.file.write_all_at(bytes, offset as u64))
            .map_err(|error| MemoryError::system(WRITE, bytes.len(), error))
    }
}

/// Maps a file of `len` bytes in reach of an address, or returns none if there is no place for it.
fn map_near(file: (&File, ProtFlags), len: usize, address: usize) -> Option<*mut u8> {
    let taken = maps::taken();
    let places = near::places(address, len, unix::page_size(), taken.as_deref());
    places.into_iter().find_map(|place| {
        let start = map(file, len, place, MapFlags::FIXED_NOREPLACE).ok()?;
        if near::is_near(address, start.addr(), len) {
            return Some(start);
        }
        // Before Linux 4.17, the address is a hint.
        // SAFETY: the mapping is new, and nothing refers to it.
        unsafe { unix::unmap(NonNull::new(start)?, len) };
        None
    })
}

/// Maps a file that has `len` bytes and keeps them. `place` is 0 or an address, and `flags` says what it means.
fn map(
    (file, protection): (&File, ProtFlags),
    len: usize,
    place: usize,
    flags: MapFlags,
) -> rustix::io::Result<*mut u8> {
    debug_assert!(!flags.contains(MapFlags::FIXED));
    let flags = MapFlags::SHARED | flags;
    // SAFETY: without MAP_FIXED, mmap only takes addresses that nothing uses.
    let start = unsafe {
        mmap(
            without_provenance_mut(place),
            len,
            protection,
            flags,
            file,
            0,
        )
    }?;
    Ok(start.cast())
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`; callers of code in it hold a reference to this chunk.
        unsafe { unix::unmap(self.start, self.len) }
    }
}
