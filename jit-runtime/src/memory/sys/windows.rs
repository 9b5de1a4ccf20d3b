//! Pages from VirtualAlloc, and chunks that are sections with an executable view, and a writable one during a write.

use super::super::near::{self, Grows, Taken};
use super::super::{ArenaOptions, MemoryError};
use std::io;
use std::ops::Range;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{NonNull, null, without_provenance, without_provenance_mut};
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_EXECUTE, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_FREE,
    MEM_RELEASE, MEM_RESERVE, MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    MapViewOfFileEx, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_READWRITE, UnmapViewOfFile,
    VirtualAlloc, VirtualFree, VirtualProtect, VirtualQuery,
};

/// The unit of views' offsets and addresses in bytes, on every Windows.
const GRANULARITY: usize = 64 * 1024;

/// Returns the size of a page in bytes, on every Windows that Rust has a target for.
pub(in super::super) fn page_size() -> usize {
    4096
}

fn failed(call: &'static str, len: usize) -> MemoryError {
    MemoryError::system(call, len, io::Error::last_os_error())
}

/// Allocates new zeroed pages for `len` bytes, readable and writable.
pub(in super::super) fn map(len: usize) -> Result<NonNull<u8>, MemoryError> {
    // SAFETY: without an address, VirtualAlloc only takes addresses that nothing uses.
    let start = unsafe { VirtualAlloc(null(), len, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE) };
    NonNull::new(start.cast()).ok_or_else(|| failed("VirtualAlloc", len))
}

/// Returns whether memory can be such that indirect branches arrive at landing pads only. Windows' check of calls is a table of
/// functions, in which compiled code is by default.
pub(in super::super) fn can_check_landing_pads() -> bool {
    false
}

/// Makes pages of [`map`] readable and executable.
///
/// # Safety
///
/// `start` and `len` must be those of a [`map`], and the pages must not be written any more.
pub(in super::super) unsafe fn make_executable(
    start: NonNull<u8>,
    len: usize,
    _landing_pads: bool,
) -> Result<(), MemoryError> {
    let mut old = 0;
    // SAFETY: as the caller promises.
    match unsafe { VirtualProtect(start.as_ptr().cast(), len, PAGE_EXECUTE_READ, &mut old) } {
        0 => Err(failed("VirtualProtect", len)),
        _ => Ok(()),
    }
}

/// Frees pages.
///
/// # Safety
///
/// `start` must be that of a [`map`] that nothing refers to any more.
pub(in super::super) unsafe fn unmap(start: NonNull<u8>, _len: usize) {
    // SAFETY: as the caller promises. The length must be 0 to release all of it.
    // This is called by destructors. If it fails, the pages are leaked.
    let _ = unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
}

#[derive(Debug)]
pub(in super::super) struct Chunk {
    start: NonNull<u8>,
    len: usize,
    section: OwnedHandle,
}

// SAFETY: views and sections belong to the process; nothing here is tied to a thread.
unsafe impl Send for Chunk {}
// SAFETY: `&Chunk` writes to disjoint ranges only, as callers of `write` promise.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Returns a chunk of `len` zero bytes, a multiple of the page size: in reach of an address if there is room.
    pub(in super::super) fn new(len: usize, options: &ArenaOptions) -> Result<Chunk, MemoryError> {
        let (high, low) = halves(len);
        // SAFETY: a new section without a name, backed by the page file.
        let section = unsafe {
            CreateFileMappingW(
                INVALID_HANDLE_VALUE,
                null(),
                PAGE_EXECUTE_READWRITE,
                high,
                low,
                null(),
            )
        };
        if section.is_null() {
            return Err(failed("CreateFileMapping", len));
        }
        // SAFETY: the handle is new, and nobody else's.
        let section = unsafe { OwnedHandle::from_raw_handle(section) };
        let near = options
            .near_address()
            .and_then(|address| map_near(&section, len, address));
        let start = near.or_else(|| map_view(&section, len, 0));
        let start = start.ok_or_else(|| failed("MapViewOfFile", len))?;
        Ok(Chunk {
            start,
            len,
            section,
        })
    }

    pub(in super::super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    /// Writes `bytes` at `offset`, through a view that is unmapped afterwards.
    ///
    /// # Safety
    ///
    /// The range must be inside the chunk and belong to the caller only: it is not read or executed meanwhile.
    pub(in super::super) unsafe fn write(
        &self,
        offset: usize,
        bytes: &[u8],
        _forked: bool,
    ) -> Result<(), MemoryError> {
        let inside = offset % GRANULARITY;
        let (high, low) = halves(offset - inside);
        let size = inside + bytes.len();
        // SAFETY: MapViewOfFile only takes addresses that nothing uses, and refuses to go beyond the section.
        let view = unsafe {
            MapViewOfFile(
                self.section.as_raw_handle(),
                FILE_MAP_WRITE,
                high,
                low,
                size,
            )
        };
        let Some(start) = NonNull::new(view.Value.cast::<u8>()) else {
            return Err(failed("MapViewOfFile for writing", bytes.len()));
        };
        // SAFETY: the view has `inside + bytes.len()` bytes, and what is written there is the caller's.
        unsafe {
            start
                .as_ptr()
                .add(inside)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
        unmap_view(start);
        Ok(())
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // Callers of code in it hold a reference to this chunk.
        unmap_view(self.start);
    }
}

/// Maps a section of `len` bytes in reach of an address, or returns none if there is no place for it.
fn map_near(section: &OwnedHandle, len: usize, address: usize) -> Option<NonNull<u8>> {
    let taken = taken(near::window(address));
    let places = near::places(address, len, GRANULARITY, Some(&taken));
    let mut views = places
        .into_iter()
        .map(|place| map_view(section, len, place));
    views.find_map(|view| view)
}

/// Maps a section of `len` bytes: at an address, or at any one if that is 0.
fn map_view(section: &OwnedHandle, len: usize, place: usize) -> Option<NonNull<u8>> {
    // SAFETY: MapViewOfFileEx only takes addresses that nothing uses.
    let view = unsafe {
        MapViewOfFileEx(
            section.as_raw_handle(),
            FILE_MAP_READ | FILE_MAP_EXECUTE,
            0,
            0,
            len,
            without_provenance_mut(place),
        )
    };
    NonNull::new(view.Value.cast())
}

/// Returns what is in use in a range of addresses, in ascending order. Addresses of which the system says nothing count
/// as in use.
fn taken(window: Range<usize>) -> Vec<Taken> {
    let mut taken = vec![in_use(0..window.start)];
    let mut at = window.start;
    while at < window.end {
        let mut region = MEMORY_BASIC_INFORMATION::default();
        let size = size_of_val(&region);
        // SAFETY: writes to `region`, and reads nothing at the address.
        if unsafe { VirtualQuery(without_provenance(at), &mut region, size) } == 0 {
            break;
        }
        let end = region.BaseAddress.addr().saturating_add(region.RegionSize);
        if end <= at {
            break;
        }
        if region.State != MEM_FREE {
            taken.push(in_use(at..end));
        }
        at = end;
    }
    taken.push(in_use(at..usize::MAX));
    taken
}

fn in_use(range: Range<usize>) -> Taken {
    Taken {
        range,
        grows: Grows::No,
    }
}

fn unmap_view(start: NonNull<u8>) {
    let view = MEMORY_MAPPED_VIEW_ADDRESS {
        Value: start.as_ptr().cast(),
    };
    // SAFETY: only called in this file, with the start of a view that nothing refers to any more.
    // This is called by a destructor. If it fails, the view is leaked.
    let _ = unsafe { UnmapViewOfFile(view) };
}

fn halves(n: usize) -> (u32, u32) {
    (((n as u64) >> 32) as u32, n as u32)
}
