//! A process that forks while it has code: parent and child both keep theirs.

use core::ffi::c_int;
use jit_runtime::memory::{Arena, ArenaOptions, Executable, MemoryError};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;

use crate::machine::call;
use crate::{alone, near, publish};

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

/// Publishes and runs `count` traces, and returns every second one with its value. The others are dropped, so that
/// later traces reuse their space.
fn churn(arena: &Arena, count: u32, salt: u32) -> Vec<(Executable, u32)> {
    let mut kept = Vec::new();
    for n in 0..count {
        let value = salt | n;
        let code = publish(arena.alloc(48).unwrap(), value).unwrap();
        assert_eq!(call(&code), value);
        if n % 2 == 0 {
            kept.push((code, value));
        }
    }
    kept
}

#[test]
fn parent_and_child_keep_their_code() {
    alone("fork::parent_and_child_keep_their_code", || {
        fork_with(near::near(near::function()));
    });
}

/// The file through which the parent writes its private pages must not be the child's.
#[test]
fn parent_and_child_keep_private_pages() {
    alone("fork::parent_and_child_keep_private_pages", || {
        let options = ArenaOptions::default().near(near::function());
        fork_with(Arena::new(options.private_pages(true)).unwrap());
    });
}

fn fork_with(arena: Arena) {
    let mut parents: Vec<_> = (0..100)
        .map(|n| publish(arena.alloc(48).unwrap(), n).unwrap())
        .collect();
    let draft = arena.alloc(48).unwrap();
    let idle = crate::arena();
    let chunks = arena.stats().chunks;
    let (mut here, mut there) = UnixStream::pair().unwrap();
    // SAFETY: no other thread of this process holds a lock that the child needs.
    match unsafe { fork() } {
        0 => {
            drop(here);
            let done = std::panic::catch_unwind(AssertUnwindSafe(move || {
                let mut byte = [0];
                // By now, the parent has dropped half of its traces and published new ones.
                there.read_exact(&mut byte).unwrap();
                for (n, code) in parents.iter().enumerate() {
                    assert_eq!(call(code), n as u32);
                }
                assert!(matches!(publish(draft, 1), Err(MemoryError::Forked)));
                parents.truncate(50);
                let new = churn(&arena, 300, 0xc << 24);
                there.write_all(&byte).unwrap();
                there.read_exact(&mut byte).unwrap();
                for (n, code) in parents.iter().enumerate() {
                    assert_eq!(call(code), n as u32);
                }
                assert!(new.iter().all(|(code, value)| call(code) == *value));
                let stats = arena.stats();
                assert!(stats.near == stats.chunks, "{stats:?}");
                drop((parents, new));
                let stats = arena.stats();
                assert_eq!((stats.traces, stats.chunks), (0, 1));
            }));
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { _exit(i32::from(done.is_err())) }
        }
        child => {
            assert!(child > 0);
            drop(there);
            let in_idle = publish(idle.alloc(48).unwrap(), 1).unwrap();
            assert_eq!(
                (idle.stats().chunks, call(&in_idle)),
                (1, 1),
                "the empty chunk was replaced"
            );
            let mut byte = [1];
            let kept: Vec<_> = parents.drain(..50).collect();
            drop(parents);
            let new = churn(&arena, 300, 0xa << 24);
            assert_eq!(call(&publish(draft, 77).unwrap()), 77);
            here.write_all(&byte).unwrap();
            here.read_exact(&mut byte).unwrap();
            // By now, the child has done the same.
            for (n, code) in kept.iter().enumerate() {
                assert_eq!(call(code), n as u32);
            }
            assert!(new.iter().all(|(code, value)| call(code) == *value));
            let stats = arena.stats();
            assert_eq!(stats.chunks, chunks + 1, "new traces go to a new chunk");
            assert_eq!(stats.near, stats.chunks);
            drop(kept);
            assert_eq!(
                arena.stats().chunks,
                chunks,
                "the old chunk is freed with its last trace"
            );
            here.write_all(&byte).unwrap();
            let mut status = 0;
            // SAFETY: waits for the child.
            assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
}
