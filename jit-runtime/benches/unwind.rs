//! Measures what it costs to register code with the process's unwinder: for each chunk of an arena, and for each
//! trace, and how long a backtrace takes with many registrations. The ways take turns in each round, and the
//! results are the medians of all rounds, and of the ratios of each round's pairs.

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{c_int, c_void};
    use std::hint::black_box;
    use std::time::Instant;

    use jit_runtime::memory::{Arena, ArenaOptions, Executable};
    use jit_stencils::UnwindInfo;

    const ROUNDS: usize = 101;
    const TIMES: u32 = 200;

    unsafe extern "C" {
        fn _Unwind_Backtrace(
            step: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
            argument: *mut c_void,
        ) -> c_int;
    }

    extern "C" fn step(_context: *mut c_void, _argument: *mut c_void) -> c_int {
        0
    }

    /// The rules of x86_64 for a frame with a frame pointer; no code follows them here.
    const RULES: UnwindInfo = UnwindInfo {
        code_alignment_factor: 1,
        data_alignment_factor: -8,
        return_address_register: 16,
        cfa_register: 6,
        cfa_offset: 16,
        frame_pointer_register: 6,
        frame_pointer_offset: 2,
        return_address_offset: 1,
    };

    fn median(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    /// Returns the nanoseconds that each of `TIMES` calls takes.
    fn time(mut call: impl FnMut()) -> f64 {
        let start = Instant::now();
        for _ in 0..TIMES {
            call();
        }
        start.elapsed().as_nanos() as f64 / f64::from(TIMES)
    }

    fn compare(name: &str, mut without: impl FnMut(), mut with: impl FnMut()) {
        let pairs: Vec<_> = (0..ROUNDS)
            .map(|round| match round % 2 {
                0 => (time(&mut without), time(&mut with)),
                _ => {
                    let with = time(&mut with);
                    (time(&mut without), with)
                }
            })
            .collect();
        let column = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
        println!(
            "{name:<34} {:>8.0} ns {:>8.0} ns, ratio {:.3}",
            column(|pair| pair.0),
            column(|pair| pair.1),
            column(|pair| pair.1 / pair.0)
        );
    }

    fn trace(arena: &Arena) -> Executable {
        arena.alloc(600).unwrap().publish().unwrap()
    }

    fn backtrace() {
        // SAFETY: `step` ignores its arguments.
        black_box(unsafe { _Unwind_Backtrace(step, std::ptr::null_mut()) });
    }

    pub(super) fn main() {
        // `cargo test --all-targets` runs this program as well, without the flag.
        if !std::env::args().any(|argument| argument == "--bench") {
            return;
        }
        let plain = ArenaOptions::default();
        let known = plain.unwind(&RULES);
        println!("{:<34} {:>11} {:>11}", "", "without", "with");
        let chunk = |options| drop(black_box(Arena::new(options).unwrap()));
        compare("chunk: map, unmap", || chunk(plain), || chunk(known));
        let arenas = [plain, known].map(|options| Arena::new(options).unwrap());
        let publish = |arena: &Arena| drop(black_box(trace(arena)));
        compare(
            "trace of 600 bytes: publish, drop",
            || publish(&arenas[0]),
            || publish(&arenas[1]),
        );
        let private = plain.private_pages(true);
        let private = Arena::new(private).unwrap();
        compare(
            "the same: file, private pages",
            || publish(&arenas[0]),
            || publish(&private),
        );
        drop(arenas);
        // A chunk with 1,000 traces, and as many registrations as there would be for each trace.
        for count in [1_usize, 1000] {
            let start = Instant::now();
            let none = time(backtrace);
            let all: Vec<_> = (0..count)
                .map(|_| Arena::new(known.chunk(4096)).unwrap())
                .collect();
            backtrace(); // The unwinder sorts what is new.
            let some = time(backtrace);
            println!(
                "backtrace with {count:>4} registrations {none:>8.0} ns {some:>8.0} ns, ratio {:.3} ({} ms)",
                some / none,
                start.elapsed().as_millis()
            );
            drop(all);
        }
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}
