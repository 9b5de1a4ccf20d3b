//! How arenas take memory from the system.

/// How an [`Arena`](super::Arena) takes memory from the system.
///
/// ```
/// use jit_runtime::memory::ArenaOptions;
///
/// let options = ArenaOptions::default().chunk(64 << 10).limit(16 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaOptions {
    /// The least size of a chunk in bytes; it is rounded up to pages. A longer trace, and growth, make larger chunks.
    pub chunk: usize,
    /// The address space in bytes that all chunks together may take. Memory is only used for code that is put there.
    pub limit: usize,
    /// An address that code should be near, or none: see [`near`](ArenaOptions::near).
    pub near: Option<u64>,
    /// Whether indirect branches may arrive at landing pads only: see [`landing_pads`](ArenaOptions::landing_pads).
    pub landing_pads: bool,
    /// Whether debuggers can write to the pages: see [`private_pages`](ArenaOptions::private_pages).
    pub private_pages: bool,
    /// How to unwind from the code, or none: see [`unwind`](ArenaOptions::unwind).
    #[cfg(all(feature = "unwind", target_os = "linux"))]
    pub unwind: Option<jit_stencils::UnwindInfo>,
}

impl ArenaOptions {
    /// Sets the least size of a chunk, in bytes.
    #[must_use]
    pub fn chunk(mut self, bytes: usize) -> ArenaOptions {
        self.chunk = bytes;
        self
    }

    /// Sets the address space that all chunks together may take, in bytes.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> ArenaOptions {
        self.limit = bytes;
        self
    }

    /// Asks for chunks that are near an address of this process, for example the address of a function that stencils call.
    ///
    /// Where an external symbol is in reach, the linker makes calls of it direct, which go through a trampoline or a
    /// slot of the GOT otherwise, and computes its address where it would load it.
    /// [`Linker::references`](crate::Linker::references) counts both.
    ///
    /// ```
    /// use jit_runtime::memory::{Arena, ArenaOptions};
    ///
    /// extern "C" fn host_function() {}
    ///
    /// # fn main() -> Result<(), jit_runtime::memory::MemoryError> {
    /// let address = host_function as *const () as usize as u64;
    /// let arena = Arena::new(ArenaOptions::default().near(address))?;
    /// let stats = arena.stats();
    /// println!("{} of {} chunks are near", stats.near, stats.chunks);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Reach
    ///
    /// | architecture | how far a call reaches | how far an address can be computed |
    /// | --- | --- | --- |
    /// | x86_64 | 2 GiB | 2 GiB |
    /// | AArch64 | 128 MiB | 4 GiB |
    /// | 32-bit x86 | everywhere | everywhere |
    ///
    /// A chunk is near if a call reaches the address from all of it. The arena takes the closest place where the system
    /// has room, so other functions near the address are probably in reach, too. Give the address of a function in the
    /// program or library whose functions are called most: on most systems, libraries are far from the program, and a
    /// chunk cannot be near both.
    ///
    /// # Where there is no room
    ///
    /// A chunk goes to any place then. Its code does the same and is only slower, so that this is no error;
    /// [`ArenaStats::near`](super::ArenaStats::near) counts the chunks that are near. Each new chunk is tried again. A
    /// chunk that is larger than what is in reach cannot be near. Above the heap (`brk`) and below the main thread's
    /// stack, half of the reach stays free for them to grow.
    ///
    /// Pages of a trace's own, which traces get where the system has or allows no chunks
    /// ([`Arena::fallback`](super::Arena::fallback)), are anywhere.
    ///
    /// # Other processes
    ///
    /// With address space layout randomization, the address differs from one run of a program to the next: take it from
    /// a function or variable each time. A forked child has the same addresses as its parent, and its new chunks are
    /// near the same one. Chunks that it has inherited take their room until their last trace is dropped.
    #[must_use]
    pub fn near(mut self, address: u64) -> ArenaOptions {
        self.near = Some(address);
        self
    }

    /// Asks for memory in which indirect branches may arrive at landing pads only. The processor checks that: on AArch64
    /// Linux, the code is mapped with `PROT_BTI`.
    ///
    /// Where the system or the processor has no such memory, nothing changes; [`Arena::checks_landing_pads`] says what is the
    /// case. On x86, it is the process that has the check, not the memory.
    ///
    /// The stencils must be made for it (`jit-cli build --hardening bti`), and each trace begin with a landing pad, of its
    /// first stencil or [of the linker](crate::Linker::landing_pads). A branch to another place is a `SIGILL`.
    ///
    /// [`Arena::checks_landing_pads`]: super::Arena::checks_landing_pads
    #[must_use]
    pub fn landing_pads(mut self, landing_pads: bool) -> ArenaOptions {
        self.landing_pads = landing_pads;
        self
    }

    /// Asks for pages that belong to this process alone, so that a debugger can write breakpoints into them.
    ///
    /// On Linux, a chunk is a file that is mapped as shared otherwise. Debuggers write with `ptrace` or
    /// `/proc/PID/mem`, and Linux lets nobody write to shared pages that are not mapped writable; GDB reports that the memory
    /// cannot be accessed, or keeps the breakpoint pending. perf uses its map of symbols
    /// (`debug::perf::PerfMap`) for pages that are no file's only.
    ///
    /// With this switch, chunks are anonymous private pages. They are never mapped writable either: traces are
    /// written through `/proc/thread-self/mem`, which takes longer than a file does. Where the system refuses that,
    /// traces get pages of their own, which are private as well. On other systems, nothing changes: no chunk of
    /// theirs is a file.
    #[must_use]
    pub fn private_pages(mut self, private_pages: bool) -> ArenaOptions {
        self.private_pages = private_pages;
        self
    }

    /// Registers all of the arena's memory with the unwinder of the process, so that backtraces which the process makes
    /// of itself lead through the code to the caller of the shim: `_Unwind_Backtrace`, and with it Rust's backtraces and
    /// glibc's `backtrace`. `rules` are those of the stencils, [`Stencils::unwind`](crate::Stencils::unwind).
    ///
    /// A chunk is registered once, before there is code in it, until it is unmapped. The same rules hold for each
    /// instruction of each trace, as a trace runs in the shim's frame, so that nothing has to be done for a trace.
    /// All code in the arena must follow them: stencils with other rules need another arena. The shim follows them while it calls
    /// traces, and can be in the arena, too.
    ///
    /// ```
    /// # use jit_runtime::{Stencils, memory::{Arena, ArenaOptions, MemoryError}};
    /// # fn arena(stencils: &Stencils) -> Result<Arena, MemoryError> {
    /// let mut options = ArenaOptions::default();
    /// if let Some(rules) = stencils.unwind() {
    ///     options = options.unwind(rules);
    /// }
    /// Arena::new(options)
    /// # }
    /// ```
    ///
    /// # Unwinders
    ///
    /// Code is registered with the `__register_frame` that the program is linked with: that of libgcc or of LLVM's libunwind,
    /// in the place where Rust's standard library has its unwinder from. The former expects a section, and the latter one entry of it
    /// (and prints `bad fde: FDE has zero length` for a section). They get an entry that is also a section.
    /// The libunwind of nongnu.org (`libunwind.so.8`) has no `__register_frame`, and does not know the code.
    ///
    /// # No exceptions
    ///
    /// Neither a panic nor a C++ exception can get through the code: the rules do not restore all of the caller's
    /// registers. Unwinders are told so, and stop: a panic ends the process, and so does `pthread_exit` or the cancellation of a
    /// thread whose stack has such code. Catch panics in the functions that the code calls.
    #[cfg(all(feature = "unwind", target_os = "linux"))]
    #[must_use]
    pub fn unwind(mut self, rules: &jit_stencils::UnwindInfo) -> ArenaOptions {
        self.unwind = Some(*rules);
        self
    }

    /// Returns the address that code should be near, if there can be such an address in this process.
    pub(super) fn near_address(&self) -> Option<usize> {
        usize::try_from(self.near?).ok()
    }
}

impl Default for ArenaOptions {
    /// Returns chunks of 256 KiB, at any place, and no limit.
    fn default() -> Self {
        ArenaOptions {
            chunk: 256 << 10,
            limit: usize::MAX,
            near: None,
            landing_pads: false,
            private_pages: false,
            #[cfg(all(feature = "unwind", target_os = "linux"))]
            unwind: None,
        }
    }
}
