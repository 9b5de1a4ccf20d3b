//! Whole pages for one trace, with a type for writable and one for executable ones.

use super::frames::Frames;
use super::{ArenaOptions, MemoryError, cache, sys};
use std::ptr::NonNull;

/// A mapping that this value owns, of `len` bytes rounded up to pages.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    len: usize,
    /// Whether indirect branches may arrive at landing pads only.
    landing_pads: bool,
    frames: Option<Frames>,
}

// SAFETY: a mapping belongs to the process, not to a thread, and the owner of this value unmaps it.
unsafe impl Send for Mapping {}
// SAFETY: shared references only read the fields, or the memory, which only `&mut Pages` writes.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // The unwinder has to forget the memory before it is unmapped.
        self.frames = None;
        // SAFETY: `start` and `len` are what `sys::map` gave, and nothing refers to the memory any more: slices of it
        // borrow from the owner of this value, and callers of code promise not to outlive it (`Executable::entry`).
        unsafe { sys::unmap(self.start, self.len) }
    }
}

/// Pages that can be written and not executed.
#[derive(Debug)]
pub(super) struct Pages(Mapping);

impl Pages {
    pub(super) fn alloc(len: usize, options: &ArenaOptions) -> Result<Pages, MemoryError> {
        if !cache::SUPPORTED {
            return Err(MemoryError::Unsupported);
        }
        let mut mapping = Mapping {
            start: sys::map(len)?,
            len,
            landing_pads: options.landing_pads,
            frames: None,
        };
        mapping.frames = Frames::register(options, mapping.start, len)?;
        Ok(Pages(mapping))
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.0.start
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: mapped, readable, initialised (fresh pages are zero), and only written through `bytes_mut`.
        unsafe { std::slice::from_raw_parts(self.0.start.as_ptr(), self.0.len) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; mapped writable as long as this is a `Pages`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.start.as_ptr(), self.0.len) }
    }

    /// Flushes the instruction cache, then turns the pages executable and not writable. Frees them if that fails.
    pub(super) fn publish(self) -> Result<Code, MemoryError> {
        // SAFETY: the mapping is this value's, and readable.
        unsafe { cache::flush(self.0.start.as_ptr(), self.0.len) };
        // SAFETY: these are what `sys::map` returned; `self` is consumed, so that there are no writes after this.
        unsafe { sys::make_executable(self.0.start, self.0.len, self.0.landing_pads)? };
        Ok(Code(self.0))
    }
}

/// Pages that can be executed and read, and never written again.
#[derive(Debug)]
pub(super) struct Code(Mapping);

impl Code {
    pub(super) fn start(&self) -> NonNull<u8> {
        self.0.start
    }

    pub(super) fn len(&self) -> usize {
        self.0.len
    }
}
