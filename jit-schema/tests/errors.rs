//! What each kind of bad object is told, by both readers where both can be given it.
#![cfg(all(feature = "native", feature = "readobj"))]

mod common;

use common::{Fixture, fixture};
use goblin::elf::Elf;
use goblin::mach::MachO;
use jit_schema::{ObjectError, ObjectFormat, SectionKind, native, readobj};

fn refused(bytes: &[u8]) -> String {
    native::read(bytes).unwrap_err().to_string()
}

fn refused_json(format: ObjectFormat, json: &str) -> String {
    readobj::read(format, json).unwrap_err().to_string()
}

fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
    bytes[offset..offset + field.len()].copy_from_slice(field);
}

/// Offset of an ELF section header, by the section's name.
fn elf_header(bytes: &[u8], name: &str) -> usize {
    let elf = Elf::parse(bytes).unwrap();
    let index = elf
        .section_headers
        .iter()
        .position(|header| elf.shdr_strtab.get_at(header.sh_name) == Some(name))
        .unwrap();
    usize::try_from(elf.header.e_shoff).unwrap() + 64 * index
}

// Offsets in Elf64_Shdr.
const SH_TYPE: usize = 4;
const SH_OFFSET: usize = 24;
const SH_SIZE: usize = 32;
const SH_LINK: usize = 40;
const SH_INFO: usize = 44;

#[test]
fn unsupported_contents() {
    for (name, message) in [
        (
            "thread-local-elf-x86_64",
            "unsupported relocation R_X86_64_TPOFF32 against \"variable\" at .text+0x6; \
             thread-local variables cannot be in a stencil: reach them through a function",
        ),
        (
            "thread-local-elf-aarch64",
            "unsupported relocation R_AARCH64_TLSDESC_ADR_PAGE21 against \"variable\" at \
             .text+0x0; thread-local variables cannot be in a stencil: reach them through a \
             function",
        ),
        (
            "fixed-address",
            "unsupported relocation R_X86_64_PC32 against \"\" at .text+0x1; it names no symbol: \
             call or load fixed addresses through a constant instead",
        ),
        (
            "static-variable-elf",
            "unsupported section .lbss (index 4) of type SHT_NOBITS; static writable data cannot \
             be in a stencil, whose copies would not share it: make it const, or keep it outside",
        ),
        (
            "static-variable-macho",
            "unsupported section __bss (index 1) of type S_ZEROFILL; static writable data cannot \
             be in a stencil, whose copies would not share it: make it const, or keep it outside",
        ),
        (
            "unwind-elf",
            "unsupported section .eh_frame (index 6) of type SHT_X86_64_UNWIND; unwind \
             information cannot be in a stencil: compile with -fno-asynchronous-unwind-tables \
             -fno-unwind-tables",
        ),
        (
            "unwind-coff",
            "unsupported relocation IMAGE_REL_AMD64_ADDR32NB against \".text\" at \
             .pdata+0x0; unwind information cannot be in a stencil: compile with \
             -fno-asynchronous-unwind-tables -fno-unwind-tables",
        ),
        (
            "constructor",
            "unsupported section .init_array (index 3) of type SHT_INIT_ARRAY; nothing runs a \
             stencil's constructors or destructors: remove them",
        ),
        (
            "constructor-coff",
            "unsupported section .CRT$XCU (index 4) of type constructors; nothing runs a \
             stencil's constructors or destructors: remove them",
        ),
        (
            "difference-macho",
            "unsupported relocation ARM64_RELOC_SUBTRACTOR against \"_another\" at __data+0x0; \
             differences of symbols cannot be in a stencil: compile with -fno-jump-tables \
             -fno-asynchronous-unwind-tables -fno-unwind-tables",
        ),
    ] {
        let fixture = fixture(name);
        assert_eq!(refused(&fixture.bytes), message);
        assert_eq!(refused_json(fixture.format(), &fixture.json), message);
    }
}

#[test]
fn not_an_object() {
    for (bytes, part) in [
        (&b""[..], "neither ELF, nor 64-bit Mach-O, nor COFF"),
        (b"\t.text\n", "neither ELF, nor 64-bit Mach-O, nor COFF"),
        (b"BC\xc0\xde\x35\x14", "LLVM bitcode: compile without -flto"),
        (b"!<arch>\n", "archive"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "universal binary"),
        (b"\0\0\xff\xff\x01\0", "drop -bigobj"),
        (b"\x7fELF", "malformed ELF object: "),
        (b"\xcf\xfa\xed\xfe", "malformed Mach-O object: "),
        (b"\x64\x86", "malformed COFF object: "),
    ] {
        let message = refused(bytes);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn other_machines_and_linked_files() {
    let elf = fixture("relocations-elf-x86_64").bytes;
    let macho = fixture("relocations-macho-arm64").bytes;
    for (bytes, offset, field, message) in [
        (
            &elf,
            4,
            &[1][..],
            "malformed ELF object: Unsupported ELF header",
        ),
        (
            &elf,
            5,
            &[2],
            "malformed ELF object: Unsupported ELF endian",
        ),
        (
            &elf,
            16,
            &[3],
            "malformed ELF object: it is linked: compile with -c",
        ),
        (
            &elf,
            18,
            &[243],
            "malformed ELF object: it is for machine 243 (0xf3), not for aarch64 or x86_64: \
             compile it for the target",
        ),
        (
            &macho,
            4,
            &[18],
            "malformed Mach-O object: it is for machine 16777234 (0x1000012), not for aarch64 or \
             x86_64: compile it for the target",
        ),
        (
            &macho,
            12,
            &[6],
            "malformed Mach-O object: it is linked: compile with -c",
        ),
    ] {
        let mut bytes = bytes.clone();
        put(&mut bytes, offset, field);
        assert_eq!(refused(&bytes), message);
    }
}

#[test]
fn elf_headers_that_lie() {
    let original = fixture("relocations-elf-x86_64").bytes;
    for (section, field, value, message) in [
        (
            ".text",
            SH_OFFSET,
            &[0xff, 0xff][..],
            "malformed section .text: Invalid ELF section size or offset",
        ),
        (
            ".text",
            SH_SIZE,
            &[0xff; 8],
            "malformed section .text: Invalid ELF section size or offset",
        ),
        (
            ".text",
            SH_SIZE,
            &[2],
            "malformed section .text: R_X86_64_64 at 0x2 reaches past its end at 0x2",
        ),
        (
            ".text",
            SH_SIZE,
            &[9],
            "malformed section .text: R_X86_64_64 at 0x2 reaches past its end at 0x9",
        ),
        (
            ".rela.text",
            SH_TYPE,
            &[9],
            "unsupported section .rela.text (index 3) of type SHT_REL; only relocations of type \
             SHT_RELA are read: assemble with clang, without -Wa,--crel",
        ),
        (
            ".rela.text",
            SH_SIZE,
            &[25],
            "malformed ELF object: relocation section 3: Invalid ELF relocation section offset or size",
        ),
        (
            ".rela.text",
            SH_LINK,
            &[1],
            "malformed ELF object: relocation section 3: does not refer to the symbol table",
        ),
        (
            ".rela.text",
            SH_INFO,
            &[99],
            "malformed ELF object: relocation section 3 is for section 99, which does not exist",
        ),
        (
            ".symtab",
            SH_SIZE,
            &[48],
            "malformed ELF object: Invalid ELF symbol index: 6",
        ),
        (
            ".rodata",
            SH_TYPE,
            &[0x42, 0, 0, 0x60],
            "unsupported section .rodata (index 4) of type 0x60000042",
        ),
    ] {
        let mut bytes = original.clone();
        let header = elf_header(&bytes, section);
        put(&mut bytes, header + field, value);
        assert_eq!(refused(&bytes), message);
    }
}

/// Relocations without addends do not matter where nothing is to be patched.
#[test]
fn rel_for_metadata_is_no_error() {
    let mut bytes = fixture("sections-elf").bytes;
    let header = elf_header(&bytes, ".rela.debug_information");
    put(&mut bytes, header + SH_TYPE, &[9]);
    assert_eq!(
        native::read(&bytes),
        native::read(&fixture("sections-elf").bytes)
    );
}

fn elf_first_entry(bytes: &[u8], section: &str) -> usize {
    let header = elf_header(bytes, section) + SH_OFFSET;
    usize::try_from(u64::from_le_bytes(
        bytes[header..header + 8].try_into().unwrap(),
    ))
    .unwrap()
}

#[test]
fn elf_entries_that_lie() {
    let original = fixture("relocations-elf-x86_64").bytes;
    let entry = elf_first_entry(&original, ".rela.text");
    let symbol = elf_first_entry(&original, ".symtab") + 24;
    for (offset, value, message) in [
        (
            entry,
            &[0xff; 8][..],
            "malformed section .text: R_X86_64_64 at 0xffffffffffffffff reaches past its end at \
             0x3e",
        ),
        (
            entry + 8,
            &[200],
            "unsupported relocation type 200 against \"absolute\" at .text+0x2",
        ),
        (
            entry + 12,
            &[0xff],
            "malformed ELF object: Invalid ELF symbol index: 255",
        ),
        (
            symbol + 6,
            &[99],
            "malformed ELF object: symbol 1 is in section 99, which does not exist",
        ),
        (
            symbol,
            &[0xff; 4],
            "malformed ELF object: Invalid ELF symbol name offset",
        ),
    ] {
        let mut bytes = original.clone();
        put(&mut bytes, offset, value);
        assert_eq!(refused(&bytes), message);
    }
}

#[test]
fn macho_entries_that_lie() {
    let original = fixture("relocations-macho-arm64").bytes;
    let macho = MachO::parse(&original, 0).unwrap();
    let (text, _) = &macho.segments.sections().flatten().next().unwrap().unwrap();
    let entry = text.reloff as usize;
    // Of LC_SYMTAB: the symbols' offset.
    let symbols = macho
        .load_commands
        .iter()
        .find_map(|command| match command.command {
            goblin::mach::load_command::CommandVariant::Symtab(table) => Some(table.symoff),
            _ => None,
        })
        .unwrap() as usize;
    for (offset, value, message) in [
        (
            entry + 3,
            &[0x80][..],
            "unsupported relocation of scattered type 0 against \"\" at __text+0x1c",
        ),
        (
            entry + 7,
            &[0xfc],
            "unsupported relocation type 15 against \"_symbol\" at __text+0x1c",
        ),
        // r_length 3: 8 bytes.
        (
            entry + 7,
            &[0x4e],
            "unsupported relocation ARM64_RELOC_PAGEOFF12 with length 3 against \"_symbol\" at \
             __text+0x1c",
        ),
        // Not r_extern.
        (
            entry + 4,
            &[99, 0, 0, 0x44],
            "malformed Mach-O object: there is no section 99",
        ),
        (
            entry + 4,
            &[99],
            "malformed Mach-O object: Invalid Mach-O symbol index: 99",
        ),
        (
            entry,
            &[0x22],
            "malformed section __text: ARM64_RELOC_PAGEOFF12 at 0x22 reaches past its end at 0x24",
        ),
        (
            symbols + 5,
            &[99],
            "malformed Mach-O object: symbol 0 is in section 99, which does not exist",
        ),
    ] {
        let mut bytes = original.clone();
        put(&mut bytes, offset, value);
        assert_eq!(refused(&bytes), message);
    }
}

/// Offset of a COFF section's header, by its number from 1.
fn coff_header(number: usize) -> usize {
    20 + 40 * (number - 1)
}

fn coff_word(bytes: &[u8], offset: usize) -> usize {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize
}

#[test]
fn coff_entries_that_lie() {
    let original = fixture("relocations-coff-amd64").bytes;
    let text = coff_header(1);
    let entry = coff_word(&original, text + 24);
    let symbols = coff_word(&original, 8);
    for (offset, value, message) in [
        (
            text + 16,
            &[0xff; 4][..],
            "malformed section .text: its data reach past the end of the file",
        ),
        (
            text + 20,
            &[0; 4],
            "malformed section .text: it has a size but no data",
        ),
        (
            entry + 8,
            &[0x42],
            "unsupported relocation type 66 against \"target\" at .text+0x1",
        ),
        (
            entry,
            &[0x1d],
            "malformed section .text: IMAGE_REL_AMD64_REL32 at 0x1d reaches past its end at 0x1f",
        ),
        (
            entry + 4,
            &[0xff],
            "malformed COFF object: there is no symbol 255",
        ),
        // The section symbol's auxiliary record.
        (
            entry + 4,
            &[1],
            "malformed COFF object: there is no symbol 1",
        ),
        (
            symbols + 12,
            &[99],
            "malformed COFF object: symbol 0 is in section 99, which does not exist",
        ),
        (
            symbols + 17,
            &[0xff],
            "malformed COFF object: the symbol table ends within auxiliary records",
        ),
    ] {
        let mut bytes = original.clone();
        put(&mut bytes, offset, value);
        assert_eq!(refused(&bytes), message);
    }
}

/// Displacements that count from 1 to 5 bytes after the field. LLVM writes none: it has these bytes in the
/// addend, as the readers' tests of `immediate-macho-x86_64` show for Mach-O.
#[test]
fn displacements_from_behind_the_field() {
    let original = fixture("relocations-coff-amd64").bytes;
    let entry = coff_word(&original, coff_header(1) + 24);
    for after in 1..=5 {
        let mut bytes = original.clone();
        put(&mut bytes, entry + 8, &[4 + after]);
        assert_eq!(
            refused(&bytes),
            format!(
                "unsupported relocation IMAGE_REL_AMD64_REL32_{after} against \"target\" at .text+0x1"
            )
        );
    }
}

/// A size in a header must not become gigabytes of zeros.
#[test]
fn uninitialized_data_of_gigabytes() {
    let Fixture {
        mut bytes, json, ..
    } = fixture("sections-coff");
    let bss = coff_header(3);
    assert_eq!(&bytes[bss..bss + 4], b".bss");
    put(&mut bytes, bss + 16, &[0xff; 4]);
    let message = "malformed section .bss: 4294967295 bytes of uninitialized data are more than \
                   the 16777216 that an object may have: make the data const, or keep it outside \
                   of the stencil";
    assert_eq!(refused(&bytes), message);
    let json = json.replace("\"RawDataSize\":20", "\"RawDataSize\":4294967295");
    assert_eq!(refused_json(ObjectFormat::Coff, &json), message);
    // As many as that are all right.
    put(&mut bytes, bss + 16, &[0, 0, 0, 1]);
    let object = native::read(&bytes).unwrap();
    assert_eq!(object.sections[2].data.len(), 16 << 20);
}

/// 200 sections, each of which is the whole file.
#[test]
fn sections_that_overlap() {
    let count = 200_u16;
    let size = 20 + 40 * u32::from(count);
    let mut bytes = vec![0x64, 0x86];
    bytes.extend(count.to_le_bytes());
    bytes.extend([0; 16]);
    for _ in 0..count {
        let mut header = [0; 40];
        header[..5].copy_from_slice(b".text");
        header[16..20].copy_from_slice(&size.to_le_bytes());
        header[20..24].copy_from_slice(&20_u32.to_le_bytes());
        // One less than the whole, from the first header on.
        header[16..20].copy_from_slice(&(size - 20).to_le_bytes());
        header[36..40].copy_from_slice(&0x6000_0020_u32.to_le_bytes());
        bytes.extend(header);
    }
    assert_eq!(
        refused(&bytes),
        "malformed COFF object: its sections or names overlap so much that it cannot be real"
    );
    // With so few that they may.
    put(&mut bytes, 2, &[20, 0]);
    let object = native::read(&bytes).unwrap();
    assert_eq!(object.sections.len(), 20);
    assert!(
        object
            .sections
            .iter()
            .all(|one| one.kind == SectionKind::Code)
    );
}

#[test]
fn names_that_are_not_utf8() {
    let mut bytes = fixture("relocations-coff-amd64").bytes;
    put(&mut bytes, coff_header(1), &[0xff]);
    let message = refused(&bytes);
    assert!(
        message.starts_with("malformed section name in COFF object: invalid utf-8"),
        "{message}"
    );
}

#[test]
fn output_that_is_none() {
    let elf = fixture("relocations-elf-x86_64").json;
    let macho = fixture("relocations-macho-x86_64").json;
    for (format, json, message) in [
        (
            ObjectFormat::Elf,
            String::new(),
            "malformed llvm-readobj output: it has no sections: pass --elf-output-style=JSON and \
             --sections",
        ),
        (
            ObjectFormat::Elf,
            elf.replacen("\"Sections\":", "\"sections\":", 1),
            "malformed llvm-readobj output: it has no sections: pass --elf-output-style=JSON and \
             --sections",
        ),
        (
            ObjectFormat::Elf,
            format!("{elf}{elf}"),
            "malformed llvm-readobj output: something follows its sections: pass one file only",
        ),
        (
            ObjectFormat::Elf,
            elf.trim_end().strip_suffix("}]").unwrap().to_owned(),
            "malformed llvm-readobj output: it ends after its sections",
        ),
        (
            ObjectFormat::MachO,
            macho.replace("\"Size\":5,", "\"Size\":6,"),
            "malformed section __cstring: 5 bytes of data and not 6: pass --section-data",
        ),
        (
            ObjectFormat::MachO,
            macho.replace("\"SectionData\"", "\"Other\""),
            "malformed section __text: 0 bytes of data and not 64: pass --section-data",
        ),
        (
            ObjectFormat::Elf,
            elf.replace("\"Addend\"", "\"Other\""),
            "malformed llvm-readobj output: R_X86_64_64 has no 64-bit addend",
        ),
    ] {
        assert_eq!(refused_json(format, &json), message);
    }
    // Of another format than expected.
    let error = readobj::read(ObjectFormat::Coff, &elf).unwrap_err();
    assert!(matches!(error, ObjectError::Malformed { .. }), "{error}");
}
