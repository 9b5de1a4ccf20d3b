//! Memory for code: first writable, then executable, and never both. The types ensure that.
//!
//! A trace is linked into a [`Writable`], for the address [`base`](Writable::base).
//! [`publish`](Writable::publish) consumes it and returns an [`Executable`], which cannot be written any more. There are
//! two ways to get a [`Writable`]:
//!
//! - [`Writable::alloc`]: pages of its own, as with CPython's `jit_alloc` (mmap, mprotect, munmap).
//! - [`Arena::alloc`]: a part of a chunk that many traces share, in units of 16 bytes. Space is reused after an
//!   [`Executable`] is dropped, and all empty chunks but one are returned to the system.
//!
//! ```
//! use jit_runtime::memory::{Arena, ArenaOptions, MemoryError};
//!
//! # fn main() -> Result<(), MemoryError> {
//! let arena = Arena::new(ArenaOptions::default())?;
//! let mut block = arena.alloc(6)?;
//! block.copy_from_slice(&[0xb8, 42, 0, 0, 0, 0xc3]); // mov eax, 42; ret
//! let code = block.publish()?;
//! assert_eq!(code.len(), 6);
//! # #[cfg(any(target_arch = "x86", target_arch = "x86_64"))] {
//! // SAFETY: these bytes are that function on x86, and `code` is alive.
//! let function = unsafe { code.entry::<extern "C" fn() -> i32>(0)? };
//! assert_eq!(function(), 42);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # How an arena writes what other threads execute
//!
//! Other threads may run code in the page that a new trace goes to, so that its protection cannot be changed. A trace is
//! linked in a buffer on the heap, and `publish` copies it to its place:
//!
//! | system | chunk | how a trace gets there |
//! | --- | --- | --- |
//! | Linux, Android | a memfd file, mapped readable and executable | pwrite: nothing is ever mapped writable |
//! | the same, with [`ArenaOptions::private_pages`] | private pages, mapped readable and executable | pwrite to `/proc/thread-self/mem` |
//! | macOS, Apple silicon | `MAP_JIT` | `pthread_jit_write_protect_np`: during a memcpy, the pages are writable and not executable for this thread |
//! | Windows | a section, mapped readable and executable | a second, writable view of the 64 KiB blocks concerned, during a memcpy |
//! | others, or where this is refused | none: each trace has its own pages | [`Arena::fallback`] returns the reason |
//!
//! On Linux, a system may refuse any of the calls at any time, as seccomp filters and limits do. Traces then get pages of
//! their own, or an error: see `tests/memory_linux`. A limit on the size of files (`ulimit -f`) causes no SIGXFSZ.
//!
//! macOS on x86_64 is one of the others: its `MAP_JIT` pages are writable and executable at once.
//!
//! Nanoseconds to copy a finished image to executable memory, run it once and drop it, on a machine with 2 AMD EPYC cores
//! and Linux 6.18 (`cargo bench -p jit-runtime --bench memory`; rows with a star come from an experiment in C):
//!
//! | way | 30,000 bytes | 600 bytes |
//! | --- | --- | --- |
//! | mmap, memcpy, mprotect, munmap: `Writable::alloc` | 26,700 | 8,300 |
//! | the same with `MAP_POPULATE`* | 23,500 | |
//! | a writable view of the pages concerned, for each trace* | 10,900 | |
//! | pwrite to `/proc/self/mem`, with private pages* | 9,300 | |
//! | pwrite to a memfd: `Arena` | 4,100 | 1,050 |
//! | a second view that is always writable* | 700 | |
//!
//! These figures are older than the two calls that block SIGXFSZ during a pwrite. They add about 250 ns: in one run, 600
//! bytes took 790 ns without them and 1,050 ns with them, and 6,000 ns in pages of their own.
//!
//! The last way is faster, but anybody who can write to that view can write code. While another thread runs code all the
//! time, the arena takes 4,300 ns. 1,000 short traces of 620 bytes on average take 1.02 times their size in an arena, and
//! 6.6 times their size with pages of their own.
//!
//! # Near the program
//!
//! Chunks go where the system chooses to, which is far from a program's code on most systems.
//! [`ArenaOptions::near`] asks for another place. Only the mapping that is executed has to be there.
//!
//! | system | how an arena finds room |
//! | --- | --- |
//! | Linux, Android | it reads `/proc/self/maps`, and maps with `MAP_FIXED_NOREPLACE`; without `/proc`, it tries 14 places |
//! | macOS, Apple silicon | it tries 14 places as hints |
//! | Windows | `VirtualQuery`, and `MapViewOfFileEx` |
//!
//! Nothing is ever mapped over something else: another thread that takes a place first keeps it, and the next place is
//! tried.
//!
//! # Landing pads
//!
//! [`ArenaOptions::landing_pads`] asks for memory in which indirect branches may arrive at landing pads only, which AArch64 Linux has
//! (`PROT_BTI`). Blocks of [`Writable::alloc`] are not like that.
//!
//! # Forks
//!
//! After a fork, a child has its own copies of private pages, but the chunks of Linux are shared by parent and child.
//! A fork (noticed through `pthread_atfork`, which a bare `clone` does not call) makes both leave them as they are: code
//! that was there before keeps running in both, neither reuses space in these chunks, and new traces go to new chunks.
//! What was allocated before the fork cannot be published in the child afterwards: [`Forked`](MemoryError::Forked). As
//! with any lock, the child of a process with several threads can find the arena locked forever; in such a child, only
//! run what was published before.
//!
//! # Tested platforms
//!
//! - Linux, x86_64: everything, on a machine.
//! - Linux, AArch64: `tests/memory.rs`, and the parts of `tests/memory_linux` that qemu-user 10 can run. Its cache of
//!   translated code acts as the instruction cache: without `ic ivau`, four of the tests fail. Not run on a processor.
//!   QEMU 7 has no such instruction, so that the same four fail; the tests about places near an address pass there.
//! - Windows, x86_64: `tests/memory.rs` in Wine 8. Not run on Windows.
//! - macOS on AArch64 and x86_64, Windows on i686: compiled, not run.
//! - Windows on AArch64, Android and other Unix systems: not compiled.

mod arena;
mod cache;
mod error;
mod exit;
mod fork;
mod frames;
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        windows,
        target_os = "macos"
    )),
    allow(dead_code, reason = "other systems have no chunks")
)]
mod near;
mod options;
mod pages;
mod space;
mod sys;

pub use arena::{Arena, ArenaStats};
pub use error::MemoryError;
pub use exit::Exit;
pub use options::ArenaOptions;

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Zeroed bytes to link a trace into. They cannot be executed until [`publish`](Writable::publish) makes them code.
#[derive(Debug)]
pub struct Writable(Kind);

#[derive(Debug)]
enum Kind {
    Pages(pages::Pages, Option<arena::Counted>),
    Arena(arena::Draft),
}

/// Checks that a length is one that a slice can have, rounded up to pages.
fn check(len: usize) -> Result<(), MemoryError> {
    match len {
        0 => Err(MemoryError::Empty),
        _ if len > isize::MAX as usize - sys::page_size() => Err(MemoryError::TooLarge { len }),
        _ => Ok(()),
    }
}

impl Writable {
    /// Allocates `len` bytes in pages of their own, as CPython's `jit_alloc` does.
    ///
    /// # Errors
    ///
    /// [`Empty`](MemoryError::Empty), [`TooLarge`](MemoryError::TooLarge), or the system's error.
    pub fn alloc(len: usize) -> Result<Writable, MemoryError> {
        check(len)?;
        Ok(Writable(Kind::Pages(
            pages::Pages::alloc(len, &ArenaOptions::default())?,
            None,
        )))
    }

    /// Returns the address that the first byte will have as code: the base to link for. The bytes need not be there now.
    #[must_use]
    pub fn base(&self) -> u64 {
        match &self.0 {
            Kind::Pages(pages, _) => pages.start().addr().get() as u64,
            Kind::Arena(draft) => draft.slot.start().addr().get() as u64,
        }
    }

    /// Returns whether it is a part of a chunk, and has no pages of its own.
    pub(crate) fn is_in_chunk(&self) -> bool {
        matches!(self.0, Kind::Arena(_))
    }

    /// Makes the whole block, code and data, readable and executable, and flushes the instruction cache.
    ///
    /// # Errors
    ///
    /// The system's error, or [`Forked`](MemoryError::Forked). The block has been freed then. If a block of an
    /// arena could not be written, but for a lack of memory, the arena's next traces get pages of their own.
    pub fn publish(self) -> Result<Executable, MemoryError> {
        Ok(Executable(match self.0 {
            Kind::Pages(pages, counted) => Owner::Pages {
                code: pages.publish()?,
                _counted: counted,
            },
            Kind::Arena(draft) => Owner::Slot(draft.publish()?),
        }))
    }
}

impl Deref for Writable {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kind::Pages(pages, _) => pages.bytes(),
            Kind::Arena(draft) => &draft.buffer,
        }
    }
}

impl DerefMut for Writable {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kind::Pages(pages, _) => pages.bytes_mut(),
            Kind::Arena(draft) => &mut draft.buffer,
        }
    }
}

/// Code that can run. It cannot be written any more; dropping it frees it.
pub struct Executable(Owner);

enum Owner {
    Pages {
        code: pages::Code,
        _counted: Option<arena::Counted>,
    },
    Slot(arena::Slot),
}

impl Executable {
    fn start(&self) -> *const u8 {
        match &self.0 {
            Owner::Pages { code, .. } => code.start().as_ptr(),
            Owner::Slot(slot) => slot.start().as_ptr(),
        }
    }

    /// Returns the address of the first byte.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.start().addr() as u64
    }

    /// Returns the size of code and data in bytes: the size that was asked for.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        match &self.0 {
            Owner::Pages { code, .. } => code.len(),
            Owner::Slot(slot) => slot.len(),
        }
    }

    /// Returns whether `address` is that of one of these bytes (CPython's `_PyJIT_AddressInJitCode`).
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.base())
            .is_some_and(|offset| offset < self.len() as u64)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped and readable as long as `self` exists, and not written: the pages are not writable, and an
        // arena only writes to space that no `Executable` has.
        unsafe { std::slice::from_raw_parts(self.start(), self.len()) }
    }

    /// Returns the code at `offset` bytes as a function. `F` is a function pointer; a type of another size does not
    /// compile.
    ///
    /// # Errors
    ///
    /// [`Entry`](MemoryError::Entry) if `offset` is outside of the code.
    ///
    /// # Safety
    ///
    /// `F` must be a type of function pointers with the arguments, result and calling convention of the code at
    /// `offset`, and that code must be sound to run: made for this processor, linked for [`base`](Executable::base), and
    /// with symbols whose addresses are those of the right functions and objects. The function must not be called, and no
    /// call must still run, after this value is dropped.
    pub unsafe fn entry<F: Copy>(&self, offset: usize) -> Result<F, MemoryError> {
        const {
            assert!(
                size_of::<F>() == size_of::<*const u8>(),
                "F must be a function pointer"
            )
        };
        if offset >= self.len() {
            return Err(MemoryError::Entry {
                offset,
                len: self.len(),
            });
        }
        let address = self.start().wrapping_add(offset);
        // SAFETY: the sizes are equal, and the caller promises that this is a function of that type.
        Ok(unsafe { std::mem::transmute_copy::<*const u8, F>(&address) })
    }
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.0 {
            Owner::Pages { .. } => "own pages",
            Owner::Slot(_) => "arena",
        };
        write!(
            f,
            "Executable({:#x}, {} bytes, {how})",
            self.base(),
            self.len()
        )
    }
}
