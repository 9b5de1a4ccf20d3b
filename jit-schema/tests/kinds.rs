//! The table of relocation kinds against the `object` crate's constants.
#![cfg(feature = "native")]

use jit_schema::{Machine, RelocationKind};
use object::{elf, macho, pe};

#[test]
fn names_find_their_kinds() {
    for &kind in RelocationKind::ALL {
        assert_eq!(RelocationKind::from_name(kind.name()), Some(kind));
        assert_eq!(kind.to_string(), kind.name());
    }
    assert_eq!(RelocationKind::from_name("R_X86_64_PC32"), None);
    assert_eq!(RelocationKind::from_name(""), None);
}

/// For each machine, each number: both know the same name for it, or ours is not a kind.
#[test]
fn numbers_are_those_of_the_object_crate() {
    let elf_name = |machine, code| {
        elf::machine_names(machine)
            .r
            .name(elf::RelocationType(code))
    };
    let macho_name = |cpu, code: u32| {
        let code = macho::RelocationType(u8::try_from(code).ok()?);
        macho::machine_names(cpu).reloc.name(code)
    };
    let coff_name = |machine, code: u32| {
        let code = pe::RelocationType(u16::try_from(code).ok()?);
        let (matched, name) = pe::machine_names(machine).rel.name(code)?;
        (matched == code).then_some(name)
    };
    let mut found = 0;
    for code in 0..2000 {
        for (machine, name) in [
            (Machine::ElfAarch64, elf_name(elf::EM_AARCH64, code)),
            (Machine::ElfX86_64, elf_name(elf::EM_X86_64, code)),
            (Machine::MachOArm64, macho_name(macho::CPU_TYPE_ARM64, code)),
            (
                Machine::MachOX86_64,
                macho_name(macho::CPU_TYPE_X86_64, code),
            ),
            (
                Machine::CoffAmd64,
                coff_name(pe::IMAGE_FILE_MACHINE_AMD64, code),
            ),
            (
                Machine::CoffArm64,
                coff_name(pe::IMAGE_FILE_MACHINE_ARM64, code),
            ),
            (
                Machine::CoffI386,
                coff_name(pe::IMAGE_FILE_MACHINE_I386, code),
            ),
        ] {
            let kind = RelocationKind::from_code(machine, code);
            assert_eq!(
                kind,
                name.and_then(RelocationKind::from_name),
                "{machine:?} {code}"
            );
            found += usize::from(kind.is_some());
        }
    }
    let custom = RelocationKind::ALL
        .iter()
        .filter(|kind| kind.name().starts_with("CUSTOM_"));
    assert_eq!(found, RelocationKind::ALL.len() - custom.count());
}

#[test]
fn some_numbers_from_the_specifications() {
    for (machine, code, name) in [
        (Machine::ElfX86_64, elf::R_X86_64_PLT32.0, "R_X86_64_PLT32"),
        (
            Machine::ElfAarch64,
            elf::R_AARCH64_CALL26.0,
            "R_AARCH64_CALL26",
        ),
        (
            Machine::MachOArm64,
            macho::ARM64_RELOC_BRANCH26.0.into(),
            "ARM64_RELOC_BRANCH26",
        ),
        (
            Machine::MachOX86_64,
            macho::X86_64_RELOC_GOT_LOAD.0.into(),
            "X86_64_RELOC_GOT_LOAD",
        ),
        (
            Machine::CoffAmd64,
            pe::IMAGE_REL_AMD64_REL32.0.into(),
            "IMAGE_REL_AMD64_REL32",
        ),
        (
            Machine::CoffArm64,
            pe::IMAGE_REL_ARM64_PAGEBASE_REL21.0.into(),
            "IMAGE_REL_ARM64_PAGEBASE_REL21",
        ),
        (
            Machine::CoffI386,
            pe::IMAGE_REL_I386_DIR32.0.into(),
            "IMAGE_REL_I386_DIR32",
        ),
    ] {
        let kind = RelocationKind::from_code(machine, code);
        assert_eq!(kind.map(RelocationKind::name), Some(name));
    }
}
