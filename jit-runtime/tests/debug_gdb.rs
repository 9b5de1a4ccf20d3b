//! Checks GDB's backtraces of a program that runs a trace of the example's stencils.
//!
//! GDB runs this program a second time, with an argument that makes it run the trace.
#![cfg_attr(
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    allow(dead_code)
)]

use std::{env, ffi::c_int, process::Command};

use jit_runtime::{
    LayoutPolicy, Linker, Stencils, Symbols, Uop,
    debug::{Description, Detail, gdb},
    memory::{Arena, ArenaOptions, Executable, MemoryError, Writable},
};

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tinyvm;

const RUN: &str = "run-the-trace";

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn main() {
    if env::args().nth(1).as_deref() == Some(RUN) {
        debuggee::main();
    } else {
        backtraces_cross_jit_frames();
        println!("backtraces_cross_jit_frames ... ok");
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn main() {
    println!("nothing to test here: only stencils for Linux have unwind rules");
}

const STEPS: usize = 12;

/// The command that prints the frame pointer.
const REGISTER: &str = if cfg!(target_arch = "x86_64") {
    "info registers rbp"
} else {
    "info registers x29"
};

#[expect(
    clippy::too_many_lines,
    reason = "one session of GDB and what it prints"
)]
fn backtraces_cross_jit_frames() {
    fixtures::needs!(gdb);
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch"]);
    let mut commands = vec![
        "set confirm off",
        "set width 0",
        "set debuginfod enabled off",
        "set breakpoint pending on",
        // Stop in the Rust code that calls the shim.
        "tbreak debug_gdb::tinyvm::call_shim",
        "run",
        "echo == before\\n",
        REGISTER,
        // Stop in the host's function, which the trace calls.
        "break host_print",
        "continue",
        "echo == arena\\n",
        "bt",
        "continue",
        "continue",
        "echo == print\\n",
        "bt",
        "frame function debug_gdb::tinyvm::call_shim",
        "echo == after\\n",
        REGISTER,
        // Stop in the shim when it is called again.
        "delete",
        "tbreak vm_enter_jit",
        "continue",
        "echo == shim\\n",
        "bt",
        // Step from there, so that the stack pointer changes.
        "tbreak 'demo::_LOAD_INT_r01'",
        "continue",
    ];
    for _ in 0..STEPS {
        commands.extend(["echo == step\\n", "bt", "stepi"]);
    }
    commands.extend([
        // Stop in the trace that was linked meanwhile.
        "tbreak 'next::_PRINT_r10'",
        "continue",
        "echo == next\\n",
        "bt",
        "tbreak after_the_trace",
        "continue",
        "echo == forgotten\\n",
        "info functions demo::",
        "info functions vm_enter_jit",
        "echo == end\\n",
    ]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    gdb.arg("--args").arg(env::current_exe().unwrap()).arg(RUN);
    let output = gdb.output().unwrap_or_else(|error| {
        panic!("cannot run gdb: {error}; install it, for example with `apt-get install gdb`")
    });
    let text = String::from_utf8_lossy(&output.stdout);
    let all = format!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let parts: Vec<Vec<&str>> = text
        .split("== ")
        .map(|part| part.lines().collect())
        .collect();
    let part = |name: &str| {
        let mut found = parts.iter().filter(|part| part[0] == name);
        found
            .next()
            .unwrap_or_else(|| panic!("no {name} in:\n{all}"))
    };

    for (stop, name) in [("arena", "other"), ("print", "demo::_PRINT_r10")] {
        let found = frames(part(stop));
        assert_eq!(last(found[0]), "host_print", "{all}");
        assert_eq!(found[1], name, "{all}");
        assert_rust_callers(&found[2..], &all);
    }
    // GDB restores the caller's frame pointer.
    let [before, after] = ["before", "after"].map(|name| part(name)[1]);
    assert!(before.split_whitespace().nth(1).is_some(), "{all}");
    assert_eq!(before, after, "{all}");

    let shim = frames(part("shim"));
    assert_eq!(shim[0], "vm_enter_jit", "{all}");
    assert_rust_callers(&shim[1..], &all);

    let steps: Vec<_> = parts
        .iter()
        .filter(|part| part[0] == "step")
        .map(|part| frames(part))
        .collect();
    assert_eq!(steps.len(), STEPS, "{all}");
    assert_eq!(steps[0][0], "demo::_LOAD_INT_r01", "{all}");
    for step in &steps {
        let jit = step.iter().position(|name| name.starts_with("demo::"));
        let jit = jit.unwrap_or_else(|| panic!("{step:?} in:\n{all}"));
        assert!(jit <= 1, "{step:?} in:\n{all}");
        assert_rust_callers(&step[jit + 1..], &all);
    }
    assert!(
        steps.iter().any(|step| step[0] == "demo::_PRINT_r10"),
        "{all}"
    );

    let next = frames(part("next"));
    assert_eq!(next[0], "next::_PRINT_r10", "{all}");
    assert_rust_callers(&next[1..], &all);
    // It prints its own value, a boxed 43, both times.
    assert_eq!(
        text.lines()
            .filter(|line| *line == "fffc00000000002b")
            .count(),
        2,
        "{all}"
    );

    let forgotten = part("forgotten").join("\n");
    assert!(!forgotten.contains("demo::_"), "{all}");
    assert!(!forgotten.contains("  vm_enter_jit"), "{all}");
    part("end");
}

/// Returns the function names of the lines `#1  0x00007fff in NAME (arguments) at FILE`. Inlined functions have no address.
fn frames<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let frames = lines.iter().filter(|line| line.starts_with('#'));
    frames
        .map(|line| {
            let (_, line) = line.split_once(' ').unwrap();
            let line = line.trim_start();
            let name = match line.split_once(" in ") {
                Some((address, rest)) if address.starts_with("0x") => rest,
                _ => line,
            };
            name.split(" (").next().unwrap()
        })
        .collect()
}

/// Returns the last part of a path. (Functions with `no_mangle` have a path in debug information only.)
fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Checks that the frames are `call_shim`, called by `call_often`, called by `main`.
fn assert_rust_callers(frames: &[&str], all: &str) {
    let expected = ["call_shim", "call_often", "main"];
    let mut names = frames.iter().map(|name| last(name));
    assert_eq!(names.next(), Some(expected[0]), "{all}");
    for name in &expected[1..] {
        assert!(
            names.any(|found| found == *name),
            "no {name} in {frames:?} of:\n{all}"
        );
    }
}

/// The program that GDB debugs.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod debuggee {
    use super::*;

    // SAFETY: nothing else in this program has these names.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn host_print(_thread: *mut tinyvm::Thread, value: u64) -> c_int {
        println!("{:x}", std::hint::black_box(value));
        0
    }

    // SAFETY: as above.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn after_the_trace() {
        std::hint::black_box(());
    }

    /// Code that is registered with GDB. It is unregistered before it is freed.
    struct Known {
        _registration: gdb::Registration,
        code: Executable,
    }

    fn link(
        stencils: &Stencils,
        alloc: impl FnOnce(usize) -> Result<Writable, MemoryError>,
        trace: &[Uop],
        name: &str,
        detail: Detail,
    ) -> Known {
        let symbols = Symbols::new(stencils, |name| {
            (name == "vm_print").then_some(host_print as *const () as u64)
        });
        let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
        let layout = linker.layout(trace).unwrap();
        let mut memory = alloc(layout.size()).unwrap();
        let base = memory.base();
        linker.link(&layout, base, &symbols, &mut memory).unwrap();
        let code = memory.publish().unwrap();
        let description = Description::new(stencils, &layout, &code, name, detail).unwrap();
        Known {
            _registration: gdb::register(&description).unwrap(),
            code,
        }
    }

    pub(super) fn main() {
        let stencils = tinyvm::stencils();
        let (shim, trace) = (tinyvm::shim(&stencils), tinyvm::trace(&stencils, 42));
        // GDB cannot set breakpoints in shared pages, and reports no error.
        let shared = Arena::new(ArenaOptions::default()).unwrap();
        let alloc = |len| shared.alloc(len);
        let before = link(&stencils, alloc, &trace, "other", Detail::Trace);
        let private = Arena::new(ArenaOptions::default().private_pages(true)).unwrap();
        assert!(private.fallback().is_none(), "{:?}", private.fallback());
        let alloc = |len| private.alloc(len);
        let shim = link(
            &stencils,
            Writable::alloc,
            &shim,
            "vm_enter_jit",
            Detail::Trace,
        );
        let trace = link(&stencils, alloc, &trace, "demo", Detail::Uops);
        // GDB's backtraces must work where it cannot set breakpoints, too.
        call_often(&shim.code, &before.code);
        // Unregister the first entry of GDB's list, and then the last ones.
        drop(before);
        call_often(&shim.code, &trace.code);
        // GDB has written to the page that this trace goes to.
        let next = tinyvm::trace(&stencils, 43);
        let next = link(&stencils, alloc, &next, "next", Detail::Uops);
        assert_eq!(next.code.base() >> 12, trace.code.base() >> 12);
        call_often(&shim.code, &next.code);
        drop(next);
        drop(trace);
        drop(shim);
        after_the_trace();
    }

    #[inline(never)]
    fn call_often(shim: &Executable, trace: &Executable) {
        for _ in 0..2 {
            let exit = tinyvm::call_shim(shim, trace);
            assert_eq!(exit, Some(0));
        }
    }
}
