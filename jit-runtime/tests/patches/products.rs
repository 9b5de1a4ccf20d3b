//! Numbers of 32 bits with a sign, and multiples of values: `patch_32s`, and `patch_32` and `patch_aarch64_12` with a scale.

use jit_stencils::PatchKind;
use proptest::prelude::*;

use crate::{
    config, decode,
    make::{AARCH64, X86_64, target},
    numbers::{edges, near},
    spot::{Outcome, Source, Spot},
};

/// An instruction, where its field is, and how to read it: the bytes, the offset, and whether it is a displacement.
const SIGNED: [(&[u8], usize, bool); 4] = [
    // mov rdi, [r13 + disp32]
    (&[0x49, 0x8b, 0xbd, 0, 0xff, 0, 0xff], 3, true),
    // cmp qword [r14 + disp32], 1
    (&[0x49, 0x83, 0xbe, 1, 2, 3, 4, 1], 3, true),
    // sub rsi, imm32
    (&[0x48, 0x81, 0xee, 0xff, 0xff, 0xff, 0xff], 3, false),
    // mov rax, imm32
    (&[0x48, 0xc7, 0xc0, 0, 0, 0, 0], 3, false),
];

const LIMITS: &[i64] = &[i32::MIN as i64, 0, i32::MAX as i64 + 1];

/// Returns what a hole must get, or `None` if that does not fit in 32 bits with a sign.
fn expected(own: u64, scale: i32, addend: i64) -> (u64, Option<i32>) {
    let sum = i128::from(own) * i128::from(scale) + i128::from(addend);
    // Modulo 2^64, as the processor computes.
    let value = sum.rem_euclid(1 << 64) as u64;
    (value, i32::try_from(value.cast_signed()).ok())
}

fn check_signed(
    (instruction, offset, memory): (&[u8], usize, bool),
    triple: &str,
    source: Source,
    addend: i64,
) {
    let Source::Multiple(scale, own) = source else {
        panic!("{source:?}");
    };
    let (value, fits) = expected(own, scale, addend);
    let mut spot = Spot::new(target(triple), PatchKind::Patch32s, instruction, offset);
    spot = Spot {
        source,
        addend,
        value,
        ..spot
    };
    match (spot.link(), fits) {
        (Outcome::Written(bytes), Some(number)) => {
            spot.check_untouched(&bytes, 0xffff_ffff);
            let decoded = decode::x86(64, &bytes[4..4 + instruction.len()], 0);
            let read = match memory {
                true => decoded.memory_displacement64().cast_signed(),
                false => decoded.immediate32to64(),
            };
            assert_eq!(read, i64::from(number), "{spot:x?}");
        }
        (Outcome::OutOfRange, None) => {}
        (outcome, fits) => panic!("{outcome:?} for {value:#x}, which is {fits:?}"),
    }
}

#[test]
fn numbers_with_a_sign_at_each_limit() {
    for (triple, form) in X86_64.iter().cycle().zip(SIGNED) {
        for number in edges(LIMITS) {
            // 2 * n + 1 and -n.
            for (scale, addend) in [(2, number & 1), (-1, 0)] {
                let own = (number - addend) / i64::from(scale);
                check_signed(
                    form,
                    triple,
                    Source::Multiple(scale, own.cast_unsigned()),
                    addend,
                );
            }
        }
    }
}

/// The limits as numbers. If both sides of the comparison above were wrong in the same way, this test would fail.
#[test]
fn numbers_with_a_sign_have_32_bits() {
    let outcome = |own: u64, scale, addend| {
        let (bytes, offset, _) = SIGNED[0];
        let spot = Spot::new(target(X86_64[2]), PatchKind::Patch32s, bytes, offset);
        let (value, _) = expected(own, scale, addend);
        Spot {
            source: Source::Multiple(scale, own),
            addend,
            value,
            ..spot
        }
        .link()
    };
    for (own, scale, addend) in [
        (65_535, 8, 80),
        (65_535, -8, -8),
        (0x3fff_ffff, 2, 1),
        (0x4000_0000, -2, 0),
    ] {
        assert!(
            matches!(outcome(own, scale, addend), Outcome::Written(_)),
            "{own} {scale}"
        );
    }
    for (own, scale, addend) in [
        (0x3fff_ffff, 2, 2),
        (0x4000_0000, -2, -1),
        (1 << 32, 8, 0),
        (u64::MAX >> 1, 3, 0),
    ] {
        assert_eq!(
            outcome(own, scale, addend),
            Outcome::OutOfRange,
            "{own} {scale}"
        );
    }
}

/// `mov eax, imm32` with a multiple: a number without a sign.
#[test]
fn multiples_without_a_sign() {
    for (own, scale, addend, fits) in [
        (65_535_u64, 8, 0, true),
        (0, 8, 0, true),
        (0x7fff_ffff, 2, 1, true),
        (0x7fff_ffff, 2, 2, false),
        (1, -1, 0, false),
        (1, -1, 1, true),
    ] {
        let (value, _) = expected(own, scale, addend);
        let spot = Spot::new(
            target(X86_64[0]),
            PatchKind::Patch32,
            &[0xb8, 0, 0, 0, 0],
            1,
        );
        let spot = Spot {
            source: Source::Multiple(scale, own),
            addend,
            value,
            ..spot
        };
        match spot.link() {
            Outcome::Written(bytes) => {
                let decoded = decode::x86(64, &bytes[4..9], 0);
                assert_eq!(u64::from(decoded.immediate32()), value);
                assert!(fits, "{own} {scale} {addend}");
            }
            outcome => assert!(
                !fits && outcome == Outcome::OutOfRange,
                "{own} {scale} {addend}"
            ),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn numbers_with_a_sign(
        triple in proptest::sample::select(&X86_64[..]),
        form in proptest::sample::select(&SIGNED[..]),
        number in near(LIMITS),
        scale in prop_oneof![2..=8_i32, -8..=-1_i32, any::<i32>().prop_filter("a scale", |scale| !matches!(scale, 0 | 1))],
        addend in any::<i32>(),
    ) {
        let own = number.wrapping_sub(addend.into()) / i64::from(scale);
        check_signed(form, triple, Source::Multiple(scale, own.cast_unsigned()), addend.into());
    }
}

/// Instructions of AArch64 with a field of 12 bits, and the unit of the field in bytes.
const FIELD_12: [(u32, u64); 6] = [
    // ldrb w0, [x1]; strh w0, [x1]; ldr w0, [x1]; str x0, [x1]; ldr q0, [x1]
    (0x3940_0020, 1),
    (0x7900_0020, 2),
    (0xb940_0020, 4),
    (0xf900_0020, 8),
    (0x3dc0_0020, 16),
    // cmp w1, #0
    (0x7100_003f, 1),
];

/// A multiple of a value is a whole number of bytes in the field, of which no bit is cut off.
#[test]
fn multiples_in_twelve_bits() {
    for ((opcode, unit), triple) in FIELD_12.into_iter().zip(AARCH64.into_iter().cycle()) {
        for (scale, addend) in [(2, 0), (8, 0), (16, 8), (-1, 4095), (3, 1)] {
            for own in [
                0, 1, 2, 3, 7, 8, 254, 255, 256, 510, 511, 512, 1365, 2047, 2048, 4095, 4096,
            ] {
                let (value, _) = expected(own, scale, addend);
                let spot = Spot {
                    source: Source::Multiple(scale, own),
                    addend,
                    value,
                    ..Spot::new(
                        target(triple),
                        PatchKind::Aarch64_12,
                        &opcode.to_le_bytes(),
                        0,
                    )
                };
                match spot.link() {
                    Outcome::Written(bytes) => {
                        assert!(value < 4096 && value % unit == 0, "{spot:x?}");
                        spot.check_untouched(&bytes, 0xfff << 10);
                        let word = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
                        assert_eq!(decode::aarch64_immediate(word), value, "{spot:x?}");
                    }
                    Outcome::OutOfRange => assert!(value >= 4096, "{spot:x?}"),
                    Outcome::Misaligned => {
                        assert!(value < 4096 && value % unit != 0, "{spot:x?}");
                    }
                }
            }
        }
    }
}
