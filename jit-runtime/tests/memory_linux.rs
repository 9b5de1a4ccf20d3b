//! What only Linux can show: the mappings at any time, refusals, resource limits and forks.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use core::ffi::{c_int, c_long, c_ulong};
use jit_runtime::memory::{Arena, ArenaOptions, Executable, MemoryError, Writable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

mod machine;
use machine::{StopOnDrop, call, code};

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

fn publish(mut block: Writable, value: u32) -> Result<Executable, MemoryError> {
    let code = code(value);
    block[..code.len()].copy_from_slice(&code);
    block.publish()
}

fn arena() -> Arena {
    Arena::new(ArenaOptions::default()).unwrap()
}

/// Runs `test`, the test called `name`, in a process of its own: it changes or counts what is the whole process's.
fn alone(name: &str, test: fn()) {
    const VARIABLE: &str = "JIT_RUNTIME_TEST_ALONE";
    if std::env::var_os(VARIABLE).is_some_and(|value| value == name) {
        return test();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1", "--nocapture"])
        .env(VARIABLE, name)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}\n{text}{errors}",
        output.status
    );
}

/// (start, end, permissions, name) of each mapping.
fn maps() -> Vec<(u64, u64, String, String)> {
    let text = fs::read_to_string("/proc/self/maps").unwrap();
    text.lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next().unwrap().split_once('-').unwrap();
            let hex = |s| u64::from_str_radix(s, 16).unwrap();
            let permissions = words.next().unwrap().to_owned();
            (
                hex(start),
                hex(end),
                permissions,
                words.skip(3).collect::<Vec<_>>().join(" "),
            )
        })
        .collect()
}

fn permissions(address: u64) -> String {
    let maps = maps();
    let found = maps.iter().find(|map| map.0 <= address && address < map.1);
    found.map(|map| map.2.clone()).unwrap_or_default()
}

#[test]
fn nothing_is_ever_writable_and_executable() {
    alone("nothing_is_ever_writable_and_executable", || {
        let arena = arena();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut looks = 0;
                while !stop.load(Ordering::Relaxed) {
                    for (start, _, permissions, name) in maps() {
                        assert!(
                            !(permissions.contains('w') && permissions.contains('x')),
                            "{start:x} {permissions} {name}"
                        );
                        // No second mapping to write through either.
                        assert!(
                            !(permissions.contains('w') && name.contains("jit-runtime")),
                            "{start:x} {permissions}"
                        );
                    }
                    looks += 1;
                }
                looks
            });
            let stopper = StopOnDrop(&stop);
            for n in 0..2000 {
                for (which, block) in [Writable::alloc(5000).unwrap(), arena.alloc(5000).unwrap()]
                    .into_iter()
                    .enumerate()
                {
                    let look = n % 100 == 0;
                    if look {
                        assert_eq!(permissions(block.base()), ["rw-p", "r-xs"][which]);
                    }
                    let code = publish(block, n).unwrap();
                    if look {
                        assert_eq!(permissions(code.base()), ["r-xp", "r-xs"][which]);
                        assert_eq!(
                            permissions(code.base() + code.len() as u64 - 1),
                            ["r-xp", "r-xs"][which]
                        );
                    }
                    assert_eq!(call(&code), n);
                    let base = code.base();
                    drop(code);
                    if look && which == 0 {
                        assert!(!permissions(base).contains('x'), "still there");
                    }
                }
            }
            drop(stopper);
            let looks = watcher.join().unwrap();
            assert!(looks > 10, "{looks}");
        });
        drop(arena);
        assert!(
            maps().iter().all(|map| !map.3.contains("jit-runtime")),
            "still there"
        );
    });
}

#[test]
fn a_thousand_short_traces_cost_little_more_than_their_bytes() {
    alone(
        "a_thousand_short_traces_cost_little_more_than_their_bytes",
        || {
            let arena = arena();
            let lens: Vec<usize> = (0..1000).map(|n| 120 + n * 7919 % 1000).collect();
            let live: Vec<_> = lens
                .iter()
                .map(|len| publish(arena.alloc(*len).unwrap(), 1).unwrap())
                .collect();
            let bytes: usize = lens.iter().sum();
            // What the kernel has allocated for the files that chunks are.
            let blocks: u64 = fs::read_dir("/proc/self/fd")
                .unwrap()
                .filter_map(|entry| {
                    let path = entry.ok()?.path();
                    let target = fs::read_link(&path).ok()?;
                    target
                        .to_string_lossy()
                        .contains("memfd:jit-runtime")
                        .then(|| fs::metadata(path).unwrap().blocks())
                })
                .sum();
            let used = blocks as usize * 512;
            let own: usize = lens.iter().map(|len| len.next_multiple_of(4096)).sum();
            println!(
                "{bytes} bytes, {used} in the arena, {own} with pages of their own; {:?}",
                arena.stats()
            );
            assert!(
                used >= bytes && used * 10 <= bytes * 12,
                "{used} for {bytes}"
            );
            assert!(arena.stats().touched >= used);
            assert_eq!(live.len(), 1000);
        },
    );
}

#[test]
fn pages_refused_by_mdwe() {
    alone("pages_refused_by_mdwe", || {
        let (set_mdwe, refuse_exec_gain): (c_int, c_ulong) = (65, 1);
        // SAFETY: takes rights away from this process.
        if unsafe {
            prctl(
                set_mdwe,
                refuse_exec_gain,
                0 as c_ulong,
                0 as c_ulong,
                0 as c_ulong,
            )
        } != 0
        {
            println!("skipped: no PR_SET_MDWE before Linux 6.3");
            return;
        }
        let error = publish(Writable::alloc(100).unwrap(), 1).unwrap_err();
        assert!(
            matches!(
                error,
                MemoryError::NotExecutable {
                    call: "mprotect",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("MDWE"), "{error}");
        // An arena needs no mprotect.
        let arena = arena();
        assert!(arena.fallback().is_none());
        assert_eq!(call(&publish(arena.alloc(100).unwrap(), 5).unwrap()), 5);
    });
}

/// Has the system call `number` fail with `errno`, if bit `bit` of its third argument is set.
fn refuse(number: c_long, bit: Option<u32>, errno: u32) {
    #[repr(C)]
    struct Filter(u16, u8, u8, u32);
    #[repr(C)]
    struct Program(u16, *const Filter);
    let (load, equal, set, give) = (0x20, 0x15, 0x45, 0x06);
    let filters = [
        Filter(load, 0, 0, 0),
        Filter(equal, 0, 3, number as u32),
        Filter(load, 0, 0, 32),
        Filter(set, 0, 1, bit.unwrap_or(u32::MAX)),
        Filter(give, 0, 0, 0x0005_0000 | errno),
        Filter(give, 0, 0, 0x7fff_0000),
    ];
    let any = [Filter(load, 0, 0, 0), Filter(equal, 0, 1, number as u32)];
    let rest = [
        Filter(give, 0, 0, 0x0005_0000 | errno),
        Filter(give, 0, 0, 0x7fff_0000),
    ];
    let any: Vec<Filter> = any.into_iter().chain(rest).collect();
    let filters = if bit.is_some() { &filters[..] } else { &any };
    let program = Program(filters.len() as u16, filters.as_ptr());
    // SAFETY: PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with a filter, both for this thread.
    unsafe {
        assert_eq!(
            prctl(38, 1 as c_ulong, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong),
            0
        );
        assert_eq!(prctl(22, 2 as c_ulong, &raw const program), 0);
    }
}

const MEMFD_CREATE: c_long = if cfg!(target_arch = "x86_64") {
    319
} else {
    279
};
const MPROTECT: c_long = if cfg!(target_arch = "x86_64") {
    10
} else {
    226
};
const MMAP: c_long = if cfg!(target_arch = "x86_64") { 9 } else { 222 };
const EPERM: u32 = 1;
const EACCES: u32 = 13;

#[test]
fn without_memfd_traces_get_their_own_pages() {
    alone("without_memfd_traces_get_their_own_pages", || {
        let before = arena();
        let packed = publish(before.alloc(100).unwrap(), 1).unwrap();
        refuse(MEMFD_CREATE, None, EPERM);
        let arena = Arena::new(ArenaOptions::default().limit(8192)).unwrap();
        let reason = arena.fallback().unwrap();
        assert!(
            matches!(
                reason,
                MemoryError::NotExecutable {
                    call: "memfd_create",
                    ..
                }
            ),
            "{reason:?}"
        );
        let first = publish(arena.alloc(100).unwrap(), 7).unwrap();
        let second = publish(arena.alloc(100).unwrap(), 8).unwrap();
        assert_eq!((call(&first), call(&second)), (7, 8));
        let stats = arena.stats();
        assert_eq!(
            (
                stats.traces,
                stats.used,
                stats.touched,
                stats.reserved,
                stats.chunks
            ),
            (2, 224, 8192, 8192, 0)
        );
        assert!(matches!(arena.alloc(100), Err(MemoryError::Limit { .. })));
        drop((first, second));
        assert_eq!(arena.stats(), Default::default());
        // An arena that has a chunk goes on with that, and beyond it does the same.
        assert_eq!(call(&publish(before.alloc(100).unwrap(), 9).unwrap()), 9);
        assert!(before.fallback().is_none());
        assert_eq!(
            call(&publish(before.alloc(1 << 20).unwrap(), 10).unwrap()),
            10
        );
        assert!(before.fallback().is_some());
        assert_eq!(call(&packed), 1);
    });
}

#[test]
fn executable_memory_refused_altogether() {
    alone("executable_memory_refused_altogether", || {
        let packed = arena();
        let code = publish(packed.alloc(100).unwrap(), 1).unwrap();
        let prot_exec = 4;
        refuse(MMAP, Some(prot_exec), EPERM);
        refuse(MPROTECT, Some(prot_exec), EACCES);
        let fallen = arena();
        assert!(matches!(
            fallen.fallback(),
            Some(MemoryError::NotExecutable {
                call: "mmap of a memfd",
                ..
            })
        ));
        for block in [
            Writable::alloc(100).unwrap(),
            fallen.alloc(100).unwrap(),
            packed.alloc(1 << 20).unwrap(),
        ] {
            let error = publish(block, 1).unwrap_err();
            assert!(
                matches!(
                    error,
                    MemoryError::NotExecutable {
                        call: "mprotect",
                        ..
                    }
                ),
                "{error:?}"
            );
            assert!(error.to_string().contains("setsebool"), "{error}");
        }
        assert_eq!(fallen.stats().traces, 0);
        assert_eq!(call(&code), 1);
        assert_eq!(call(&publish(packed.alloc(100).unwrap(), 2).unwrap()), 2);
    });
}

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
    alone("no_address_space_left", || {
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
    alone("no_file_may_be_written", || {
        // The output of the test itself goes to a pipe.
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
    alone("no_file_descriptor_left", || {
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

/// Publishes and runs `count` traces, keeping every second one: nothing that was dropped stays unused for long.
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
fn a_fork_leaves_both_with_their_code() {
    alone("a_fork_leaves_both_with_their_code", || {
        let arena = arena();
        let mut parents: Vec<_> = (0..100)
            .map(|n| publish(arena.alloc(48).unwrap(), n).unwrap())
            .collect();
        let draft = arena.alloc(48).unwrap();
        let idle = self::arena();
        let chunks = arena.stats().chunks;
        let (mut here, mut there) = UnixStream::pair().unwrap();
        // SAFETY: the child only does what follows, and this process has no thread that holds a lock.
        match unsafe { fork() } {
            0 => {
                drop(here);
                let done = std::panic::catch_unwind(AssertUnwindSafe(move || {
                    let mut byte = [0];
                    // The parent has dropped half of them by now, and made new ones.
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
                    "the empty one is gone"
                );
                let mut byte = [1];
                let kept: Vec<_> = parents.drain(..50).collect();
                drop(parents);
                let new = churn(&arena, 300, 0xa << 24);
                assert_eq!(call(&publish(draft, 77).unwrap()), 77);
                here.write_all(&byte).unwrap();
                here.read_exact(&mut byte).unwrap();
                // The child has done the same.
                for (n, code) in kept.iter().enumerate() {
                    assert_eq!(call(code), n as u32);
                }
                assert!(new.iter().all(|(code, value)| call(code) == *value));
                assert_eq!(
                    arena.stats().chunks,
                    chunks + 1,
                    "the old one only loses traces"
                );
                drop(kept);
                assert_eq!(arena.stats().chunks, chunks, "and is given back then");
                here.write_all(&byte).unwrap();
                let mut status = 0;
                // SAFETY: waits for the child.
                assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(status, 0);
            }
        }
    });
}
