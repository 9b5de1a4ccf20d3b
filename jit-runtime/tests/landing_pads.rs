//! Landing pads before traces, and memory in which indirect branches may arrive at landing pads only.

use jit_runtime::{LayoutPolicy, Linker, Stencils, Symbols, Uop};
use jit_schema::{PatchKind, Target};
use jit_stencils::{Hole, HoleValue, PatchValue, Stencil, StencilGroup, StencilSet};

mod machine;

/// Two stencils for a target: one that jumps to its jump target, and one that returns 42.
fn stencils(triple: &str) -> Stencils {
    let target = Target::from_triple(triple).unwrap();
    let (jump, patch, addend, function): (&[u8], _, _, &[u8]) = match target.arch.name() {
        // b .; mov w0, #42; ret
        "aarch64" => (
            &[0, 0, 0, 0x14],
            PatchKind::Aarch64_26r,
            0,
            &[0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6],
        ),
        // jmp; mov eax, 42; ret
        _ => (
            &[0xe9, 0, 0, 0, 0],
            PatchKind::Patch32r,
            -4,
            &[0xb8, 42, 0, 0, 0, 0xc3],
        ),
    };
    let hole = Hole {
        offset: jump.len() - 4,
        patch,
        value: PatchValue::Address {
            base: HoleValue::JumpTarget,
            symbol: None,
            addend,
        },
        first: None,
        void: false,
    };
    let group = |body: &[u8], holes| StencilGroup {
        code: Stencil {
            body: body.to_vec(),
            holes,
        },
        end: jit_schema::CodeEnd::Leaves,
        ..StencilGroup::default()
    };
    let set = StencilSet {
        target: *target,
        groups: vec![
            ("_JUMP".to_owned(), group(jump, vec![hole])),
            ("_RETURN".to_owned(), group(function, vec![])),
        ],
        symbols: vec![],
        shim: None,
        families: vec![],
    };
    Stencils::load(&jit_stencils::file::encode(&set)).unwrap()
}

/// The first micro-op jumps to the last one.
fn trace(stencils: &Stencils) -> [Uop; 3] {
    let mut trace = stencils.uops(["_JUMP", "_RETURN", "_RETURN"]).unwrap();
    trace[0].jump_target = 2;
    trace
}

/// The image after the landing pad is the one that the trace has without it, four bytes higher.
#[test]
fn a_landing_pad_comes_before_the_trace() {
    for (triple, pad) in [
        ("x86_64-unknown-linux-gnu", [0xf3, 0x0f, 0x1e, 0xfa]),
        ("i686-pc-windows-msvc", [0xf3, 0x0f, 0x1e, 0xfb]),
        // bti c
        ("aarch64-unknown-linux-gnu", [0x5f, 0x24, 0x03, 0xd5]),
        ("aarch64-apple-darwin", [0x5f, 0x24, 0x03, 0xd5]),
    ] {
        let stencils = stencils(triple);
        let symbols = Symbols::new(&stencils, |_| None);
        let trace = trace(&stencils);
        for policy in [
            LayoutPolicy::Tight,
            LayoutPolicy::CPython { page_size: 4096 },
        ] {
            let mut images = Vec::new();
            let mut starts = Vec::new();
            for (pads, base) in [(false, 0x1004), (true, 0x1000)] {
                let mut linker = Linker::new(&stencils, policy).landing_pads(pads);
                let layout = linker.layout(&trace).unwrap();
                let mut image = vec![0x5a; layout.size()];
                linker.link(&layout, base, &symbols, &mut image).unwrap();
                image.truncate(layout.code_size());
                assert_eq!(layout.uop_at(3), if pads { None } else { Some(0) });
                images.push(image);
                starts.push(
                    (0..3)
                        .map(|index| layout.start(index).unwrap())
                        .collect::<Vec<_>>(),
                );
            }
            assert_eq!(images[1][..4], pad, "{triple}");
            assert_eq!(images[1][4..], images[0], "{triple}");
            let moved: Vec<usize> = starts[0].iter().map(|start| start + 4).collect();
            assert_eq!(starts[1], moved);
        }
    }
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod memory {
    use core::ffi::c_int;

    use jit_runtime::memory::{Arena, ArenaOptions, Executable};

    use super::*;
    use crate::machine::{call, code};

    const TRIPLE: &str = if cfg!(target_arch = "aarch64") {
        "aarch64-unknown-linux-gnu"
    } else {
        "x86_64-unknown-linux-gnu"
    };

    unsafe extern "C" {
        fn fork() -> c_int;
        fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
        fn _exit(status: c_int) -> !;
    }

    /// Calls code in a child, and returns what the child ends with: its result, or the number of a signal.
    fn call_in_child(code: &Executable) -> Result<c_int, c_int> {
        // SAFETY: the child only runs the code, which takes no lock, and ends.
        let child = unsafe { fork() };
        if child == 0 {
            let result = call(code);
            // SAFETY: nothing of this process has to be done at its end.
            unsafe { _exit(result as c_int) }
        }
        let mut status = 0;
        // SAFETY: `status` is there as long as the call.
        assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
        match status & 0x7f {
            0 => Ok(status >> 8 & 0xff),
            signal => Err(signal),
        }
    }

    fn arena() -> Arena {
        Arena::new(ArenaOptions::default().landing_pads(true)).unwrap()
    }

    #[test]
    fn a_trace_with_a_landing_pad_runs() {
        let stencils = stencils(TRIPLE);
        let symbols = Symbols::new(&stencils, |_| None);
        let mut linker = Linker::new(&stencils, LayoutPolicy::Tight).landing_pads(true);
        let code = linker
            .compile(&trace(&stencils), &symbols, &arena())
            .unwrap();
        assert_eq!(call(&code), 42);
    }

    #[test]
    fn the_processor_stops_at_code_without_a_landing_pad() {
        let arena = arena();
        let hardware = arena.checks_landing_pads();
        if !hardware {
            println!("left out: this processor or system does not check landing pads");
        }
        let mut bare = arena.alloc(16).unwrap();
        bare.copy_from_slice(&code(7));
        let bare = bare.publish().unwrap();
        let expected = if hardware { Err(4) } else { Ok(7) };
        assert_eq!(call_in_child(&bare), expected);
        let mut padded = arena.alloc(20).unwrap();
        let (pad, rest) = padded.split_at_mut(4);
        pad.copy_from_slice(&Target::from_triple(TRIPLE).unwrap().arch.landing_pad());
        rest.copy_from_slice(&code(9));
        assert_eq!(call_in_child(&padded.publish().unwrap()), Ok(9));
        // Memory that was not asked for is not checked.
        let other = Arena::new(ArenaOptions::default()).unwrap();
        assert!(!other.checks_landing_pads());
        let mut bare = other.alloc(16).unwrap();
        bare.copy_from_slice(&code(7));
        assert_eq!(call_in_child(&bare.publish().unwrap()), Ok(7));
    }
}
