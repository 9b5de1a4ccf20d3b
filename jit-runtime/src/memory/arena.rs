//! Arenas: memory with many traces in shared pages.

use super::frames::Frames;
use super::options::ArenaOptions;
use super::pages::Pages;
use super::space::{self, Space};
use super::sys::{self, Chunk};
use super::{Kind, MemoryError, Writable, cache, fork, near};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The largest chunk in bytes that is made because the arena grows. New chunks have up to half of the size of all that
/// are there, so that much code needs few of them.
const MAX_GROWN: usize = 16 << 20;
/// How many buffers are kept for the next traces.
const MAX_BUFFERS: usize = 4;
/// The largest buffer that is kept, in bytes: no image is larger.
const MAX_BUFFER: usize = 1 << 20;

/// The contents of an [`Arena`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// The number of blocks that are alive, published or not.
    pub traces: usize,
    /// The size of these blocks in bytes, each rounded up to 16.
    pub used: usize,
    /// The size of all pages that have ever held code in the current chunks, in bytes: the memory that the system has to
    /// provide.
    pub touched: usize,
    /// The address space that is taken, in bytes.
    pub reserved: usize,
    /// The number of chunks, with an empty one that is kept for later. Pages of a single trace are not chunks.
    pub chunks: usize,
    /// How many of these chunks are in reach of the address of [`ArenaOptions::near`] as a whole; 0 without one.
    pub near: usize,
}

/// Executable memory that many traces share, as the [module's documentation](super) describes. Clones are the same arena.
#[derive(Debug, Clone)]
pub struct Arena(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: ArenaOptions,
    fallback: OnceLock<MemoryError>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    chunks: Vec<Entry>,
    generation: u64,
    /// Whether the system has refused to write a trace to a chunk, so that none gets any more.
    unwritable: bool,
    buffers: Vec<Vec<u8>>,
    traces: usize,
    used: usize,
    /// The size of the pages of traces that have their own, in bytes.
    own: usize,
}

/// A chunk, and what the unwinder knows about it. Fields are dropped in order: the unwinder has to forget the chunk before it
/// is unmapped.
#[derive(Debug)]
struct Known {
    _frames: Option<Frames>,
    chunk: Chunk,
}

impl Deref for Known {
    type Target = Chunk;

    fn deref(&self) -> &Chunk {
        &self.chunk
    }
}

#[derive(Debug)]
struct Entry {
    chunk: Arc<Known>,
    space: Space,
    /// The chunk's [`fork::generation`]: only chunks of the current one are used for new traces.
    generation: u64,
}

impl Arena {
    /// Returns an arena with its first chunk, which only takes address space.
    ///
    /// If the system refuses that, traces get pages of their own: see [`fallback`](Arena::fallback). If it fails for another
    /// reason than a lack of memory, such as no file descriptor left, that is tried again for each trace, which gets its own pages if
    /// it still fails.
    ///
    /// # Errors
    ///
    /// Those of [`alloc`](Arena::alloc).
    pub fn new(options: ArenaOptions) -> Result<Arena, MemoryError> {
        if !cache::SUPPORTED {
            return Err(MemoryError::Unsupported);
        }
        let arena = Arena(Arc::new(Shared {
            options,
            fallback: OnceLock::new(),
            state: Mutex::default(),
        }));
        let mut state = arena.0.lock();
        if let Some(generation) = fork::generation() {
            state.generation = generation;
            arena.0.add_chunk(&mut state, space::GRANULE, generation)?;
        }
        drop(state);
        Ok(arena)
    }

    /// Allocates `len` zeroed bytes to link a trace into, for the address [`Writable::base`], which is a multiple of 16.
    ///
    /// # Errors
    ///
    /// [`Empty`](MemoryError::Empty), [`TooLarge`](MemoryError::TooLarge), [`Limit`](MemoryError::Limit), or the system's
    /// error if a new chunk is needed.
    pub fn alloc(&self, len: usize) -> Result<Writable, MemoryError> {
        self.alloc_aligned(len, space::GRANULE)
    }

    /// Does what [`alloc`](Arena::alloc) does, for an address that is a multiple of `alignment` bytes as well. A trace's is
    /// [`Layout::alignment`](crate::Layout::alignment).
    ///
    /// # Errors
    ///
    /// Those of [`alloc`](Arena::alloc), and [`Alignment`](MemoryError::Alignment) if `alignment` is not a power of two of
    /// at most a page.
    pub fn alloc_aligned(&self, len: usize, alignment: usize) -> Result<Writable, MemoryError> {
        let shared = &self.0;
        super::check(len)?;
        // Chunks start with a page.
        if !alignment.is_power_of_two() || alignment > sys::page_size() {
            return Err(MemoryError::Alignment {
                alignment,
                page: sys::page_size(),
            });
        }
        let size = space::round(len).ok_or(MemoryError::TooLarge { len })?;
        let mut state = shared.lock();
        // While another thread is inside fork, or if chunks are refused, a trace gets its own pages.
        let found = match fork::generation() {
            Some(generation) => {
                state.enter(generation);
                match state.take(size, alignment) {
                    None if shared.fallback.get().is_none() => {
                        shared.add_chunk(&mut state, size, generation)?;
                        state.take(size, alignment)
                    }
                    found => found,
                }
            }
            None => None,
        };
        let Some((chunk, offset)) = found else {
            return shared.own_pages(&mut state, len, size);
        };
        state.traces += 1;
        state.used += size;
        let generation = state.generation;
        let mut buffer = state.buffers.pop().unwrap_or_default();
        drop(state);
        let slot = Slot {
            shared: shared.clone(),
            chunk,
            offset,
            len,
            size,
        };
        buffer.clear();
        buffer.try_reserve_exact(len).map_err(|_| {
            MemoryError::system("the allocator", len, std::io::ErrorKind::OutOfMemory.into())
        })?;
        buffer.resize(len, 0);
        Ok(Writable(Kind::Arena(Draft {
            slot,
            buffer,
            generation,
        })))
    }

    /// Returns why traces get pages of their own, as from [`Writable::alloc`], or `None` if they share chunks.
    #[must_use]
    pub fn fallback(&self) -> Option<&MemoryError> {
        self.0.fallback.get()
    }

    /// Returns whether processors let indirect branches arrive at landing pads only in this memory:
    /// [`ArenaOptions::landing_pads`] has asked for it, and the system has it.
    #[must_use]
    pub fn checks_landing_pads(&self) -> bool {
        self.0.options.landing_pads && sys::can_check_landing_pads()
    }

    /// Returns the arena's contents.
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let state = self.0.lock();
        let page = sys::page_size();
        let is_near = |chunk: &Chunk| {
            let address = self.0.options.near_address();
            address.is_some_and(|address| {
                near::is_near(address, chunk.start().addr().get(), chunk.len())
            })
        };
        ArenaStats {
            traces: state.traces,
            used: state.used,
            touched: state.own
                + state
                    .chunks
                    .iter()
                    .map(|entry| entry.space.high().next_multiple_of(page))
                    .sum::<usize>(),
            reserved: state.reserved(),
            chunks: state.chunks.len(),
            near: state
                .chunks
                .iter()
                .filter(|entry| is_near(&entry.chunk))
                .count(),
        }
    }
}

impl State {
    fn reserved(&self) -> usize {
        self.own
            + self
                .chunks
                .iter()
                .map(|entry| entry.chunk.len())
                .sum::<usize>()
    }

    /// Enters a generation. After a fork, empty chunks are not needed any more, and others are left to their traces.
    fn enter(&mut self, generation: u64) {
        if generation != self.generation {
            self.generation = generation;
            self.chunks.retain(|entry| !entry.space.is_empty());
        }
    }

    fn take(&mut self, size: usize, alignment: usize) -> Option<(Arc<Known>, usize)> {
        let (generation, unwritable) = (self.generation, self.unwritable);
        self.chunks
            .iter_mut()
            .filter(|entry| entry.generation == generation && !unwritable)
            .find_map(|entry| Some((entry.chunk.clone(), entry.space.take(size, alignment)?)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can panic and leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk with room for `size` bytes. If the system refuses it, that is noted and is no error. If it fails for
    /// another reason than a lack of memory, a trace gets its own pages, and the next one is tried again.
    fn add_chunk(
        &self,
        state: &mut State,
        size: usize,
        generation: u64,
    ) -> Result<(), MemoryError> {
        let ArenaOptions { chunk, limit, .. } = self.options;
        let page = sys::page_size();
        let too_large = || MemoryError::TooLarge { len: size };
        let reserved = state.reserved();
        let least = size.checked_next_multiple_of(page).ok_or_else(too_large)?;
        let wanted = chunk.max((reserved / 2).min(MAX_GROWN)).max(size);
        let room = limit.saturating_sub(reserved);
        let len = wanted
            .checked_next_multiple_of(page)
            .ok_or_else(too_large)?
            .min(room - room % page);
        if len < least {
            return Err(MemoryError::Limit {
                len: size,
                reserved,
                limit,
            });
        }
        match Chunk::new(len, &self.options) {
            Ok(chunk) => {
                let space = Space::new(chunk.len());
                let frames = Frames::register(&self.options, chunk.start(), chunk.len())?;
                state.chunks.push(Entry {
                    chunk: Arc::new(Known {
                        _frames: frames,
                        chunk,
                    }),
                    space,
                    generation,
                });
            }
            Err(error @ MemoryError::NoMemory { .. }) => return Err(error),
            Err(error) if error.is_refusal() => {
                // Only the first reason is kept, as the others are the same.
                let _ = self.fallback.set(error);
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Notes that a trace could not be written to its chunk. Except for a lack of memory, no trace will be.
    fn note_unwritten(&self, error: &MemoryError) {
        if error.is_of_chunks() {
            self.lock().unwritable = true;
            if let Some(error) = error.again() {
                let _ = self.fallback.set(error);
            }
        }
    }

    fn own_pages(
        self: &Arc<Self>,
        state: &mut State,
        len: usize,
        size: usize,
    ) -> Result<Writable, MemoryError> {
        let (reserved, limit) = (state.reserved(), self.options.limit);
        let own = size
            .checked_next_multiple_of(sys::page_size())
            .ok_or(MemoryError::TooLarge { len })?;
        if own > limit.saturating_sub(reserved) {
            return Err(MemoryError::Limit {
                len,
                reserved,
                limit,
            });
        }
        let pages = Pages::alloc(len, &self.options)?;
        state.traces += 1;
        state.used += size;
        state.own += own;
        Ok(Writable(Kind::Pages(
            pages,
            Some(Counted {
                shared: self.clone(),
                size,
                own,
            }),
        )))
    }

    fn release(&self, chunk: &Arc<Known>, offset: usize, size: usize) {
        let mut state = self.lock();
        state.traces -= 1;
        state.used -= size;
        let Some(at) = state
            .chunks
            .iter()
            .position(|entry| Arc::ptr_eq(&entry.chunk, chunk))
        else {
            debug_assert!(false, "a chunk is not in its arena");
            return;
        };
        let current = state.generation;
        let Some(entry) = state.chunks.get_mut(at) else {
            debug_assert!(false, "a chunk is not in its arena");
            return;
        };
        let given = entry.space.give(offset, size);
        debug_assert!(given, "{offset} + {size} was not taken");
        if !entry.space.is_empty() {
            return;
        }
        // One empty chunk is kept, so that a single trace that comes and goes is cheap, but none from before a fork.
        let old = entry.generation != current;
        let surplus = old
            || state
                .chunks
                .iter()
                .filter(|entry| entry.space.is_empty())
                .count()
                > 1;
        // Unmapped without the lock, when the caller drops its reference.
        let _chunk = surplus.then(|| state.chunks.remove(at));
    }

    fn recycle(&self, buffer: Vec<u8>) {
        let mut state = self.lock();
        if buffer.capacity() <= MAX_BUFFER && state.buffers.len() < MAX_BUFFERS {
            state.buffers.push(buffer);
        }
    }
}

/// A part of a chunk that belongs to its owner only.
#[derive(Debug)]
pub(super) struct Slot {
    shared: Arc<Shared>,
    chunk: Arc<Known>,
    offset: usize,
    len: usize,
    /// The length, rounded up to what was taken.
    size: usize,
}

impl Slot {
    pub(super) fn start(&self) -> NonNull<u8> {
        // SAFETY: `Space` gives offsets inside the chunk, which is one mapping.
        unsafe { self.chunk.start().add(self.offset) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.release(&self.chunk, self.offset, self.size);
    }
}

/// A slot, and the bytes that will be put there.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) slot: Slot,
    pub(super) buffer: Vec<u8>,
    generation: u64,
}

impl Draft {
    pub(super) fn publish(self) -> Result<Slot, MemoryError> {
        let Draft {
            slot,
            buffer,
            generation,
        } = self;
        let forked = fork::generation() != Some(generation);
        // SAFETY: `buffer` has the slot's length, `Space` gave the slot to no other owner, and there is no `Executable`
        // of it yet.
        let written = unsafe { slot.chunk.write(slot.offset, &buffer, forked) };
        written.inspect_err(|error| slot.shared.note_unwritten(error))?;
        // SAFETY: the slot is inside a mapped chunk, which it keeps alive.
        unsafe { cache::flush(slot.start().as_ptr(), slot.len) };
        slot.shared.recycle(buffer);
        Ok(slot)
    }
}

/// Pages of a trace's own that an arena counts.
#[derive(Debug)]
pub(super) struct Counted {
    shared: Arc<Shared>,
    size: usize,
    own: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.traces -= 1;
        state.used -= self.size;
        state.own -= self.own;
    }
}
