//! What goblin, another reader of object files, makes of every fixture.
#![cfg(feature = "native")]

mod common;

use common::fixtures;
use goblin::elf::Elf;
use goblin::elf::section_header as sh;
use goblin::mach::MachO;
use goblin::mach::cputype::{CPU_TYPE_ARM64, CPU_TYPE_X86_64};
use goblin::mach::relocation::reloc_to_str;
use goblin::pe::Coff;
use goblin::pe::header::{COFF_MACHINE_ARM64, COFF_MACHINE_X86, COFF_MACHINE_X86_64};
use goblin::pe::relocation as coff;
use goblin::pe::section_table as st;
use jit_schema::{
    ObjectFile, ObjectFormat, Relocation, RelocationKind, Section, SectionKind, Symbol, native,
};

#[test]
fn goblin_agrees() {
    let mut compared = 0;
    for fixture in fixtures() {
        let Ok(object) = native::read(&fixture.bytes) else {
            continue;
        };
        // goblin knows nothing of addends in fields and entries, of names that are there twice, nor of weak
        // symbols. What is in these is in readers.rs.
        let others = ["offset-macho-arm64", "sections-coff-comdat", "weak-coff"];
        if fixture.name.starts_with("addends-") || others.contains(&fixture.name.as_str()) {
            continue;
        }
        let bytes = &fixture.bytes;
        let expected = match object.format {
            ObjectFormat::Elf => from_elf(&Elf::parse(bytes).unwrap(), bytes),
            ObjectFormat::MachO => from_macho(&MachO::parse(bytes, 0).unwrap(), bytes),
            ObjectFormat::Coff => from_coff(&Coff::parse(bytes).unwrap(), bytes),
        };
        assert_eq!(object, expected, "{}", fixture.name);
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}

/// Of those that are refused: goblin sees the relocation that the error names.
#[test]
fn goblin_sees_what_is_refused() {
    let mut compared = 0;
    for fixture in fixtures() {
        let Err(jit_schema::ObjectError::UnsupportedRelocation {
            kind,
            symbol,
            offset,
            ..
        }) = native::read(&fixture.bytes)
        else {
            continue;
        };
        let Ok(elf) = Elf::parse(&fixture.bytes) else {
            continue;
        };
        let found: Vec<(String, String, u64)> = elf
            .shdr_relocs
            .iter()
            .flat_map(|(_, relocations)| relocations.iter())
            .map(|entry| {
                let name = elf_relocation_name(entry.r_type, elf.header.e_machine);
                (name, elf_symbol_name(&elf, entry.r_sym), entry.r_offset)
            })
            .collect();
        let refused = (kind, symbol, offset);
        assert!(
            found.contains(&refused),
            "{}: {refused:?} {found:?}",
            fixture.name
        );
        compared += 1;
    }
    assert!(compared >= 3, "{compared}");
}

/// goblin leaves the `R_` of most names out.
fn elf_relocation_name(code: u32, machine: u16) -> String {
    let name = goblin::elf::reloc::r_to_str(code, machine);
    format!("R_{}", name.strip_prefix("R_").unwrap_or(name))
}

fn kind(name: &str) -> RelocationKind {
    RelocationKind::from_name(name).unwrap_or_else(|| panic!("{name}"))
}

fn word(data: &[u8], offset: u64) -> i32 {
    let offset = usize::try_from(offset).unwrap();
    i32::from_le_bytes(data[offset..offset + 4].try_into().unwrap())
}

fn quad(data: &[u8], offset: u64) -> i64 {
    let offset = usize::try_from(offset).unwrap();
    i64::from_le_bytes(data[offset..offset + 8].try_into().unwrap())
}

fn elf_section_name<'a>(elf: &Elf<'a>, index: usize) -> &'a str {
    let name = elf.section_headers[index].sh_name;
    elf.shdr_strtab.get_at(name).unwrap()
}

fn elf_symbol_name(elf: &Elf<'_>, index: usize) -> String {
    let symbol = elf.syms.get(index).unwrap();
    let name = if symbol.st_type() == goblin::elf::sym::STT_SECTION {
        elf_section_name(elf, symbol.st_shndx)
    } else {
        elf.strtab.get_at(symbol.st_name).unwrap()
    };
    name.to_owned()
}

fn from_elf(elf: &Elf<'_>, bytes: &[u8]) -> ObjectFile {
    let mut sections = Vec::new();
    for (index, header) in elf.section_headers.iter().enumerate() {
        if matches!(header.sh_type, sh::SHT_NULL | sh::SHT_RELA) {
            continue;
        }
        let allocated = header.sh_flags & u64::from(sh::SHF_ALLOC) != 0;
        let kind = if header.sh_type != sh::SHT_PROGBITS || !allocated {
            SectionKind::Metadata
        } else if header.is_executable() {
            SectionKind::Code
        } else {
            SectionKind::Data
        };
        let mut section = Section {
            index,
            name: elf_section_name(elf, index).to_owned(),
            kind,
            address: 0,
            writable: false,
            alignment: 1,
            data: Vec::new(),
            symbols: Vec::new(),
            relocations: Vec::new(),
        };
        if kind != SectionKind::Metadata {
            let name = &section.name;
            section.writable = header.is_writable() && !name.starts_with(".data.rel.ro");
            section.alignment = header.sh_addralign.max(1);
            section.data = bytes[header.file_range().unwrap()].to_vec();
            section.symbols = elf
                .syms
                .iter()
                .enumerate()
                .filter(|(_, symbol)| symbol.st_shndx == index)
                .map(|(number, symbol)| Symbol {
                    name: elf_symbol_name(elf, number),
                    value: symbol.st_value,
                })
                .collect();
            section.relocations = elf
                .shdr_relocs
                .iter()
                .filter(|(header, _)| elf.section_headers[*header].sh_info as usize == index)
                .flat_map(|(_, relocations)| relocations.iter())
                .map(|entry| Relocation {
                    offset: entry.r_offset,
                    kind: self::kind(&elf_relocation_name(entry.r_type, elf.header.e_machine)),
                    symbol: elf_symbol_name(elf, entry.r_sym),
                    addend: entry.r_addend.unwrap(),
                })
                .collect();
        }
        sections.push(section);
    }
    ObjectFile {
        format: ObjectFormat::Elf,
        sections,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "another parser's view of one file, field by field"
)]
fn from_macho(macho: &MachO<'_>, bytes: &[u8]) -> ObjectFile {
    use goblin::mach::constants::{S_ATTR_DEBUG, S_ATTR_PURE_INSTRUCTIONS, S_ZEROFILL};
    let cpu = macho.header.cputype();
    assert!(cpu == CPU_TYPE_ARM64 || cpu == CPU_TYPE_X86_64);
    let headers: Vec<_> = macho
        .segments
        .iter()
        .flat_map(|segment| segment.sections().unwrap())
        .collect();
    let symbols: Vec<_> = macho.symbols().map(Result::unwrap).collect();
    let mut sections = Vec::new();
    for (index, (header, data)) in headers.iter().enumerate() {
        let empty = header.flags & 0xff == S_ZEROFILL && header.size == 0;
        let kind = if header.flags & S_ATTR_DEBUG != 0 || empty {
            SectionKind::Metadata
        } else if header.flags & S_ATTR_PURE_INSTRUCTIONS != 0 {
            SectionKind::Code
        } else {
            SectionKind::Data
        };
        // goblin's own accessor stops at no NUL, where a name has all of the 16 bytes.
        let name = header.sectname.split(|&byte| byte == 0).next().unwrap();
        let mut section = Section {
            index,
            name: String::from_utf8(name.to_vec()).unwrap(),
            kind,
            address: header.addr,
            writable: false,
            alignment: 1,
            data: Vec::new(),
            symbols: Vec::new(),
            relocations: Vec::new(),
        };
        if kind != SectionKind::Metadata {
            section.writable = header.segname.starts_with(b"__DATA\0") && section.name != "__const";
            section.alignment = 1 << header.align;
            section.data = data.to_vec();
            section.symbols = symbols
                .iter()
                .filter(|(_, symbol)| symbol.n_sect == index + 1)
                .map(|(name, symbol)| Symbol {
                    name: (*name).to_owned(),
                    value: symbol.n_value,
                })
                .collect();
            let context = goblin::container::Ctx::new(
                goblin::container::Container::Big,
                goblin::container::Endian::Little,
            );
            section.relocations = header
                .iter_relocations(bytes, context)
                .map(Result::unwrap)
                .map(|entry| {
                    let name = reloc_to_str(entry.r_type(), cpu);
                    let offset = u64::try_from(entry.r_address).unwrap();
                    let number = entry.r_symbolnum();
                    let in_field = match name {
                        "X86_64_RELOC_SIGNED"
                        | "X86_64_RELOC_SIGNED_1"
                        | "X86_64_RELOC_SIGNED_2"
                        | "X86_64_RELOC_SIGNED_4"
                        | "X86_64_RELOC_BRANCH"
                        | "X86_64_RELOC_GOT"
                        | "X86_64_RELOC_GOT_LOAD" => i64::from(word(data, offset)) - 4,
                        _ if name.ends_with("_UNSIGNED") => quad(data, offset),
                        _ => 0,
                    };
                    // An entry for a section has an address in the object, or the distance to it.
                    let (symbol, addend) = if entry.is_extern() {
                        (symbols[number].0.to_owned(), in_field)
                    } else {
                        let target = &headers[number - 1].0;
                        let after_field = match entry.is_pic() {
                            true => (header.addr + offset + 4).cast_signed(),
                            false => 0,
                        };
                        let distance = after_field - target.addr.cast_signed();
                        let name = format!("{}#{number}", target.name().unwrap());
                        (name, in_field + distance)
                    };
                    Relocation {
                        offset,
                        kind: self::kind(name),
                        symbol,
                        addend,
                    }
                })
                .collect();
        }
        sections.push(section);
    }
    ObjectFile {
        format: ObjectFormat::MachO,
        sections,
    }
}

fn coff_kind(machine: u16, code: u16) -> &'static str {
    match (machine, code) {
        (COFF_MACHINE_X86_64, coff::IMAGE_REL_AMD64_REL32) => "IMAGE_REL_AMD64_REL32",
        (COFF_MACHINE_X86_64, coff::IMAGE_REL_AMD64_ADDR64) => "IMAGE_REL_AMD64_ADDR64",
        (COFF_MACHINE_X86, coff::IMAGE_REL_I386_DIR32) => "IMAGE_REL_I386_DIR32",
        (COFF_MACHINE_X86, coff::IMAGE_REL_I386_REL32) => "IMAGE_REL_I386_REL32",
        (COFF_MACHINE_ARM64, coff::IMAGE_REL_ARM64_BRANCH19) => "IMAGE_REL_ARM64_BRANCH19",
        (COFF_MACHINE_ARM64, coff::IMAGE_REL_ARM64_BRANCH26) => "IMAGE_REL_ARM64_BRANCH26",
        (COFF_MACHINE_ARM64, coff::IMAGE_REL_ARM64_PAGEBASE_REL21) => {
            "IMAGE_REL_ARM64_PAGEBASE_REL21"
        }
        (COFF_MACHINE_ARM64, coff::IMAGE_REL_ARM64_PAGEOFFSET_12A) => {
            "IMAGE_REL_ARM64_PAGEOFFSET_12A"
        }
        (COFF_MACHINE_ARM64, coff::IMAGE_REL_ARM64_PAGEOFFSET_12L) => {
            "IMAGE_REL_ARM64_PAGEOFFSET_12L"
        }
        _ => panic!("{machine:#x} {code}"),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "another parser's view of one file, field by field"
)]
fn from_coff(coff: &Coff<'_>, bytes: &[u8]) -> ObjectFile {
    let strings = coff.strings.as_ref().unwrap();
    let table = coff.symbols.as_ref().unwrap();
    // goblin's names do not stop at a NUL where they are short, but the accessor does.
    let symbol_name = |index: usize| {
        let (name, symbol) = table.get(index).unwrap();
        match name {
            Some(name) => name.to_owned(),
            None => symbol.name(strings).unwrap().to_owned(),
        }
    };
    let machine = coff.header.machine;
    let mut sections = Vec::new();
    for (position, header) in coff.sections.iter().enumerate() {
        let name = header.name().unwrap().to_owned();
        let flags = header.characteristics;
        let kind = if name == ".debug$S" {
            SectionKind::Metadata
        } else if flags & st::IMAGE_SCN_MEM_EXECUTE != 0 {
            SectionKind::Code
        } else if flags & st::IMAGE_SCN_MEM_READ != 0 {
            SectionKind::Data
        } else {
            SectionKind::Metadata
        };
        let mut section = Section {
            index: position + 1,
            name,
            kind,
            address: 0,
            writable: false,
            alignment: 1,
            data: Vec::new(),
            symbols: Vec::new(),
            relocations: Vec::new(),
        };
        if kind != SectionKind::Metadata {
            section.writable = kind == SectionKind::Data && flags & st::IMAGE_SCN_MEM_WRITE != 0;
            section.alignment = 1 << (((flags >> 20) & 15).checked_sub(1).unwrap());
            let start = header.pointer_to_raw_data as usize;
            let size = header.size_of_raw_data as usize;
            section.data = if flags & st::IMAGE_SCN_CNT_UNINITIALIZED_DATA != 0 {
                vec![0; size]
            } else {
                bytes[start..start + size].to_vec()
            };
            section.symbols = table
                .iter()
                .filter(|(_, _, symbol)| usize::try_from(symbol.section_number) == Ok(position + 1))
                .map(|(index, _, symbol)| Symbol {
                    name: symbol_name(index),
                    value: symbol.value.into(),
                })
                .collect();
            section.relocations = header
                .relocations(bytes)
                .unwrap()
                .map(|entry| {
                    let name = coff_kind(machine, entry.typ);
                    let offset = u64::from(entry.virtual_address);
                    let addend = match name {
                        "IMAGE_REL_AMD64_REL32" | "IMAGE_REL_I386_REL32" => {
                            i64::from(word(&section.data, offset)) - 4
                        }
                        "IMAGE_REL_AMD64_ADDR64" => quad(&section.data, offset),
                        "IMAGE_REL_I386_DIR32" => {
                            i64::from(word(&section.data, offset).cast_unsigned())
                        }
                        _ => 0,
                    };
                    Relocation {
                        offset,
                        kind: self::kind(name),
                        symbol: symbol_name(entry.symbol_table_index as usize),
                        addend,
                    }
                })
                .collect();
        }
        sections.push(section);
    }
    ObjectFile {
        format: ObjectFormat::Coff,
        sections,
    }
}
