//! The two readers agree on every fixture, and what they read is what llvm-objdump shows.
#![cfg(all(feature = "native", feature = "readobj"))]

mod common;

use std::collections::BTreeSet;

use common::{fixture, fixtures, source};
use jit_schema::{CodeEnd, ObjectFile, ObjectFormat, RelocationKind, SectionKind, native, readobj};

fn read(name: &str) -> ObjectFile {
    native::read(&fixture(name).bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Each relocation as llvm-objdump would print it, with the addends of the formats that have none.
fn relocations(object: &ObjectFile) -> Vec<String> {
    object
        .sections
        .iter()
        .flat_map(|section| {
            section.relocations.iter().map(|relocation| {
                format!(
                    "{}+{:x} {} {} {:#x}",
                    section.name,
                    relocation.offset,
                    relocation.kind,
                    relocation.symbol,
                    relocation.addend
                )
            })
        })
        .collect()
}

fn symbols(object: &ObjectFile) -> Vec<String> {
    object
        .sections
        .iter()
        .flat_map(|section| {
            section
                .symbols
                .iter()
                .map(|symbol| format!("{} {}+{:x}", symbol.name, section.name, symbol.value))
        })
        .collect()
}

fn sections(object: &ObjectFile) -> Vec<(usize, &str, SectionKind, u64, usize)> {
    object
        .sections
        .iter()
        .map(|section| {
            (
                section.index,
                section.name.as_str(),
                section.kind,
                section.address,
                section.data.len(),
            )
        })
        .collect()
}

#[test]
fn both_readers_agree() {
    let mut read = 0;
    let mut refused = 0;
    for fixture in fixtures() {
        // llvm-readobj gives the name of a section, but not which one of that name it is, and no weak
        // symbols in a section.
        if ["sections-coff-comdat", "weak-coff"].contains(&fixture.name.as_str()) {
            continue;
        }
        let native = native::read(&fixture.bytes);
        let readobj = readobj::read(fixture.format(), &fixture.json);
        assert_eq!(native, readobj, "{}", fixture.name);
        match native {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    // Seven targets, and one for each way to be refused at least.
    assert!(read >= 20, "{read}");
    assert!(refused >= 9, "{refused}");
}

#[test]
fn every_kind_is_read() {
    let kinds: BTreeSet<&str> = fixtures()
        .iter()
        .filter_map(|fixture| native::read(&fixture.bytes).ok())
        .flat_map(|object| object.sections)
        .flat_map(|section| section.relocations)
        .map(|relocation| relocation.kind.name())
        .collect();
    let in_objects: BTreeSet<&str> = RelocationKind::ALL
        .iter()
        .map(|kind| kind.name())
        .filter(|name| !name.starts_with("CUSTOM_"))
        .collect();
    assert_eq!(kinds, in_objects);
}

#[test]
fn elf_addends_are_in_the_entries() {
    assert_eq!(
        relocations(&read("relocations-elf-x86_64")),
        [
            ".text+2 R_X86_64_64 absolute 0x0",
            ".text+c R_X86_64_64 absolute 0x123456789abcdef0",
            ".text+16 R_X86_64_64 absolute 0xffffffffffffffff",
            ".text+20 R_X86_64_GOTPCRELX got 0xfffffffffffffffc",
            ".text+27 R_X86_64_REX_GOTPCRELX got 0xfffffffffffffffc",
            ".text+2c R_X86_64_PLT32 target 0xfffffffffffffffc",
            ".text+3a R_X86_64_GOTPCREL got 0xfffffffffffffffc",
            ".text+33 R_X86_64_PLT32 local 0x0",
            ".rodata+0 R_X86_64_64 absolute 0x0",
            ".rodata+8 R_X86_64_64 .text 0x2",
            ".rodata+10 R_X86_64_64 .rodata.str 0x1",
        ]
    );
}

#[test]
fn macho_addends_are_in_place() {
    // Those against sections hold addresses in the object, or distances to them. L_local and L_text are
    // at the starts of theirs.
    assert_eq!(
        relocations(&read("relocations-macho-x86_64")),
        [
            "__text+2d X86_64_RELOC_SIGNED __cstring#3 0xfffffffffffffffc",
            "__text+26 X86_64_RELOC_SIGNED _symbol 0xffffffffffffedc8",
            "__text+1f X86_64_RELOC_SIGNED _symbol 0x1230",
            "__text+18 X86_64_RELOC_GOT _got 0xfffffffffffffffc",
            "__text+12 X86_64_RELOC_GOT_LOAD _got 0xfffffffffffffffc",
            "__text+b X86_64_RELOC_BRANCH __other#2 0xfffffffffffffffc",
            "__text+6 X86_64_RELOC_BRANCH _target 0xffffffffffffffff",
            "__text+1 X86_64_RELOC_BRANCH _target 0xfffffffffffffffc",
            "__data+10 X86_64_RELOC_UNSIGNED __cstring#3 0x0",
            "__data+8 X86_64_RELOC_UNSIGNED _symbol 0x8",
            "__data+0 X86_64_RELOC_UNSIGNED _symbol 0x0",
        ]
    );
}

#[test]
fn coff_addends_are_in_place() {
    assert_eq!(
        relocations(&read("relocations-coff-amd64")),
        [
            ".text+1 IMAGE_REL_AMD64_REL32 target 0xfffffffffffffffc",
            ".text+6 IMAGE_REL_AMD64_REL32 target 0xc",
            ".text+d IMAGE_REL_AMD64_REL32 symbol 0xffffffffffffedc8",
            ".text+14 IMAGE_REL_AMD64_REL32 __imp_a_function_with_a_long_name \
             0xfffffffffffffffc",
            ".text+1b IMAGE_REL_AMD64_REL32 .rdata 0xfffffffffffffffc",
        ]
    );
    assert_eq!(
        relocations(&read("relocations-coff-i386")),
        [
            ".text+1 IMAGE_REL_I386_REL32 _target 0xfffffffffffffffc",
            ".text+6 IMAGE_REL_I386_REL32 _target 0xc",
            ".text+b IMAGE_REL_I386_DIR32 _symbol 0x0",
            ".text+10 IMAGE_REL_I386_DIR32 _symbol 0x1234",
            // Unsigned, as in `_handle_relocation`.
            ".text+15 IMAGE_REL_I386_DIR32 _symbol 0xffffffff",
            ".text+1b IMAGE_REL_I386_DIR32 __imp__a_function_with_a_long_name 0x0",
            ".rdata+0 IMAGE_REL_I386_DIR32 _symbol 0x1",
        ]
    );
}

#[test]
fn a_weak_symbol_is_at_its_definition() {
    let symbols = symbols(&read("weak-coff"));
    for symbol in ["function .text+1", "table .rdata+8"] {
        assert!(symbols.contains(&symbol.to_owned()), "{symbols:?}");
    }
    assert!(!symbols.iter().any(|symbol| symbol.starts_with("elsewhere")));
}

/// python/cpython issues 118836, where a note had SHF_ALLOC, and 130673, where relocations were
/// for a section that stays out ("KeyError: 5").
#[test]
fn notes_and_their_relocations_stay_out() {
    let object = read("sections-elf");
    let note = &object.sections[2];
    assert_eq!(note.name, ".note.gnu.property");
    assert_eq!(note.kind, SectionKind::Metadata);
    assert_eq!(relocations(&object), [] as [&str; 0]);
    assert_eq!(
        sections(&object),
        [
            (1, ".strtab", SectionKind::Metadata, 0, 0),
            (2, ".text", SectionKind::Code, 0, 1),
            (3, ".note.gnu.property", SectionKind::Metadata, 0, 0),
            (4, ".note.relocated", SectionKind::Metadata, 0, 0),
            (6, ".comment", SectionKind::Metadata, 0, 0),
            (7, ".debug_information", SectionKind::Metadata, 0, 0),
            (9, ".note.GNU-stack", SectionKind::Metadata, 0, 0),
            (10, ".empty", SectionKind::Metadata, 0, 0),
            (11, ".group", SectionKind::Metadata, 0, 0),
            (12, ".text.in_group", SectionKind::Code, 0, 1),
            (13, ".data", SectionKind::Data, 0, 8),
            (14, ".llvm_addrsig", SectionKind::Metadata, 0, 0),
            (15, ".symtab", SectionKind::Metadata, 0, 0),
        ]
    );
    assert_eq!(
        symbols(&object),
        [
            "_JIT_ENTRY .text+0",
            "in_group .text.in_group+0",
            "writable .data+0",
        ]
    );
}

#[test]
fn debug_information_stays_out() {
    for target in [
        "aarch64-apple-darwin",
        "x86_64-pc-windows-msvc",
        "x86_64-unknown-linux-gnu",
    ] {
        let loaded = |name: &str| -> Vec<_> {
            read(name)
                .sections
                .into_iter()
                .filter(|section| section.kind != SectionKind::Metadata)
                // `_handle_section` takes it for data, since it only skips .debug$S.
                .filter(|section| section.name != ".debug$T")
                .map(|section| (section.name, section.data))
                .collect()
        };
        let without = loaded(&format!("stencil-{target}"));
        assert!(!without.is_empty());
        assert_eq!(loaded(&format!("debug-{target}")), without);
    }
}

#[test]
fn coff_sections() {
    let object = read("sections-coff");
    assert_eq!(
        sections(&object),
        [
            (1, ".text", SectionKind::Code, 0, 1),
            (2, ".data", SectionKind::Data, 0, 0),
            (3, ".bss", SectionKind::Data, 0, 20),
            (4, ".drectve", SectionKind::Metadata, 0, 0),
            (5, ".rdata", SectionKind::Data, 0, 4),
            (6, ".llvm_addrsig", SectionKind::Metadata, 0, 0),
        ]
    );
    assert_eq!(object.sections[2].data, [0; 20]);
    assert_eq!(
        symbols(&object),
        [
            ".text .text+0",
            "_JIT_ENTRY .text+0",
            "another_name .text+0",
            ".data .data+0",
            ".bss .bss+0",
            "zeros .bss+c",
            ".rdata .rdata+0",
            "in_comdat .rdata+0",
        ]
    );
}

#[test]
fn macho_sections() {
    let object = read("sections-macho");
    assert_eq!(
        sections(&object),
        [
            (0, "__text", SectionKind::Code, 0, 4),
            (1, "__const", SectionKind::Data, 0x40, 1),
            (2, "__const", SectionKind::Data, 0x41, 1),
            (3, "__an_exactly_16b", SectionKind::Data, 0x42, 1),
            (4, "__bss", SectionKind::Metadata, 0x4b, 0),
            (5, "__debug_info", SectionKind::Metadata, 0x43, 0),
        ]
    );
    let symbols: Vec<String> = symbols(&object)
        .into_iter()
        // The assembler's own.
        .filter(|symbol| !symbol.starts_with("ltmp"))
        .collect();
    assert_eq!(
        symbols,
        [
            "_JIT_ENTRY __text+0",
            "_constant __const+40",
            "_another __const+41",
        ]
    );
}

#[test]
fn names_are_as_they_stand_in_the_file() {
    for (target, entry, import) in [
        ("aarch64-apple-darwin", "__JIT_ENTRY", "_imported"),
        ("aarch64-pc-windows-msvc", "_JIT_ENTRY", "__imp_imported"),
        ("i686-pc-windows-msvc", "__JIT_ENTRY", "__imp__imported"),
        ("x86_64-unknown-linux-gnu", "_JIT_ENTRY", "imported"),
    ] {
        let object = read(&format!("stencil-{target}"));
        let code = object
            .sections
            .iter()
            .find(|section| section.kind == SectionKind::Code)
            .unwrap();
        assert!(code.symbols.iter().any(|symbol| symbol.name == entry));
        assert!(code.relocations.iter().any(|one| one.symbol == import));
    }
}

/// Expected values: the sources, `addends-*.s`, and for sections `llvm-objdump -s`.
#[test]
fn addends_are_read_wherever_the_format_has_them() {
    assert_eq!(
        relocations(&read("addends-coff-arm64")),
        [
            ".text+0 IMAGE_REL_ARM64_PAGEBASE_REL21 table 0x30",
            ".text+4 IMAGE_REL_ARM64_PAGEOFFSET_12A table 0x30",
            ".text+8 IMAGE_REL_ARM64_PAGEOFFSET_12L table 0x30",
            ".text+c IMAGE_REL_ARM64_PAGEOFFSET_12L table 0x3",
            ".text+10 IMAGE_REL_ARM64_PAGEOFFSET_12L table 0x20",
            ".text+14 IMAGE_REL_ARM64_PAGEBASE_REL21 table 0xfffffffffffffff8",
            ".text+18 IMAGE_REL_ARM64_BRANCH26 function 0x0",
            ".text+1c IMAGE_REL_ARM64_BRANCH19 function 0x0",
            ".rdata+0 IMAGE_REL_ARM64_ADDR64 table 0x18",
            ".rdata+8 IMAGE_REL_ARM64_ADDR64 external 0xfffffffffffffff8",
        ]
    );
    let sorted = |name| {
        let mut relocations = relocations(&read(name));
        relocations.sort();
        relocations
    };
    assert_eq!(
        sorted("addends-macho-arm64"),
        [
            "__const+0 ARM64_RELOC_UNSIGNED _table 0x18",
            "__const+10 ARM64_RELOC_UNSIGNED L_local 0x0",
            "__const+8 ARM64_RELOC_UNSIGNED _external 0xfffffffffffffff8",
            "__text+0 ARM64_RELOC_PAGE21 _table 0x30",
            "__text+4 ARM64_RELOC_PAGEOFF12 _table 0x30",
            "__text+8 ARM64_RELOC_PAGEOFF12 _table 0x8",
            "__text+c ARM64_RELOC_BRANCH26 _function 0x0",
        ]
    );
    assert_eq!(
        sorted("addends-macho-x86_64"),
        [
            "__const+0 X86_64_RELOC_UNSIGNED __cstring#3 0x6",
            "__const+8 X86_64_RELOC_UNSIGNED _external 0x18",
            "__text+3 X86_64_RELOC_SIGNED __cstring#3 0x2",
            "__text+b X86_64_RELOC_SIGNED __literal8#2 0x4",
        ]
    );
    // The displacement from the end of an instruction is the addend plus 4, and the bytes after the field.
    assert_eq!(
        sorted("immediate-macho-x86_64"),
        [
            "__text+12 X86_64_RELOC_SIGNED_4 _external 0xfffffffffffffff8",
            "__text+1c X86_64_RELOC_SIGNED _external 0x3",
            "__text+2 X86_64_RELOC_SIGNED_1 _external 0xfffffffffffffffb",
            "__text+24 X86_64_RELOC_SIGNED_1 _external 0xfffffffffffffffb",
            "__text+2a X86_64_RELOC_SIGNED_1 __const#2 0x3",
            "__text+32 X86_64_RELOC_SIGNED_2 __const#2 0x2",
            "__text+3a X86_64_RELOC_SIGNED_4 __const#2 0x0",
            "__text+a X86_64_RELOC_SIGNED_2 _external 0xfffffffffffffffa",
        ]
    );
}

/// Expected values: the source, `sections-coff-comdat.s`.
#[test]
fn sections_of_one_name_are_told_apart() {
    let object = read("sections-coff-comdat");
    assert_eq!(
        relocations(&object),
        [
            ".text+3 IMAGE_REL_AMD64_REL32 .rdata#5 0x4",
            ".text+a IMAGE_REL_AMD64_REL32 .rdata#5 0xfffffffffffffffc",
            ".text+12 IMAGE_REL_AMD64_REL32 __real@4000000000000000 0xfffffffffffffffc",
            ".rdata+8 IMAGE_REL_AMD64_ADDR64 .rdata#5 0x8",
        ]
    );
    assert!(symbols(&object).contains(&".rdata#5 .rdata+0".to_owned()));
}

#[test]
fn ends_of_code_are_in_names_of_sections() {
    let goes_on = CodeEnd::FallsThrough;
    for (name, format, expected) in [
        ("code-end-elf", ObjectFormat::Elf, goes_on),
        ("code-end-macho", ObjectFormat::MachO, goes_on),
        ("code-end-coff", ObjectFormat::Coff, goes_on),
        (
            "code-end-leaves-macho",
            ObjectFormat::MachO,
            CodeEnd::Leaves,
        ),
        ("sections-elf", ObjectFormat::Elf, CodeEnd::Unknown),
        ("sections-macho", ObjectFormat::MachO, CodeEnd::Unknown),
        ("sections-coff", ObjectFormat::Coff, CodeEnd::Unknown),
    ] {
        let object = read(name);
        assert_eq!(CodeEnd::of(&object), expected, "{name}");
        let source = source(name);
        assert!(source.ends_with(&expected.directive(format)), "{name}");
        // Nothing of it gets into the stencil.
        for section in &object.sections {
            let is_note = section.name.contains("jit_");
            assert!(!is_note || section.kind == SectionKind::Metadata, "{name}");
        }
    }
    // What contradicts itself says nothing.
    let mut both = read("code-end-macho");
    both.sections
        .append(&mut read("code-end-leaves-macho").sections);
    assert_eq!(CodeEnd::of(&both), CodeEnd::Unknown);
}
