//! AArch64's patches that always write the same field: `patch_aarch64_12` and `12x`, `16a` to `16d`, `19r`, `21r` and
//! `21rx`, `26r`, and `patch_64` in data.

use jit_stencils::{Part, PatchKind};
use proptest::prelude::*;

use crate::{
    config, decode,
    make::{AARCH64, target},
    numbers::{REACH, away, distance, edges, fits, locations, near, pages},
    spot::{Outcome, Source, Spot},
};

/// Loads, stores, adds and subs whose field is at bit 10, with the unit of the field in bytes. Register numbers are 0:
/// others can be added.
const LOW_12: [(u32, u64); 22] = [
    // ldrb, strb, ldrsb x, ldrsb w, ldr b
    (0x3940_0000, 1),
    (0x3900_0000, 1),
    (0x3980_0000, 1),
    (0x39c0_0000, 1),
    (0x3d40_0000, 1),
    // ldrh, strh, str h
    (0x7940_0000, 2),
    (0x7900_0000, 2),
    (0x7d00_0000, 2),
    // ldr w, str w, ldrsw, ldr s
    (0xb940_0000, 4),
    (0xb900_0000, 4),
    (0xb980_0000, 4),
    (0xbd40_0000, 4),
    // ldr x, str x, ldr d, str d
    (0xf940_0000, 8),
    (0xf900_0000, 8),
    (0xfd40_0000, 8),
    (0xfd00_0000, 8),
    // ldr q, str q
    (0x3dc0_0000, 16),
    (0x3d80_0000, 16),
    // add x, add w, sub x, adds x
    (0x9100_0000, 1),
    (0x1100_0000, 1),
    (0xd100_0000, 1),
    (0xb100_0000, 1),
];

/// 64-bit movn, movz and movk.
const MOVES: [u32; 3] = [0x9280_0000, 0xd280_0000, 0xf280_0000];

const PARTS: [PatchKind; 4] = [
    PatchKind::Aarch64_16a,
    PatchKind::Aarch64_16b,
    PatchKind::Aarch64_16c,
    PatchKind::Aarch64_16d,
];

/// b.eq, b.al, bc.ne; cbz w0, cbz x0, cbnz w0, cbnz x30.
const BRANCH_19: [u32; 7] = [
    0x5400_0000,
    0x5400_000e,
    0x5400_0011,
    0x3400_0000,
    0xb400_0000,
    0x3500_0000,
    0xb500_001e,
];

/// b and bl.
const BRANCH_26: [u32; 2] = [0x1400_0000, 0x9400_0000];

const LIMITS_19: &[i64] = &[-(1 << 20), 1 << 20];
const LIMITS_26: &[i64] = &[-(1 << 27), 1 << 27];
const LIMITS_PAGES: &[i64] = &[-(1 << 20), 1 << 20];

/// Bits in a field before it is patched, which must not remain.
fn instruction(opcode: u32, mask: u32, placeholder: u32) -> [u8; 4] {
    (opcode | placeholder & mask).to_le_bytes()
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[4..8].try_into().unwrap())
}

const MASK_12: u32 = 0xfff << 10;
const MASK_16: u32 = 0xffff << 5;
const MASK_19: u32 = 0x7ffff << 5;
const MASK_26: u32 = 0x3ff_ffff;
const MASK_PAGE: u32 = 3 << 29 | 0x7ffff << 5;

fn check_low_12(spot: &Spot, scale: u64) {
    match spot.link() {
        Outcome::Written(bytes) => {
            assert_eq!(spot.value % scale, 0, "{:#x} was let through", spot.value);
            spot.check_untouched(&bytes, MASK_12.into());
            let immediate = decode::aarch64_immediate(word(&bytes));
            assert_eq!(immediate, spot.value % 4096, "{spot:x?}");
        }
        outcome => {
            assert_eq!(outcome, Outcome::Misaligned);
            assert_ne!(spot.value % scale, 0, "{:#x} was refused", spot.value);
        }
    }
}

#[test]
fn low_12_bits_at_each_limit() {
    for (opcode, scale) in LOW_12 {
        for placeholder in [0, !0] {
            for value in edges(&[0, 4096, 0x7f_ffff_f000]) {
                let bytes = instruction(opcode, MASK_12, placeholder);
                let mut spot = Spot::new(target(AARCH64[0]), PatchKind::Aarch64_12, &bytes, 0);
                spot.value = value as u64;
                check_low_12(&spot, scale);
            }
        }
    }
}

/// Links a branch whose field is `mask` and holds a distance of `bits` bits in bytes, and checks the result.
fn check_branch(spot: &Spot, bits: u32, mask: u32) {
    let expected = distance(spot.location, spot.value);
    match spot.link() {
        Outcome::Written(bytes) => {
            assert!(fits(expected, bits), "{expected:#x} was let through");
            assert_eq!(expected % 4, 0, "{expected:#x} was let through");
            spot.check_untouched(&bytes, mask.into());
            let offset = decode::aarch64_offset(word(&bytes));
            assert_eq!(i128::from(offset), expected, "{spot:x?}");
        }
        Outcome::OutOfRange => assert!(!fits(expected, bits), "{expected:#x} was refused"),
        Outcome::Misaligned => {
            assert!(fits(expected, bits));
            assert_ne!(expected % 4, 0, "{expected:#x} was refused");
        }
    }
}

#[test]
fn branches_at_each_limit() {
    let narrow = BRANCH_19.map(|opcode| (opcode, PatchKind::Aarch64_19r, 21, MASK_19, LIMITS_19));
    let wide = BRANCH_26.map(|opcode| (opcode, PatchKind::Aarch64_26r, 28, MASK_26, LIMITS_26));
    for (opcode, kind, bits, mask, limits) in narrow.into_iter().chain(wide) {
        for placeholder in [0, !0] {
            for distance in edges(limits).chain(edges(&[0])) {
                let bytes = instruction(opcode, mask, placeholder);
                let mut spot = Spot::new(target(AARCH64[1]), kind, &bytes, 0);
                spot.value = away(spot.location, distance);
                check_branch(&spot, bits, mask);
            }
        }
    }
}

/// The last values that fit and the first that do not, written as numbers.
#[test]
fn branches_reach_1_and_128_megabytes() {
    let reach = [
        (BRANCH_19[0], PatchKind::Aarch64_19r, 0x10_0000),
        (BRANCH_26[1], PatchKind::Aarch64_26r, 0x800_0000),
    ];
    for (opcode, kind, end) in reach {
        let outcome = |distance| {
            let mut spot = Spot::new(target(AARCH64[2]), kind, &opcode.to_le_bytes(), 0);
            spot.value = away(spot.location, distance);
            spot.link()
        };
        for accepted in [-end, end - 4] {
            assert!(matches!(outcome(accepted), Outcome::Written(_)));
        }
        for refused in [-end - 4, end] {
            assert_eq!(outcome(refused), Outcome::OutOfRange);
        }
        for misaligned in [-end + 1, end - 1, 2] {
            assert_eq!(outcome(misaligned), Outcome::Misaligned);
        }
    }
}

fn check_page(spot: &Spot) {
    let expected = pages(spot.location, spot.value);
    match spot.link() {
        Outcome::Written(bytes) => {
            assert!(fits(expected, 21), "{expected:#x} pages were let through");
            spot.check_untouched(&bytes, MASK_PAGE.into());
            // The decoder returns the distance of the page in bytes.
            let offset = decode::aarch64_offset(word(&bytes));
            let page = (spot.location & !0xfff).wrapping_add_signed(offset);
            assert_eq!(page, spot.value & !0xfff, "{spot:x?}");
        }
        outcome => {
            assert_eq!(outcome, Outcome::OutOfRange);
            assert!(!fits(expected, 21), "{expected:#x} pages were refused");
        }
    }
}

/// Returns an address at a distance in pages.
fn page_away(from: u64, pages: i64, low: u64) -> u64 {
    let page = away(from & !0xfff, pages.wrapping_mul(4096));
    page | low
}

#[test]
fn pages_at_each_limit() {
    for kind in [PatchKind::Aarch64_21r, PatchKind::Aarch64_21rx] {
        for placeholder in [0, !0] {
            for pages in edges(LIMITS_PAGES).chain(edges(&[0])) {
                // From both ends of this page to the first and the last byte of the other one.
                for (within, low) in [(0, 0), (0, 0xfff), (0xffc, 0), (0xffc, 0xfff)] {
                    let bytes = instruction(0x9000_0000, MASK_PAGE, placeholder);
                    let mut spot = Spot::new(target(AARCH64[2]), kind, &bytes, 0);
                    spot.location += within;
                    spot.value = page_away(spot.location, pages, low);
                    check_page(&spot);
                }
            }
        }
    }
}

/// Page distances do not wrap: the page after the last one is not page 0.
#[test]
fn pages_do_not_go_around() {
    let spot = Spot::new(
        target(AARCH64[2]),
        PatchKind::Aarch64_21r,
        &0x9000_0000_u32.to_le_bytes(),
        0,
    );
    let low = Spot {
        location: 0x2_0000,
        value: u64::MAX,
        ..spot.clone()
    };
    let high = Spot {
        location: !0x2_0000 & !3,
        value: 0,
        ..spot
    };
    assert_eq!(low.link(), Outcome::OutOfRange);
    assert_eq!(high.link(), Outcome::OutOfRange);
}

fn check_move(spot: &Spot, part: usize) {
    let bytes = spot.written(MASK_16.into());
    let shift = 16 * part as u32;
    let bits = spot.value / (1 << shift) % 0x1_0000;
    assert_eq!(
        decode::aarch64_move(word(&bytes)),
        (bits, shift),
        "{spot:x?}"
    );
}

#[test]
fn moves_of_each_part() {
    for (part, kind) in PARTS.into_iter().enumerate() {
        for opcode in MOVES {
            for placeholder in [0, !0] {
                for value in [0, 1, 0x0123_4567_89ab_cdef, 1 << 63, u64::MAX] {
                    let opcode = opcode | (part as u32) << 21;
                    let bytes = instruction(opcode, MASK_16, placeholder);
                    let mut spot = Spot::new(target(AARCH64[0]), kind, &bytes, 0);
                    spot.value = value;
                    check_move(&spot, part);
                }
            }
        }
    }
}

/// Generates what all random cases have in common.
fn spots() -> impl Strategy<Value = Spot> {
    (
        proptest::sample::select(&AARCH64[..]),
        locations(target(AARCH64[0])),
        Source::any(),
        prop_oneof![Just(0), -REACH..=REACH, any::<i64>()],
        0_usize..4,
    )
        .prop_map(|(triple, location, source, addend, before)| {
            let spot = Spot::new(target(triple), PatchKind::Aarch64_12, &[0; 4], 0);
            Spot {
                location: location & !3,
                source,
                addend,
                before,
                ..spot
            }
        })
}

/// Returns the same case with another patch, instruction and value.
fn with(spot: &Spot, kind: PatchKind, bytes: [u8; 4], value: u64) -> Spot {
    let mut spot = Spot {
        kind,
        value,
        ..spot.clone()
    };
    spot.body[4..8].copy_from_slice(&bytes);
    spot
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn low_12_bits(
        spot in spots(),
        kind in proptest::sample::select(&[PatchKind::Aarch64_12, PatchKind::Aarch64_12x][..]),
        (opcode, scale) in proptest::sample::select(&LOW_12[..]),
        registers in 0_u32..1024,
        placeholder in any::<u32>(),
        value in any::<u64>(),
        aligned in any::<bool>(),
    ) {
        let bytes = instruction(opcode | registers, MASK_12, placeholder);
        let value = if aligned { value - value % scale } else { value };
        check_low_12(&with(&spot, kind, bytes, value), scale);
    }

    #[test]
    fn moves(
        spot in spots(),
        part in 0_usize..4,
        opcode in proptest::sample::select(&MOVES[..]),
        register in 0_u32..32,
        placeholder in any::<u32>(),
        value in any::<u64>(),
    ) {
        let opcode = opcode | (part as u32) << 21 | register;
        let bytes = instruction(opcode, MASK_16, placeholder);
        check_move(&with(&spot, PARTS[part], bytes, value), part);
    }

    #[test]
    fn branches_of_19_bits(
        spot in spots(),
        opcode in proptest::sample::select(&BRANCH_19[..]),
        placeholder in any::<u32>(),
        distance in near(LIMITS_19),
        aligned in any::<bool>(),
    ) {
        let bytes = instruction(opcode, MASK_19, placeholder);
        let distance = if aligned { distance & !3 } else { distance };
        let value = away(spot.location, distance);
        check_branch(&with(&spot, PatchKind::Aarch64_19r, bytes, value), 21, MASK_19);
    }

    #[test]
    fn branches_of_26_bits(
        spot in spots(),
        opcode in proptest::sample::select(&BRANCH_26[..]),
        placeholder in any::<u32>(),
        distance in near(LIMITS_26),
        aligned in any::<bool>(),
    ) {
        let bytes = instruction(opcode, MASK_26, placeholder);
        let distance = if aligned { distance & !3 } else { distance };
        let value = away(spot.location, distance);
        check_branch(&with(&spot, PatchKind::Aarch64_26r, bytes, value), 28, MASK_26);
    }

    #[test]
    fn page_numbers(
        spot in spots(),
        kind in proptest::sample::select(&[PatchKind::Aarch64_21r, PatchKind::Aarch64_21rx][..]),
        register in 0_u32..32,
        placeholder in any::<u32>(),
        pages in near(LIMITS_PAGES),
        low in 0_u64..4096,
    ) {
        let bytes = instruction(0x9000_0000 | register, MASK_PAGE, placeholder);
        let value = page_away(spot.location, pages, low);
        check_page(&with(&spot, kind, bytes, value));
    }

    #[test]
    fn words_of_data(spot in spots(), offset in 0_usize..=16, value in any::<u64>()) {
        let spot = Spot {
            kind: PatchKind::Patch64,
            part: Part::Data,
            body: (0..24).collect(),
            offset,
            value,
            // Data is at a multiple of 8 from the base.
            location: spot.location & !7 | (offset as u64 & 7),
            ..spot
        };
        let bytes = spot.written(u64::MAX);
        let word: [u8; 8] = bytes[offset..offset + 8].try_into().unwrap();
        prop_assert_eq!(u64::from_le_bytes(word), value);
    }
}
