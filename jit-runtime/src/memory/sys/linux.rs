//! Chunks that are memfd files: mapped executable, and written by pwrite. Nothing is ever mapped writable.

use super::super::{MemoryError, fork};
use super::signal::within_limit;
use super::unix;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::ptr::{NonNull, null_mut};

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
    /// Returns a chunk of `len` zero bytes, a multiple of the page size.
    pub(in super::super) fn new(len: usize) -> Result<Chunk, MemoryError> {
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
        // SAFETY: without MAP_FIXED, mmap only takes addresses that nothing uses. The file has `len` bytes and keeps them.
        let start = unsafe {
            mmap(
                null_mut(),
                len,
                ProtFlags::READ | ProtFlags::EXEC,
                MapFlags::SHARED,
                &file,
                0,
            )
        }
        .map_err(|error| MemoryError::system("mmap of a memfd", len, error.into()))?;
        let start = NonNull::new(start.cast()).ok_or(MemoryError::TooLarge { len })?;
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

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`; callers of code in it hold a reference to this chunk.
        unsafe { unix::unmap(self.start, self.len) }
    }
}
