//! Tests of memory for code that need Linux: the process's mappings at any time, and a system that refuses
//! memory, limits it or forks the process.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use jit_runtime::memory::{Arena, ArenaOptions, Executable, MemoryError, Writable};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

mod fork;
mod limits;
#[path = "../machine/mod.rs"]
mod machine;
mod near;
mod refused;
mod traces;

use machine::{StopOnDrop, call, code};

fn publish(mut block: Writable, value: u32) -> Result<Executable, MemoryError> {
    let code = code(value);
    block[..code.len()].copy_from_slice(&code);
    block.publish()
}

fn arena() -> Arena {
    Arena::new(ArenaOptions::default()).unwrap()
}

/// Runs `test` in a process of its own, because it changes or counts what belongs to the whole process. `name` is the
/// name of the test, with its module.
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

/// Returns the start, end, permissions and name of each mapping of this process.
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

/// Returns the permissions of the mapping at an address, or nothing if there is none.
fn permissions(address: u64) -> String {
    let maps = maps();
    let found = maps.iter().find(|map| map.0 <= address && address < map.1);
    found.map(|map| map.2.clone()).unwrap_or_default()
}

/// Returns the name of the file that is mapped at an address, or an empty string.
fn file(address: u64) -> String {
    let maps = maps();
    let found = maps.iter().find(|map| map.0 <= address && address < map.1);
    found.map(|map| map.3.clone()).unwrap_or_default()
}

#[test]
fn nothing_is_ever_writable_and_executable() {
    alone("nothing_is_ever_writable_and_executable", || {
        let arena = arena();
        let private = Arena::new(ArenaOptions::default().private_pages(true)).unwrap();
        assert!(private.fallback().is_none(), "{:?}", private.fallback());
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
                        // An arena's memory has no second, writable mapping either.
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
                for (which, block) in [
                    Writable::alloc(5000).unwrap(),
                    arena.alloc(5000).unwrap(),
                    private.alloc(5000).unwrap(),
                ]
                .into_iter()
                .enumerate()
                {
                    let look = n % 100 == 0;
                    if look {
                        assert_eq!(permissions(block.base()), ["rw-p", "r-xs", "r-xp"][which]);
                    }
                    let code = publish(block, n).unwrap();
                    if look {
                        assert_eq!(permissions(code.base()), ["r-xp", "r-xs", "r-xp"][which]);
                        assert_eq!(
                            permissions(code.base() + code.len() as u64 - 1),
                            ["r-xp", "r-xs", "r-xp"][which]
                        );
                    }
                    assert_eq!(call(&code), n);
                    let base = code.base();
                    // Private pages are no file's, as perf and debuggers want them.
                    if look {
                        assert_eq!(file(base).contains("jit-runtime"), which == 1);
                        assert_eq!(file(base).is_empty(), which != 1);
                    }
                    drop(code);
                    if look && which == 0 {
                        assert!(!permissions(base).contains('x'), "is still mapped");
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
            "is still mapped"
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
            // Chunks are files in memory: count the blocks that the kernel has allocated for them.
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
