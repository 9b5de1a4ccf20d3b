//! Tests of memory for code that run on any system: code runs in pages of its own and in an arena, and an arena is
//! compared with a simple model.
#![cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]

use jit_runtime::memory::{Arena, ArenaOptions, ArenaStats, Executable, MemoryError, Writable};
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;

mod machine;
use machine::{StopOnDrop, call, code};

fn small() -> Arena {
    Arena::new(ArenaOptions::default().chunk(4096)).unwrap()
}

fn fill(mut block: Writable, value: u32) -> Executable {
    let code = code(value);
    assert!(block.iter().all(|byte| *byte == 0), "zeroed");
    block[..code.len()].copy_from_slice(&code);
    block.publish().unwrap()
}

#[test]
fn code_runs_in_its_own_pages_and_in_an_arena() {
    let arena = Arena::new(ArenaOptions::default()).unwrap();
    // On these systems, traces share pages. (A hardened system may refuse that, and then this test fails.)
    let shares = cfg!(any(
        target_os = "linux",
        windows,
        all(target_os = "macos", target_arch = "aarch64")
    ));
    assert_eq!(arena.fallback().is_none(), shares, "{:?}", arena.fallback());
    for (n, len) in [16, 17, 4095, 4096, 4097, 30_000, 1 << 20]
        .into_iter()
        .enumerate()
    {
        let value = 0x1234_5600 + n as u32;
        for block in [Writable::alloc(len).unwrap(), arena.alloc(len).unwrap()] {
            let base = block.base();
            let code = fill(block, value);
            assert_eq!((code.base(), code.len()), (base, len));
            assert!(code.contains(base) && code.contains(base + len as u64 - 1));
            assert!(!code.contains(base.wrapping_sub(1)) && !code.contains(base + len as u64));
            assert_eq!(call(&code), value);
        }
    }
}

/// Wherever chunks are, code does the same. A function of this program is in reach; the end of the address space is not.
#[test]
#[cfg(target_pointer_width = "64")]
fn chunks_are_near_an_address_if_there_is_room() {
    let reach = if cfg!(target_arch = "aarch64") {
        1 << 27
    } else {
        1 << 31
    };
    for (address, expected) in [(code as *const () as usize as u64, true), (u64::MAX, false)] {
        let options = ArenaOptions::default().chunk(1 << 16).near(address);
        let arena = Arena::new(options).unwrap();
        let codes: Vec<_> = (0..20)
            .map(|n| fill(arena.alloc(30_000).unwrap(), n))
            .collect();
        let stats = arena.stats();
        let near = if expected { stats.chunks } else { 0 };
        assert_eq!(stats.near, near, "{stats:?}");
        for (n, code) in codes.iter().enumerate() {
            assert_eq!(call(code), n as u32);
            if arena.fallback().is_none() {
                let last = code.base() + code.len() as u64;
                let is_near = [code.base(), last].map(|place| place.abs_diff(address) < reach);
                assert_eq!(is_near, [expected; 2], "{code:?} and {address:#x}");
            }
        }
    }
}

#[test]
fn blocks_are_aligned() {
    let arena = small();
    let mut alive = Vec::new();
    for power in (0..=12).chain((0..=12).rev()) {
        for len in [1, 16, 100, 5000] {
            let block = arena.alloc_aligned(len, 1 << power).unwrap();
            assert_eq!(block.base() % (1 << power), 0);
            assert_eq!(block.len(), len);
            alive.push(block);
        }
    }
    let mut ranges: Vec<_> = alive
        .iter()
        .map(|block| (block.base(), block.len()))
        .collect();
    ranges.sort_unstable();
    assert!(ranges.is_sorted_by(|one, two| one.0 + one.1 as u64 <= two.0));
    for alignment in [0, 3, 24, 1 << 30] {
        let error = arena.alloc_aligned(16, alignment).unwrap_err();
        assert!(matches!(error, MemoryError::Alignment { .. }), "{error}");
    }
    drop(alive);
    assert_eq!(arena.stats().used, 0);
}

#[test]
fn an_entry_can_be_anywhere_inside() {
    let first = code(7);
    let mut block = small().alloc(first.len() * 2).unwrap();
    block[..first.len()].copy_from_slice(&first);
    block[first.len()..].copy_from_slice(&code(8));
    let code = block.publish().unwrap();
    // SAFETY: the second function of two.
    let second = unsafe { code.entry::<extern "C" fn() -> u32>(first.len()) }.unwrap();
    assert_eq!(second(), 8);
    for offset in [code.len(), usize::MAX] {
        // SAFETY: never called.
        let error = unsafe { code.entry::<extern "C" fn() -> u32>(offset) }.unwrap_err();
        assert!(
            matches!(error, MemoryError::Entry { offset: o, len } if o == offset && len == code.len()),
            "{error}"
        );
    }
}

#[test]
fn bad_lengths_are_errors() {
    let arena = small();
    let before = arena.stats();
    for len in [
        0,
        usize::MAX,
        usize::MAX - 4096,
        isize::MAX as usize + 1,
        isize::MAX as usize,
    ] {
        for result in [Writable::alloc(len), arena.alloc(len)] {
            let error = result.unwrap_err();
            match len {
                0 => assert!(matches!(error, MemoryError::Empty), "{error}"),
                _ => assert!(
                    matches!(
                        error,
                        MemoryError::TooLarge { .. } | MemoryError::NoMemory { .. }
                    ),
                    "{len:#x}: {error:?}"
                ),
            }
        }
    }
    assert_eq!(arena.stats(), before);
}

#[test]
fn the_limit_holds_and_affects_no_other_block() {
    let limit = 3 * 4096 * 16;
    let arena = Arena::new(ArenaOptions::default().chunk(4096 * 16).limit(limit)).unwrap();
    let mut live = Vec::new();
    let error = loop {
        match arena.alloc(20_000) {
            Ok(block) => live.push(fill(block, live.len() as u32)),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, MemoryError::Limit { len, .. } if len >= 20_000),
        "{error:?}"
    );
    assert!(arena.stats().reserved <= limit);
    for (n, code) in live.iter().enumerate() {
        assert_eq!(call(code), n as u32);
    }
    live.pop();
    fill(arena.alloc(20_000).unwrap(), 1);
    assert!(matches!(
        Arena::new(ArenaOptions::default().chunk(1).limit(100)),
        Err(MemoryError::Limit { .. })
    ));
}

#[test]
fn a_block_that_is_not_published_is_free_again() {
    let arena = small();
    let base = arena.alloc(100).unwrap().base();
    assert_eq!(arena.stats().used, 0);
    // The next block is in the same place, and is zeroed.
    let mut block = arena.alloc(100).unwrap();
    assert_eq!(block.base(), base);
    block.fill(0xff);
    drop(block);
    drop(fill(arena.alloc(100).unwrap(), 1));
}

#[test]
fn stale_code_is_never_run() {
    // Another thread runs each trace, always at the address where it ran the one before.
    let arena = small();
    let (send, receive) = mpsc::sync_channel::<(Executable, u32)>(0);
    let (back, returned) = mpsc::sync_channel::<u64>(0);
    let runner = std::thread::spawn(move || {
        for (code, value) in receive {
            assert_eq!(call(&code), value);
            let base = code.base();
            drop(code);
            back.send(base).unwrap();
        }
    });
    let mut bases = std::collections::BTreeSet::new();
    for value in 0..3000 {
        send.send((fill(arena.alloc(64).unwrap(), value), value))
            .unwrap();
        bases.insert(returned.recv().unwrap());
    }
    drop(send);
    runner.join().unwrap();
    if arena.fallback().is_none() {
        assert_eq!(bases.len(), 1, "all traces had the same address");
    }
}

#[test]
fn code_runs_while_its_neighbours_come_and_go() {
    let arena = small();
    let steady = fill(arena.alloc(32).unwrap(), 0x5eed);
    let (stop, runs) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(call(&steady), 0x5eed);
                runs.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _stop = StopOnDrop(&stop);
        let mut live: Vec<(Executable, u32)> = Vec::new();
        let mut same_page = 0;
        for n in 0..10_000u32 {
            let code = fill(arena.alloc(16 + (n as usize * 37) % 200).unwrap(), n);
            same_page += u32::from(code.base() / 4096 == steady.base() / 4096);
            live.push((code, n));
            if live.len() > 12 {
                let (code, value) = live.swap_remove((n as usize * 7) % live.len());
                assert_eq!(call(&code), value);
            }
        }
        // On a busy machine, the other thread may not have run yet.
        while runs.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        if arena.fallback().is_none() {
            assert!(same_page > 1000, "{same_page}");
        }
    });
}

#[test]
fn threads_share_an_arena() {
    let arena = Arena::new(ArenaOptions::default().chunk(16 << 10)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let arena = arena.clone();
            scope.spawn(move || {
                let mut live = Vec::new();
                for n in 0..1500u32 {
                    let value = thread << 24 | n;
                    live.push((
                        fill(arena.alloc(16 + n as usize % 3000).unwrap(), value),
                        value,
                    ));
                    if n % 3 != 0 {
                        let (code, value) = live.swap_remove(n as usize % live.len());
                        assert_eq!(call(&code), value);
                    }
                    if live.len() > 50 {
                        live.drain(..)
                            .for_each(|(code, value)| assert_eq!(call(&code), value));
                    }
                }
            });
        }
    });
    let stats = arena.stats();
    assert_eq!((stats.traces, stats.used), (0, 0));
    assert!(stats.chunks <= 1, "{stats:?}");
}

#[test]
fn code_outlives_its_arena_and_its_thread() {
    let code = std::thread::spawn(|| fill(small().alloc(40).unwrap(), 99))
        .join()
        .unwrap();
    assert_eq!(call(&code), 99);
}

#[derive(Debug, Clone)]
enum Step {
    /// Allocate and publish.
    Publish(usize),
    /// Allocate and keep writable.
    Hold(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![4 => 16usize..400, 2 => 400usize..4096, 1 => 4096usize..40_000];
    let step = prop_oneof![
        4 => len.clone().prop_map(Step::Publish),
        1 => len.prop_map(Step::Hold),
        4 => any::<usize>().prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..120)
}

/// No address, a function's, and any.
fn address() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        Just(None),
        Just(Some(address as *const () as usize as u64)),
        Just(Some(1)),
        Just(Some(u64::MAX)),
        any::<u64>().prop_map(Some),
    ]
}

enum Live {
    Published(Executable),
    Held(Writable),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The model is a list of the live blocks: they do not overlap, they keep their bytes, and the statistics are right,
    /// whatever address the chunks should be near.
    #[test]
    fn an_arena_agrees_with_a_list(steps in steps(), chunk in 1usize..40_000, near in address()) {
        let mut options = ArenaOptions::default().chunk(chunk);
        options.near = near;
        let arena = Arena::new(options).unwrap();
        let packed = arena.fallback().is_none();
        let mut live: Vec<(u64, usize, u32, Live)> = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            let value = n as u32 * 0x0101;
            match step {
                Step::Publish(len) => {
                    let block = arena.alloc(len).unwrap();
                    live.push((block.base(), len, value, Live::Published(fill(block, value))));
                }
                Step::Hold(len) => {
                    let mut block = arena.alloc(len).unwrap();
                    prop_assert_eq!(block.len(), len);
                    block.fill(n as u8);
                    live.push((block.base(), len, value, Live::Held(block)));
                }
                Step::Drop(which) if !live.is_empty() => drop(live.swap_remove(which % live.len())),
                Step::Drop(_) => {}
            }
            let mut ranges: Vec<_> = live.iter().map(|(base, len, ..)| (*base, *base + *len as u64)).collect();
            ranges.sort_unstable();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "overlap: {:x?}", ranges);
            prop_assert!(ranges.iter().all(|(base, _)| base % 16 == 0));
            let stats = arena.stats();
            prop_assert_eq!(stats.traces, live.len());
            prop_assert_eq!(stats.used, live.iter().map(|(_, len, ..)| len.div_ceil(16) * 16).sum::<usize>());
            prop_assert!(stats.used <= stats.touched && stats.touched <= stats.reserved, "{:?}", stats);
            let most_near = if near.is_some() { stats.chunks } else { 0 };
            prop_assert!(stats.near <= most_near, "{:?}", stats);
            // At most one chunk is empty.
            prop_assert!(!packed || stats.chunks <= live.len() + 1);
        }
        for (_, _, value, what) in &live {
            match what {
                Live::Published(code) => prop_assert_eq!(call(code), *value),
                Live::Held(block) => prop_assert!(block.iter().all(|byte| *byte == (*value / 0x0101) as u8)),
            }
        }
        live.clear();
        let ArenaStats { traces, used, chunks, .. } = arena.stats();
        prop_assert_eq!((traces, used), (0, 0));
        prop_assert_eq!(chunks, usize::from(packed));
    }
}
