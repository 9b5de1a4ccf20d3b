//! x86-64's patches that always write the same field: `patch_32`, `patch_32r` and `patch_64`.

use jit_stencils::{Part, PatchKind};
use proptest::prelude::*;

use crate::{
    config,
    decode::{self, Mnemonic},
    make::{X86_64, target},
    numbers::{REACH, away, distance, edges, fits, locations, near},
    spot::{Outcome, Source, Spot},
};

/// Instructions with a displacement: the bytes, the offset of the field, and the number of bytes after the field.
type Form = (&'static [u8], usize, usize);

const RELATIVE: [Form; 7] = [
    // jmp, call, je
    (&[0xe9, 0, 0, 0, 0], 1, 0),
    (&[0xe8, 0xff, 0xff, 0xff, 0xff], 1, 0),
    (&[0x0f, 0x84, 0x55, 0xaa, 0, 0xff], 2, 0),
    // lea r9, [rip]; mov [rip], rdi; movsd xmm1, [rip]
    (&[0x4c, 0x8d, 0x0d, 0, 0, 0, 0], 3, 0),
    (&[0x48, 0x89, 0x3d, 1, 2, 3, 4], 3, 0),
    (&[0xf2, 0x0f, 0x10, 0x0d, 0, 0, 0, 0], 4, 0),
    // mov dword [rip], 0x11223344
    (&[0xc7, 0x05, 0, 0, 0, 0, 0x44, 0x33, 0x22, 0x11], 2, 4),
];

const LIMITS: &[i64] = &[-(1 << 31), 1 << 31];

fn check_relative(mut spot: Spot, form: Form, distance_to: i64) {
    spot.value = away(spot.location, distance_to);
    let expected = distance(spot.location, spot.value);
    let (instruction, field, rest) = form;
    match spot.link() {
        Outcome::Written(bytes) => {
            assert!(fits(expected, 32), "{expected:#x} was let through");
            spot.check_untouched(&bytes, 0xffff_ffff);
            let address = spot.location.wrapping_sub(field as u64);
            let bytes = &bytes[4..4 + instruction.len()];
            let decoded = decode::x86(64, bytes, address);
            let end = spot.value.wrapping_add(4 + rest as u64);
            assert_eq!(decode::x86_target(&decoded), end, "{spot:x?}");
        }
        Outcome::OutOfRange => assert!(!fits(expected, 32), "{expected:#x} was refused"),
        Outcome::Misaligned => panic!("x86 has no alignment"),
    }
}

#[test]
fn displacements_at_each_limit() {
    for (triple, form) in X86_64.iter().cycle().zip(RELATIVE) {
        for distance in edges(LIMITS) {
            let spot = Spot::new(target(triple), PatchKind::Patch32r, form.0, form.1);
            check_relative(spot, form, distance);
        }
    }
}

/// The limits as numbers. If both sides of the comparison above were wrong in the same way, this test would fail.
#[test]
fn displacements_have_32_bits() {
    let outcome = |distance| {
        let mut spot = Spot::new(target(X86_64[2]), PatchKind::Patch32r, RELATIVE[0].0, 1);
        spot.value = away(spot.location, distance);
        spot.link()
    };
    for accepted in [-0x8000_0000, 0x7fff_ffff] {
        assert!(matches!(outcome(accepted), Outcome::Written(_)));
    }
    for refused in [-0x8000_0001, 0x8000_0000] {
        assert_eq!(outcome(refused), Outcome::OutOfRange);
    }
}

/// Checks `mov esi, imm32` and similar instructions.
fn check_absolute(spot: &Spot) {
    match spot.link() {
        Outcome::Written(bytes) => {
            assert!(spot.value < 1 << 32, "{:#x} was let through", spot.value);
            spot.check_untouched(&bytes, 0xffff_ffff);
            let decoded = decode::x86(64, &bytes[4..9], 0);
            assert_eq!(u64::from(decoded.immediate32()), spot.value);
        }
        Outcome::OutOfRange => assert!(spot.value >= 1 << 32, "{:#x} was refused", spot.value),
        Outcome::Misaligned => panic!("x86 has no alignment"),
    }
}

const MOV_ESI: [u8; 5] = [0xbe, 0xff, 0, 0xff, 0];

#[test]
fn absolute_32_bits_at_each_limit() {
    for value in edges(&[0, 1 << 31, 1 << 32]) {
        let mut spot = Spot::new(target(X86_64[0]), PatchKind::Patch32, &MOV_ESI, 1);
        spot.value = value as u64;
        check_absolute(&spot);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn displacements(
        triple in proptest::sample::select(&X86_64[..]),
        form in proptest::sample::select(&RELATIVE[..]),
        location in locations(target(X86_64[0])),
        distance in near(LIMITS),
        source in Source::any(),
        addend in any::<i32>(),
        before in 0_usize..4,
    ) {
        let mut spot = Spot::new(target(triple), PatchKind::Patch32r, form.0, form.1);
        spot = Spot { location, source, addend: addend.into(), before, ..spot };
        check_relative(spot, form, distance);
    }

    /// Data may have displacements, too: those of jump tables.
    #[test]
    fn displacements_in_data(
        location in locations(target(X86_64[0])),
        offset in 0_usize..=20,
        distance_to in near(LIMITS),
        before in 0_usize..4,
    ) {
        let mut spot = Spot::new(target(X86_64[2]), PatchKind::Patch32r, &[], 0);
        let value = away(location, distance_to);
        let body = (0..24).collect();
        spot = Spot { part: Part::Data, body, offset, location, before, value, ..spot };
        match spot.link() {
            Outcome::Written(bytes) => {
                spot.check_untouched(&bytes, 0xffff_ffff);
                let field = i32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap());
                prop_assert_eq!(i128::from(field), distance(location, value));
            }
            outcome => {
                prop_assert_eq!(outcome, Outcome::OutOfRange);
                prop_assert!(!fits(distance(location, value), 32));
            }
        }
    }

    #[test]
    fn absolute_32_bits(
        value in near(&[0, 1 << 32]),
        source in Source::any(),
        addend in -REACH..=REACH,
        before in 0_usize..4,
    ) {
        let spot = Spot::new(target(X86_64[0]), PatchKind::Patch32, &MOV_ESI, 1);
        check_absolute(&Spot { value: value as u64, source, addend, before, ..spot });
    }

    /// `movabs`, which takes anything.
    #[test]
    fn absolute_64_bits(
        triple in proptest::sample::select(&X86_64[..]),
        value in any::<u64>(),
        source in Source::any(),
        addend in any::<i64>(),
        before in 0_usize..4,
    ) {
        let instruction = [0x49, 0xba, 1, 2, 3, 4, 5, 6, 7, 8];
        let spot = Spot::new(target(triple), PatchKind::Patch64, &instruction, 2);
        let spot = Spot { value, source, addend, before, ..spot };
        let bytes = spot.written(u64::MAX);
        let decoded = decode::x86(64, &bytes[4..14], 0);
        prop_assert_eq!(decoded.mnemonic(), Mnemonic::Mov);
        prop_assert_eq!(decoded.immediate64(), value);
    }
}
