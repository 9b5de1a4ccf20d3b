//! Resource limits of the process.

use jit_runtime::memory::{MemoryError, Writable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::machine::call;
use crate::{alone, arena, maps, publish};

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

#[test]
fn no_file_descriptor_left() {
    alone("limits::no_file_descriptor_left", || {
        let arena = arena();
        limit(Resource::Nofile, 3);
        let error = arena.alloc(1 << 20).unwrap_err();
        assert!(
            matches!(
                error,
                MemoryError::System {
                    call: "memfd_create",
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(call(&publish(arena.alloc(100).unwrap(), 4).unwrap()), 4);
    });
}
