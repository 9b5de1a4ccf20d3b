//! Chunks near an address. What is in use is read from /proc/self/maps here as well, and the distances are those of the
//! processors' manuals.

use core::ffi::{c_int, c_void};
use jit_runtime::memory::{Arena, ArenaOptions, Executable};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ptr::without_provenance_mut;

use crate::machine::call;
use crate::{alone, maps, publish, refused};

/// How far calls reach, in bytes.
const REACH: u64 = if cfg!(target_arch = "aarch64") {
    1 << 27
} else {
    1 << 31
};

const CHUNK: usize = 1 << 18;

unsafe extern "C" {
    fn getpid() -> c_int;
    fn sbrk(increment: isize) -> *mut c_void;
}

/// Returns the address of a function of this program.
pub(crate) fn function() -> u64 {
    function as *const () as usize as u64
}

pub(crate) fn near(address: u64) -> Arena {
    Arena::new(ArenaOptions::default().chunk(CHUNK).near(address)).unwrap()
}

/// Returns whether an address is in reach of all of the mapping that code is in.
fn is_near(code: &Executable, address: u64) -> bool {
    let maps = maps();
    let chunk = maps
        .iter()
        .find(|map| (map.0..map.1).contains(&code.base()));
    let (start, end, permissions, name) = chunk.unwrap();
    assert!(
        permissions == "r-xs" && name.contains("jit-runtime"),
        "{name}"
    );
    [*start, *end]
        .into_iter()
        .all(|place| place.abs_diff(address) < REACH)
}

/// Publishes and runs a trace in a new arena.
#[track_caller]
fn check(address: u64, expected: bool) -> Executable {
    let arena = near(address);
    let code = publish(arena.alloc(100).unwrap(), 7).unwrap();
    assert_eq!(call(&code), 7);
    let stats = arena.stats();
    assert_eq!((stats.chunks, stats.near), (1, usize::from(expected)));
    assert_eq!(is_near(&code, address), expected, "{code:?} {address:#x}");
    assert!(arena.fallback().is_none());
    code
}

#[test]
fn chunks_are_near_a_function() {
    let arena = near(function());
    let mut alive = Vec::new();
    // Longer traces and growth need more chunks.
    for n in 0..40 {
        let code = publish(arena.alloc(100_000 + n * 10_000).unwrap(), n as u32).unwrap();
        assert!(is_near(&code, function()), "{code:?}");
        alive.push(code);
    }
    let stats = arena.stats();
    assert!(stats.chunks > 3 && stats.near == stats.chunks, "{stats:?}");
    for (n, code) in alive.iter().enumerate() {
        assert_eq!(call(code), n as u32);
    }
    drop(alive);
    assert_eq!((arena.stats().chunks, arena.stats().near), (1, 1));
}

#[test]
fn chunks_are_near_other_addresses() {
    let (small, large, stack) = (vec![0_u8; 100], vec![0_u8; 1 << 24], 0_u8);
    let places = [
        getpid as *const () as usize,
        b"data".as_ptr().addr(),
        small.as_ptr().addr(),
        large.as_ptr().addr(),
        (&raw const stack).addr(),
    ];
    for address in places {
        check(address as u64, true);
    }
}

#[test]
fn addresses_that_no_chunk_can_be_near() {
    // What is not an address in this process, and those of the kernel.
    for address in [u64::MAX, 1 << 63, u64::MAX << 40, u64::MAX - (1 << 31)] {
        check(address, false);
    }
    // Nothing is mapped at the lowest addresses, but something can be in reach of them.
    let arena = near(1);
    let code = publish(arena.alloc(100).unwrap(), 8).unwrap();
    assert_eq!(call(&code), 8);
    assert_eq!(arena.stats().near, usize::from(is_near(&code, 1)));
    assert!(code.base() >= 1 << 20, "{code:?}");
}

#[test]
fn chunks_that_are_too_large() {
    let options = ArenaOptions::default().near(function());
    // One that is in reach of its own end only, and one that just fits.
    for (len, expected) in [(REACH + 4096, 0), (REACH / 2, 1)] {
        let arena = Arena::new(options.chunk(len as usize)).unwrap();
        let code = publish(arena.alloc(100).unwrap(), 9).unwrap();
        assert_eq!(call(&code), 9);
        assert_eq!((arena.stats().chunks, arena.stats().near), (1, expected));
    }
}

/// Takes all addresses that are in reach of one, as far as they are free.
fn fill_neighbourhood(address: u64) {
    let page = 1 << 16;
    let start = address.saturating_sub(REACH).max(page);
    let window = start - start % page..(address + REACH).next_multiple_of(page);
    let mut end = 0;
    for map in maps() {
        let gap = end.max(window.start)..map.0.min(window.end);
        end = map.1;
        if gap.start < gap.end {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
            let (start, len) = (gap.start as usize, (gap.end - gap.start) as usize);
            let start = without_provenance_mut(start);
            // SAFETY: FIXED_NOREPLACE only takes addresses that nothing uses.
            unsafe { mmap_anonymous(start, len, ProtFlags::empty(), flags) }.unwrap();
        }
    }
}

#[test]
fn a_neighbourhood_without_room() {
    alone("near::a_neighbourhood_without_room", || {
        let address = function();
        let before = near(address);
        let old = publish(before.alloc(100).unwrap(), 1).unwrap();
        fill_neighbourhood(address);
        check(address, false);
        // A chunk that is there stays in use, and the next one goes elsewhere.
        let next = publish(before.alloc(CHUNK).unwrap(), 2).unwrap();
        assert!(is_near(&old, address) && !is_near(&next, address));
        assert_eq!((before.stats().chunks, before.stats().near), (2, 1));
        assert_eq!((call(&old), call(&next)), (1, 2));
        // Too small a hole does not help, but one of the right size is found, on both sides.
        for place in [address - REACH / 2, address + REACH / 2] {
            let hole = without_provenance_mut((place as usize) & !0xffff);
            // SAFETY: `fill_neighbourhood` has mapped this, far from what is in use.
            unsafe { munmap(hole, CHUNK - 4096) }.unwrap();
            check(address, false);
            // SAFETY: the same.
            unsafe { munmap(hole.wrapping_byte_add(CHUNK - 4096), 4096) }.unwrap();
            let code = check(address, true);
            assert_eq!(code.base(), hole.addr() as u64);
            // The arena of `code` still has it.
            check(address, false);
            assert_eq!(call(&code), 7);
            // The hole is filled by a trace that stays.
            std::mem::forget(code);
        }
    });
}

/// The heap that `brk` extends, and the main thread's stack.
#[test]
fn what_grows_has_room() {
    alone("near::what_grows_has_room", || {
        let range = |name: &str| {
            let maps = maps();
            let found = maps.iter().find(|map| map.3 == name);
            found.map(|map| (map.0, map.1))
        };
        let stack = range("[stack]").unwrap();
        let code = check(stack.0, true);
        // In QEMU, it has its full size from the start, and a page without access below it.
        let grows = maps().iter().all(|map| map.1 != stack.0);
        let below = if grows { stack.0 - REACH / 2 } else { stack.0 };
        assert!(code.base() + CHUNK as u64 <= below || code.base() >= stack.1);
        let Some((_, heap)) = range("[heap]") else {
            assert_eq!(std::env::consts::ARCH, "aarch64", "QEMU 7 gives it no name");
            return;
        };
        let code = check(heap, true);
        assert!(code.base() < heap || code.base() >= heap + REACH / 2);
        let more = REACH as isize / 4;
        // SAFETY: moves the end of the heap up and back; this process has one thread that allocates.
        let (old, now) = unsafe { (sbrk(more), sbrk(0)) };
        assert_eq!(now.addr() as u64, heap + REACH / 4, "{old:p}");
    });
}

/// Without /proc, the arena tries places at several distances.
#[test]
fn without_proc() {
    let (openat, enoent) = (
        if cfg!(target_arch = "x86_64") {
            257
        } else {
            56
        },
        2,
    );
    let refusing = move || {
        refused::refuse(openat, None, enoent);
        assert!(std::fs::read("/proc/self/maps").is_err());
        let arena = near(function());
        let code = publish(arena.alloc(100).unwrap(), 3).unwrap();
        assert_eq!(arena.stats().near, 1);
        code
    };
    // Filters are those of a thread.
    let code = std::thread::spawn(refusing).join().unwrap();
    assert!(is_near(&code, function()));
    assert_eq!(call(&code), 3);
}
