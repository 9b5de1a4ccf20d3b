//! Version 4 of the format: multiples of values, and numbers with a sign.

use jit_schema::Target;
use jit_stencils::file::{FileError, HEADER_SIZE, decode, encode};
use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet};

/// The file, byte by byte, as docs/stencil-files.md specifies it. The checksum is set below.
const SCALED: &[u8] = b"\x93STEN\r\n\x1a\
    \x04\0\0\0\
    \0\0\0\0\
    \x18x86_64-unknown-linux-gnu\
    \0\
    \0\
    \x01\
    \x02_A\
    \x0c\x49\x8b\xbd\0\0\0\0\xb8\0\0\0\0\
    \x02\
    \x03\x12\xc2\x03\x10\xa0\x01\
    \x05\x00\x82\x13\x02\x0f\
    \0\0\
    \x08\0\
    \x00\x00\
    \0";

/// The offset of the byte that says that the first value is a multiple.
const FIRST: usize = SCALED.len() - 18;

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes[HEADER_SIZE..]);
    bytes[12..HEADER_SIZE].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn hole(offset: usize, patch: PatchKind, base: HoleValue, scale: i32, addend: i64) -> Hole {
    Hole {
        offset,
        patch,
        value: PatchValue::Scaled {
            base,
            scale,
            addend,
        },
        first: None,
        void: false,
    }
}

/// movq 80+8*OPARG(%r13), %rdi; movl $-8*OPERAND_2, %eax
fn scaled() -> StencilSet {
    let code = Stencil {
        body: b"\x49\x8b\xbd\0\0\0\0\xb8\0\0\0\0".to_vec(),
        holes: vec![
            hole(3, PatchKind::Patch32s, HoleValue::Oparg, 8, 80),
            hole(8, PatchKind::Patch32, HoleValue::Operand(2), -8, 0),
        ],
    };
    let group = StencilGroup {
        code,
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![("_A".to_owned(), group)],
        symbols: vec![],
        shim: None,
        families: Vec::new(),
    }
}

#[test]
fn each_byte_is_as_specified() {
    let bytes = sealed(SCALED.to_vec());
    assert_eq!(encode(&scaled()), bytes);
    assert_eq!(decode(&bytes), Ok(scaled()));
}

#[test]
fn what_no_writer_writes_is_refused() {
    assert_eq!(SCALED[FIRST], 0xc2);
    let changed = |at: usize, to: u8| {
        let mut bytes = SCALED.to_vec();
        bytes[at] = to;
        let error: FileError = decode(&sealed(bytes)).unwrap_err();
        error.to_string()
    };
    for (at, to, problem) in [
        // JUMP_TARGET, ZERO and DATA.
        (FIRST + 1, 16, "JUMP_TARGET is no number of the instruction"),
        (FIRST + 1, 18, "ZERO is no number of the instruction"),
        (FIRST + 1, 1, "DATA is no number of the instruction"),
        (FIRST + 1, 31, "there is no value 31"),
        (FIRST + 2, 0, "a value cannot be multiplied by 0"),
        (FIRST + 2, 2, "a value cannot be multiplied by 1"),
        // Older versions have neither.
        (8, 3, "there is no patch 18"),
    ] {
        let error = changed(at, to);
        assert!(error.contains(problem), "{error}");
    }
    // A file that needs no more than an older version.
    let mut old = scaled();
    let value = PatchValue::Address {
        base: HoleValue::Oparg,
        symbol: None,
        addend: 0,
    };
    for hole in &mut old.groups[0].1.code.holes {
        (hole.patch, hole.value) = (PatchKind::Patch32, value.clone());
    }
    let mut bytes = encode(&old);
    assert_eq!(bytes[8], 1);
    bytes[8] = 4;
    assert!(decode(&sealed(bytes)).is_err());
    // One of the two is enough.
    let first = &mut old.groups[0].1.code.holes[0];
    first.patch = PatchKind::Patch32s;
    assert_eq!(encode(&old)[8], 4);
    assert_eq!(decode(&encode(&old)), Ok(old));
}
