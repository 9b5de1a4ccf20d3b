//! Chunks as memfd files: mapped executable, written by pwrite. Nothing is ever mapped writable.

use super::super::{MemoryError, fork};
use super::unix;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::process::{Resource, getrlimit};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::ptr::{NonNull, null_mut};

#[derive(Debug)]
pub(in super::super) struct Chunk {
    start: NonNull<u8>,
    len: usize,
    file: File,
    /// In a child of this process the file is still the parent's.
    process: u32,
}

// SAFETY: the mapping belongs to the process; nothing here is tied to a thread.
unsafe impl Send for Chunk {}
// SAFETY: `&Chunk` writes to disjoint ranges only, as callers of `write` promise, through the kernel.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// `len` bytes, a multiple of the page size, all zero.
    pub(in super::super) fn new(len: usize) -> Result<Chunk, MemoryError> {
        fork::watch();
        // Files count against this limit, and what goes beyond it kills the process with SIGXFSZ.
        if getrlimit(Resource::Fsize)
            .current
            .is_some_and(|limit| limit < len as u64)
        {
            let source = io::Error::from_raw_os_error(rustix::io::Errno::FBIG.raw_os_error());
            return Err(MemoryError::system("memfd_create (ulimit -f)", len, source));
        }
        // Not executable as a file, which it need not be for mmap, so vm.memfd_noexec=2 lets it be. Linux 6.3.
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL;
        let file = memfd_create(c"jit-runtime", flags)
            .or_else(|error| match error {
                rustix::io::Errno::INVAL => memfd_create(c"jit-runtime", MemfdFlags::CLOEXEC),
                error => Err(error),
            })
            .map(File::from)
            .map_err(|error| MemoryError::system("memfd_create", len, error.into()))?;
        file.set_len(len as u64)
            .map_err(|error| MemoryError::system("ftruncate", len, error))?;
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

    /// Puts `bytes` at `offset`; `forked` says that this process or its parent has forked since they were linked.
    ///
    /// # Safety
    ///
    /// The range is inside the chunk and the caller's alone: nobody reads it or executes it meanwhile.
    pub(in super::super) unsafe fn write(
        &self,
        offset: usize,
        bytes: &[u8],
        forked: bool,
    ) -> Result<(), MemoryError> {
        if forked && std::process::id() != self.process {
            return Err(MemoryError::Forked);
        }
        self.file
            .write_all_at(bytes, offset as u64)
            .map_err(|error| MemoryError::system("pwrite to a memfd", bytes.len(), error))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`; whoever runs code in it holds a reference to this chunk.
        unsafe { unix::unmap(self.start, self.len) }
    }
}
