//! Tests that stencils with holes that cannot be filled are refused when they are loaded.

use jit_runtime::{StencilError, Stencils};
use jit_schema::Target;
use jit_stencils::{Hole, HoleValue, Part, PatchKind, PatchValue, StencilGroup};

use crate::make::{
    AARCH64, I686, X86_64, based, code, hole, pair, set, slot, stencil, symbol, target, with_got,
    with_trampolines, words,
};

/// Returns stencils with a group as `_SPOT`, and two symbols.
pub(crate) fn make(triple: &str, group: StencilGroup) -> Result<Stencils, StencilError> {
    let symbols = ["zero", "one"];
    Stencils::new(&set(
        target(triple),
        vec![("_FIRST", StencilGroup::default()), ("_SPOT", group)],
        &symbols,
    ))
}

/// Checks that a hole is refused, with an error that names it.
#[track_caller]
fn refuse(triple: &str, group: StencilGroup, part: Part, offset: usize, kind: PatchKind) {
    match make(triple, group) {
        Err(StencilError::Hole {
            uop,
            part: named_part,
            offset: named_offset,
            kind: named_kind,
            problem,
        }) => {
            let named = (&*uop, named_part, named_offset, named_kind);
            assert_eq!(named, ("_SPOT", part, offset, kind), "{problem}");
        }
        outcome => panic!("{:?}", outcome.map(|_| "accepted")),
    }
}

/// Returns a stencil that is one instruction with a hole.
fn aarch64_hole(word: u32, kind: PatchKind) -> StencilGroup {
    let value = based(HoleValue::Operand0, 0);
    code(words(&[0xd503_201f, word]), vec![hole(4, kind, value)])
}

const AARCH64_KINDS: [PatchKind; 10] = [
    PatchKind::Aarch64_12,
    PatchKind::Aarch64_12x,
    PatchKind::Aarch64_16a,
    PatchKind::Aarch64_16b,
    PatchKind::Aarch64_16c,
    PatchKind::Aarch64_16d,
    PatchKind::Aarch64_19r,
    PatchKind::Aarch64_21r,
    PatchKind::Aarch64_21rx,
    PatchKind::Aarch64_26r,
];

/// Returns instructions with the patches that they support.
fn instructions() -> Vec<(&'static str, u32, Vec<PatchKind>)> {
    use PatchKind as P;
    let low = || vec![P::Aarch64_12, P::Aarch64_12x];
    vec![
        ("ldr x0, [x0]", 0xf940_0000, low()),
        ("strb w0, [x0]", 0x3900_0000, low()),
        ("ldr d0, [x0]", 0xfd40_0000, low()),
        ("add x0, x0, #0", 0x9100_0000, low()),
        ("sub w0, w0, #0", 0x5100_0000, low()),
        ("ldr q0, [x0]", 0x3dc0_0000, low()),
        ("str q0, [x0]", 0x3d80_0000, low()),
        ("unallocated, beside ldr q", 0x7dc0_0000, vec![]),
        ("add x0, x0, #0, lsl #12", 0x9140_0000, vec![]),
        ("addg x0, x0, #0, #0", 0x9180_0000, vec![]),
        ("add x0, x0, x0", 0x8b00_0000, vec![]),
        ("madd x0, x0, x0, x0", 0x9b00_0000, vec![]),
        ("fmadd s0, s0, s0, s0", 0x1f00_0000, vec![]),
        ("and x0, x0, #1", 0x9240_0000, vec![]),
        ("ldr x0, [x0], #0", 0xf840_0400, vec![]),
        ("ldur x0, [x0]", 0xf840_0000, vec![]),
        ("ldr x0, [x0, x0]", 0xf860_6800, vec![]),
        ("ldp x0, x0, [x0]", 0xa940_0000, vec![]),
        ("ldr x0, #0", 0x5800_0000, vec![]),
        ("movz x0, #0", 0xd280_0000, vec![P::Aarch64_16a]),
        ("movk x0, #0, lsl #16", 0xf2a0_0000, vec![P::Aarch64_16b]),
        ("movn x0, #0, lsl #32", 0x92c0_0000, vec![P::Aarch64_16c]),
        ("movk x0, #0, lsl #48", 0xf2e0_0000, vec![P::Aarch64_16d]),
        ("movz w0, #0", 0x5280_0000, vec![]),
        ("movk w0, #0, lsl #16", 0x72a0_0000, vec![]),
        ("unallocated, beside movz", 0xb280_0000, vec![]),
        ("b.eq", 0x5400_0000, vec![P::Aarch64_19r]),
        ("cbz w0", 0x3400_0000, vec![P::Aarch64_19r]),
        ("cbnz x0", 0xb500_0000, vec![P::Aarch64_19r]),
        ("tbz w0, #0", 0x3600_0000, vec![]),
        ("tbnz x0, #63", 0xb7f8_0000, vec![]),
        ("b", 0x1400_0000, vec![P::Aarch64_26r]),
        ("bl", 0x9400_0000, vec![P::Aarch64_26r]),
        ("br x0", 0xd61f_0000, vec![]),
        ("blr x0", 0xd63f_0000, vec![]),
        ("ret", 0xd65f_03c0, vec![]),
        (
            "adrp x0",
            0x9000_0000,
            vec![P::Aarch64_21r, P::Aarch64_21rx],
        ),
        ("adr x0", 0x1000_0000, vec![]),
        ("nop", 0xd503_201f, vec![]),
        ("udf #0", 0, vec![]),
    ]
}

#[test]
fn other_instructions_under_a_hole() {
    for (name, word, fit) in instructions() {
        for kind in AARCH64_KINDS {
            let group = aarch64_hole(word, kind);
            if fit.contains(&kind) {
                let made = make(AARCH64[0], group);
                assert!(made.is_ok(), "{name}, {kind:?}: {made:?}");
            } else {
                refuse(AARCH64[0], group, Part::Code, 4, kind);
            }
        }
    }
}

/// Trampolines can be used from the same branch instructions as branches without them.
#[test]
fn other_instructions_under_a_trampoline() {
    for (name, word, fit) in instructions() {
        let kind = PatchKind::Aarch64Trampoline;
        let value = PatchValue::Symbol { ordinal: 1 };
        let group = code(words(&[word]), vec![hole(0, kind, value)]);
        let group = with_trampolines(group, &[1]);
        if fit.contains(&PatchKind::Aarch64_26r) {
            assert!(make(AARCH64[1], group).is_ok(), "{name}");
        } else {
            refuse(AARCH64[1], group, Part::Code, 0, kind);
        }
    }
}

#[test]
fn pairs_of_other_instructions() {
    let kind = PatchKind::Aarch64_33rx;
    let of = |words: &[u32], hole: Hole| with_got(code(self::words(words), vec![hole]), &[0]);
    let (adrp, ldr) = (0x9000_0005, 0xf940_00a5);
    assert!(make(AARCH64[2], of(&[adrp, ldr], pair(0, 4, slot(0, 0)))).is_ok());
    // The load may come before the adrp in memory.
    assert!(make(AARCH64[2], of(&[ldr, adrp], pair(4, 0, slot(0, 0)))).is_ok());
    let refused = [
        // adr; no load; a load through another register; unallocated, beside a load of 128 bits
        [0x1000_0005, ldr],
        [adrp, 0x9100_00a5],
        [adrp, 0xf940_00c5],
        [adrp, 0xbdc0_00a5],
        [ldr, adrp],
    ];
    for words in refused {
        let group = of(&words, pair(0, 4, slot(0, 0)));
        refuse(AARCH64[2], group, Part::Code, 4, kind);
    }
    let whole = [adrp, ldr, 0xd503_201f];
    for (first, second) in [(2, 4), (0, 6), (0, 12), (12, 4), (usize::MAX - 3, 4)] {
        refuse(
            AARCH64[2],
            of(&whole, pair(first, second, slot(0, 0))),
            Part::Code,
            second,
            kind,
        );
    }
    let single = hole(4, kind, slot(0, 0));
    refuse(AARCH64[2], of(&whole, single), Part::Code, 4, kind);
    // Two holes share one of the two instructions.
    let overlapping = hole(0, PatchKind::Aarch64_21rx, slot(0, 0));
    let group = with_got(
        code(
            self::words(&whole),
            vec![pair(0, 4, slot(0, 0)), overlapping.clone()],
        ),
        &[0],
    );
    match make(AARCH64[2], group) {
        Err(StencilError::Hole { offset: 0, .. }) => {}
        outcome => panic!("{outcome:?}"),
    }
    // After folding, as `resolve` does it, the hole of the other instruction is void.
    let folded = Hole {
        void: true,
        ..overlapping
    };
    let holes = vec![folded, pair(0, 4, slot(0, 0))];
    assert!(make(AARCH64[2], with_got(code(self::words(&whole), holes), &[0])).is_ok());
}

#[test]
fn offsets_between_instructions() {
    for offset in [1, 2, 3, 5, 6, 7] {
        for kind in AARCH64_KINDS {
            // The bytes at the offset are an instruction that could be patched.
            let fits = instructions()
                .into_iter()
                .find(|(_, _, kinds)| kinds.contains(&kind));
            let word = fits.unwrap().1;
            let mut body = vec![0; 12];
            body[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
            let value = based(HoleValue::Operand0, 0);
            let group = code(body, vec![hole(offset, kind, value)]);
            refuse(AARCH64[0], group, Part::Code, offset, kind);
        }
    }
}

/// Tests every patch that writes to the body, at the end of the body.
#[test]
fn holes_outside_of_the_body() {
    let value = || based(HoleValue::Operand0, 0);
    for part in [Part::Code, Part::Data] {
        for triple in [X86_64[0], X86_64[1], I686] {
            for (kind, width) in [
                (PatchKind::Patch32, 4),
                (PatchKind::Patch32r, 4),
                (PatchKind::X86_64_32rx, 4),
                (PatchKind::Patch64, 8),
            ] {
                let group = |offset| {
                    let body = stencil(vec![0; 16], vec![hole(offset, kind, value())]);
                    let mut group = StencilGroup::default();
                    *match part {
                        Part::Code => &mut group.code,
                        Part::Data => &mut group.data,
                    } = body;
                    group
                };
                assert!(make(triple, group(16 - width)).is_ok());
                for offset in [17 - width, 15, 16, 17, usize::MAX, usize::MAX - 3] {
                    refuse(triple, group(offset), part, offset, kind);
                }
            }
        }
    }
    for kind in AARCH64_KINDS {
        let fits = instructions()
            .into_iter()
            .find(|(_, _, kinds)| kinds.contains(&kind));
        let word = fits.unwrap().1;
        for offset in [8, 12, usize::MAX - 3] {
            let group = code(words(&[word; 2]), vec![hole(offset, kind, value())]);
            refuse(AARCH64[2], group, Part::Code, offset, kind);
        }
    }
    let far = hole(
        12,
        PatchKind::X86_64Trampoline,
        PatchValue::Symbol { ordinal: 0 },
    );
    let group = with_trampolines(code(vec![0; 15], vec![far]), &[0]);
    refuse(
        X86_64[0],
        group,
        Part::Code,
        12,
        PatchKind::X86_64Trampoline,
    );
    let got = hole(13, PatchKind::X86_64_32rx, slot(0, -4));
    let mut body = vec![0; 16];
    body[12] = 0x8b;
    let group = with_got(code(body, vec![got]), &[0]);
    refuse(X86_64[2], group, Part::Code, 13, PatchKind::X86_64_32rx);
}

#[test]
fn overlapping_holes() {
    let value = || based(HoleValue::Oparg, 0);
    let of = |holes: &[(usize, PatchKind)]| {
        let holes = holes
            .iter()
            .map(|(offset, kind)| hole(*offset, *kind, value()));
        code(vec![0; 24], holes.collect())
    };
    use PatchKind::{Patch32 as P32, Patch64 as P64};
    for apart in [
        &[(0, P32), (4, P32), (8, P64), (16, P64)][..],
        &[(16, P64), (0, P64), (8, P64)],
        &[(1, P32), (5, P64), (13, P32)],
    ] {
        assert!(make(X86_64[2], of(apart)).is_ok(), "{apart:?}");
    }
    for (holes, offset) in [
        (&[(0, P32), (3, P32)][..], 3),
        (&[(3, P32), (0, P32)], 3),
        (&[(4, P32), (4, P32)], 4),
        (&[(0, P64), (7, P32)], 7),
        (&[(12, P32), (0, P32), (6, P64)], 12),
        // The two need not be neighbours in the list.
        (&[(0, P64), (16, P32), (4, P32)], 4),
    ] {
        let Err(StencilError::Hole {
            uop,
            offset: named,
            part: Part::Code,
            ..
        }) = make(X86_64[2], of(holes))
        else {
            panic!("{holes:?}");
        };
        assert_eq!((&*uop, named), ("_SPOT", offset), "{holes:?}");
    }
}

/// Names that start with `_JIT_` are values and places of a trace, not symbols of the host. A misspelt name, or one of
/// another version, is an error when the stencils are loaded.
#[test]
fn values_and_places_that_do_not_exist() {
    let names = ["_JIT_OPERNAD0", "_JIT_OPERAND9", "_JIT_"];
    let slot_of = |ordinal| {
        let load = hole(3, PatchKind::X86_64_32rx, slot(ordinal, -4));
        with_got(
            code(vec![0x48, 0x8b, 0x05, 0, 0, 0, 0], vec![load]),
            &[ordinal],
        )
    };
    let branch_to = |ordinal| {
        let symbol = PatchValue::Symbol { ordinal };
        let jump = hole(3, PatchKind::X86_64Trampoline, symbol);
        with_trampolines(code(vec![0; 7], vec![jump]), &[ordinal])
    };
    for (ordinal, name) in names.iter().enumerate() {
        let direct = hole(3, PatchKind::Patch64, symbol(name, 0));
        let groups = [
            code(vec![0; 11], vec![direct.clone()]),
            StencilGroup {
                data: stencil(
                    vec![0; 16],
                    vec![Hole {
                        offset: 8,
                        ..direct
                    }],
                ),
                ..StencilGroup::default()
            },
            slot_of(ordinal),
            branch_to(ordinal),
        ];
        for group in groups {
            let groups = vec![("_SPOT", group)];
            let error = Stencils::new(&set(target(X86_64[0]), groups, &names)).unwrap_err();
            let StencilError::Hole { uop, problem, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(uop, "_SPOT");
            assert_eq!(
                problem,
                format!("{name} is not the name of a value or place of a trace")
            );
        }
    }
    // Other names may contain it.
    let group = code(
        vec![0; 8],
        vec![hole(0, PatchKind::Patch64, symbol("vm_JIT_start", 0))],
    );
    assert!(make(X86_64[2], group).is_ok());
}

/// Only symbols in the masks have GOT slots and trampolines: holes for others are refused.
#[test]
fn ordinals_that_are_not_in_the_mask() {
    let got = |ordinal, mask: &[usize]| {
        let load = hole(3, PatchKind::X86_64_32rx, slot(ordinal, -4));
        with_got(code(vec![0x48, 0x8b, 0x05, 0, 0, 0, 0], vec![load]), mask)
    };
    assert!(make(X86_64[2], got(0, &[0])).is_ok());
    assert!(make(X86_64[2], got(1, &[0, 1])).is_ok());
    for (ordinal, mask) in [
        (0, &[1][..]),
        (1, &[0]),
        (0, &[]),
        (usize::MAX, &[0]),
        (256, &[0]),
    ] {
        let group = got(ordinal, mask);
        refuse(X86_64[2], group, Part::Code, 3, PatchKind::X86_64_32rx);
    }
    let kind = PatchKind::Aarch64Trampoline;
    let branch = |ordinal, mask: &[usize]| {
        let value = PatchValue::Symbol { ordinal };
        let group = code(words(&[0x9400_0000]), vec![hole(0, kind, value)]);
        with_trampolines(group, mask)
    };
    assert!(make(AARCH64[0], branch(1, &[1])).is_ok());
    for (ordinal, mask) in [(0, &[1][..]), (1, &[0]), (0, &[]), (usize::MAX, &[0])] {
        refuse(AARCH64[0], branch(ordinal, mask), Part::Code, 0, kind);
    }
    // A GOT slot is not a trampoline.
    refuse(
        AARCH64[0],
        with_got(branch(0, &[]), &[0]),
        Part::Code,
        0,
        kind,
    );
    // A hole that fills a slot that does not exist.
    let mut group = with_got(code(vec![0x90], vec![]), &[0]);
    let fill = hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal: 1 });
    group.data.holes.push(fill);
    refuse(X86_64[2], group, Part::Data, 0, PatchKind::GotSymbol);
}

#[test]
fn addends_of_got_slots() {
    let x86 = |addend| {
        let load = hole(3, PatchKind::X86_64_32rx, slot(0, addend));
        with_got(code(vec![0x48, 0x8b, 0x05, 0, 0, 0, 0], vec![load]), &[0])
    };
    assert!(make(X86_64[2], x86(-4)).is_ok());
    for addend in [0, -8, -5, -3, 4, i64::MIN] {
        refuse(
            X86_64[2],
            x86(addend),
            Part::Code,
            3,
            PatchKind::X86_64_32rx,
        );
    }
    let arm = |addend| {
        let value = slot(0, addend);
        with_got(
            code(words(&[0x9000_0000, 0xf940_0000]), vec![pair(0, 4, value)]),
            &[0],
        )
    };
    assert!(make(AARCH64[2], arm(0)).is_ok());
    for addend in [-4, 8, 1] {
        refuse(
            AARCH64[2],
            arm(addend),
            Part::Code,
            4,
            PatchKind::Aarch64_33rx,
        );
    }
}

/// Patches of another architecture, or in a part that cannot have them, are refused.
#[test]
fn kinds_of_other_targets() {
    let value = || based(HoleValue::Operand0, 0);
    for target in Target::ALL {
        let triple = target.triple;
        let foreign: &[PatchKind] = if triple.starts_with("aarch64") {
            &[
                PatchKind::Patch32,
                PatchKind::Patch32r,
                PatchKind::X86_64_32rx,
            ]
        } else {
            &AARCH64_KINDS
        };
        for kind in foreign {
            let group = code(vec![0; 8], vec![hole(4, *kind, value())]);
            refuse(triple, group, Part::Code, 4, *kind);
        }
        for kind in [PatchKind::Aarch64Trampoline, PatchKind::X86_64Trampoline] {
            let branch = hole(4, kind, PatchValue::Symbol { ordinal: 0 });
            let body = words(&[0xd503_201f, 0x9400_0000]);
            let group = with_trampolines(code(body, vec![branch]), &[0]);
            let own = match kind {
                PatchKind::Aarch64Trampoline => triple.starts_with("aarch64"),
                _ => triple == X86_64[0],
            };
            if own {
                assert!(make(triple, group).is_ok());
            } else {
                refuse(triple, group, Part::Code, 4, kind);
            }
        }
    }
    for kind in AARCH64_KINDS {
        let fits = instructions()
            .into_iter()
            .find(|(_, _, kinds)| kinds.contains(&kind));
        let group = StencilGroup {
            data: stencil(words(&[fits.unwrap().1, 0]), vec![hole(0, kind, value())]),
            ..StencilGroup::default()
        };
        refuse(AARCH64[0], group, Part::Data, 0, kind);
    }
    let branch = hole(
        1,
        PatchKind::X86_64Trampoline,
        PatchValue::Symbol { ordinal: 0 },
    );
    let mut group = with_trampolines(StencilGroup::default(), &[0]);
    group.data = stencil(vec![0; 8], vec![branch]);
    refuse(X86_64[0], group, Part::Data, 1, PatchKind::X86_64Trampoline);
    let fill = hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal: 0 });
    let mut group = code(vec![0; 8], vec![fill]);
    group.got_entries.insert(0);
    refuse(X86_64[0], group, Part::Code, 0, PatchKind::GotSymbol);
}

/// Values that a patch cannot write are refused.
#[test]
fn values_of_other_kinds() {
    let kind = PatchKind::Patch32r;
    for value in [
        PatchValue::Symbol { ordinal: 0 },
        based(HoleValue::Got, 0),
        PatchValue::Address {
            base: HoleValue::Code,
            symbol: Some("one".into()),
            addend: 0,
        },
        PatchValue::Address {
            base: HoleValue::Operand0,
            symbol: Some("one".into()),
            addend: 0,
        },
    ] {
        let group = code(vec![0; 8], vec![hole(1, kind, value)]);
        refuse(X86_64[0], with_got(group, &[0]), Part::Code, 1, kind);
    }
    for value in [slot(0, -4), based(HoleValue::Code, 0), symbol("zero", 0)] {
        let kind = PatchKind::X86_64Trampoline;
        let group = with_trampolines(code(vec![0; 8], vec![hole(1, kind, value.clone())]), &[0]);
        refuse(X86_64[0], with_got(group, &[0]), Part::Code, 1, kind);
        let mut group = with_got(code(vec![0; 8], vec![]), &[0]);
        group.data.holes = vec![hole(0, PatchKind::GotSymbol, value)];
        refuse(X86_64[0], group, Part::Data, 0, PatchKind::GotSymbol);
    }
}
