//! Measures what it brings to have code near the host's functions: `cargo bench -p jit-runtime --bench near`.
//!
//! The stencils do nothing but call functions of this program, or use its variables. They are made by hand, as clang
//! compiles `host();` and `counter++;` for Linux. Each trace is linked near this program and far from it, and the two run
//! in turn; the results are medians over the rounds.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86_64 {
    use jit_runtime::memory::{Arena, ArenaOptions, Executable};
    use jit_runtime::{LayoutPolicy, Linker, References, Stencils, Symbols, Uop};
    use jit_schema::{PatchKind, Target};
    use jit_stencils::{Hole, PatchValue, Stencil, StencilGroup, StencilSet, SymbolMask};
    use std::hint::black_box;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;

    const ROUNDS: usize = 101;
    /// Micro-ops of a trace.
    const LENGTH: usize = 512;
    const FUNCTIONS: usize = 64;

    static COUNTERS: [AtomicU64; FUNCTIONS] = [const { AtomicU64::new(0) }; FUNCTIONS];

    /// A function of the host that does next to nothing.
    extern "C" fn host<const N: u64>() {
        black_box(N);
    }

    macro_rules! hosts {
        ($($number:literal)*) => {
            [$(host::<$number> as extern "C" fn()),*]
        };
    }

    const HOSTS: [extern "C" fn(); FUNCTIONS] = hosts! {
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
    };

    /// Returns a stencil with an instruction whose last four bytes refer to the slot of a symbol.
    fn uses(code: &[u8], offset: usize, ordinal: usize) -> StencilGroup {
        let hole = |offset, patch, value| Hole {
            offset,
            patch,
            value,
            first: None,
            void: false,
        };
        let slot = PatchValue::GotSlot {
            ordinal,
            addend: -4,
        };
        let fill = hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal });
        StencilGroup {
            code: Stencil {
                body: code.to_vec(),
                holes: vec![hole(offset, PatchKind::X86_64_32rx, slot)],
            },
            data: Stencil {
                body: vec![],
                holes: vec![fill],
            },
            got_entries: SymbolMask::from_iter([ordinal]),
            ..StencilGroup::default()
        }
    }

    fn plain(code: &[u8]) -> StencilGroup {
        StencilGroup {
            code: Stencil {
                body: code.to_vec(),
                holes: vec![],
            },
            ..StencilGroup::default()
        }
    }

    /// The stencils: a start and an end, a call for each function, and an increment for each counter.
    fn stencils() -> Stencils {
        // sub rsp, 8; and add rsp, 8; ret
        let mut groups = vec![
            ("_ENTER".to_owned(), plain(&[0x48, 0x83, 0xec, 8])),
            ("_LEAVE".to_owned(), plain(&[0x48, 0x83, 0xc4, 8, 0xc3])),
        ];
        for index in 0..FUNCTIONS {
            // call [rip + slot]
            let call = uses(&[0xff, 0x15, 0, 0, 0, 0], 2, index);
            // mov rax, [rip + slot]; inc qword ptr [rax]
            let count = [0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x48, 0xff, 0x00];
            let count = uses(&count, 3, FUNCTIONS + index);
            groups.push((format!("_CALL_{index}"), call));
            groups.push((format!("_COUNT_{index}"), count));
        }
        let symbols = ["host", "counter"]
            .iter()
            .flat_map(|kind| (0..FUNCTIONS).map(move |index| format!("{kind} {index}")));
        let set = StencilSet {
            target: *Target::from_triple("x86_64-unknown-linux-gnu").expect("a target"),
            groups,
            symbols: symbols.collect(),
            shim: None,
            families: Vec::new(),
        };
        Stencils::new(&set).expect("stencils")
    }

    fn address(name: &str) -> Option<u64> {
        let (kind, index) = name.split_once(' ')?;
        let index: usize = index.parse().ok()?;
        Some(match kind {
            "host" => *HOSTS.get(index)? as usize as u64,
            _ => (&raw const COUNTERS[index]).addr() as u64,
        })
    }

    /// Code of a trace, near this program or not.
    struct Linked {
        code: Executable,
        references: References,
        nanoseconds: Vec<f64>,
    }

    impl Linked {
        fn new(stencils: &Stencils, trace: &[Uop], near: Option<u64>) -> Linked {
            let mut options = ArenaOptions::default();
            options.near = near;
            let arena = Arena::new(options).expect("an arena");
            let symbols = Symbols::new(stencils, address);
            let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
            let code = linker.compile(trace, &symbols, &arena).expect("code");
            let layout = linker.layout(trace).expect("a layout");
            let references = linker.references(&layout, code.bytes());
            Linked {
                references: references.expect("the image of this trace"),
                code,
                nanoseconds: Vec::new(),
            }
        }

        /// Runs the trace for a while, and notes the time that a micro-op takes.
        fn measure(&mut self) {
            // SAFETY: the trace is a function without arguments: it aligns the stack for its calls, and restores it.
            let run = unsafe { self.code.entry::<extern "C" fn()>(0) }.expect("an entry");
            run();
            let start = Instant::now();
            for _ in 0..200 {
                run();
            }
            let time = start.elapsed().as_nanos() as f64;
            self.nanoseconds.push(time / (200 * LENGTH) as f64);
        }

        fn median(&self) -> f64 {
            let mut times = self.nanoseconds.clone();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        }
    }

    fn row(stencils: &Stencils, name: &str, kind: &str, different: usize) {
        let uop = |name: &str| Uop {
            opcode: stencils.opcode(name).expect("a stencil"),
            ..Uop::default()
        };
        let mut trace = vec![uop("_ENTER")];
        trace.extend((0..LENGTH).map(|index| uop(&format!("{kind}_{}", index % different))));
        trace.push(uop("_LEAVE"));
        let mut near = Linked::new(stencils, &trace, Some(HOSTS[0] as usize as u64));
        let mut far = Linked::new(stencils, &trace, None);
        let shorter = |linked: &Linked| linked.references.direct + linked.references.computed;
        assert_eq!((shorter(&near), shorter(&far)), (LENGTH, 0), "near and far");
        for round in 0..ROUNDS {
            // Each is the first in every second round.
            let [first, second] = match round % 2 {
                0 => [&mut near, &mut far],
                _ => [&mut far, &mut near],
            };
            first.measure();
            second.measure();
        }
        let (near, far) = (near.median(), far.median());
        println!("| {name} | {far:.2} | {near:.2} | {:.2} |", far / near);
    }

    pub(crate) fn main() {
        println!("| ns each | anywhere | near | anywhere to near |\n| --- | --- | --- | --- |");
        let stencils = stencils();
        row(&stencils, "calls of one function", "_CALL", 1);
        row(&stencils, "calls of 64 functions", "_CALL", FUNCTIONS);
        row(&stencils, "increments of one variable", "_COUNT", 1);
        row(&stencils, "increments of 64 variables", "_COUNT", FUNCTIONS);
        assert!(
            COUNTERS
                .iter()
                .all(|counter| counter.load(Ordering::Relaxed) > 0)
        );
    }
}

fn main() {
    // `cargo test --all-targets` runs this program as well, without the flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    x86_64::main();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    println!("This measurement is for x86_64 Linux only.");
}
