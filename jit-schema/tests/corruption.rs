//! Objects that are cut short or lie: an error or another object, but never a panic, and never
//! more memory than the file warrants.
#![cfg(all(feature = "native", feature = "readobj"))]

mod common;

use common::{fixture, fixtures};
use jit_schema::{ObjectError, ObjectFile, native, readobj};

/// What a file of that size may grow to: see `Allowance` and `MAX_ZEROS`.
fn check_size(name: &str, file_size: usize, object: &ObjectFile) {
    let size: usize = object
        .sections
        .iter()
        .map(|section| {
            let symbols: usize = section.symbols.iter().map(|one| one.name.len()).sum();
            let relocations: usize = section.relocations.iter().map(|one| one.symbol.len()).sum();
            section.data.len() + section.name.len() + symbols + relocations
        })
        .sum();
    assert!(size <= 64 * file_size + (16 << 20), "{name}: {size}");
}

#[test]
fn every_truncation() {
    for fixture in fixtures() {
        let whole = native::read(&fixture.bytes);
        for length in 0..fixture.bytes.len() {
            match native::read(&fixture.bytes[..length]) {
                // Only something unused was cut: padding, or names of symbols without uses.
                Ok(object) => assert_eq!(Ok(&object), whole.as_ref(), "{} {length}", fixture.name),
                Err(ObjectError::Malformed { what, detail }) => {
                    assert!(
                        !what.is_empty() && !detail.is_empty(),
                        "{} {length}",
                        fixture.name
                    );
                }
                Err(error) => assert_eq!(Some(&error), whole.as_ref().err(), "{}", fixture.name),
            }
        }
    }
}

#[test]
fn every_byte_corrupted() {
    let mut read = 0;
    let mut refused = 0;
    for fixture in fixtures() {
        let mut bytes = fixture.bytes.clone();
        for offset in 0..bytes.len() {
            let original = bytes[offset];
            for corrupted in [0xff, original ^ 1, original ^ 0x80] {
                bytes[offset] = corrupted;
                match native::read(&bytes) {
                    Ok(object) => {
                        check_size(&fixture.name, bytes.len(), &object);
                        read += 1;
                    }
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        refused += 1;
                    }
                }
            }
            bytes[offset] = original;
        }
    }
    assert!(
        read > 1000 && refused > 1000,
        "{read} read, {refused} refused"
    );
}

/// Several bytes at once, from a fixed seed.
#[test]
fn random_corruption() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for fixture in fixtures() {
        for _ in 0..500 {
            let mut bytes = fixture.bytes.clone();
            for _ in 0..=random() % 8 {
                let offset = random() % bytes.len();
                // Small numbers and all ones are likelier to be taken for sizes and indices.
                bytes[offset] = match random() % 4 {
                    0 => 0xff,
                    1 => u8::try_from(random() % 8).unwrap(),
                    _ => u8::try_from(random() % 256).unwrap(),
                };
            }
            if let Ok(object) = native::read(&bytes) {
                check_size(&fixture.name, bytes.len(), &object);
            }
        }
    }
}

#[test]
fn json_truncated() {
    for name in [
        "stencil-aarch64-apple-darwin",
        "relocations-coff-i386",
        "relocations-elf-x86_64",
    ] {
        let fixture = fixture(name);
        let json = fixture.json.trim_end();
        for length in (0..json.len()).step_by(29).chain([json.len() - 1]) {
            let result = readobj::read(fixture.format(), &json[..length]);
            assert!(
                matches!(result, Err(ObjectError::Malformed { .. })),
                "{name} {length}: {result:?}"
            );
        }
    }
}

#[test]
fn json_corrupted() {
    for name in [
        "relocations-macho-x86_64",
        "relocations-coff-i386",
        "stencil-x86_64-unknown-linux-gnu",
    ] {
        let fixture = fixture(name);
        let mut bytes = fixture.json.clone().into_bytes();
        for offset in (0..bytes.len()).step_by(23) {
            let original = bytes[offset];
            for corrupted in *b"9-\"[" {
                bytes[offset] = corrupted;
                let json = String::from_utf8(bytes.clone()).unwrap();
                if let Ok(object) = readobj::read(fixture.format(), &json) {
                    check_size(&fixture.name, json.len(), &object);
                }
            }
            bytes[offset] = original;
        }
    }
}
