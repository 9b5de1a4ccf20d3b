//! Unwind information of small shims. `fixtures/README.md` says how they were made.
//!
//! Expected numbers are what upstream's `_dwarf.py` made of the same objects, with llvm-objdump and
//! llvm-dwarfdump 22.
#![cfg(feature = "lower")]

use std::fs;
use std::path::Path;

use jit_schema::Target;
use jit_stencils::{UnwindError, UnwindInfo, shim_unwind};

const X86_64: UnwindInfo = UnwindInfo {
    code_alignment_factor: 1,
    data_alignment_factor: -8,
    return_address_register: 16,
    cfa_register: 6,
    cfa_offset: 16,
    frame_pointer_register: 6,
    frame_pointer_offset: 2,
    return_address_offset: 1,
};

const AARCH64: UnwindInfo = UnwindInfo {
    code_alignment_factor: 1,
    data_alignment_factor: -4,
    return_address_register: 30,
    cfa_register: 29,
    cfa_offset: 32,
    frame_pointer_register: 29,
    frame_pointer_offset: 8,
    return_address_offset: 6,
};

fn fixture(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(directory.join(name)).unwrap()
}

fn target(arch: &str) -> &'static Target {
    Target::from_triple(&format!("{arch}-unknown-linux-gnu")).unwrap()
}

fn unwind(arch: &str, fixture_name: &str) -> Result<Option<UnwindInfo>, UnwindError> {
    let object = fixture(&format!("{fixture_name}-{arch}.o"));
    shim_unwind(target(arch), &object)
}

#[test]
fn rules_at_the_call_are_found() {
    for (arch, expected) in [("x86_64", X86_64), ("aarch64", AARCH64)] {
        // The last one has another function in a section of its own. Upstream mixes up the two,
        // both being at 0; the shim's own rules are the same.
        for name in ["shim", "padding", "sections"] {
            assert_eq!(unwind(arch, name), Ok(Some(expected)), "{name}-{arch}");
        }
    }
}

#[test]
fn other_systems_have_no_unwind_information() {
    for target in &Target::ALL {
        if !target.triple.ends_with("linux-gnu") {
            assert_eq!(shim_unwind(target, b""), Ok(None), "{target}");
        }
    }
}

#[track_caller]
fn refused(arch: &str, name: &str, message: &str) {
    assert_eq!(unwind(arch, name).unwrap_err().to_string(), message);
}

#[test]
fn there_must_be_one_call() {
    for (arch, calls) in [("x86_64", "0x25, 0x35"), ("aarch64", "0x34, 0x4c")] {
        let one = format!(
            "the {arch}-unknown-linux-gnu JIT shim should contain exactly one executor call, but \
             has"
        );
        let advice = "it must do nothing but call the executor's code, and not as a tail call";
        refused(
            arch,
            "two-calls",
            &format!("{one} 2 of them (at {calls}): {advice}"),
        );
        refused(arch, "tail-call", &format!("{one} 0 of them: {advice}"));
    }
}

#[test]
fn the_call_must_be_covered() {
    refused(
        "x86_64",
        "uncovered",
        "the x86_64-unknown-linux-gnu JIT shim has no CFI row for the executor call at 0x4: \
         compile it with -fasynchronous-unwind-tables",
    );
    for arch in ["x86_64", "aarch64"] {
        refused(
            arch,
            "no-tables",
            "the shim has no .eh_frame section: compile it with -fasynchronous-unwind-tables",
        );
    }
}

#[test]
fn the_frame_pointer_must_be_saved() {
    for (arch, row, registers) in [
        ("x86_64", "0x1", "rbp and rip"),
        ("aarch64", "0x4", "x29 and x30"),
    ] {
        refused(
            arch,
            "no-frame-pointer",
            &format!(
                "the {arch}-unknown-linux-gnu JIT shim's CFI row at {row} does not save \
                 {registers}: compile it with -mframe-pointer=all"
            ),
        );
    }
}

#[test]
fn the_cfa_must_be_counted_from_the_frame_pointer() {
    refused(
        "x86_64",
        "stack-pointer",
        "the x86_64-unknown-linux-gnu JIT shim's CFI row at 0x1 has a CFA that is counted from \
         register 7, not from rbp: compile it with -mframe-pointer=all",
    );
}

#[test]
fn other_objects_are_refused() {
    let aarch64 = fixture("shim-aarch64.o");
    assert_eq!(
        shim_unwind(target("x86_64"), &aarch64)
            .unwrap_err()
            .to_string(),
        "the shim is an object for Elf Aarch64, not for x86_64-unknown-linux-gnu: compile it for \
         that target"
    );
    let error = shim_unwind(target("x86_64"), b"not an object").unwrap_err();
    assert!(matches!(error, UnwindError::Malformed { .. }), "{error:?}");
    let mut no_code = fixture("shim-x86_64.o");
    // Take SHF_EXECINSTR (4) from the flags of every section that has it.
    let read = |bytes: &[u8], at: usize, size: usize| {
        let mut value = [0; 8];
        value[..size].copy_from_slice(&bytes[at..at + size]);
        usize::try_from(u64::from_le_bytes(value)).unwrap()
    };
    let (table, count) = (read(&no_code, 0x28, 8), read(&no_code, 0x3c, 2));
    for section in 0..count {
        no_code[table + section * 64 + 8] &= !4;
    }
    assert_eq!(
        shim_unwind(target("x86_64"), &no_code),
        Err(UnwindError::NoCode {
            target: "x86_64-unknown-linux-gnu"
        })
    );
}

#[test]
fn unknown_relocations_are_refused() {
    let object = fixture("shim-x86_64.o");
    // The one entry of .rela.eh_frame: offset 0x20, R_X86_64_PC32 (2) against symbol 2.
    let entry = [0x20, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];
    let places: Vec<usize> = (0..object.len() - entry.len())
        .filter(|at| object[*at..].starts_with(&entry))
        .collect();
    let [place] = places.as_slice() else {
        panic!("{places:?}");
    };
    let mut unknown = object.clone();
    unknown[place + 8] = 9;
    assert_eq!(
        shim_unwind(target("x86_64"), &unknown),
        Err(UnwindError::Relocation {
            kind: 9,
            offset: 0x20
        })
    );
    let mut outside = object;
    outside[place + 1] = 0xff;
    let error = shim_unwind(target("x86_64"), &outside).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the shim's .eh_frame is malformed: relocation at offset 0xff20 is outside the section"
    );
}

#[test]
fn damaged_objects_do_not_panic() {
    let mut errors = 0;
    for arch in ["x86_64", "aarch64"] {
        let object = fixture(&format!("shim-{arch}.o"));
        for length in 0..object.len() {
            errors += usize::from(shim_unwind(target(arch), &object[..length]).is_err());
        }
        for at in 0..object.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = object.clone();
                damaged[at] = value;
                errors += usize::from(shim_unwind(target(arch), &damaged).is_err());
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}
