//! Tables that contradict themselves: linking has to fail, with nothing written. No stencils lead to
//! such tables, so that these are damaged here.

use jit_schema::{PatchKind, Target};
use jit_stencils::{Hole, HoleValue, PatchValue, Stencil, StencilGroup, StencilSet, SymbolMask};

use super::{LayoutPolicy, Linker, Symbols};
use crate::{LinkError, Stencils, Uop, table::Table};

fn hole(offset: usize, patch: PatchKind, value: PatchValue) -> Hole {
    Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    }
}

fn operand(addend: i64) -> PatchValue {
    PatchValue::Address {
        base: HoleValue::Operand0,
        symbol: None,
        addend,
    }
}

/// Stencils with one micro-op that has that code, a field in its data, and two symbols in its masks.
fn stencils(triple: &str, body: Vec<u8>, holes: Vec<Hole>) -> Stencils {
    let code = Stencil { body, holes };
    let data = Stencil {
        body: vec![0; 8],
        holes: vec![hole(0, PatchKind::Patch64, operand(0))],
    };
    let mask = SymbolMask::from_iter([0, 1]);
    let group = StencilGroup {
        code,
        data,
        got_entries: mask,
        ..StencilGroup::default()
    };
    Stencils::new(&StencilSet {
        target: *Target::from_triple(triple).unwrap(),
        groups: vec![("_SPOT".into(), group)],
        symbols: vec!["zero".into(), "one".into()],
        shim: None,
        families: vec![],
    })
    .unwrap()
}

/// A 64-bit value, a displacement and a load that may be relaxed.
fn x86_64() -> Stencils {
    let slot = PatchValue::GotSlot {
        ordinal: 1,
        addend: -4,
    };
    let mut body = vec![0x90; 40];
    body[19..22].copy_from_slice(&[0x48, 0x8b, 0x05]);
    let holes = vec![
        hole(2, PatchKind::Patch64, operand(0)),
        hole(12, PatchKind::Patch32r, operand(0)),
        hole(22, PatchKind::X86_64_32rx, slot),
    ];
    stencils("x86_64-unknown-linux-gnu", body, holes)
}

/// A movz, and an adrp with its load.
fn aarch64() -> Stencils {
    let words = [0xd280_0000_u32, 0x9000_0005, 0xf940_00a5];
    let body = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let slot = PatchValue::GotSlot {
        ordinal: 1,
        addend: 0,
    };
    let pair = Hole {
        first: Some(4),
        ..hole(8, PatchKind::Aarch64_33rx, slot)
    };
    let holes = vec![hole(0, PatchKind::Aarch64_16a, operand(0)), pair];
    stencils("aarch64-unknown-linux-gnu", body, holes)
}

/// Links a trace of two micro-ops with damaged stencils.
fn link(make: fn() -> Stencils, damage: fn(&mut Table)) -> Result<(), LinkError> {
    let mut stencils = make();
    let trace = [Uop {
        operand: [0x1_0000, 0],
        ..Uop::default()
    }; 2];
    // The layout is that of whole stencils.
    let linker = Linker::new(&stencils, LayoutPolicy::Tight);
    let layout = linker.layout(&trace).unwrap();
    let symbols = Symbols::new(&stencils, |_| Some(0x1234));
    damage(&mut stencils.table);
    let mut out = vec![0xee; layout.size()];
    let linked =
        Linker::new(&stencils, LayoutPolicy::Tight).link(&layout, 0x1_0000, &symbols, &mut out);
    if linked.is_err() {
        assert!(out.iter().all(|byte| *byte == 0xee), "written to");
    }
    linked
}

#[track_caller]
fn check(make: fn() -> Stencils, damage: fn(&mut Table)) {
    match link(make, damage) {
        Err(LinkError::Internal { .. }) => {}
        linked => panic!("{linked:?}"),
    }
}

#[test]
fn whole_tables() {
    assert_eq!(x86_64().table.entries[0].shape.map(|_| ()), Some(()));
    for make in [x86_64, aarch64] {
        assert_eq!(link(make, |_| ()), Ok(()));
    }
}

#[test]
fn ranges_past_the_end_of_a_table() {
    check(x86_64, |table| table.entries[0].fields.end += 1);
    check(x86_64, |table| table.entries[0].wide.start += 1);
    check(x86_64, |table| table.entries[0].near.start += 1);
    check(x86_64, |table| table.entries[0].relaxes.start += 1);
    check(aarch64, |table| table.entries[0].specials.end += 1);
    check(aarch64, |table| table.entries[0].fields.start = u32::MAX);
    for make in [x86_64, aarch64] {
        check(make, |table| table.entries.clear());
        check(make, |table| table.bodies.truncate(8));
    }
}

#[test]
fn stencils_without_a_shape() {
    fn no_shape() -> Stencils {
        let mut stencils = x86_64();
        stencils.table.entries[0].shape = None;
        stencils
    }
    assert_eq!(link(no_shape, |_| ()), Ok(()));
    check(no_shape, |table| table.entries[0].wide.end += 1);
    check(no_shape, |table| table.entries[0].near.end += 1);
    check(no_shape, |table| table.entries[0].relaxes.end += 1);
    check(no_shape, |table| table.wide[0].offset = 1 << 20);
    check(no_shape, |table| table.near[0].value = u16::MAX);
    check(no_shape, |table| table.relaxes[0].value = u16::MAX);
    check(no_shape, |table| table.relaxes[0].addend += 1 << 20);
    check(x86_64, |table| table.entries[0].shape = Some(u8::MAX));
}

#[test]
fn values_and_places_that_are_not_there() {
    for make in [x86_64, aarch64] {
        check(make, |table| table.fields[0].value = u16::MAX);
        check(make, |table| table.fields[0].offset = 1 << 20);
        check(make, |table| table.entries[0].data += 8);
        check(make, |table| table.entries[0].code -= 4);
    }
    // What is in a slot that is none.
    check(x86_64, |table| table.relaxes[0].addend += 1 << 20);
}

#[test]
fn errors_name_the_micro_op() {
    let error = link(x86_64, |table| table.fields[0].value = u16::MAX).unwrap_err();
    let expected = LinkError::Internal {
        index: Some(0),
        uop: Some("_SPOT".into()),
        what: "a hole's value is not there",
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "micro-op 0, _SPOT: a hole's value is not there; this is a bug in jit-runtime, please report it with \
         the stencil file"
    );
}
