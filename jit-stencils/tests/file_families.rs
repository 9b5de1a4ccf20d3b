//! Stencil files of version 5, with families. The bytes were written by hand from `docs/stencil-files.md`.

use jit_schema::Target;
use jit_stencils::file::{HEADER_SIZE, decode, encode};
use jit_stencils::{
    CodeEnd, Family, FamilyOperand, Interface, Location, Stencil, StencilGroup, StencilSet,
};

/// What follows the header.
const CONTENTS: &[u8] = b"\
    \x18x86_64-unknown-linux-gnu\
    \x00\
    \x00\
    \x02\
    \x01a\x01\x90\x00\x00\x00\x08\x01\x00\x00\
    \x01b\x01\xcc\x00\x00\x00\x08\x01\x01\x40\x00\
    \x00\
    \x02\
    \x03add\x02\x02to\x02\x01\x40\x01x\x03\x80\x81\x00\x00\x01\x00\x01\x01\x00\
    \x04none\x00\x01";

/// The offset of the first family in the contents.
const FAMILY: usize = CONTENTS.len() - 30;

fn sealed(contents: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93STEN\r\n\x1a\x05\0\0\0".to_vec();
    bytes.extend(crc32fast::hash(contents).to_le_bytes());
    bytes.extend(contents);
    bytes
}

fn group(code: u8, operands: &[u8]) -> StencilGroup {
    StencilGroup {
        code: Stencil {
            body: vec![code],
            holes: vec![],
        },
        end: CodeEnd::FallsThrough,
        interface: Interface {
            operands: operands.to_vec(),
            targets: 0,
        },
        ..StencilGroup::default()
    }
}

fn operand(name: &str, choices: &[Location]) -> FamilyOperand {
    FamilyOperand {
        name: name.to_owned(),
        choices: choices.to_vec(),
    }
}

fn set() -> StencilSet {
    let to = operand("to", &[Location::Reg(1), Location::Vec(0)]);
    let x = operand("x", &[Location::Imm, Location::Mem, Location::Reg(0)]);
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups: vec![
            ("a".to_owned(), group(0x90, &[])),
            ("b".to_owned(), group(0xcc, &[64])),
        ],
        symbols: vec![],
        shim: None,
        families: vec![
            Family {
                name: "add".to_owned(),
                operands: vec![to, x],
                members: vec![0, 1, 0, 1, 1, 0],
            },
            Family {
                name: "none".to_owned(),
                operands: vec![],
                members: vec![1],
            },
        ],
    }
}

#[test]
fn each_byte_is_as_specified() {
    assert_eq!(encode(&set()), sealed(CONTENTS));
    assert_eq!(decode(&sealed(CONTENTS)), Ok(set()));
    let mut older = set();
    older.families.clear();
    let bytes = encode(&older);
    assert_eq!(bytes[8], 3);
    // Nothing of it is different but the end, which only has the families.
    let length = HEADER_SIZE + FAMILY - 1;
    assert_eq!(bytes[HEADER_SIZE..], CONTENTS[..length - HEADER_SIZE]);
    assert_eq!(decode(&bytes), Ok(older));
}

#[track_caller]
fn refused(change: impl Fn(&mut Vec<u8>), problem: &str) {
    let mut contents = CONTENTS.to_vec();
    change(&mut contents);
    let error = decode(&sealed(&contents)).unwrap_err().to_string();
    assert!(error.contains(problem), "{error}");
}

#[test]
fn wrong_families_are_refused() {
    assert_eq!(CONTENTS[FAMILY..FAMILY + 4], *b"\x03add");
    refused(|bytes| bytes[FAMILY + 4] = 60, "60 do not fit into the");
    refused(
        |bytes| bytes[FAMILY + 8] = 0,
        "family add: to is in no location",
    );
    refused(
        |bytes| bytes[FAMILY + 9] = 130,
        "to: there is no location 130",
    );
    refused(
        |bytes| bytes[FAMILY + 9] = 64,
        "to: there are two of location 64",
    );
    refused(
        |bytes| bytes[FAMILY + 17] = 2,
        "family add: there is no micro-op 2",
    );
    // Two families or operands of one name.
    let twice = |bytes: &mut Vec<u8>| {
        bytes.truncate(bytes.len() - 7);
        bytes.extend(b"\x03add\x00\x01");
    };
    refused(twice, "the name of family 1: there are two of add");
    let twice = |bytes: &mut Vec<u8>| {
        bytes.splice(FAMILY + 11..FAMILY + 13, *b"\x02to");
    };
    refused(twice, "family add: there are two of to");
    // Without a member, and with members that cannot be there.
    refused(
        |bytes| bytes.truncate(bytes.len() - 1),
        "its members do not fit into the 0 bytes left",
    );
    let many = |bytes: &mut Vec<u8>| {
        bytes.truncate(FAMILY);
        bytes.extend(b"\x01f\x28");
        for name in 0..40_u8 {
            bytes.extend([1, b'A' + name, 2, 0, 1]);
        }
    };
    refused(many, "its members do not fit into the 0 bytes left");
    // A file without families has an older version.
    let none = |bytes: &mut Vec<u8>| {
        bytes.truncate(FAMILY - 1);
        bytes.push(0);
    };
    refused(none, "there is no family: the file's version must be 3");
    for length in 0..CONTENTS.len() {
        assert!(decode(&sealed(&CONTENTS[..length])).is_err(), "{length}");
    }
}

/// Members with the same code share a stencil, and other stencils do not.
#[test]
fn the_same_members_are_stored_once() {
    let mut set = set();
    set.families.clear();
    let names = ["x", "m0", "y", "m1", "m2", "m3", "m4"];
    let groups = [
        group(1, &[]),
        group(1, &[]),
        group(1, &[]),
        group(1, &[]),
        group(1, &[64]),
        group(2, &[]),
        group(1, &[64]),
    ];
    set.groups = names.map(str::to_owned).into_iter().zip(groups).collect();
    set.add_families(vec![Family {
        name: "m".to_owned(),
        operands: vec![operand("a", &[0, 1, 2, 3, 4].map(Location::Reg))],
        members: vec![1, 3, 4, 5, 6],
    }]);
    let names: Vec<&str> = set.groups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x", "m0", "y", "m2", "m3"]);
    assert_eq!(set.families[0].members, [1, 1, 3, 4, 3]);
    assert_eq!(decode(&encode(&set)), Ok(set));
}
