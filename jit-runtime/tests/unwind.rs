//! Backtraces that the process makes of itself while it runs traces of the example's stencils: what the unwinder
//! says, which is libgcc's, or LLVM's libunwind in a process that loads that first.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::{
    cell::{Cell, RefCell},
    env,
    ffi::{CStr, c_char, c_int, c_void},
    fs,
    os::unix::process::ExitStatusExt as _,
    panic::{self, AssertUnwindSafe},
    process::{Command, Output},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use jit_runtime::{
    LayoutPolicy, Linker, Stencils, Symbols, Uop,
    memory::{Arena, ArenaOptions, Executable, MemoryError},
};

mod tinyvm;

use tinyvm::{Thread, call_shim};

/// `Dl_info` of glibc's `dlfcn.h`.
#[repr(C)]
struct Info {
    file: *const c_char,
    base: *mut c_void,
    name: *const c_char,
    address: *mut c_void,
}

type Step = extern "C" fn(*mut c_void, *mut c_void) -> c_int;

unsafe extern "C" {
    fn _Unwind_Backtrace(step: Step, frames: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
    /// The last argument is a `struct dwarf_eh_bases`: the third address is that of the code.
    fn _Unwind_Find_FDE(address: *const c_void, bases: *mut [usize; 3]) -> *const c_void;
    fn dladdr(address: *const c_void, info: *mut Info) -> c_int;
}

/// A frame of a backtrace: where it is, and where the unwinder says that this function starts.
#[derive(Debug, Clone, Copy)]
struct Address {
    at: usize,
    function: usize,
}

extern "C" fn step(context: *mut c_void, frames: *mut c_void) -> c_int {
    // SAFETY: the unwinder's own context.
    let at = unsafe { _Unwind_GetIP(context) };
    // A return address is after the call, which may be the last instruction of its function.
    // SAFETY: any address will do.
    let function =
        unsafe { _Unwind_FindEnclosingFunction(ptr::without_provenance_mut(at.saturating_sub(1))) };
    // SAFETY: `backtrace` has given it.
    let frames = unsafe { &mut *frames.cast::<Vec<Address>>() };
    frames.push(Address {
        at,
        function: function.addr(),
    });
    0
}

fn backtrace() -> Vec<Address> {
    let mut frames = Vec::new();
    // SAFETY: `step` gets the pointer, and nobody else has it.
    unsafe { _Unwind_Backtrace(step, (&raw mut frames).cast()) };
    frames
}

/// Returns the FDE by which the unwinder finds its way from an address, and the start of its code.
fn fde(address: u64) -> Option<(usize, usize)> {
    let mut bases = [0; 3];
    // SAFETY: any address will do, and the other one is of such a structure.
    let fde =
        unsafe { _Unwind_Find_FDE(ptr::without_provenance(address as usize), &raw mut bases) };
    (!fde.is_null()).then(|| (fde.addr(), bases[2]))
}

/// Returns the file of the library that a function is in.
fn library(function: *const c_void) -> String {
    let mut info = Info {
        file: ptr::null(),
        base: ptr::null_mut(),
        name: ptr::null(),
        address: ptr::null_mut(),
    };
    // SAFETY: any address will do.
    assert_ne!(unsafe { dladdr(function, &raw mut info) }, 0);
    // SAFETY: dladdr has set it, to a string of the dynamic linker's.
    let file = unsafe { CStr::from_ptr(info.file) };
    file.to_string_lossy().into_owned()
}

thread_local! {
    static FRAMES: RefCell<Vec<Address>> = const { RefCell::new(Vec::new()) };
    static PANIC: Cell<bool> = const { Cell::new(false) };
}

/// The host's function that the trace calls.
#[inline(never)]
extern "C-unwind" fn host_print(_thread: *mut Thread, _value: u64) -> c_int {
    assert!(!PANIC.get(), "no way through the code");
    FRAMES.set(backtrace());
    0
}

fn link(stencils: &Stencils, arena: &Arena, trace: &[Uop]) -> Executable {
    let symbols = Symbols::new(stencils, |name| {
        (name == "vm_print").then_some(host_print as *const () as u64)
    });
    let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
    linker.compile(trace, &symbols, arena).unwrap()
}

fn options(stencils: &Stencils) -> ArenaOptions {
    ArenaOptions::default().unwind(stencils.unwind().unwrap())
}

/// Links a trace and the shim to an arena, runs them, and returns the addresses of the frames above the host's function.
#[inline(never)]
fn run(stencils: &Stencils, arena: &Arena) -> (Executable, Vec<Address>) {
    let shim = link(stencils, arena, &tinyvm::shim(stencils));
    let trace = link(stencils, arena, &tinyvm::trace(stencils, 42));
    assert_eq!(call_shim(&shim, &trace), Some(0));
    let mut frames = FRAMES.take();
    let host = host_print as *const () as usize;
    let at = frames.iter().position(|frame| frame.function == host);
    frames.drain(..=at.unwrap_or_else(|| panic!("not called by {host:x}: {frames:x?}")));
    (trace, frames)
}

/// Whether a backtrace leads from a trace to its callers in Rust.
fn leads_through(trace: &Executable, frames: &[Address]) -> bool {
    let mut frames = frames.iter();
    let first = frames.next();
    first.is_some_and(|frame| trace.contains(frame.at as u64))
        && frames
            .next()
            .is_some_and(|frame| frame.function == call_shim as *const () as usize)
        && frames.any(|frame| frame.function == run as *const () as usize)
}

#[test]
fn backtraces_lead_through_traces() {
    let stencils = tinyvm::stencils();
    for private in [false, true] {
        let arena = Arena::new(options(&stencils).private_pages(private)).unwrap();
        let (trace, frames) = run(&stencils, &arena);
        assert!(arena.fallback().is_none(), "{:?}", arena.fallback());
        assert!(leads_through(&trace, &frames), "{trace:?} {frames:x?}");
    }
    // Without registration, there is no way from the trace.
    let arena = Arena::new(ArenaOptions::default()).unwrap();
    let (trace, frames) = run(&stencils, &arena);
    assert!(!leads_through(&trace, &frames), "{trace:?} {frames:x?}");
    assert!(frames.len() <= 1, "{trace:?} {frames:x?}");
}

/// The library that the other tests have been run with.
#[test]
fn the_unwinder_is_the_one_that_is_named() {
    let named = env::var(UNWINDER);
    let named = named.as_deref().unwrap_or("libgcc_s.so.1");
    for function in [
        _Unwind_Backtrace as *const c_void,
        _Unwind_Find_FDE as *const c_void,
    ] {
        let library = library(function);
        assert!(library.ends_with(named), "{library} is not {named}");
    }
}

#[test]
fn a_chunk_is_registered_once() {
    let stencils = tinyvm::stencils();
    let arena = Arena::new(options(&stencils)).unwrap();
    let traces: Vec<_> = (0..100)
        .map(|n| link(&stencils, &arena, &tinyvm::trace(&stencils, n)))
        .collect();
    assert_eq!(arena.stats().chunks, 1);
    let (base, end) = mapping(traces[0].base());
    let known = fde(traces[0].base());
    assert_eq!(known.map(|(_, start)| start as u64), Some(base));
    for address in traces.iter().map(Executable::base).chain([base, end - 1]) {
        assert_eq!(fde(address), known, "{address:x}");
    }

    let other = Arena::new(options(&stencils)).unwrap();
    let trace = link(&stencils, &other, &tinyvm::trace(&stencils, 1));
    let of_other = fde(trace.base());
    assert!(of_other.is_some() && of_other != known, "{of_other:?}");

    let address = traces[0].base();
    drop(traces);
    assert_eq!(fde(address), known, "an empty chunk is kept");
    drop(arena);
    assert_ne!(fde(address), known, "is still known");
    assert_eq!(fde(trace.base()), of_other);
}

/// Returns the ends of the mapping that an address is in.
fn mapping(address: u64) -> (u64, u64) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut ranges = maps.lines().map(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let (end, _) = rest.split_once(' ').unwrap();
        let hex = |text| u64::from_str_radix(text, 16).unwrap();
        (hex(start), hex(end))
    });
    let found = ranges.find(|(start, end)| (*start..*end).contains(&address));
    found.unwrap_or_else(|| panic!("no {address:x} in {maps}"))
}

#[test]
fn threads_unwind_while_others_register() {
    let stencils = tinyvm::stencils();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let others: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut runs = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let arena = Arena::new(options(&stencils).chunk(4096)).unwrap();
                        let (trace, frames) = run(&stencils, &arena);
                        assert!(leads_through(&trace, &frames), "{trace:?} {frames:x?}");
                        runs += 1;
                    }
                    runs
                })
            })
            .collect();
        let arena = Arena::new(options(&stencils)).unwrap();
        let complete = (0..2000).all(|_| {
            let (trace, frames) = run(&stencils, &arena);
            leads_through(&trace, &frames)
        });
        stop.store(true, Ordering::Relaxed);
        for other in others {
            assert!(other.join().unwrap() > 0);
        }
        assert!(complete);
    });
}

#[test]
fn damaged_rules_are_refused() {
    let mut rules = *tinyvm::stencils().unwind().unwrap();
    rules.cfa_offset = -16;
    let arena = Arena::new(ArenaOptions::default().unwind(&rules));
    assert!(matches!(arena, Err(MemoryError::UnwindRules)), "{arena:?}");
}

const ALONE: &str = "JIT_RUNTIME_TEST_ALONE";
const UNWINDER: &str = "JIT_RUNTIME_TEST_UNWINDER";

/// Runs this program with tests of a name only.
fn again(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--test-threads=1", "--nocapture"]);
    command.env(ALONE, name);
    command
}

fn is_alone(name: &str) -> bool {
    env::var(ALONE).is_ok_and(|value| value == name)
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    format!(
        "{}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The processor's registers would be wrong for whoever catches it.
#[test]
fn a_panic_does_not_get_through() {
    const NAME: &str = "a_panic_does_not_get_through";
    const SIGABRT: i32 = 6;
    if is_alone(NAME) {
        PANIC.set(true);
        let stencils = tinyvm::stencils();
        let arena = Arena::new(options(&stencils)).unwrap();
        let caught = panic::catch_unwind(AssertUnwindSafe(|| run(&stencils, &arena)));
        println!("caught: {}", caught.is_err());
        return;
    }
    let output = again(NAME).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{text}");
    assert!(text.contains("no way through the code"), "{text}");
    // `_URC_FATAL_PHASE1_ERROR` of the Itanium C++ ABI.
    assert!(text.contains("failed to initiate panic, error 3"), "{text}");
}

/// Traces that share no chunk, as the process cannot have another file.
#[test]
fn pages_of_its_own_are_registered() {
    const NAME: &str = "pages_of_its_own_are_registered";
    if !is_alone(NAME) {
        let output = again(NAME).output().unwrap();
        let text = text(&output);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return;
    }
    let stencils = tinyvm::stencils();
    let no_files = rustix::process::Rlimit {
        current: Some(0),
        maximum: None,
    };
    let files = rustix::process::Resource::Nofile;
    let before = rustix::process::getrlimit(files);
    let maximum = before.maximum;
    rustix::process::setrlimit(
        files,
        rustix::process::Rlimit {
            maximum,
            ..no_files
        },
    )
    .unwrap();
    let arena = Arena::new(options(&stencils)).unwrap();
    let (trace, frames) = run(&stencils, &arena);
    rustix::process::setrlimit(files, before).unwrap();
    assert_eq!(arena.stats().chunks, 0);
    assert!(leads_through(&trace, &frames), "{trace:?} {frames:x?}");
    let address = trace.base();
    let known = fde(address);
    assert_eq!(known.map(|(_, start)| start as u64), Some(address));
    drop(trace);
    assert_ne!(fde(address), known, "is still known");
}

/// The same tests in a process with the other unwinder.
#[test]
fn llvms_libunwind_gets_what_it_expects() {
    if env::var_os(UNWINDER).is_some() {
        return;
    }
    let Some(library) = fixtures::needs::llvm_libunwind() else {
        return;
    };
    let output = Command::new(env::current_exe().unwrap())
        .env("LD_PRELOAD", &library)
        .env(UNWINDER, library.file_name().unwrap())
        .output()
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("test result: ok. 8 passed"), "{text}");
}
