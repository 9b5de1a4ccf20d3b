//! Stencil files that are damaged, or made to do damage.
//!
//! What is decoded at all must be what the bytes say: it is written down as the very same bytes.
#![cfg(feature = "lower")]

mod tinyvm;

use fixtures::TRIPLES;
use jit_schema::Target;
use jit_stencils::file::{FileError, HEADER_SIZE, MAGIC, VERSION, decode, encode};
use jit_stencils::{
    CodeEnd, Hole, HoleValue, Interface, Listing, PatchKind, PatchValue, Shim, Stencil,
    StencilGroup, StencilSet, UnwindInfo,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Put the right checksum in.
fn seal(file: &mut [u8]) {
    let checksum = crc32fast::hash(&file[HEADER_SIZE..]);
    file[12..HEADER_SIZE].copy_from_slice(&checksum.to_le_bytes());
}

/// Whether it is decoded; then to what makes the same bytes.
#[track_caller]
fn accepted(file: &[u8]) -> bool {
    match decode(file) {
        Ok(set) => {
            assert!(encode(&set) == file, "another file than was decoded");
            true
        }
        Err(_) => false,
    }
}

/// Of each target the three micro-ops with the most holes, and the shim.
fn samples() -> Vec<Vec<u8>> {
    TRIPLES
        .iter()
        .map(|triple| {
            let mut set = tinyvm::with_shim(triple);
            set.groups.sort_by_key(|(_, group)| {
                usize::MAX - group.code.holes.len() - group.data.holes.len()
            });
            set.groups.truncate(3);
            encode(&set)
        })
        .collect()
}

#[test]
fn every_target_comes_back() {
    for triple in TRIPLES {
        for set in [tinyvm::stencils(triple), tinyvm::with_shim(triple)] {
            let file = encode(&set);
            assert_eq!(decode(&file), Ok(set), "{triple}");
            assert!(accepted(&file));
        }
    }
}

#[test]
fn every_damaged_byte_is_noticed() {
    for file in samples() {
        for at in 0..file.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= flip;
                let error = decode(&damaged).unwrap_err();
                let expected = match at {
                    0..8 => matches!(error, FileError::NotStencils),
                    8..12 => matches!(error, FileError::Version { .. }),
                    _ => matches!(error, FileError::Checksum { .. }),
                };
                assert!(expected, "byte {at}: {error}");
            }
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    for file in samples() {
        for length in 0..file.len() {
            assert!(decode(&file[..length]).is_err());
            if length >= HEADER_SIZE {
                let mut cut = file[..length].to_vec();
                seal(&mut cut);
                assert!(!accepted(&cut), "{length} bytes");
            }
        }
    }
}

#[test]
fn no_byte_is_trusted() {
    let (mut taken, mut refused) = (0, 0);
    for file in samples() {
        for at in HEADER_SIZE..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 0x01, file[at] ^ 0x40] {
                let mut hostile = file.clone();
                hostile[at] = value;
                seal(&mut hostile);
                match accepted(&hostile) {
                    true => taken += 1,
                    false => refused += 1,
                }
            }
        }
    }
    // Code may be anything; what counts and names may not.
    assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
}

#[test]
fn no_byte_is_missed_or_new() {
    for file in samples() {
        for at in HEADER_SIZE..file.len() {
            let mut shorter = file.clone();
            shorter.remove(at);
            seal(&mut shorter);
            accepted(&shorter);
            let mut longer = file.clone();
            longer.insert(at, 0x80);
            seal(&mut longer);
            accepted(&longer);
        }
    }
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200).prop_map(|contents| {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        file.extend_from_slice(b"\x14i686-pc-windows-msvc");
        file.extend_from_slice(&contents);
        seal(&mut file);
        file
    })
}

/// Where to change a file, and to what.
fn any_edits() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)
}

fn any_text() -> impl Strategy<Value = String> {
    "[a-zA-Z_é]{1,12}"
}

fn any_value(symbols: usize) -> impl Strategy<Value = PatchValue> {
    let fixed: Vec<HoleValue> = HoleValue::FIXED
        .iter()
        .copied()
        .filter(|base| *base != HoleValue::Got)
        .collect();
    let general = (any::<u16>(), 0..4).prop_map(|(number, kind)| match kind {
        0 => HoleValue::Operand(number),
        1 => HoleValue::OperandHigh(number),
        2 => HoleValue::OperandLow(number),
        _ => HoleValue::Place(number),
    });
    let bases = prop_oneof![4 => prop::sample::select(fixed), 1 => general];
    let numbers = bases
        .clone()
        .prop_filter("a number", |base| base.is_number());
    let scale = any::<i32>().prop_filter("a scale", |scale| !matches!(scale, 0 | 1));
    let symbol = prop::option::of(any_text());
    let addend = prop_oneof![Just(0), -300..300i64, any::<i64>()];
    let ordinal = 0..symbols;
    prop_oneof![
        (bases, symbol, addend.clone()).prop_map(|(base, symbol, addend)| {
            PatchValue::Address {
                base,
                symbol: symbol.map(Into::into),
                addend,
            }
        }),
        (numbers, scale, addend.clone()).prop_map(|(base, scale, addend)| {
            PatchValue::Scaled {
                base,
                scale,
                addend,
            }
        }),
        (ordinal.clone(), addend)
            .prop_map(|(ordinal, addend)| PatchValue::GotSlot { ordinal, addend }),
        ordinal.prop_map(|ordinal| PatchValue::Symbol { ordinal }),
    ]
}

fn any_stencil(symbols: usize) -> impl Strategy<Value = Stencil> {
    let place = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let kind = prop::sample::select(PatchKind::ALL);
    let hole = (place, kind, any_value(symbols), any::<bool>());
    let body = (1..12usize).prop_flat_map(|words| prop::collection::vec(any::<u8>(), words * 8));
    (body, prop::collection::vec(hole, 0..6)).prop_map(|(body, holes)| {
        let mut holes: Vec<Hole> = holes
            .into_iter()
            .map(|((at, first), patch, value, void)| {
                let places = body.len() - patch.width() + 1;
                Hole {
                    offset: match patch {
                        PatchKind::GotSymbol => 0,
                        _ => at.index(places),
                    },
                    patch,
                    value,
                    first: (patch == PatchKind::Aarch64_33rx).then(|| first.index(places)),
                    void,
                }
            })
            .collect();
        holes.sort_by_key(|hole| hole.offset);
        Stencil { body, holes }
    })
}

const ENDS: [CodeEnd; 3] = [CodeEnd::Unknown, CodeEnd::FallsThrough, CodeEnd::Leaves];

fn any_interface() -> impl Strategy<Value = Interface> {
    let operands = prop::collection::vec(0..=64_u8, 0..5);
    (operands, prop_oneof![0..4_u16, any::<u16>()])
        .prop_map(|(operands, targets)| Interface { operands, targets })
}

fn any_group(symbols: usize) -> impl Strategy<Value = StencilGroup> {
    let stencils = (
        any_stencil(symbols),
        any_stencil(symbols),
        3_u32..=12,
        prop::sample::select(&ENDS[..]),
        prop_oneof![Just(Interface::default()), any_interface()],
    );
    stencils.prop_map(|(code, data, exponent, end, interface)| {
        let of = |of: fn(&PatchValue) -> Option<usize>| {
            let ordinals = code.holes.iter().filter_map(|hole| of(&hole.value));
            ordinals.collect()
        };
        StencilGroup {
            trampolines: of(|value| match value {
                PatchValue::Symbol { ordinal } => Some(*ordinal),
                _ => None,
            }),
            got_entries: of(|value| match value {
                PatchValue::GotSlot { ordinal, .. } => Some(*ordinal),
                _ => None,
            }),
            code,
            data,
            data_alignment: 1 << exponent,
            end,
            interface,
            listing: Listing::default(),
        }
    })
}

fn any_unwind() -> impl Strategy<Value = UnwindInfo> {
    let registers = any::<(u16, u16, u16)>();
    let offsets = any::<(i64, i64, i64, i64)>();
    (any::<u64>(), registers, offsets).prop_map(|(factor, registers, offsets)| UnwindInfo {
        code_alignment_factor: factor,
        data_alignment_factor: offsets.0,
        return_address_register: registers.0,
        cfa_register: registers.1,
        cfa_offset: offsets.1,
        frame_pointer_register: registers.2,
        frame_pointer_offset: offsets.2,
        return_address_offset: offsets.3,
    })
}

fn any_set() -> impl Strategy<Value = StencilSet> {
    let symbols = prop::collection::btree_set(any_text(), 1..70);
    let parts = symbols.prop_flat_map(|symbols| {
        let count = symbols.len();
        let groups = prop::collection::btree_map(any_text(), any_group(count), 0..5);
        let shim = prop::option::of((any_group(count), prop::option::of(any_unwind())));
        (Just(symbols), groups, shim)
    });
    let target = prop::sample::select(Target::ALL.to_vec());
    (target, parts).prop_map(|(target, (symbols, groups, shim))| StencilSet {
        target,
        groups: groups.into_iter().collect(),
        symbols: symbols.into_iter().collect(),
        families: vec![],
        shim: shim.map(|(group, unwind)| Shim {
            name: "the shim".to_owned(),
            group,
            unwind,
        }),
    })
}

fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_set_comes_back(set in any_set()) {
        let file = encode(&set);
        prop_assert_eq!(decode(&file), Ok(set));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_contents_are_survived(file in any_file()) {
        accepted(&file);
    }

    #[test]
    fn any_edits_are_survived(set in any_set(), edits in any_edits()) {
        let mut file = encode(&set);
        let size = file.len() - HEADER_SIZE;
        for (at, value) in edits {
            file[HEADER_SIZE + at.index(size)] = value;
        }
        seal(&mut file);
        accepted(&file);
    }
}
