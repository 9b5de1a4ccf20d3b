//! The shim as a stencil.
#![cfg(feature = "lower")]

mod tinyvm;

use fixtures::generated::opnames;
use fixtures::{TRIPLES, golden, inputs};
use jit_schema::Target;
use jit_stencils::{
    HoleValue, PatchValue, ShimError, StencilGroup, StencilSet, attach_shim, lower_aligned,
    resolve, shim_unwind,
};

fn empty(triple: &str) -> StencilSet {
    StencilSet {
        target: *Target::from_triple(triple).unwrap(),
        groups: vec![],
        symbols: vec![],
        shim: None,
        families: vec![],
    }
}

/// Sizes from `llvm-objdump -h`, first and last bytes from `llvm-objdump -d` of the same objects.
#[test]
fn shims_of_the_example() {
    let aarch64_end: &[u8] = &[0xc0, 0x03, 0x5f, 0xd6];
    for (triple, size, start, end) in [
        (
            "aarch64-apple-darwin",
            0x78,
            &[0xef, 0x3b, 0xb6, 0x6d][..],
            aarch64_end,
        ),
        (
            "aarch64-pc-windows-msvc",
            0x74,
            &[0xf3, 0x53, 0xb6, 0xa9],
            aarch64_end,
        ),
        (
            "aarch64-unknown-linux-gnu",
            0x78,
            &[0xef, 0x3b, 0xb6, 0x6d],
            aarch64_end,
        ),
        (
            "i686-pc-windows-msvc",
            0x1e,
            &[0x8b, 0x44, 0x24, 0x04],
            &[0xc3],
        ),
        (
            "x86_64-apple-darwin",
            0x32,
            &[0x55, 0x48, 0x89, 0xe5],
            &[0xc3],
        ),
        (
            "x86_64-pc-windows-msvc",
            0xb6,
            &[0x41, 0x57, 0x41, 0x56],
            &[0xc3],
        ),
        (
            "x86_64-unknown-linux-gnu",
            0x32,
            &[0x55, 0x48, 0x89, 0xe5],
            &[0xc3],
        ),
    ] {
        assert!(TRIPLES.contains(&triple));
        let before = tinyvm::stencils(triple);
        let mut set = before.clone();
        attach_shim(&mut set, &tinyvm::shim(triple)).unwrap();
        let shim = set.shim.take().unwrap();
        assert_eq!(shim.name, "vm_enter_jit", "{triple}");
        let code = &shim.group.code;
        assert_eq!(code.body.len(), size, "{triple}");
        assert!(
            code.body.starts_with(start) && code.body.ends_with(end),
            "{triple}"
        );
        assert!(
            code.holes.is_empty() && shim.group.data.body.is_empty(),
            "{triple}"
        );
        let unwind = shim_unwind(&set.target, &tinyvm::shim(triple)).unwrap();
        assert_eq!(shim.unwind, unwind);
        assert_eq!(unwind.is_some(), triple.ends_with("linux-gnu"));
        // And nothing else.
        assert_eq!(set, before);
    }
}

/// Whether a hole wants something of an instruction.
fn of_instruction(group: &StencilGroup, symbols: &[String]) -> bool {
    let of_jit = |symbol: &str| symbol.starts_with("_JIT_");
    let mut holes = group.code.holes.iter().chain(&group.data.holes);
    holes.any(|hole| match &hole.value {
        PatchValue::Address { base, symbol, .. } => {
            !matches!(base, HoleValue::Code | HoleValue::Data | HoleValue::Zero)
                || symbol.as_deref().is_some_and(of_jit)
        }
        PatchValue::Scaled { .. } => true,
        PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
            of_jit(&symbols[*ordinal])
        }
    })
}

/// Micro-ops have one function, too: those that need no instruction would do as a shim. Not on Linux,
/// for want of unwind information, nor on Windows, where the optimizer leaves the function static.
#[test]
fn a_shim_is_lowered_as_micro_ops_are() {
    let (mut taken, mut refused) = (0, 0);
    for triple in TRIPLES {
        if !triple.ends_with("apple-darwin") {
            continue;
        }
        let target = Target::from_triple(triple).unwrap();
        for opname in opnames(triple) {
            let bytes = golden::read_bytes(&inputs::object(triple, &opname));
            let object = jit_schema::native::read(&bytes).unwrap();
            let group = lower_aligned(target, &object).unwrap();
            let alone = resolve(target, [("_JIT_ENTRY".to_owned(), group)]).unwrap();
            let (_, expected) = &alone.groups[0];
            let mut set = empty(triple);
            let result = attach_shim(&mut set, &bytes);
            if of_instruction(expected, &alone.symbols) {
                assert!(
                    matches!(result, Err(ShimError::Instruction { .. })),
                    "{triple} {opname}: {result:?}"
                );
                assert_eq!(set, empty(triple));
                refused += 1;
            } else {
                assert_eq!(result, Ok(()), "{triple} {opname}");
                let shim = set.shim.as_ref().unwrap();
                assert_eq!((shim.name.as_str(), &shim.group), ("_JIT_ENTRY", expected));
                assert_eq!(set.symbols, alone.symbols);
                // Behind those that are there; a second shim takes the place of the first.
                set.symbols = ["first", "second"].map(str::to_owned).to_vec();
                attach_shim(&mut set, &bytes).unwrap();
                assert_eq!(set.symbols[..2], ["first", "second"]);
                assert_eq!(set.symbols[2..], alone.symbols);
                taken += 1;
            }
        }
    }
    assert!(taken > 20 && refused > 50, "{taken} {refused}");
}

#[test]
fn what_is_no_shim() {
    let linux = "x86_64-unknown-linux-gnu";
    let shim = tinyvm::shim(linux);
    let refused = |mut set: StencilSet, bytes: &[u8], message: &str| {
        let before = set.clone();
        let error = attach_shim(&mut set, bytes).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(set == before);
    };
    refused(
        empty(linux),
        b"",
        "neither ELF, nor 64-bit Mach-O, nor COFF",
    );
    refused(
        empty("x86_64-pc-windows-msvc"),
        &shim,
        "the shim's vm_enter_jit: the object is ELF, but x86_64-pc-windows-msvc takes COFF",
    );
    refused(
        empty("aarch64-unknown-linux-gnu"),
        &shim,
        "not for aarch64-unknown-linux-gnu",
    );
    let mut set = empty(linux);
    let name = "vm_enter_jit".to_owned();
    set.groups.push((name, StencilGroup::default()));
    refused(set, &shim, "vm_enter_jit has the name of a micro-op");
    for length in 1..shim.len() {
        let mut set = empty(linux);
        if attach_shim(&mut set, &shim[..length]).is_err() {
            assert!(set == empty(linux));
        }
    }
}
