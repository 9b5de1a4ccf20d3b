//! A system that refuses executable memory: MDWE, and seccomp filters as containers have them.

use core::ffi::{c_int, c_long, c_ulong};
use jit_runtime::memory::{Arena, ArenaOptions, MemoryError, Writable};

use crate::machine::call;
use crate::{alone, arena, publish};

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
fn refuse(number: c_long, mask: Option<u32>, errno: u32) {
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
