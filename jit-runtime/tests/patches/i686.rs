//! Tests of 32-bit x86, where addresses and displacements wrap.

use jit_runtime::{LayoutPolicy, LinkError, Stencils, Uop};
use jit_stencils::{HoleValue, PatchKind, PatchValue};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Mnemonic},
    linked::link,
    make::{I686, based, code, hole, set, stencil, symbol, target, uop},
    numbers::{REACH, locations, near},
    spot::{Outcome, Source, Spot},
};

/// Returns a number modulo 2^32.
fn wrapped(number: i128) -> u64 {
    number.rem_euclid(1 << 32) as u64
}

/// Links a trace with that hole, and returns the image.
fn image(body: Vec<u8>, hole: jit_stencils::Hole, base: u64, there: u64) -> Vec<u8> {
    let mut group = code(body, vec![hole]);
    // Zeros near the code, which must not be taken for an address.
    group.data = stencil(vec![0; 16], vec![]);
    let stencils = Stencils::new(&set(target(I686), vec![("_SPOT", group)], &[])).unwrap();
    let trace = [uop(&stencils, "_SPOT"), uop(&stencils, "_SPOT")];
    let symbols = [("there", there)];
    let linked = link(&stencils, LayoutPolicy::Tight, &trace, base, &symbols);
    linked.unwrap().bytes
}

/// Links a micro-op with a value in an instruction, and returns the image.
fn sum(value: PatchValue, uop: Uop) -> Result<Vec<u8>, LinkError> {
    let body = vec![0xbf, 9, 9, 9, 9, 0xc3, 0xcc, 0xcc, 0xcc];
    let group = code(body, vec![hole(1, PatchKind::Patch32, value)]);
    let stencils = Stencils::new(&set(target(I686), vec![("_SPOT", group)], &[])).unwrap();
    let trace = [uop];
    let linked = link(&stencils, LayoutPolicy::Tight, &trace, 0x40_0000, &[])?;
    Ok(linked.bytes)
}

/// Returns a value relative to one of several bases, and what that base is in the image made above.
fn address(choice: usize, addend: i64, base: u64, there: u64, length: u64) -> (PatchValue, i128) {
    let value = match choice {
        0 => (based(HoleValue::Code, addend), base),
        1 => (
            based(HoleValue::Data, addend),
            base + (2 * length).next_multiple_of(8),
        ),
        2 => (based(HoleValue::JumpTarget, addend), base),
        3 => (based(HoleValue::ErrorTarget, addend), base),
        _ => (symbol("there", addend), there),
    };
    (value.0, i128::from(value.1) + i128::from(addend))
}

fn any_u32() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..1_u64 << 32,
        0..=REACH as u64,
        (1 << 32) - REACH as u64..1 << 32,
        (1_u64 << 31) - REACH as u64..(1 << 31) + REACH as u64,
    ]
}

proptest! {
    #![proptest_config(config())]

    /// Calls and jumps reach everything: the displacement is modulo 2^32.
    #[test]
    fn displacements_wrap(
        kind in proptest::sample::select(&[PatchKind::Patch32r, PatchKind::X86_64_32rx][..]),
        opcode in proptest::sample::select(&[0xe8_u8, 0xe9][..]),
        location in locations(target(I686)),
        value in any_u32(),
        source in Source::any(),
        before in 0_usize..4,
    ) {
        let spot = Spot::new(target(I686), kind, &[opcode, 9, 9, 9, 9], 1);
        let spot = Spot { location, value, source, before, addend: -4, ..spot };
        let bytes = spot.written(0xffff_ffff);
        let decoded = decode::x86(32, &bytes[4..9], location - 1);
        prop_assert_eq!(u64::from(decoded.near_branch32()), wrapped(i128::from(value) + 4));
    }

    /// The same where the address wraps before: what is counted from and the addend.
    #[test]
    fn relative_addresses_wrap(
        kind in proptest::sample::select(&[PatchKind::Patch32r, PatchKind::X86_64_32rx][..]),
        choice in 0_usize..5,
        addend in any::<i32>(),
        base in locations(target(I686)),
        there in any_u32(),
    ) {
        let body = vec![0xe9, 9, 9, 9, 9];
        let (value, expected) = address(choice, addend.into(), base, there, 5);
        let bytes = image(body, hole(1, kind, value), base, there);
        let decoded = decode::x86(32, &bytes[..5], base);
        prop_assert_eq!(u64::from(decoded.near_branch32()), wrapped(expected + 4));
    }

    /// So do absolute addresses.
    #[test]
    fn addresses_wrap(
        choice in 0_usize..5,
        addend in prop_oneof![any::<i32>().prop_map(i64::from), -REACH..=REACH],
        base in locations(target(I686)),
        there in any_u32(),
    ) {
        let body = vec![0xbf, 9, 9, 9, 9];
        let (value, expected) = address(choice, addend, base, there, 5);
        let bytes = image(body, hole(1, PatchKind::Patch32, value), base, there);
        let decoded = decode::x86(32, &bytes[..5], base);
        prop_assert_eq!(decoded.mnemonic(), Mnemonic::Mov);
        prop_assert_eq!(u64::from(decoded.immediate32()), wrapped(expected));
    }

    /// Operands have 64 bits, and have to fit.
    #[test]
    fn operands_do_not_wrap(
        value in near(&[0, 1 << 32]),
        source in proptest::sample::select(&[Source::Operand0, Source::Operand1][..]),
        before in 0_usize..4,
    ) {
        let spot = Spot::new(target(I686), PatchKind::Patch32, &[0xbf, 9, 9, 9, 9], 1);
        let spot = Spot { location: 0x40_0000, value: value as u64, source, before, ..spot };
        match spot.link() {
            Outcome::Written(bytes) => {
                let decoded = decode::x86(32, &bytes[4..9], 0);
                prop_assert_eq!(i64::from(decoded.immediate32()), value);
            }
            outcome => {
                prop_assert_eq!(outcome, Outcome::OutOfRange);
                prop_assert!(!(0..1 << 32).contains(&value));
            }
        }
    }

    /// Sums of a value and a number wrap around; an operand itself has to fit.
    #[test]
    fn sums_wrap(
        oparg in any::<u16>(),
        target in any::<u32>(),
        operand in prop_oneof![
            any_u32(),
            near(&[1 << 32]).prop_map(|own| own as u64),
            any::<u64>(),
        ],
        choice in 0_usize..4,
        addend in prop_oneof![any::<u32>().prop_map(i64::from), -REACH..=REACH],
    ) {
        let (base, own) = [
            (HoleValue::Oparg, u64::from(oparg)),
            (HoleValue::Target, u64::from(target)),
            (HoleValue::Operand0, operand),
            (HoleValue::Operand1, !operand),
        ][choice];
        let uop = Uop { oparg, target, operand: [operand, !operand], ..Uop::default() };
        let linked = sum(based(base, addend), uop);
        if own < 1 << 32 {
            let bytes = linked.unwrap();
            let decoded = decode::x86(32, &bytes[..5], 0);
            let expected = wrapped(i128::from(own) + i128::from(addend));
            prop_assert_eq!(u64::from(decoded.immediate32()), expected);
            // What comes after the field is as it was.
            prop_assert_eq!(&bytes[5..9], &[0xc3, 0xcc, 0xcc, 0xcc]);
        } else {
            match linked.unwrap_err() {
                LinkError::OutOfRange { offset: 1, kind: PatchKind::Patch32, .. } => {}
                other => panic!("{other}"),
            }
        }
    }

    /// Both halves of an operand, each in an instruction of its own.
    #[test]
    fn halves_of_operands(operand in any::<[u64; 2]>()) {
        let halves = [
            (HoleValue::Operand0Lo, operand[0] % (1 << 32)),
            (HoleValue::Operand0Hi, operand[0] / (1 << 32)),
            (HoleValue::Operand1Lo, operand[1] % (1 << 32)),
            (HoleValue::Operand1Hi, operand[1] / (1 << 32)),
        ];
        let mut body = Vec::new();
        let mut holes = Vec::new();
        for (base, _) in halves {
            body.push(0xbf);
            holes.push(hole(body.len(), PatchKind::Patch32, based(base, 0)));
            body.extend_from_slice(&[9; 4]);
        }
        let group = code(body, holes);
        let stencils = Stencils::new(&set(target(I686), vec![("_SPOT", group)], &[])).unwrap();
        let trace = [Uop { operand, ..uop(&stencils, "_SPOT") }];
        let linked = link(&stencils, LayoutPolicy::Tight, &trace, 0x40_0000, &[]).unwrap();
        for ((_, expected), bytes) in halves.iter().zip(linked.bytes.chunks(5)) {
            let decoded = decode::x86(32, bytes, 0);
            prop_assert_eq!(u64::from(decoded.immediate32()), *expected);
        }
    }
}

/// There is no GOT, so nothing is read at the target of a jump, whatever is in front of it: a byte
/// 0x8b two bytes before the field turns no call into something else.
#[test]
fn no_relaxation() {
    // mov eax, [..]; then what looks like its displacement is a hole.
    for front in [[0x8b, 0x05], [0xff, 0x15], [0xff, 0x25]] {
        for addend in [-4, 0, 4] {
            let mut body = front.to_vec();
            body.extend_from_slice(&[0; 4]);
            let at_data = hole(2, PatchKind::X86_64_32rx, based(HoleValue::Data, addend));
            let bytes = image(body, at_data, 0x40_0000, 0);
            assert_eq!(bytes[..2], front);
            let field = i32::from_le_bytes(bytes[2..6].try_into().unwrap());
            // Two uops of 6 bytes, then data at a multiple of 8, seen from 2.
            assert_eq!(i64::from(field), 16 + addend - 2);
        }
    }
}
