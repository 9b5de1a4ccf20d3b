//! Stencil files, byte by byte. The bytes were written by hand from `docs/stencil-files.md`, their
//! checksums are those of Python's `zlib.crc32`.

use std::sync::Arc;

use jit_schema::Target;
use jit_stencils::file::{FileError, HEADER_SIZE, VERSION, decode, encode};
use jit_stencils::{
    CodeEnd, Hole, HoleValue, PatchKind, PatchValue, Shim, Stencil, StencilGroup, StencilSet,
    UnwindInfo,
};

const X86_64: &[u8] = b"\x93STEN\r\n\x1a\x01\0\0\0\xe7\x26\x66\xa8\
    \x18x86_64-unknown-linux-gnu\
    \x01\x03PyA\
    \x01\x04puts\
    \x01\x02_X\
    \x10\xe8\0\0\0\0\xff\x15\0\0\0\0\xb8\0\0\0\0\
    \x03\
    \x01\x01\x72\x01\x07\
    \x06\x0f\xc0\x00\x07\
    \x05\x00\x03\
    \x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x03\
    \x00\x11\x81\x00\
    \x00\x02\x05\
    \x08\x02\x40\xd8\x04\
    \x01\x05enter\
    \x01\xc3\x00\x00\x00\
    \x01\x01\x0f\x10\x06\x20\x06\x04\x02";

const AARCH64: &[u8] = b"\x93STEN\r\n\x1a\x01\0\0\0\xd6\xe9\x9f\x20\
    \x14aarch64-apple-darwin\
    \x01\x02Py\
    \x00\
    \x01\x02_G\
    \x0c\x00\x00\x00\x90\x1f\x20\x03\xd5\x00\x00\x40\xf9\
    \x02\
    \x00\x8b\x80\x00\
    \x08\x4d\x10\x80\x00\
    \x00\
    \x01\
    \x00\x11\x81\x00\
    \x00";

fn hole(offset: usize, patch: PatchKind, value: PatchValue) -> Hole {
    Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    }
}

fn address(base: HoleValue, symbol: Option<&str>, addend: i64) -> PatchValue {
    PatchValue::Address {
        base,
        symbol: symbol.map(Arc::from),
        addend,
    }
}

fn stencil(body: &[u8], holes: Vec<Hole>) -> Stencil {
    Stencil {
        body: body.to_vec(),
        holes,
    }
}

/// callq puts; callq *PyA@GOTPCREL(%rip); movl $oparg, %eax
fn x86_64() -> StencilSet {
    let code = stencil(
        b"\xe8\0\0\0\0\xff\x15\0\0\0\0\xb8\0\0\0\0",
        vec![
            hole(
                1,
                PatchKind::Patch32r,
                address(HoleValue::Zero, Some("puts"), -4),
            ),
            hole(
                7,
                PatchKind::X86_64_32rx,
                PatchValue::GotSlot {
                    ordinal: 0,
                    addend: -4,
                },
            ),
            hole(12, PatchKind::Patch32, address(HoleValue::Oparg, None, 0)),
        ],
    );
    let data = stencil(
        &[0; 16],
        vec![
            hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal: 0 }),
            hole(0, PatchKind::Patch64, address(HoleValue::Operand0, None, 0)),
            hole(8, PatchKind::Patch64, address(HoleValue::Code, None, 300)),
        ],
    );
    let group = StencilGroup {
        code,
        data,
        got_entries: [0].into_iter().collect(),
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![("_X".to_owned(), group)],
        symbols: vec!["PyA".to_owned()],
        families: vec![],
        shim: Some(Shim {
            name: "enter".to_owned(),
            group: StencilGroup {
                code: stencil(b"\xc3", vec![]),
                ..StencilGroup::default()
            },
            unwind: Some(UnwindInfo {
                code_alignment_factor: 1,
                data_alignment_factor: -8,
                return_address_register: 16,
                cfa_register: 6,
                cfa_offset: 16,
                frame_pointer_register: 6,
                frame_pointer_offset: 2,
                return_address_offset: 1,
            }),
        }),
    }
}

/// adrp x0, Py@GOTPAGE; nop; ldr x0, [x0, Py@GOTPAGEOFF], the outer two as a pair
fn aarch64() -> StencilSet {
    let slot = PatchValue::GotSlot {
        ordinal: 0,
        addend: 0,
    };
    let adrp = Hole {
        void: true,
        ..hole(0, PatchKind::Aarch64_21rx, slot.clone())
    };
    let pair = Hole {
        first: Some(0),
        ..hole(8, PatchKind::Aarch64_33rx, slot)
    };
    let fill = hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal: 0 });
    let group = StencilGroup {
        code: stencil(b"\0\0\0\x90\x1f\x20\x03\xd5\0\0\x40\xf9", vec![adrp, pair]),
        data: stencil(b"", vec![fill]),
        got_entries: [0].into_iter().collect(),
        ..StencilGroup::default()
    };
    StencilSet {
        target: *Target::from_triple("aarch64-apple-darwin").unwrap(),
        groups: vec![("_G".to_owned(), group)],
        symbols: vec!["Py".to_owned()],
        shim: None,
        families: vec![],
    }
}

#[test]
fn each_byte_is_as_specified() {
    for (bytes, set) in [(X86_64, x86_64()), (AARCH64, aarch64())] {
        assert_eq!(encode(&set), bytes);
        assert_eq!(decode(bytes), Ok(set));
    }
}

/// A file of version 2, also written by hand.
const ALIGNED: &[u8] = b"\x93STEN\r\n\x1a\x02\0\0\0CRC_\
    \x18x86_64-unknown-linux-gnu\
    \x00\
    \x00\
    \x02\x02_A\
    \x01\xc3\x00\x08\0\0\0\0\0\0\0\0\x00\x08\x00\
    \x02_B\
    \x01\xc3\x00\x00\x00\x40\x00\
    \x00";

fn aligned_file() -> Vec<u8> {
    resealed(ALIGNED.to_vec())
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes[HEADER_SIZE..]);
    bytes[12..HEADER_SIZE].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn alignments_have_a_version_of_their_own() {
    let group = |data: &[u8], data_alignment| StencilGroup {
        code: stencil(b"\xc3", vec![]),
        data: stencil(data, vec![]),
        data_alignment,
        ..StencilGroup::default()
    };
    let set = StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![
            ("_A".to_owned(), group(&[0; 8], 8)),
            ("_B".to_owned(), group(&[], 64)),
        ],
        symbols: vec![],
        shim: None,
        families: vec![],
    };
    assert_eq!(encode(&set), aligned_file());
    assert_eq!(decode(&aligned_file()), Ok(set));
    for (alignment, problem) in [
        (0, "is not a power of two between 8 and 4096"),
        (4, "is not a power of two between 8 and 4096"),
        (24, "is not a power of two between 8 and 4096"),
        (8, "the file's version must be 1"),
    ] {
        let mut bytes = ALIGNED.to_vec();
        let at = bytes.len() - 3;
        bytes[at] = alignment;
        let error = decode(&resealed(bytes)).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn ends_of_code_have_the_same_version() {
    let set = |ends: [CodeEnd; 2], of_shim| {
        let group = |end| StencilGroup {
            code: stencil(b"\xc3", vec![]),
            end,
            ..StencilGroup::default()
        };
        let [a, b] = ends.map(group);
        StencilSet {
            target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
            groups: vec![("_A".to_owned(), a), ("_B".to_owned(), b)],
            symbols: vec![],
            families: vec![],
            shim: Some(Shim {
                name: "s".to_owned(),
                group: group(of_shim),
                unwind: None,
            }),
        }
    };
    let unknown = CodeEnd::Unknown;
    let file = |ends: [u8; 3]| {
        let mut bytes =
            b"\x93STEN\r\n\x1a\x02\0\0\0CRC_\x18x86_64-unknown-linux-gnu\0\0\x02".to_vec();
        for (name, end) in [&b"\x02_A"[..], b"\x02_B", b"\x01\x01s"].iter().zip(ends) {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(b"\x01\xc3\x00\x00\x00\x08");
            bytes.push(end);
        }
        bytes.push(0);
        resealed(bytes)
    };
    for (ends, of_shim, bytes) in [
        ([CodeEnd::FallsThrough, CodeEnd::Leaves], unknown, [1, 2, 0]),
        ([unknown, CodeEnd::Leaves], unknown, [0, 2, 0]),
        ([unknown; 2], CodeEnd::Leaves, [0, 0, 2]),
    ] {
        let set = set(ends, of_shim);
        assert_eq!(encode(&set), file(bytes));
        assert_eq!(decode(&file(bytes)), Ok(set));
    }
    assert_eq!(encode(&set([unknown; 2], unknown))[8], 1);
    for (bytes, problem) in [
        ([3, 2, 0], "there is no way 3 in which code ends"),
        ([0, 0, 0], "the file's version must be 1"),
    ] {
        let error = decode(&file(bytes)).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn listings_are_left_out() {
    let mut set = x86_64();
    for (_, group) in &mut set.groups {
        group.listing.disassembly = Some("0: e8 00 00 00 00".to_owned());
        group.listing.data_size = Some(0);
    }
    assert_eq!(encode(&set), X86_64);
}

#[test]
fn other_files_are_told_apart() {
    let stencils = [&b""[..], b"\x7fELF", &X86_64[..15], &X86_64[1..], &[0; 64]];
    for bytes in stencils {
        assert_eq!(decode(bytes), Err(FileError::NotStencils));
    }
    for (version, advice) in [(0, "again"), (VERSION + 1, "update"), (u32::MAX, "update")] {
        let mut bytes = X86_64.to_vec();
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let error = decode(&bytes).unwrap_err();
        let supported = VERSION;
        assert_eq!(error, FileError::Version { version, supported });
        assert!(error.to_string().contains(advice), "{error}");
    }
    let mut bytes = X86_64.to_vec();
    bytes.push(0);
    let error = decode(&bytes).unwrap_err();
    assert!(error.to_string().contains("0xa86626e7"), "{error}");
    assert!(matches!(error, FileError::Checksum { .. }));
}

/// A file whose checksum is right.
fn sealed(contents: &[u8]) -> Vec<u8> {
    let mut bytes = X86_64[..HEADER_SIZE].to_vec();
    bytes[12..].copy_from_slice(&crc32fast::hash(contents).to_le_bytes());
    bytes.extend_from_slice(contents);
    bytes
}

/// The contents with some bytes in the place of others, which are there once.
#[track_caller]
fn refused(file: &[u8], old: &[u8], new: &[u8], message: &str) {
    let contents = &file[HEADER_SIZE..];
    let mut found = (0..contents.len()).filter(|at| contents[*at..].starts_with(old));
    let at = found.next().expect("not there");
    assert_eq!(found.next(), None, "there twice");
    let changed = [&contents[..at], new, &contents[at + old.len()..]].concat();
    let error = decode(&sealed(&changed)).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
    assert!(error.contains("build it again"), "{error}");
}

#[test]
fn targets_are_spelled_in_one_way() {
    refused(
        X86_64,
        b"\x18x86_64-unknown-linux",
        b"\x18x86_64-whoever-linux",
        "byte 0x10 of the stencil file, the target: \"x86_64-whoever-linux-gnu\" must be spelled \
         x86_64-unknown-linux-gnu here",
    );
    refused(X86_64, b"\x18x86", b"\x18y86", "unknown target \"y86_64-");
    refused(X86_64, b"x86_64", b"x86_6\xff", "the target: not UTF-8");
}

#[test]
fn lengths_are_checked() {
    refused(
        X86_64,
        b"\x01\x03PyA",
        b"\x7f\x03PyA",
        "byte 0x29 of the stencil file, the symbols: 127 do not fit into the 96 bytes left",
    );
    refused(
        X86_64,
        b"\x03PyA",
        b"\xff\x01PyA",
        "255 bytes, but 95 are left",
    );
    refused(
        X86_64,
        b"\x01\x02_X",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02_X",
        "the number of micro-ops: 18446744073709551615 do not fit",
    );
    refused(
        X86_64,
        b"\x04\x02",
        b"\x04",
        "the shim's unwind information: the file ends here",
    );
    refused(
        X86_64,
        b"\x04\x02",
        b"\x04\x02\x00",
        "the end: 1 bytes are left over",
    );
    refused(
        X86_64,
        b"\x10\0\0\0\0\0\0\0\0",
        b"\x0f\0\0\0\0\0\0\0",
        "_X's data: 15 bytes are not a multiple of 8",
    );
}

#[test]
fn numbers_are_written_in_one_way() {
    let two = b"\x01\x02_X";
    for (number, problem) in [
        (&b"\x81\x00"[..], "a needless last byte"),
        (b"\x81\x80\x00", "a needless last byte"),
        (
            b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02",
            "more than 64 bits",
        ),
        (
            b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            "more than ten bytes",
        ),
    ] {
        refused(X86_64, two, &[number, b"\x02_X"].concat(), problem);
    }
    refused(
        X86_64,
        b"\x72\x01\x07",
        b"\x72\x01\x00",
        "hole 0 of _X's code: an addend of 0",
    );
    refused(
        X86_64,
        b"\x01\x05enter",
        b"\x02\x05enter",
        "must be 0 or 1, not 2",
    );
    refused(
        X86_64,
        b"\x10\x06\x20",
        b"\x80\x80\x04\x06\x20",
        "there is no register 65536",
    );
}

#[test]
fn names_are_there_once() {
    refused(
        X86_64,
        b"\x04puts",
        b"\x03PyA",
        "the symbols: there are two of PyA",
    );
    refused(
        X86_64,
        b"\x05enter",
        b"\x02_X",
        "the shim: there are two of _X",
    );
    refused(
        X86_64,
        b"\x01\x04puts",
        b"\x02\x04puts\x01a",
        "only 1 of 2 other symbols are used",
    );
    refused(
        X86_64,
        b"\x01\x04puts",
        b"\x02\x01a\x04puts",
        "only 1 of 2 other symbols are used",
    );
    refused(
        X86_64,
        b"\x72\x01\x07",
        b"\x72\x02\x07",
        "symbol 2 is not there, or used before 1 is",
    );
}

#[test]
fn holes_are_checked() {
    refused(
        X86_64,
        b"\x01\x01\x72",
        b"\x01\x12\x72",
        "hole 0 of _X's code: there is no patch 18",
    );
    refused(
        X86_64,
        b"\x05\x00\x03",
        b"\x06\x00\x03",
        "hole 2 of _X's code: 4 bytes, 6 after offset 7, are not within the 16 bytes of the body",
    );
    refused(
        X86_64,
        b"\x05\x00\x03",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x03",
        "are not within",
    );
    refused(
        X86_64,
        b"\x08\x02\x40",
        b"\x09\x02\x40",
        "8 bytes, 9 after offset 0",
    );
    refused(
        X86_64,
        b"\x00\x02\x05",
        b"\x00\x02\x02",
        "there is no value 2",
    );
    refused(
        X86_64,
        b"\x00\x02\x05",
        b"\x00\x02\x13",
        "there is no value 19",
    );
    for kind in [0x82, 0xa0, 0xc1, 0xff] {
        let message = format!("there is no value {kind:#x}");
        refused(X86_64, b"\x0f\xc0", &[0x0f, kind], &message);
    }
    refused(
        X86_64,
        b"\x81\x00",
        b"\x81\x01",
        "there are 1 symbols, but no 1",
    );
    refused(
        X86_64,
        b"\xc0\x00",
        b"\xc0\x01",
        "there are 1 symbols, but no 1",
    );
    refused(
        X86_64,
        b"\x00\x11\x81",
        b"\x01\x11\x81",
        "a hole that fills a GOT slot is at offset 0, not 1",
    );
}

#[test]
fn pairs_are_checked() {
    let pair = b"\x08\x4d\x10\x80";
    refused(
        AARCH64,
        pair,
        b"\x08\x0d\x80",
        "patch_aarch64_33rx needs the offset of an adrp",
    );
    refused(
        AARCH64,
        pair,
        b"\x08\x44\x10\x80",
        "patch_aarch64_12x has no use for the offset of an adrp",
    );
    // 9 before offset 8; then 1 after it, which is as far as the ldr itself may be.
    refused(
        AARCH64,
        pair,
        b"\x08\x4d\x12\x80",
        "an adrp 9 bytes before offset 8",
    );
    refused(
        AARCH64,
        pair,
        b"\x08\x4d\x01\x80",
        "an adrp -1 bytes before offset 8",
    );
}

#[test]
fn a_small_file_stays_small() {
    // One name of 4000 bytes, used by 4000 holes.
    let name = "a".repeat(4000);
    let uses = (0..4000).map(|_| {
        let value = address(HoleValue::Zero, Some(&name), 0);
        hole(0, PatchKind::Patch32, value)
    });
    let code = stencil(&[0; 4], uses.collect());
    let mut set = x86_64();
    set.groups[0].1.code = code;
    let decoded = decode(&encode(&set)).unwrap();
    let mut names = decoded.groups[0].1.code.holes.iter().map(|hole| {
        let PatchValue::Address { symbol, .. } = &hole.value else {
            panic!("{hole:?}")
        };
        symbol.as_ref().unwrap()
    });
    let first = names.next().unwrap();
    assert!(names.all(|name| Arc::ptr_eq(name, first)));

    // 20,000 masks for 20,000 symbols.
    let mut set = x86_64();
    set.symbols = (0..20_000).map(|number| number.to_string()).collect();
    let last = hole(
        0,
        PatchKind::GotSymbol,
        PatchValue::Symbol { ordinal: 19_999 },
    );
    let group = StencilGroup {
        code: stencil(b"", vec![last]),
        ..StencilGroup::default()
    };
    set.groups = (0..20_000)
        .map(|number| (number.to_string(), group.clone()))
        .collect();
    let decoded = decode(&encode(&set)).unwrap();
    for (_, group) in &decoded.groups {
        let words = group.trampolines.sparse_words();
        assert_eq!(words, [(19_999 / 64, 1 << (19_999 % 64))]);
    }
}
