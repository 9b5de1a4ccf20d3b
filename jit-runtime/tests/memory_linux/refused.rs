//! A system that refuses executable memory: MDWE, and seccomp filters as containers have them.

use core::ffi::{c_int, c_long, c_ulong};
use jit_runtime::memory::{Arena, ArenaOptions, MemoryError, Writable};

use crate::machine::call;
use crate::{alone, arena, near, publish, traces};

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

#[test]
fn pages_refused_by_mdwe() {
    alone("refused::pages_refused_by_mdwe", || {
        let (set_mdwe, refuse_exec_gain): (c_int, c_ulong) = (65, 1);
        // SAFETY: PR_SET_MDWE only takes rights away from this process.
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

/// Makes the system call `number` fail with `errno` in this thread, by a seccomp filter: always, or if the third
/// argument has one of the bits of `mask`.
pub(crate) fn refuse(number: c_long, mask: Option<u32>, errno: u32) {
    #[repr(C)]
    struct Filter(u16, u8, u8, u32);
    #[repr(C)]
    struct Program(u16, *const Filter);
    // BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ, BPF_JMP | BPF_JSET, BPF_RET.
    let (load, equal, set, give) = (0x20, 0x15, 0x45, 0x06);
    // SECCOMP_RET_ERRNO and SECCOMP_RET_ALLOW.
    let (fail, allow) = (0x0005_0000 | errno, 0x7fff_0000);
    let filters = [
        Filter(load, 0, 0, 0),
        Filter(equal, 0, 3, number as u32),
        Filter(load, 0, 0, 32),
        Filter(set, 0, 1, mask.unwrap_or(u32::MAX)),
        Filter(give, 0, 0, fail),
        Filter(give, 0, 0, allow),
    ];
    let any = [Filter(load, 0, 0, 0), Filter(equal, 0, 1, number as u32)];
    let rest = [Filter(give, 0, 0, fail), Filter(give, 0, 0, allow)];
    let any: Vec<Filter> = any.into_iter().chain(rest).collect();
    let filters = if mask.is_some() { &filters[..] } else { &any };
    let program = Program(filters.len() as u16, filters.as_ptr());
    // SAFETY: PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP. The filter is alive during the call.
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

/// What an arena calls, by the numbers of x86_64 and AArch64, and one call that it does without.
const CALLS: [(&str, c_long, c_long); 10] = [
    ("memfd_create", 319, 279),
    ("openat", 257, 56),
    ("ftruncate", 77, 46),
    ("pwrite64", 18, 68),
    ("mmap", 9, 222),
    ("mprotect", 10, 226),
    ("munmap", 11, 215),
    ("rt_sigprocmask", 14, 135),
    ("rt_sigtimedwait", 128, 137),
    ("prlimit64", 302, 261),
];
/// EPERM, EIO, EBADF, ENOMEM, EACCES, EINVAL, ENFILE, EMFILE, EFBIG, ENOSPC and ENOSYS.
const ERRORS: [u32; 11] = [1, 5, 9, 12, 13, 22, 23, 24, 27, 28, 38];

/// Makes traces in an arena that is made before calls are refused, and in one that is made after it. Returns the
/// values that those return which could be made.
fn make_some(options: ArenaOptions, refuse: impl FnOnce()) -> Vec<u32> {
    let before = Arena::new(options).unwrap();
    let old = publish(before.alloc(100).unwrap(), 1).unwrap();
    let waiting = before.alloc(100).unwrap();
    refuse();
    let mut made = vec![call(&old)];
    made.extend(publish(waiting, 2).map(|code| call(&code)));
    let after = Arena::new(options);
    for arena in [Ok(before), after] {
        // The second is too long for the chunk.
        for (value, len) in [(3, 100), (4, 1 << 20)] {
            let code = arena.as_ref().ok().and_then(|arena| {
                let block = arena.alloc(len).ok()?;
                publish(block, value).ok()
            });
            made.extend(code.as_ref().map(call));
        }
        made.extend(arena.ok().and_then(|arena| traces::compile(&arena).ok()));
    }
    made
}

/// Checks the values of [`make_some`] after a call was refused. Chunks are files, or private pages, which need the
/// process's memory as a file.
fn check_made(call: &str, error: u32, private: bool, made: &[u32]) {
    // A block that is linked already can only be published where it is.
    let writes = call == "pwrite64" || call == "rt_sigprocmask" && !private;
    let first: &[u32] = if writes { &[1] } else { &[1, 2] };
    let all = [first, &[3, 4, traces::VALUE].repeat(2)].concat();
    let no_memory = matches!(error, 12 | 28);
    match call {
        // The first chunk is all that there is.
        "mmap" => assert_eq!(made, [1, 2, 3, traces::VALUE]),
        // The error is taken at its word: there is no memory for own pages, either.
        "memfd_create" | "ftruncate" if no_memory && !private => {
            assert_eq!(made, [1, 2, 3, traces::VALUE]);
        }
        "openat" if no_memory && private => assert_eq!(made, [1, 2, 3, traces::VALUE]),
        _ if writes && no_memory => assert_eq!(made, [1]),
        _ => assert_eq!(made, all),
    }
}

/// Filters are those of a thread.
#[test]
fn whatever_is_refused_is_an_error_or_own_pages() {
    let name = "refused::whatever_is_refused_is_an_error_or_own_pages";
    alone(name, || {
        for (call, x86_64, aarch64) in CALLS {
            let number = if cfg!(target_arch = "x86_64") {
                x86_64
            } else {
                aarch64
            };
            for error in ERRORS {
                for options in [
                    ArenaOptions::default(),
                    ArenaOptions::default().near(near::function()),
                    ArenaOptions::default().private_pages(true),
                ] {
                    let refusing = move || make_some(options, || refuse(number, None, error));
                    let made = std::thread::spawn(refusing).join().expect(call);
                    println!("{call}, error {error}: {made:?}");
                    check_made(call, error, options.private_pages, &made);
                }
            }
        }
    });
}

#[test]
fn without_memfd_traces_get_their_own_pages() {
    alone("refused::without_memfd_traces_get_their_own_pages", || {
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
        // An arena that has a chunk keeps using it. When that is full, traces get pages of their own.
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
    alone("refused::executable_memory_refused_altogether", || {
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
