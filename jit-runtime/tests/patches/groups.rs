//! Tests of errors about whole stencils or sets of stencils: masks, guards, sizes, names.

use jit_runtime::{LayoutPolicy, LinkError, StencilError, Stencils};
use jit_schema::Target;
use jit_stencils::{Hole, HoleValue, Part, PatchKind, PatchValue, Shim, StencilGroup};

use crate::{
    linked::link,
    make::{
        AARCH64, GUARD, I686, X86_64, based, code, hole, set, slot, stencil, target, uop, with_got,
        with_trampolines,
    },
    refused::make,
};

/// Returns the micro-op and the ordinal that an error about masks names.
fn named(error: &StencilError) -> (&str, usize) {
    match error {
        StencilError::Mask { uop, ordinal, .. } => (uop, *ordinal),
        error => panic!("{error}"),
    }
}

/// A mask with an ordinal past the two symbols of the set is an error.
#[test]
fn masks_with_ordinals_of_no_symbol() {
    for ordinal in [2, 31, 255] {
        for triple in [AARCH64[0], X86_64[0]] {
            let base = || code(vec![0; 4], vec![]);
            let mut got = base();
            got.got_entries.insert(ordinal);
            let trampoline = with_trampolines(base(), &[ordinal]);
            for group in [got, trampoline] {
                let error = make(triple, group).unwrap_err();
                assert_eq!(named(&error), ("_SPOT", ordinal), "{error}");
            }
        }
    }
}

/// An alignment that is not a power of two, is less than that of all data, or is more than a page is an error.
#[test]
fn alignments_that_no_image_has() {
    for alignment in [0, 1, 4, 12, 24, 4095, 8192, 1 << 20, usize::MAX] {
        let group = StencilGroup {
            data: stencil(vec![0; 16], vec![]),
            data_alignment: alignment,
            ..StencilGroup::default()
        };
        let error = make(X86_64[2], group).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "_SPOT: the data must be at a multiple of {alignment} bytes, which is not a power of two \
                 from 8 to 4096"
            )
        );
    }
}

/// Tests ordinals past the 256 that fit into CPython's masks.
#[test]
fn many_symbols() {
    let names: Vec<String> = (0..600).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let address = |ordinal: usize| 0x1000_0000_0000 + 0x100 * ordinal as u64;
    let symbols: Vec<(&str, u64)> = names
        .iter()
        .enumerate()
        .map(|(ordinal, name)| (*name, address(ordinal)))
        .collect();
    // mov rax, [slot]; jmp symbol
    let of = |ordinal: usize| {
        let body = vec![0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0];
        let load = hole(3, PatchKind::X86_64_32rx, slot(ordinal, -4));
        let symbol = PatchValue::Symbol { ordinal };
        let jump = hole(8, PatchKind::X86_64Trampoline, symbol);
        let group = code(body, vec![load, jump]);
        with_trampolines(with_got(group, &[ordinal]), &[ordinal])
    };
    let ordinals = [3, 255, 256, 319, 599];
    let groups = [
        ("_599", of(599)),
        ("_256", of(256)),
        ("_3", of(3)),
        ("_319", of(319)),
        ("_255", of(255)),
    ];
    let stencils = Stencils::new(&set(target(X86_64[0]), groups.to_vec(), &names)).unwrap();
    let trace: Vec<_> = groups
        .iter()
        .map(|(name, _)| uop(&stencils, name))
        .collect();
    let linked = link(&stencils, LayoutPolicy::Tight, &trace, 0x1_0000, &symbols).unwrap();
    let (got, trampolines) = (linked.layout.got(), linked.layout.trampolines());
    assert_eq!((got.len(), trampolines.len()), (8 * 5, 16 * 5));
    for (index, ordinal) in ordinals.into_iter().enumerate() {
        let slot = linked.address(got.start + 8 * index);
        assert_eq!(linked.load(slot), address(ordinal));
        let trampoline = linked.address(trampolines.start + 16 * index);
        assert_eq!(linked.load(trampoline + 6), address(ordinal));
        let name = format!("_{ordinal}");
        let place = groups.iter().position(|(known, _)| *known == name).unwrap();
        let start = linked.start(place);
        let distance = |from: usize, to: u64| to.wrapping_sub(linked.address(from)) as u32;
        assert_eq!(linked.word(start + 3), distance(start + 7, slot));
        assert_eq!(linked.word(start + 8), distance(start + 12, trampoline));
    }

    // Without any one of the symbols, linking is an error.
    for (missing, _) in &groups {
        let known: Vec<_> = symbols
            .iter()
            .copied()
            .filter(|(name, _)| name[1..] != missing[1..])
            .collect();
        let error = link(&stencils, LayoutPolicy::Tight, &trace, 0x1_0000, &known).unwrap_err();
        match error {
            LinkError::UnresolvedSymbol { uop, .. } => assert_eq!(&uop, missing),
            error => panic!("{error}"),
        }
    }
}

/// Holes refer to values by 16-bit numbers.
#[test]
fn more_symbols_than_there_are_numbers() {
    let names: Vec<String> = (0..65_536).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let make = |ordinal: usize| {
        let load = hole(3, PatchKind::X86_64_32rx, slot(ordinal, -4));
        let group = code(vec![0x48, 0x8b, 0x05, 0, 0, 0, 0], vec![load]);
        let groups = vec![("_SPOT", with_got(group, &[ordinal]))];
        Stencils::new(&set(target(X86_64[2]), groups, &names))
    };
    assert!(make(65_535 - 16).is_ok());
    let error = make(65_535 - 15).unwrap_err();
    assert!(
        matches!(&error, StencilError::Hole { uop, offset: 3, .. } if uop == "_SPOT"),
        "{error}"
    );
}

/// 32-bit x86 has no GOT, because its slots would be 4 bytes apart and 8 bytes wide.
#[test]
fn got_slots_of_32_bits() {
    let load = hole(2, PatchKind::X86_64_32rx, slot(0, -4));
    let group = with_got(code(vec![0x8b, 0x05, 0, 0, 0, 0], vec![load]), &[0]);
    assert_eq!(named(&make(I686, group).unwrap_err()), ("_SPOT", 0));
    let group = with_got(code(vec![0x90], vec![]), &[1]);
    assert_eq!(named(&make(I686, group).unwrap_err()), ("_SPOT", 1));
}

#[test]
fn guards_with_operands() {
    let value = |base| based(base, 0);
    let with_hole = |hole: Hole| code(vec![0; 16], vec![hole]);
    for base in HoleValue::FIXED {
        // The values of CPython 3.14 are refused earlier.
        if *base == HoleValue::Got || base.is_of_cpython_3_14() {
            continue;
        }
        let needs_uop = !matches!(base, HoleValue::Code | HoleValue::Data | HoleValue::Zero);
        let mut in_data = code(vec![0; 16], vec![]);
        in_data.data = stencil(vec![0; 16], vec![hole(8, PatchKind::Patch64, value(*base))]);
        let in_code = with_hole(hole(8, PatchKind::Patch64, value(*base)));
        for guard in [in_code, in_data] {
            let groups = vec![("_A", StencilGroup::default()), (GUARD, guard.clone())];
            let made = Stencils::new(&set(target(X86_64[2]), groups, &[]));
            // Under another name, it is an ordinary stencil until it is made the guard.
            let groups = vec![("_OWN", guard)];
            let other = Stencils::new(&set(target(X86_64[2]), groups, &[])).unwrap();
            assert_eq!(other.guard(), None);
            let own = other.with_guard(Some("_OWN"));
            if needs_uop {
                let expected = |uop: &str| StencilError::Guard {
                    uop: uop.into(),
                    value: *base,
                };
                assert_eq!(made.unwrap_err(), expected(GUARD));
                assert_eq!(own.unwrap_err(), expected("_OWN"));
            } else {
                assert_eq!(made.unwrap().guard(), Some(1));
                assert_eq!(own.unwrap().guard(), Some(0));
            }
        }
    }
    let made = Stencils::new(&set(target(I686), vec![], &[])).unwrap();
    let error = made.with_guard(Some("_NONE")).unwrap_err();
    let expected = StencilError::NoGuard {
        uop: "_NONE".into(),
    };
    assert_eq!(error, expected);
}

#[test]
fn micro_ops_by_name() {
    let groups = ["_A", "_B"].map(|name| (name, StencilGroup::default()));
    let stencils = Stencils::new(&set(target(I686), groups.to_vec(), &[])).unwrap();
    let opcodes = stencils
        .uops(["_B", "_A", "_B"])
        .unwrap()
        .map(|uop| uop.opcode);
    assert_eq!(opcodes, [1, 0, 1]);
    let expected = StencilError::Unknown { uop: "_C".into() };
    assert_eq!(stencils.uops(["_A", "_C"]), Err(expected));
}

#[test]
fn sizes() {
    let of = |code: usize, data: usize| {
        let mut group = self::code(vec![0; code], vec![]);
        group.data = stencil(vec![0; data], vec![]);
        group
    };
    let limit = 1_048_575;
    let refused = |triple: &str, code, data, part, size, unit| {
        let expected = StencilError::Size {
            uop: "_SPOT".into(),
            part,
            size,
            unit,
            limit,
        };
        assert_eq!(
            make(triple, of(code, data)).unwrap_err(),
            expected,
            "{triple}"
        );
    };
    for target in Target::ALL {
        let triple = target.triple;
        let aarch64 = triple.starts_with("aarch64");
        for code in 0..9 {
            if aarch64 && code % 4 != 0 {
                refused(triple, code, 8, Part::Code, code, 4);
            } else {
                assert!(make(triple, of(code, 8)).is_ok());
            }
        }
        for data in 0..17 {
            if data % 8 != 0 {
                refused(triple, 4, data, Part::Data, data, 8);
            } else {
                assert!(make(triple, of(4, data)).is_ok());
            }
        }
        let unit = if aarch64 { 4 } else { 1 };
        assert!(make(triple, of(limit - 3, 0)).is_ok());
        refused(triple, limit + 1, 0, Part::Code, limit + 1, unit);
        refused(triple, 0, limit + 1, Part::Data, limit + 1, 8);
    }
}

#[test]
fn names_and_numbers_of_stencils() {
    let groups = |names: &[&'static str]| -> Vec<(&'static str, StencilGroup)> {
        names
            .iter()
            .map(|name| (*name, StencilGroup::default()))
            .collect()
    };
    let make = |names: &[&'static str]| Stencils::new(&set(target(I686), groups(names), &[]));
    let expected = StencilError::Duplicate { uop: "_B".into() };
    assert_eq!(make(&["_A", "_B", "_C", "_B"]).unwrap_err(), expected);
    let made = make(&["_A", "_B", "_C"]).unwrap();
    assert_eq!((made.len(), made.is_empty()), (3, false));
    for (opcode, name) in ["_A", "_B", "_C"].into_iter().enumerate() {
        assert_eq!(made.opcode(name), Some(opcode as u32));
        assert_eq!(made.name(opcode as u32), Some(name));
    }
    assert_eq!((made.opcode("_D"), made.name(3)), (None, None));

    let mut many = set(target(I686), vec![], &[]);
    many.groups = (0..65_536)
        .map(|number| (format!("_{number}"), StencilGroup::default()))
        .collect();
    let many = Stencils::new(&many).unwrap();
    assert_eq!(many.len(), 65_536);
    assert_eq!(many.opcode("_65535"), Some(65_535));
}

/// The shim is the last stencil and is checked like the others.
#[test]
fn the_shim() {
    let call = hole(1, PatchKind::Patch32r, based(HoleValue::Code, -4));
    let mut with_shim = set(
        target(X86_64[2]),
        vec![("_A", StencilGroup::default())],
        &[],
    );
    let shim = |name: &str, offset| Shim {
        name: name.into(),
        group: code(
            vec![0xe8, 0, 0, 0, 0],
            vec![Hole {
                offset,
                ..call.clone()
            }],
        ),
        unwind: None,
    };
    assert_eq!(Stencils::new(&with_shim).unwrap().shim(), None);
    with_shim.shim = Some(shim("enter", 1));
    let made = Stencils::new(&with_shim).unwrap();
    assert_eq!((made.shim(), made.opcode("enter")), (Some(1), Some(1)));
    with_shim.shim = Some(shim("enter", 2));
    let error = Stencils::new(&with_shim).unwrap_err();
    assert!(
        matches!(&error, StencilError::Hole { uop, offset: 2, .. } if uop == "enter"),
        "{error}"
    );
    with_shim.shim = Some(shim("_A", 1));
    let error = Stencils::new(&with_shim).unwrap_err();
    assert_eq!(error, StencilError::Duplicate { uop: "_A".into() });
}
