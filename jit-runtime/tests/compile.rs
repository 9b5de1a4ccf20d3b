//! Compiling into memory that this process executes.
#![cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]

use jit_runtime::memory::{Arena, ArenaOptions};
use jit_runtime::{CompileError, LayoutPolicy, Linker, Stencils, Symbols, Uop};
use jit_schema::{Arch, Target};
use jit_stencils::{Stencil, StencilGroup, StencilSet};

mod machine;

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

        match linker.compile(&trace, &symbols, &arena) {
            Ok(code) => {
                assert_eq!(target.arch, host, "{}", target.triple);
                assert_eq!(machine::call(&code), 42);
            }
            Err(error) => {
                assert_ne!(target.arch, host, "{}: {error}", target.triple);
                assert!(matches!(error, CompileError::Foreign { .. }), "{error}");
                let (target, host) = (target.triple, std::env::consts::ARCH);
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
