//! Stencil files of version 3, with general values and interfaces. The bytes were written by hand from
//! `docs/stencil-files.md`, the checksum is that of Python's `zlib.crc32`.

use jit_schema::Target;
use jit_stencils::file::{HEADER_SIZE, decode, encode};
use jit_stencils::{
    CodeEnd, Hole, HoleValue, Interface, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet,
};

const GENERAL: &[u8] = b"\x93STEN\r\n\x1a\x03\0\0\0CRC_\
    \x18x86_64-unknown-linux-gnu\
    \x00\
    \x00\
    \x02\x02_A\
    \x0f\x48\xb8\0\0\0\0\0\0\0\0\xe9\0\0\0\0\
    \x02\
    \x02\x02\x13\x02\
    \x09\x01\x56\x01\x07\
    \x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x02\
    \x00\x00\x15\x00\
    \x08\x02\x54\xff\xff\x03\x02\
    \x08\x00\
    \x03\x20\x00\x40\x02\
    \x02_B\
    \x01\xc3\x00\x00\x00\x40\x02\
    \x00\x00\
    \x00";

const CHECKSUM: u32 = 0xc14b_26cf;

/// The offset of the interface of `_A`.
const INTERFACE: usize = GENERAL.len() - 18;

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes[HEADER_SIZE..]);
    bytes[12..HEADER_SIZE].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn hole(offset: usize, patch: PatchKind, base: HoleValue, addend: i64) -> Hole {
    let symbol = None;
    let value = PatchValue::Address {
        base,
        symbol,
        addend,
    };
    Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    }
}

/// movabsq $OPERAND_2, %rax; jmp PLACE_1, and two halves in the data.
fn general() -> StencilSet {
    let a = StencilGroup {
        code: Stencil {
            body: b"\x48\xb8\0\0\0\0\0\0\0\0\xe9\0\0\0\0".to_vec(),
            holes: vec![
                hole(2, PatchKind::Patch64, HoleValue::Operand(2), 0),
                hole(11, PatchKind::Patch32r, HoleValue::Place(1), -4),
            ],
        },
        data: Stencil {
            body: vec![0; 16],
            holes: vec![
                hole(0, PatchKind::Patch32, HoleValue::OperandLow(0), 0),
                hole(8, PatchKind::Patch64, HoleValue::OperandHigh(65535), 1),
            ],
        },
        interface: Interface {
            operands: vec![32, 0, 64],
            targets: 2,
        },
        ..StencilGroup::default()
    };
    let b = StencilGroup {
        code: Stencil {
            body: vec![0xc3],
            holes: vec![],
        },
        data_alignment: 64,
        end: CodeEnd::Leaves,
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![("_A".to_owned(), a), ("_B".to_owned(), b)],
        symbols: vec![],
        shim: None,
        families: vec![],
    }
}

#[test]
fn each_byte_is_as_specified() {
    let mut bytes = GENERAL.to_vec();
    bytes[12..HEADER_SIZE].copy_from_slice(&CHECKSUM.to_le_bytes());
    assert_eq!(encode(&general()), bytes);
    assert_eq!(decode(&bytes), Ok(general()));
}

#[track_caller]
fn refused(bytes: Vec<u8>, problem: &str) {
    let error = decode(&resealed(bytes)).unwrap_err().to_string();
    assert!(error.contains(problem), "{error}");
}

/// Older programs can read a set that has nothing general in it.
#[test]
fn the_version_is_the_oldest_that_has_it_all() {
    let version = |set: &StencilSet| {
        let bytes = encode(set);
        assert_eq!(decode(&bytes).as_ref(), Ok(set));
        bytes[8]
    };
    let mut set = general();
    set.groups[0].1.interface = Interface::default();
    assert_eq!(version(&set), 3);
    set.groups[0].1.data.holes.clear();
    assert_eq!(version(&set), 3);
    set.groups[0].1.code.holes.clear();
    assert_eq!(version(&set), 2);
    set.groups[1].1.data_alignment = 8;
    set.groups[1].1.end = CodeEnd::Unknown;
    assert_eq!(version(&set), 1);
    set.groups[1].1.interface.targets = 1;
    assert_eq!(version(&set), 3);

    // A file of version 3 without anything general, and one of version 2 with it.
    let mut bytes = encode(&set);
    let targets = bytes.len() - 2;
    assert_eq!(bytes[targets], 1);
    bytes[targets] = 0;
    refused(
        bytes,
        "no stencil has a general value or an interface: the file's version must be 1",
    );
    let mut bytes = GENERAL.to_vec();
    bytes[8] = 2;
    refused(bytes, "hole 0 of _A's code: there is no value 19");
}

#[test]
fn interfaces_that_are_none() {
    assert_eq!(GENERAL[INTERFACE..INTERFACE + 5], *b"\x03\x20\x00\x40\x02");
    let with = |interface: &[u8]| {
        let (before, after) = GENERAL.split_at(INTERFACE);
        [before, interface, &after[5..]].concat()
    };
    refused(
        with(b"\x03\x20\x41\x40\x02"),
        "the interface of _A: operand 1 has 65 bits, more than 64",
    );
    refused(
        with(b"\x03\x20\x00\x40\x80\x80\x04"),
        "the interface of _A: targets: 65536 is more than 65535",
    );
    let mut many = vec![0x81, 0x80, 0x04];
    many.resize(many.len() + 65537, 0);
    many.push(0);
    refused(
        with(&many),
        "the interface of _A: 65537 operands are more than 65536",
    );
    many.remove(3);
    many[0] = 0x80;
    let file = resealed(with(&many));
    let set = decode(&file).unwrap();
    assert_eq!(set.groups[0].1.interface.operands, vec![0; 65536]);
    assert_eq!(encode(&set), file);
}

#[test]
fn numbers_that_are_none() {
    let at = GENERAL
        .windows(4)
        .position(|window| window == b"\x02\x02\x13\x02")
        .unwrap();
    let with = |number: &[u8]| {
        let (before, after) = GENERAL.split_at(at + 3);
        [before, number, &after[1..]].concat()
    };
    for number in [b"\xff\xff\x03".as_slice(), b"\x00", b"\x02"] {
        let file = resealed(with(number));
        assert_eq!(encode(&decode(&file).unwrap()), file);
    }
    refused(
        with(b"\x80\x80\x04"),
        "hole 0 of _A's code: the number of an operand or a target: 65536 is more than 65535",
    );
    refused(with(b"\x82\x00"), "a number with a needless last byte");
    let mut bytes = GENERAL.to_vec();
    bytes[at + 2] = 25;
    refused(bytes, "there is no value 25");
}
