//! Resource limits of the process.

use jit_runtime::memory::{Arena, ArenaOptions, MemoryError, Writable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::machine::call;
use crate::{alone, arena, maps, publish, traces};

/// Sets the soft limit of a resource.
fn limit(resource: Resource, current: u64) {
    let maximum = getrlimit(resource).maximum;
    setrlimit(
        resource,
        Rlimit {
            current: Some(current),
            maximum,
        },
    )
    .unwrap();
}

#[test]
fn no_address_space_left() {
    alone("limits::no_address_space_left", || {
        let arena = arena();
        let code = publish(arena.alloc(100).unwrap(), 3).unwrap();
        limit(
            Resource::As,
            maps().iter().map(|map| map.1 - map.0).sum::<u64>() + (64 << 20),
        );
        for result in [Writable::alloc(1 << 30), arena.alloc(1 << 30)] {
            let error = result.unwrap_err();
            assert!(matches!(error, MemoryError::NoMemory { .. }), "{error:?}");
        }
        assert_eq!(call(&code), 3);
        assert!(arena.fallback().is_none());
    });
}

#[test]
fn no_file_may_be_written() {
    alone("limits::no_file_may_be_written", || {
        // The limit is about files. The output of this test goes to a pipe.
        limit(Resource::Fsize, 4096);
        let arena = arena();
        assert!(matches!(
            arena.fallback(),
            Some(MemoryError::NotExecutable { .. })
        ));
        assert_eq!(call(&publish(arena.alloc(100).unwrap(), 4).unwrap()), 4);
    });
}

/// Private pages are no file's.
#[test]
fn private_pages_have_no_limit_of_files() {
    alone("limits::private_pages_have_no_limit_of_files", || {
        limit(Resource::Fsize, 0);
        let arena = Arena::new(ArenaOptions::default().private_pages(true)).unwrap();
        assert_eq!(call(&publish(arena.alloc(100).unwrap(), 4).unwrap()), 4);
        assert!(arena.fallback().is_none());
        assert_eq!(arena.stats().chunks, 1);
    });
}

/// A program can lower the limit when it has all files that it needs. SIGXFSZ would kill the process.
#[test]
fn no_file_may_be_written_any_more() {
    alone("limits::no_file_may_be_written_any_more", || {
        let arenas = [arena(), arena()];
        let code = publish(arenas[0].alloc(100).unwrap(), 3).unwrap();
        let linked = arenas[0].alloc(100).unwrap();
        limit(Resource::Fsize, 0);
        let error = publish(linked, 4).unwrap_err();
        assert!(
            matches!(
                error,
                MemoryError::NotExecutable {
                    call: "pwrite to a memfd",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("ulimit -f"), "{error}");
        assert!(matches!(
            arenas[0].fallback(),
            Some(MemoryError::NotExecutable { .. })
        ));
        assert_eq!(call(&code), 3);
        assert_eq!(call(&publish(arenas[0].alloc(100).unwrap(), 5).unwrap()), 5);
        // A trace that is linked in one step is linked again, for own pages.
        assert!(arenas[1].fallback().is_none());
        assert_eq!(traces::compile(&arenas[1]).unwrap(), traces::VALUE);
        assert!(arenas[1].fallback().is_some());
        assert_eq!(arenas[1].stats().traces, 0);
        // The signal is not left for later, either.
        assert_eq!(pending(), 0);
    });
}

/// Returns the signals that this thread has got and not yet seen, a bit each.
fn pending() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigPnd:"));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
}

#[test]
fn no_file_descriptor_left() {
    alone("limits::no_file_descriptor_left", || {
        let arena = arena();
        limit(Resource::Nofile, 3);
        // Traces for which there is no chunk get their own pages.
        let other = self::arena();
        for (arena, len, chunks) in [(&arena, 1 << 20, 1), (&arena, 100, 1), (&other, 100, 0)] {
            assert_eq!(call(&publish(arena.alloc(len).unwrap(), 4).unwrap()), 4);
            assert!(arena.fallback().is_none());
            assert_eq!(arena.stats().chunks, chunks);
        }
        limit(Resource::Nofile, 100);
        assert_eq!(call(&publish(other.alloc(100).unwrap(), 5).unwrap()), 5);
        assert_eq!(other.stats().chunks, 1);
    });
}
