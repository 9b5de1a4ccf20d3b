//! Memory for code: first writable, then executable, never both, by type.
//!
//! A [`Writable`] is filled by linking for its [`base`](Writable::base), [`publish`](Writable::publish) consumes it, and
//! the [`Executable`] that comes of it cannot be written any more. There are two places to get one from:
//!
//! - [`Writable::alloc`]: pages of its own, as CPython's `jit_alloc` has it: mmap, mprotect, munmap.
//! - [`Arena::alloc`]: a part of a chunk that many traces share, in steps of 16 bytes. Space is reused when an
//!   [`Executable`] is dropped, and a chunk with nothing in it goes back to the system, but for one.
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
//! # How an arena writes what others execute
//!
//! Other threads run code in the page that a new trace goes to, so its protection cannot be changed back and forth.
//! A trace is linked in a buffer on the heap, and put in its place by `publish`:
//!
//! | system | chunk | how a trace gets there |
//! | --- | --- | --- |
//! | Linux, Android | a memfd file, mapped readable and executable | pwrite: nothing is ever mapped writable |
//! | macOS, Apple silicon | `MAP_JIT` | `pthread_jit_write_protect_np`: for this thread, the pages are writable and not executable for the time of a memcpy |
//! | Windows | a section, mapped readable and executable | a second view of the 64 KiB blocks concerned, writable, for the time of a memcpy |
//! | others, or where this is refused | none: each trace has its own pages | [`Arena::fallback`] says why |
//!
//! macOS on x86_64 is one of the others: its `MAP_JIT` pages are writable and executable at once.
//!
//! Nanoseconds for a finished image of 30,000 bytes from memory to memory that runs, run once, and dropped, on a machine
//! with 2 AMD EPYC cores and Linux 6.18 (`cargo bench -p jit-runtime --bench memory`; the rows marked with a star come
//! from an experiment in C):
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
//! The last would be faster, but whoever can write to that view writes code. With another thread running code
//! all the time, the arena takes 4,300. 1,000 short traces, 620 bytes on average, take 1.02 times their bytes of
//! memory in an arena, and 6.6 times with pages of their own.
//!
//! # Forks
//!
//! Private pages of a child are its own. Chunks of Linux are shared by parent and child, so a fork (noticed through
//! `pthread_atfork`, so not a bare `clone`) makes both leave them as they are: code that was there before runs on in both,
//! space in these chunks is not reused by either, and new traces go to new chunks. What was allocated before and is
//! published after is an error in the child: [`Forked`](MemoryError::Forked). As with any lock, a child of a process that
//! had more threads can find the arena locked for ever; there, only run what was published before.
//!
//! # What was run where
//!
//! - Linux, x86_64: everything, on the machine itself.
//! - Linux, AArch64: `tests/memory.rs`, and of `tests/memory_linux.rs` what qemu-user 10 can show. Its memory of
//!   translated code plays the instruction cache: without `ic ivau`, four of the tests fail. Never on an AArch64 processor.
//! - Windows, x86_64: `tests/memory.rs` in Wine 8. Never on Windows.
//! - macOS on AArch64 and x86_64, Windows on i686: compiled against their standard libraries, never run.
//! - Windows on AArch64, Android and other Unix systems: not even compiled.

mod arena;
mod cache;
mod error;
mod fork;
mod pages;
mod space;
mod sys;

pub use arena::{Arena, ArenaOptions, ArenaStats};
pub use error::MemoryError;

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Zeroed bytes to link a trace into. Nobody can execute them; [`publish`](Writable::publish) makes them code.
#[derive(Debug)]
pub struct Writable(Kind);

#[derive(Debug)]
enum Kind {
    Pages(pages::Pages, Option<arena::Counted>),
    Arena(arena::Draft),
}

/// Lengths that a slice can have, rounded up to pages.
fn check(len: usize) -> Result<(), MemoryError> {
    match len {
        0 => Err(MemoryError::Empty),
        _ if len > isize::MAX as usize - sys::page_size() => Err(MemoryError::TooLarge { len }),
        _ => Ok(()),
    }
}

impl Writable {
    /// `len` bytes in pages of their own, as CPython's `jit_alloc` takes them.
    ///
    /// # Errors
    ///
    /// [`Empty`](MemoryError::Empty), [`TooLarge`](MemoryError::TooLarge), or what the system says.
    pub fn alloc(len: usize) -> Result<Writable, MemoryError> {
        check(len)?;
        Ok(Writable(Kind::Pages(pages::Pages::alloc(len)?, None)))
    }

    /// The address that the first byte will have when it runs: the base to link for. It need not be where the bytes
    /// are now.
    #[must_use]
    pub fn base(&self) -> u64 {
        match &self.0 {
            Kind::Pages(pages, _) => pages.start().addr().get() as u64,
            Kind::Arena(draft) => draft.slot.start().addr().get() as u64,
        }
    }

    /// Makes the whole block, code and data, readable and executable, after flushing the instruction cache.
    ///
    /// # Errors
    ///
    /// What the system says, or [`Forked`](MemoryError::Forked). The block is freed then.
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

/// Code that can run. Nobody can write it any more; dropping it frees it.
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

    /// The address of the first byte.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.start().addr() as u64
    }

    /// Bytes of code and data, as many as were asked for.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        match &self.0 {
            Owner::Pages { code, .. } => code.len(),
            Owner::Slot(slot) => slot.len(),
        }
    }

    /// Whether `address` is one of these bytes', as CPython's `_PyJIT_AddressInJitCode` asks.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.base())
            .is_some_and(|offset| offset < self.len() as u64)
    }

    /// The bytes, to look at.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped and readable as long as `self` is, and written by nobody: the pages are not writable, and an
        // arena only writes to space that no `Executable` has.
        unsafe { std::slice::from_raw_parts(self.start(), self.len()) }
    }

    /// The code at `offset` bytes as a function. `F` is a function pointer; anything of another size than a pointer
    /// does not compile.
    ///
    /// # Errors
    ///
    /// [`Entry`](MemoryError::Entry) if `offset` is not inside.
    ///
    /// # Safety
    ///
    /// `F` is a type of function pointers, with the arguments, result and calling convention of the code at `offset`,
    /// and that code is sound to run: made for this processor, linked for [`base`](Executable::base), with symbols that
    /// are what it takes them for. Nobody calls the function, or is still inside it, once this value is dropped.
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
