//! Compiling into memory that this process executes.
#![cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]

use jit_runtime::memory::{Arena, ArenaOptions};
use jit_runtime::{CompileError, LayoutPolicy, Linker, Stencils, Symbols, Uop};
use jit_schema::{Arch, Target};
use jit_stencils::{Stencil, StencilGroup, StencilSet};

mod machine;

/// Stencils for this machine, each with data after an odd number of words of others'.
#[cfg(all(target_arch = "x86_64", not(target_vendor = "apple")))]
mod alignment {
    use super::*;
    use jit_schema::PatchKind;
    use jit_stencils::{Hole, HoleValue, PatchValue};

    fn data_at(offset: usize) -> Hole {
        Hole {
            offset,
            patch: PatchKind::Patch32r,
            value: PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend: -4,
            },
            first: None,
            void: false,
        }
    }

    fn group(body: &[u8], holes: Vec<Hole>, data: &[u64], alignment: usize) -> StencilGroup {
        let words = data.iter().flat_map(|word| word.to_le_bytes());
        StencilGroup {
            code: Stencil {
                body: body.to_vec(),
                holes,
            },
            data: Stencil {
                body: words.collect(),
                holes: vec![],
            },
            data_alignment: alignment,
            ..StencilGroup::default()
        }
    }

    /// A function that loads 16 bytes of its data with an instruction that faults unless they are
    /// aligned, after stencils with an odd number of words of data; and one that returns the address of
    /// data with more alignment.
    #[test]
    fn data_is_where_code_relies_on_it() {
        let target = Target::host().unwrap();
        // nop
        let odd = group(&[0x90], vec![], &[7], 8);
        // movaps xmm0, [rip + data]; movhlps xmm1, xmm0; paddq xmm0, xmm1; movq rax, xmm0; ret
        let code = [
            0x0f, 0x28, 0x05, 0, 0, 0, 0, 0x0f, 0x12, 0xc8, 0x66, 0x0f, 0xd4, 0xc1, 0x66, 0x48,
            0x0f, 0x7e, 0xc0, 0xc3,
        ];
        let sum = group(&code, vec![data_at(3)], &[40, 2, 1], 16);
        // lea rax, [rip + data]; ret
        let address = [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3];
        let mut groups = vec![("_ODD".to_owned(), odd), ("_SUM".to_owned(), sum)];
        for power in 5..=12 {
            let group = group(&address, vec![data_at(3)], &[1, 2, 3], 1 << power);
            groups.push((format!("_ADDRESS_{power}"), group));
        }
        let set = StencilSet {
            target: *target,
            groups,
            symbols: vec![],
            shim: None,
            families: vec![],
        };
        let stencils = Stencils::load(&jit_stencils::file::encode(&set)).unwrap();
        let symbols = Symbols::new(&stencils, |_| None);
        let arena = Arena::new(ArenaOptions::default().chunk(16384)).unwrap();
        let mut alive = Vec::new();
        for policy in [
            LayoutPolicy::Tight,
            LayoutPolicy::CPython { page_size: 4096 },
        ] {
            let mut linker = Linker::new(&stencils, policy);
            for odd in 0..4 {
                for opcode in 1..10 {
                    let mut trace = vec![Uop::default(); odd];
                    trace.push(Uop {
                        opcode,
                        ..Uop::default()
                    });
                    let code = linker.compile(&trace, &symbols, &arena).unwrap();
                    // SAFETY: `nop`s and a function of this type, and `code` is alive.
                    let run = unsafe { code.entry::<extern "C" fn() -> u64>(0) }.unwrap();
                    let result = run();
                    if opcode == 1 {
                        assert_eq!(result, 42);
                    } else {
                        assert_eq!(result % (1 << (opcode + 3)), 0, "{opcode}, {odd}");
                        assert!(code.contains(result));
                    }
                    alive.push(code);
                }
            }
        }
    }
}

/// Stencils for any target, with a micro-op that returns 42 on this machine.
fn stencils(target: &Target) -> Stencils {
    let code = Stencil {
        body: machine::code(42),
        ..Stencil::default()
    };
    let group = StencilGroup {
        code,
        ..StencilGroup::default()
    };
    let set = StencilSet {
        target: *target,
        groups: vec![("_RETURN".into(), group)],
        symbols: vec![],
        shim: None,
        families: vec![],
    };
    Stencils::new(&set).unwrap()
}

/// Code for another architecture never gets into executable memory. It can be linked.
#[test]
fn only_code_for_this_architecture() {
    let host = match std::env::consts::ARCH {
        "aarch64" => Arch::Aarch64,
        "x86" => Arch::I686,
        "x86_64" => Arch::X86_64,
        arch => panic!("{arch}"),
    };
    let arena = Arena::new(ArenaOptions::default()).unwrap();
    for target in &Target::ALL {
        let stencils = stencils(target);
        let symbols = Symbols::new(&stencils, |_| None);
        let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
        let trace = [Uop::default()];
        let layout = linker.layout(&trace).unwrap();
        let mut image = vec![0; layout.size()];
        linker
            .link(&layout, 0x1_0000, &symbols, &mut image)
            .unwrap();
        assert_eq!(image[..16], machine::code(42)[..]);

        // Windows has its own calling convention.
        let is_windows = target.triple.contains("windows");
        let runs_here = target.arch == host && is_windows == cfg!(windows);
        match linker.compile(&trace, &symbols, &arena) {
            Ok(code) => {
                assert!(runs_here, "{}", target.triple);
                assert_eq!(machine::call(&code), 42);
            }
            Err(error) => {
                assert!(!runs_here, "{}: {error}", target.triple);
                assert!(matches!(error, CompileError::Foreign { .. }), "{error}");
                let (target, host) = (target.triple, Target::host().unwrap().triple);
                assert_eq!(
                    error.to_string(),
                    format!(
                        "the stencils are for {target}, and this process runs on {host}: load the \
                         stencils for {host}, or use Linker::link to make an image for another machine"
                    )
                );
            }
        }
        assert_eq!(arena.stats().traces, 0);
    }
}
