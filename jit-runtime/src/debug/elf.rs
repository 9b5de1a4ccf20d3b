//! An ELF object for code that is elsewhere: symbols, call frame information, and a `.text` without
//! contents.
//!
//! It is written by hand, without a library, because it has only a file header, six section headers and
//! a table, and this crate becomes a part of other programs. The tests read it with two libraries.

use super::{Description, Symbol, error::ObjectError};
use crate::{arch, cfi};

/// The size of `Elf64_Ehdr`, in bytes.
const HEADER: u16 = 64;
/// The size of `Elf64_Shdr`, in bytes.
const SECTION_HEADER: u16 = 64;
/// The size of `Elf64_Sym`, in bytes.
const SYMBOL: u64 = 24;

const ET_REL: u16 = 1;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC_EXECINSTR: u64 = 2 | 4;
const STB_GLOBAL_STT_FUNC: u8 = 1 << 4 | 2;

// Indices of section headers.
const TEXT: u16 = 1;
const STRTAB: u16 = 3;
const SHSTRTAB: u16 = 4;

/// A string table: strings with a zero byte after each.
struct Strings(Vec<u8>);

impl Strings {
    fn new() -> Strings {
        Strings(vec![0])
    }

    /// Appends a string and returns its offset.
    fn add(&mut self, string: &str) -> Option<u32> {
        let offset = u32::try_from(self.0.len()).ok()?;
        self.0.extend(string.as_bytes());
        self.0.push(0);
        Some(offset)
    }
}

/// An `Elf64_Shdr`.
#[derive(Default)]
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry: u64,
}

impl Section {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.name.to_le_bytes());
        out.extend(self.kind.to_le_bytes());
        for word in [self.flags, self.address, self.offset, self.size] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.link.to_le_bytes());
        out.extend(self.info.to_le_bytes());
        out.extend(self.align.to_le_bytes());
        out.extend(self.entry.to_le_bytes());
    }
}

/// Returns the whole object, for a 64-bit target.
pub(super) fn object(description: &Description) -> Result<Vec<u8>, ObjectError> {
    let name = || description.name().to_owned();
    let too_large = || ObjectError::TooLarge { name: name() };
    let mut names = Strings::new();
    let mut named = |name: &str| names.add(name).ok_or_else(too_large);
    let mut sections = vec![
        Section::default(),
        Section {
            name: named(".text")?,
            kind: SHT_NOBITS,
            flags: SHF_ALLOC_EXECINSTR,
            address: description.base(),
            offset: HEADER.into(),
            size: description.size(),
            align: 1,
            ..Section::default()
        },
    ];

    let (symbols, strings) = symbols(description.symbols()).ok_or_else(too_large)?;
    let mut out = vec![0; HEADER.into()];
    sections.push(Section {
        name: named(".symtab")?,
        kind: SHT_SYMTAB,
        offset: append(&mut out, &symbols),
        size: symbols.len() as u64,
        link: STRTAB.into(),
        info: 1, // the first that is not local
        align: 8,
        entry: SYMBOL,
        ..Section::default()
    });
    sections.push(Section {
        name: named(".strtab")?,
        kind: SHT_STRTAB,
        offset: append(&mut out, &strings.0),
        size: strings.0.len() as u64,
        align: 1,
        ..Section::default()
    });
    let shstrtab = named(".shstrtab")?;
    let debug_frame = named(".debug_frame")?;
    sections.push(Section {
        name: shstrtab,
        kind: SHT_STRTAB,
        offset: append(&mut out, &names.0),
        size: names.0.len() as u64,
        align: 1,
        ..Section::default()
    });
    if let Some(unwind) = description.unwind() {
        let frames = cfi::debug_frame(unwind, description.base(), description.size())
            .ok_or_else(|| ObjectError::Unwind { name: name() })?;
        sections.push(Section {
            name: debug_frame,
            kind: SHT_PROGBITS,
            offset: append(&mut out, &frames),
            size: frames.len() as u64,
            align: 8,
            ..Section::default()
        });
    }
    let headers = append(&mut out, &[]);
    let count = sections.len() as u16;
    for section in sections {
        section.write(&mut out);
    }
    let machine = arch::of(description.target().arch).elf_machine();
    let header = header(machine, headers, count);
    out.splice(..usize::from(HEADER), header);
    Ok(out)
}

/// Appends bytes at a multiple of 8 and returns their offset.
fn append(out: &mut Vec<u8>, bytes: &[u8]) -> u64 {
    out.resize(out.len().next_multiple_of(8), 0);
    let offset = out.len() as u64;
    out.extend(bytes);
    offset
}

/// Returns an `Elf64_Sym` for each symbol, after the null symbol, and their names.
fn symbols(symbols: &[Symbol]) -> Option<(Vec<u8>, Strings)> {
    let mut strings = Strings::new();
    let mut out = vec![0; SYMBOL as usize];
    for symbol in symbols {
        out.extend(strings.add(&symbol.name)?.to_le_bytes());
        out.push(STB_GLOBAL_STT_FUNC);
        out.push(0); // default visibility
        out.extend(TEXT.to_le_bytes());
        // In a relocatable object, values count from the start of the section.
        out.extend(symbol.offset.to_le_bytes());
        out.extend(symbol.size.to_le_bytes());
    }
    Some((out, strings))
}

/// Returns the `Elf64_Ehdr`.
fn header(machine: u16, section_headers: u64, count: u16) -> Vec<u8> {
    // 64 bits, little-endian, version 1, System V.
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(ET_REL.to_le_bytes());
    out.extend(machine.to_le_bytes());
    out.extend(1_u32.to_le_bytes()); // version
    out.extend(0_u64.to_le_bytes()); // entry
    out.extend(0_u64.to_le_bytes()); // program headers
    out.extend(section_headers.to_le_bytes());
    out.extend(0_u32.to_le_bytes()); // flags
    for half in [HEADER, 0, 0, SECTION_HEADER, count, SHSTRTAB] {
        out.extend(half.to_le_bytes());
    }
    out
}
