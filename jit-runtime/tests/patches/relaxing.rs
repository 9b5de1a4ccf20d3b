//! Tests of `patch_x86_64_32rx`: instructions that use a slot, or directly the address in the slot if that is near
//! enough.

use jit_runtime::{Layout, LayoutPolicy, LinkError, Stencils, Uop};
use jit_stencils::{HoleValue, Part, PatchKind, PatchValue, StencilGroup};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Code, Mnemonic, Register},
    linked::{Linked, link_at},
    make::{X86_64, based, code, hole, set, slot, stencil, target, uop, with_got},
    numbers::{REACH, away, distance, edges, locations, near},
    spot::{Outcome, Source, Spot},
};

/// What an instruction does with the content of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Load(Register),
    Call,
    Jump,
    /// An operation that cannot be relaxed.
    Other,
}

/// Instructions whose last four bytes are the displacement.
type Form = (&'static [u8], Way);

const FORMS: [Form; 10] = [
    (&[0x48, 0x8b, 0x05, 0, 0, 0, 0], Way::Load(Register::RAX)),
    (&[0x4c, 0x8b, 0x3d, 9, 9, 9, 9], Way::Load(Register::R15)),
    (&[0x8b, 0x0d, 0, 0, 0, 0], Way::Load(Register::ECX)),
    (
        &[0x44, 0x8b, 0x05, 0xff, 0xff, 0xff, 0xff],
        Way::Load(Register::R8D),
    ),
    (&[0xff, 0x15, 0, 0, 0, 0], Way::Call),
    (&[0xff, 0x25, 1, 2, 3, 4], Way::Jump),
    // cmp rax, [rip]; push [rip]; mov [rip], rax; movsd xmm1, [rip]
    (&[0x48, 0x3b, 0x05, 0, 0, 0, 0], Way::Other),
    (&[0xff, 0x35, 0, 0, 0, 0], Way::Other),
    (&[0x48, 0x89, 0x05, 9, 9, 9, 9], Way::Other),
    (&[0xf2, 0x0f, 0x10, 0x0d, 0, 0, 0, 0], Way::Other),
];

/// The limits of relaxing: the displacement is in [-2^31, 2^31 - 1), one less than fits.
const LIMITS: &[i64] = &[-(1 << 31), (1 << 31) - 1];

/// The place of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// The GOT slot of a symbol.
    Got,
    /// At this offset in the micro-op's own data.
    Data(usize),
}

impl Slot {
    fn any() -> impl Strategy<Value = Slot> {
        let slots = [
            Slot::Got,
            Slot::Data(0),
            Slot::Data(4),
            Slot::Data(8),
            Slot::Data(11),
        ];
        proptest::sample::select(slots.to_vec())
    }
}

/// A micro-op with one such instruction.
#[derive(Debug, Clone)]
struct Case {
    triple: &'static str,
    form: Form,
    slot: Slot,
    before: usize,
    location: u64,
    /// The displacement from the instruction to the address in the slot.
    distance: i64,
}

/// Bytes before the instruction.
const LEAD: usize = 3;

impl Case {
    fn stencils(&self) -> Stencils {
        let instruction = self.form.0;
        let mut body = vec![0x8b; LEAD];
        body.extend_from_slice(instruction);
        body.extend_from_slice(&[0xff; 9]);
        let field = LEAD + instruction.len() - 4;
        let value = match self.slot {
            Slot::Got => slot(1, -4),
            Slot::Data(offset) => based(HoleValue::Data, offset as i64 - 4),
        };
        let mut spot = code(body, vec![hole(field, PatchKind::X86_64_32rx, value)]);
        spot.data = stencil(vec![0xcc; 24], vec![]);
        match self.slot {
            Slot::Got => spot = with_got(spot, &[1]),
            Slot::Data(offset) => {
                let content = based(HoleValue::Operand0, 0);
                spot.data.holes = vec![hole(offset, PatchKind::Patch64, content)];
            }
        }
        // A micro-op before it has another symbol's slot, and data.
        let mut other = with_got(code(vec![0xee; 5], vec![]), &[0, 2]);
        other.data.body = vec![0xdd; 8];
        let groups = vec![("_OTHER", other), ("_SPOT", spot)];
        Stencils::new(&set(target(self.triple), groups, &["zero", "there", "two"])).unwrap()
    }

    fn check(&self) {
        let stencils = self.stencils();
        let (instruction, way) = self.form;
        // x86 counts from the end of the field.
        let content = away(self.location, self.distance).wrapping_add(4);
        let mut trace = vec![uop(&stencils, "_OTHER"); self.before];
        trace.push(Uop {
            operand: [content, 0],
            ..uop(&stencils, "_SPOT")
        });
        let place = |layout: &Layout<'_>| layout.start(self.before).unwrap() + LEAD;
        let field = instruction.len() - 4;
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|layout| self.location - (place(layout) + field) as u64,
            &[("zero", 1), ("there", content), ("two", 2)],
        )
        .unwrap();
        let start = place(&linked.layout);
        let bytes = &linked.bytes[start..start + instruction.len()];
        let near = distance(self.location, content.wrapping_sub(4));
        let near = (-(1_i128 << 31)..(1 << 31) - 1).contains(&near);
        let slot = self.slot_address(&linked);
        assert_eq!(linked.load(slot), content, "{self:x?}");
        check_instruction(way, bytes, linked.address(start), near, content, slot);
        let references = match (self.slot, way, near) {
            // The stencil's own data.
            (Slot::Data(_), _, _) => [0, 0, 0, 0],
            (Slot::Got, Way::Call | Way::Jump, true) => [1, 0, 0, 0],
            (Slot::Got, Way::Call | Way::Jump, false) => [0, 1, 0, 0],
            (Slot::Got, Way::Load(_), true) => [0, 0, 1, 0],
            (Slot::Got, Way::Load(_) | Way::Other, _) => [0, 0, 0, 1],
        };
        assert_eq!(linked.references(&stencils), references, "{self:x?}");

        let body = &linked.bytes[start - LEAD..];
        assert_eq!(body[..LEAD], [0x8b; LEAD]);
        assert_eq!(body[LEAD + instruction.len()..][..9], [0xff; 9]);
    }

    /// Returns the address of the slot. The image consists of code, data and GOT.
    fn slot_address(&self, linked: &Linked<'_>) -> u64 {
        let code = 5 * self.before + LEAD + self.form.0.len() + 9;
        let data = code.next_multiple_of(8);
        let offset = match self.slot {
            Slot::Data(offset) => data + 8 * self.before + offset,
            // The other micro-op's symbols have the ordinals 0 and 2.
            Slot::Got => data + 8 * self.before + 24 + if self.before == 0 { 0 } else { 8 },
        };
        linked.address(offset)
    }
}

/// Checks that a relaxed instruction does the same with the slot's content as the original one.
fn check_instruction(way: Way, bytes: &[u8], address: u64, near: bool, content: u64, slot: u64) {
    let first = decode::x86_first(64, bytes, address);
    if !near || way == Way::Other {
        assert_eq!(first.len(), bytes.len());
        assert_eq!(decode::x86_target(&first), slot);
        match way {
            Way::Load(register) => {
                assert_eq!(first.mnemonic(), Mnemonic::Mov);
                assert_eq!(first.op0_register(), register);
            }
            Way::Call => assert_eq!(first.code(), Code::Call_rm64),
            Way::Jump => assert_eq!(first.code(), Code::Jmp_rm64),
            Way::Other => {
                assert!(![Mnemonic::Lea, Mnemonic::Nop].contains(&first.mnemonic()));
            }
        }
        return;
    }
    if let Way::Load(register) = way {
        assert_eq!(first.len(), bytes.len());
        assert_eq!(first.mnemonic(), Mnemonic::Lea);
        assert_eq!(first.op0_register(), register);
        assert_eq!(decode::x86_target(&first), content);
        return;
    }
    assert_eq!((first.mnemonic(), first.len()), (Mnemonic::Nop, 1));
    let second = decode::x86(64, &bytes[1..], address + 1);
    assert_eq!(decode::x86_target(&second), content);
    match way {
        Way::Call => assert_eq!(second.code(), Code::Call_rel32_64),
        _ => assert_eq!(second.code(), Code::Jmp_rel32_64),
    }
}

#[test]
fn at_each_limit() {
    for (triple, form) in X86_64.iter().cycle().zip(FORMS) {
        for distance in edges(LIMITS) {
            for slot in [Slot::Got, Slot::Data(8)] {
                let case = Case {
                    triple,
                    form,
                    slot,
                    before: 2,
                    location: 0x7000_0000_0123,
                    distance,
                };
                case.check();
            }
        }
    }
}

/// The limits as numbers: 2^31 - 1 would fit, but CPython does not relax there.
#[test]
fn the_last_displacement_is_not_used() {
    for (distance, straight) in [
        (-0x8000_0001, false),
        (-0x8000_0000, true),
        (0x7fff_fffe, true),
        (0x7fff_ffff, false),
    ] {
        let spot = with_got(
            code(
                vec![0xff, 0x15, 0, 0, 0, 0],
                vec![hole(2, PatchKind::X86_64_32rx, slot(0, -4))],
            ),
            &[0],
        );
        let stencils =
            Stencils::new(&set(target(X86_64[2]), vec![("_SPOT", spot)], &["there"])).unwrap();
        let base = 0x7000_0000_0000;
        let there = away(base + 2 + 4, distance);
        let trace = [uop(&stencils, "_SPOT")];
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|_| base,
            &[("there", there)],
        );
        let opcode = linked.unwrap().bytes[..2].to_vec();
        let expected: [u8; 2] = if straight { [0x90, 0xe8] } else { [0xff, 0x15] };
        assert_eq!(opcode, expected, "{distance:#x}");
    }
}

/// Returns stencils with a hole whose value is not the address of a slot, after the bytes `front`.
fn plain(value: PatchValue, front: [u8; 2], triple: &str) -> Stencils {
    let body = vec![front[0], front[1], 0, 0, 0, 0];
    let mut spot = code(body, vec![hole(2, PatchKind::X86_64_32rx, value)]);
    spot.data = stencil(vec![0; 8], vec![]);
    let mut last = code(vec![0; 64], vec![]);
    last.data = stencil(vec![0; 8], vec![]);
    let groups: Vec<(&str, StencilGroup)> = vec![("_SPOT", spot), ("_LAST", last)];
    Stencils::new(&set(target(triple), groups, &[])).unwrap()
}

/// On Windows, all jumps have this patch. They jump to code, so the bytes at the target are not an address, even if a byte
/// before the field looks like a load and the bytes at the target look like a near address.
#[test]
fn no_relaxation_without_a_slot() {
    // The image is near address 0, so that zeros in it look like a near address.
    let base = 0x10_0000;
    for triple in X86_64 {
        for front in [[0x8b, 0x05], [0xff, 0x15], [0xff, 0x25], [0x0f, 0x84]] {
            // Two stencils of 6 bytes and one of 64, then data of 8 bytes each.
            let values = [
                (based(HoleValue::Code, 2), 6 + 2),
                (based(HoleValue::JumpTarget, -4), 12 - 4),
                (based(HoleValue::ErrorTarget, 12), 12 + 12),
                // After the micro-op's own data, and before it.
                (based(HoleValue::Data, 4), 80 + 8 + 4),
                (based(HoleValue::Data, -5), 80 + 8 - 5),
            ];
            for (value, target) in values {
                let stencils = plain(value.clone(), front, triple);
                let jumps = Uop {
                    jump_target: 2,
                    error_target: 2,
                    ..uop(&stencils, "_SPOT")
                };
                let trace = [jumps, jumps, uop(&stencils, "_LAST")];
                let linked =
                    link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]).unwrap();
                let bytes = &linked.bytes[6..12];
                assert_eq!(bytes[..2], front, "{triple} {value:?}");
                let decoded = decode::x86(64, bytes, base + 6);
                let expected = base + target + 4;
                assert_eq!(decode::x86_target(&decoded), expected, "{value:?}");
            }
        }
    }
}

/// A jump at the start of a stencil has one byte before the field. The byte before that belongs to another stencil.
#[test]
fn a_field_at_offset_1() {
    let jump = code(
        vec![0xe9, 0, 0, 0, 0],
        vec![hole(
            1,
            PatchKind::X86_64_32rx,
            based(HoleValue::JumpTarget, -4),
        )],
    );
    let load = code(vec![0x90, 0x90, 0x8b], vec![]);
    let groups = vec![("_JUMP", jump), ("_LOAD", load)];
    for triple in ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"] {
        let stencils = Stencils::new(&set(target(triple), groups.clone(), &[])).unwrap();
        let (jump, load) = (uop(&stencils, "_JUMP"), uop(&stencils, "_LOAD"));
        for target in 0..4 {
            let jump = Uop {
                jump_target: target,
                ..jump
            };
            let trace = [load, jump, load, jump];
            let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| 0x1000, &[]).unwrap();
            assert_eq!(linked.bytes[..4], [0x90, 0x90, 0x8b, 0xe9]);
            let bitness = if triple.starts_with("i686") { 32 } else { 64 };
            let decoded = decode::x86(bitness, &linked.bytes[3..8], 0x1003);
            let starts = [0, 3, 8, 11];
            let expected = 0x1000 + starts[usize::from(target)];
            assert_eq!(decode::x86_target(&decoded), expected);
        }
    }
}

/// A displacement at the start of a stencil has no opcode before it, so it cannot be relaxed.
#[test]
fn no_room_for_an_opcode() {
    for offset in [0, 1] {
        let spot = with_got(
            code(
                vec![0; 8],
                vec![hole(offset, PatchKind::X86_64_32rx, slot(0, -4))],
            ),
            &[0],
        );
        let load = code(vec![0x8b, 0x8b], vec![]);
        let groups = vec![("_LOAD", load), ("_SPOT", spot)];
        let stencils = Stencils::new(&set(target(X86_64[2]), groups, &["there"])).unwrap();
        let trace = [uop(&stencils, "_LOAD"), uop(&stencils, "_SPOT")];
        let symbols = [("there", 0x2000)];
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|_| 0x1000,
            &symbols,
        );
        let linked = linked.unwrap();
        assert_eq!(linked.bytes[..2], [0x8b, 0x8b]);
        let field = 2 + offset;
        let displacement = i32::from_le_bytes(linked.bytes[field..field + 4].try_into().unwrap());
        // Code of 10 bytes, then the GOT.
        assert_eq!(displacement as usize, 16 - 4 - field);
    }
}

/// Holes in a micro-op's own data are filled before its code is patched.
#[test]
fn a_slot_is_read_after_it_was_filled() {
    let code = code(
        vec![0x48, 0x8b, 0x05, 0, 0, 0, 0],
        vec![hole(3, PatchKind::X86_64_32rx, based(HoleValue::Data, 4))],
    );
    let group = StencilGroup {
        data: stencil(
            vec![0xff; 16],
            vec![hole(8, PatchKind::Patch64, based(HoleValue::Code, 0x1234))],
        ),
        ..code
    };
    let stencils = Stencils::new(&set(target(X86_64[0]), vec![("_SPOT", group)], &[])).unwrap();
    let trace = [uop(&stencils, "_SPOT"); 3];
    let base = 0x7fff_0000_0000;
    let linked = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]).unwrap();
    for index in 0..3 {
        let start = linked.start(index);
        let address = linked.address(start);
        let bytes = &linked.bytes[start..start + 7];
        check_instruction(
            Way::Load(Register::RAX),
            bytes,
            address,
            true,
            address + 0x1234,
            0,
        );
    }
}

#[test]
fn out_of_range_names_the_value() {
    let mut spot = Spot::new(
        target(X86_64[1]),
        PatchKind::X86_64_32rx,
        &[0x48, 0x8b, 0x05, 0, 0, 0, 0],
        3,
    );
    for (distance, fits) in [(1 << 31, false), ((1 << 31) - 1, true)] {
        spot.value = away(spot.location, distance);
        let written = matches!(spot.link(), Outcome::Written(_));
        assert_eq!(written, fits, "{distance:#x}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn through_slots_and_straight(
        triple in proptest::sample::select(&X86_64[..]),
        form in proptest::sample::select(&FORMS[..]),
        slot in Slot::any(),
        before in 0_usize..4,
        location in locations(target(X86_64[0])),
        distance in near(LIMITS),
    ) {
        Case { triple, form, slot, before, location, distance }.check();
    }

    /// Without a slot, the patch does what `patch_32r` does, with the same limits.
    #[test]
    fn plain_displacements(
        triple in proptest::sample::select(&X86_64[..]),
        form in proptest::sample::select(&FORMS[..]),
        location in locations(target(X86_64[0])),
        distance_to in near(&[-(1 << 31), 1 << 31]),
        source in Source::any(),
        addend in -REACH..=REACH,
        before in 0_usize..4,
    ) {
        let (instruction, _) = form;
        let field = instruction.len() - 4;
        let spot = Spot::new(target(triple), PatchKind::X86_64_32rx, instruction, field);
        let value = away(location, distance_to);
        let spot = Spot { location, value, source, addend, before, ..spot };
        let expected = distance(location, value);
        let fits = (-(1_i128 << 31)..1 << 31).contains(&expected);
        match spot.link() {
            Outcome::Written(bytes) => {
                prop_assert!(fits);
                spot.check_untouched(&bytes, 0xffff_ffff);
                let bytes = &bytes[4..4 + instruction.len()];
                let decoded = decode::x86(64, bytes, location.wrapping_sub(field as u64));
                prop_assert_eq!(decode::x86_target(&decoded), value.wrapping_add(4));
            }
            outcome => {
                prop_assert_eq!(outcome, Outcome::OutOfRange);
                prop_assert!(!fits);
            }
        }
    }
}

#[test]
fn errors_of_the_patch_have_its_kind() {
    let stencils = plain(based(HoleValue::Operand0, 0), [0x8b, 0x05], X86_64[2]);
    let trace = [uop(&stencils, "_SPOT")];
    let base = 0x7000_0000_0000;
    let error = link_at(&stencils, LayoutPolicy::Tight, &trace, &|_| base, &[]).unwrap_err();
    let expected = LinkError::OutOfRange {
        index: Some(0),
        uop: "_SPOT".into(),
        part: Part::Code,
        offset: 2,
        kind: PatchKind::X86_64_32rx,
        value: 0,
        symbol: None,
        location: base + 2,
    };
    assert_eq!(error, expected);
}
