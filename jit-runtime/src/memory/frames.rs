//! Registration of memory for code with the unwinder of the process.
//!
//! `__register_frame` takes something else in each of the two unwinders that have it: libgcc's takes the start of an
//! `.eh_frame` section, which ends with the length zero, and LLVM's libunwind takes one FDE. Here, both get the address
//! of an FDE after which there is the length zero. For libgcc, that is a section that has no CIE at its start, which it does not
//! need: it finds the CIE by the distance in the FDE. So nothing depends on which of them the process has, or on
//! whether it has both.

#[cfg(all(feature = "unwind", target_os = "linux"))]
mod imp {
    use std::ffi::c_int;
    use std::ptr::NonNull;

    use super::super::{ArenaOptions, MemoryError};
    use crate::cfi;

    // Rust's standard library links these functions' library for its own panics, as a shared object or into a static
    // program, where `dlsym` would find nothing.
    unsafe extern "C" {
        fn __register_frame(begin: *const u64);
        fn __deregister_frame(begin: *const u64);
    }

    /// `_URC_FATAL_PHASE1_ERROR` of `unwind.h`.
    const FATAL: c_int = 3;

    /// The personality of the code. Unwinders call it for exceptions, not for backtraces.
    ///
    /// The frame pointer, the stack pointer and the program counter are all that the rules restore, so that whoever
    /// catches an exception above the code would go on with wrong values in other registers.
    extern "C" fn refuse(
        _version: c_int,
        _actions: c_int,
        _class: u64,
        _exception: *mut u8,
        _context: *mut u8,
    ) -> c_int {
        FATAL
    }

    /// What the unwinder knows about a range of addresses, as long as this is alive.
    #[derive(Debug)]
    pub(in super::super) struct Frames {
        /// The section, aligned as its entries are. Only the unwinder reads it.
        section: Box<[u64]>,
        /// The index at which the FDE starts.
        fde: usize,
    }

    impl Frames {
        /// Registers `len` bytes at `start`, if that is asked for. It must be dropped before they are unmapped, as another
        /// thread may map and register the same addresses next.
        pub(in super::super) fn register(
            options: &ArenaOptions,
            start: NonNull<u8>,
            len: usize,
        ) -> Result<Option<Frames>, MemoryError> {
            let Some(unwind) = &options.unwind else {
                return Ok(None);
            };
            let personality = (refuse as *const ()).addr();
            let section = cfi::eh_frame(unwind, personality, start.addr().get(), len)
                .ok_or(MemoryError::UnwindRules)?;
            // Entries have a multiple of 8 bytes.
            let words = section.bytes.as_chunks().0;
            let frames = Frames {
                section: words.iter().copied().map(u64::from_ne_bytes).collect(),
                fde: section.fde / size_of::<u64>(),
            };
            // SAFETY: this is an FDE, its CIE is before it and the length zero after it: what one unwinder or the other
            // expects. All of that is on the heap until it is deregistered, and nobody writes to it.
            unsafe { __register_frame(frames.begin()) };
            Ok(Some(frames))
        }

        fn begin(&self) -> *const u64 {
            self.section.as_ptr().wrapping_add(self.fde)
        }
    }

    impl Drop for Frames {
        fn drop(&mut self) {
            // SAFETY: registered in `register`, and deregistered nowhere else.
            unsafe { __deregister_frame(self.begin()) };
        }
    }
}

#[cfg(not(all(feature = "unwind", target_os = "linux")))]
mod imp {
    use std::ptr::NonNull;

    use super::super::{ArenaOptions, MemoryError};

    /// Nothing: nothing can be registered.
    #[derive(Debug)]
    pub(in super::super) enum Frames {}

    impl Frames {
        pub(in super::super) fn register(
            _options: &ArenaOptions,
            _start: NonNull<u8>,
            _len: usize,
        ) -> Result<Option<Frames>, MemoryError> {
            Ok(None)
        }
    }
}

pub(super) use imp::Frames;
