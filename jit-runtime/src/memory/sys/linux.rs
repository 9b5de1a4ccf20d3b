//! Chunks that are memfd files or private pages: mapped executable, and written by pwrite, to the file or to the
//! process's memory. Nothing is ever mapped writable.

use super::super::{ArenaOptions, MemoryError, fork, near};
use super::signal::within_limit;
use super::{landing_pads, maps, unix};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::ptr::{NonNull, without_provenance_mut};

/// The call that writes a trace, for messages.
const WRITE: &str = "pwrite to a memfd";
/// The same for private pages.
const WRITE_MEMORY: &str = "pwrite to /proc/thread-self/mem";

#[derive(Debug)]
pub(in super::super) struct Chunk {
    start: NonNull<u8>,
    len: usize,
    file: File,
    /// Where the chunk starts in that file: at 0, or at its address in the process's memory.
    origin: u64,
    /// The process that opened the file: in its children, the file is still the parent's.
    process: u32,
}

// SAFETY: the mapping belongs to the process; nothing here is tied to a thread.
unsafe impl Send for Chunk {}
// SAFETY: `&Chunk` writes to disjoint ranges only, as callers of `write` promise, through the kernel.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Returns a chunk of `len` zero bytes, a multiple of the page size: in reach of an address if there is room.
    pub(in super::super) fn new(len: usize, options: &ArenaOptions) -> Result<Chunk, MemoryError> {
        fork::watch();
        let pages = Pages {
            protection: landing_pads::mapped(options.landing_pads),
            file: (!options.private_pages).then(|| memfd(len)).transpose()?,
        };
        let near = options.near_address();
        let start = match near.and_then(|address| map_near(&pages, len, address)) {
            Some(start) => start,
            None => pages
                .map(len, 0, MapFlags::empty())
                .map_err(|error| MemoryError::system(pages.call(), len, error.into()))?,
        };
        let start = NonNull::new(start).ok_or(MemoryError::TooLarge { len })?;
        let (file, origin) = match pages.file {
            Some(file) => (file, 0),
            None => {
                let file = memory(start, len).inspect_err(|_| {
                    // SAFETY: the mapping is new, and nothing refers to it.
                    unsafe { unix::unmap(start, len) }
                })?;
                (file, start.addr().get() as u64)
            }
        };
        Ok(Chunk {
            start,
            len,
            file,
            origin,
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
        let write = || self.file.write_all_at(bytes, self.origin + offset as u64);
        let (call, written) = match self.origin {
            0 => (WRITE, within_limit(write)),
            // Limits on the size of files are not about memory.
            _ => (WRITE_MEMORY, write()),
        };
        written.map_err(|error| MemoryError::system(call, bytes.len(), error))
    }
}

/// Returns a new file of `len` zero bytes, which no other process can find.
fn memfd(len: usize) -> Result<File, MemoryError> {
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
    Ok(file)
}

/// Returns the memory of this process as a file, after a byte of new private pages was written through it.
///
/// Without `/proc`, and where the kernel does not let a process write to pages that are not mapped writable
/// (`proc_mem.force_override=never`), that is a refusal.
fn memory(start: NonNull<u8>, len: usize) -> Result<File, MemoryError> {
    let refused = |call, source| MemoryError::NotExecutable { call, len, source };
    // Not `/proc/self`, which is the main thread and may have ended.
    let file = File::options().write(true).open("/proc/thread-self/mem");
    let file = file.map_err(|error| {
        let call = "open of /proc/thread-self/mem";
        match error.kind() {
            io::ErrorKind::NotFound => refused(call, error),
            _ => MemoryError::system(call, len, error),
        }
    })?;
    let written = file.write_all_at(&[0], start.addr().get() as u64);
    written.map_err(
        |error| match MemoryError::system(WRITE_MEMORY, len, error) {
            MemoryError::System { call, source, .. } => refused(call, source),
            error => error,
        },
    )?;
    Ok(file)
}

/// Pages that are to be mapped: those of a file, or private ones.
struct Pages {
    protection: ProtFlags,
    file: Option<File>,
}

impl Pages {
    /// Returns the call that maps them, for messages.
    fn call(&self) -> &'static str {
        match self.file {
            Some(_) => "mmap of a memfd",
            None => "mmap",
        }
    }

    /// Maps `len` bytes, which a file has and keeps. `place` is 0 or an address, and `flags` says what it means.
    fn map(&self, len: usize, place: usize, flags: MapFlags) -> rustix::io::Result<*mut u8> {
        debug_assert!(!flags.contains(MapFlags::FIXED));
        let place = without_provenance_mut(place);
        // SAFETY: without MAP_FIXED, mmap only takes addresses that nothing uses.
        let start = unsafe {
            match &self.file {
                Some(file) => mmap(
                    place,
                    len,
                    self.protection,
                    MapFlags::SHARED | flags,
                    file,
                    0,
                ),
                None => mmap_anonymous(place, len, self.protection, MapFlags::PRIVATE | flags),
            }
        }?;
        Ok(start.cast())
    }
}

/// How many times the system is asked what is in use.
const LOOKS: usize = 8;

/// Maps `len` bytes in reach of an address, or returns none if there is no place for them.
fn map_near(pages: &Pages, len: usize, address: usize) -> Option<*mut u8> {
    for _ in 0..LOOKS {
        let taken = maps::taken();
        let places = near::places(address, len, unix::page_size(), taken.as_deref());
        let mut lost = false;
        for place in places {
            let start = match pages.map(len, place, MapFlags::FIXED_NOREPLACE) {
                Ok(start) => start,
                Err(error) => {
                    lost |= error == Errno::EXIST;
                    continue;
                }
            };
            if near::is_near(address, start.addr(), len) {
                return Some(start);
            }
            // Before Linux 4.17, the address is a hint.
            // SAFETY: the mapping is new, and nothing refers to it.
            unsafe { unix::unmap(NonNull::new(start)?, len) };
        }
        // Another thread has taken what was free when the system was asked, perhaps a small part of a gap that still has room:
        // all threads prefer the place that is closest to the address.
        if !lost || taken.is_none() {
            break;
        }
    }
    None
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`; callers of code in it hold a reference to this chunk.
        unsafe { unix::unmap(self.start, self.len) }
    }
}
