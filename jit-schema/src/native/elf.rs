//! Reads 64-bit little-endian ELF objects.

use object::LittleEndian as LE;
use object::elf::{
    self, ET_REL, FileHeader64, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_SYMTAB, STT_SECTION, Sym64,
};
use object::read::SymbolIndex;
use object::read::elf::{
    FileHeader as _, Rela as _, SectionHeader as _, SectionTable, Sym as _, SymbolTable,
};

use super::allowance::Allowance;
use super::number::{kind_or_name, machine};
use crate::entry::{self, Form, Patched, malformed, section_symbol};
use crate::section_kind::{self, ElfRole};
use crate::{
    Machine, ObjectError, ObjectFile, ObjectFormat, Relocation, RelocationKind, Section,
    SectionKind, Symbol,
};

const FILE: &str = "ELF object";
type Header = FileHeader64<LE>;

fn bad(detail: impl ToString) -> ObjectError {
    malformed(FILE.to_owned(), detail)
}

pub(super) fn read(bytes: &[u8], ignored: &[&str]) -> Result<ObjectFile, ObjectError> {
    let header = Header::parse(bytes).map_err(bad)?;
    header.endian().map_err(bad)?;
    if header.e_type(LE) != ET_REL {
        return Err(bad("it is linked: compile with -c"));
    }
    let machine = machine(ObjectFormat::Elf, header.e_machine(LE).0.into()).map_err(bad)?;
    let sections = header.sections(LE, bytes).map_err(bad)?;
    let symbols = sections.symbols(LE, bytes, SHT_SYMTAB).map_err(bad)?;
    let mut reader = Reader {
        bytes,
        names: elf::machine_names(header.e_machine(LE)),
        machine,
        sections,
        symbols,
        allowance: Allowance::new(bytes.len(), FILE),
        read: Vec::new(),
        positions: Vec::new(),
    };
    reader.sections(ignored)?;
    reader.symbols()?;
    reader.relocations()?;
    Ok(ObjectFile {
        format: ObjectFormat::Elf,
        sections: reader.read,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    names: &'static elf::Names,
    machine: Machine,
    sections: SectionTable<'a, Header>,
    symbols: SymbolTable<'a, Header>,
    allowance: Allowance,
    read: Vec<Section>,
    /// For each section header, the index in `read` of the section if it is code or data.
    positions: Vec<Option<usize>>,
}

impl Reader<'_> {
    fn type_name(&self, section_type: elf::SectionType) -> String {
        match self.names.sht.name(section_type) {
            Some(name) => name.to_owned(),
            // The `object` crate does not have this one.
            None if section_type.0 == 0x6fff_4c03 => "SHT_LLVM_ADDRSIG".to_owned(),
            None if section_type.0 == 0x6fff_4c09 => "SHT_LLVM_CALL_GRAPH_PROFILE".to_owned(),
            None => format!("{:#x}", section_type.0),
        }
    }

    fn sections(&mut self, ignored: &[&str]) -> Result<(), ObjectError> {
        for (index, header) in self.sections.enumerate() {
            let name = self.sections.section_name(LE, header).map_err(bad)?;
            let name = self.allowance.name("section name", name)?;
            let data = header
                .data(LE, self.bytes)
                .map_err(|error| malformed(format!("section {name}"), error))?;
            let kind = self.type_name(header.sh_type(LE));
            let flags = header.sh_flags(LE);
            let mut position = None;
            let role = if ignored.contains(&name.as_str()) {
                ElfRole::Contents(SectionKind::Metadata)
            } else {
                section_kind::elf(
                    &kind,
                    flags.contains(SHF_ALLOC),
                    flags.contains(SHF_EXECINSTR),
                    header.sh_size(LE),
                )
            };
            match role {
                ElfRole::Null | ElfRole::Rela | ElfRole::Rel => {}
                ElfRole::Unsupported => {
                    return Err(ObjectError::UnsupportedSection {
                        section: name,
                        index: index.0,
                        kind,
                    });
                }
                ElfRole::Contents(kind) => {
                    let (alignment, data) = if kind == SectionKind::Metadata {
                        (1, Vec::new())
                    } else {
                        position = Some(self.read.len());
                        let alignment = entry::alignment(&name, header.sh_addralign(LE))?;
                        (alignment, self.allowance.copy(data)?)
                    };
                    let writable = flags.contains(SHF_WRITE)
                        && kind != SectionKind::Metadata
                        && !section_kind::is_written_once(&name);
                    self.read.push(Section {
                        index: index.0,
                        name,
                        kind,
                        address: 0,
                        writable,
                        alignment,
                        data,
                        symbols: Vec::new(),
                        relocations: Vec::new(),
                    });
                }
            }
            self.positions.push(position);
        }
        Ok(())
    }

    fn symbols(&mut self) -> Result<(), ObjectError> {
        for (index, symbol) in self.symbols.enumerate().skip(1) {
            let Some(section) = self
                .symbols
                .symbol_section(LE, symbol, index)
                .map_err(bad)?
            else {
                continue;
            };
            let position = *self.positions.get(section.0).ok_or_else(|| {
                bad(format!(
                    "symbol {} is in section {}, which does not exist",
                    index.0, section.0
                ))
            })?;
            let Some(section) = position.and_then(|position| self.read.get_mut(position)) else {
                continue;
            };
            let name = self.symbols.symbol_name(LE, symbol).map_err(bad)?;
            let name = if name.is_empty() && symbol.st_type() == STT_SECTION {
                section.name.clone()
            } else {
                self.allowance.name("symbol name", name)?
            };
            section.symbols.push(Symbol {
                name,
                value: symbol.st_value(LE),
            });
        }
        Ok(())
    }

    fn relocations(&mut self) -> Result<(), ObjectError> {
        for (index, header) in self.sections.enumerate() {
            let kind = self.type_name(header.sh_type(LE));
            let role = section_kind::elf(&kind, false, false, 0);
            if role != ElfRole::Rela && role != ElfRole::Rel {
                continue;
            }
            let target = header.sh_info(LE);
            let position = usize::try_from(target)
                .ok()
                .and_then(|target| self.positions.get(target))
                .ok_or_else(|| {
                    bad(format!(
                        "relocation section {} is for section {target}, which does not exist",
                        index.0
                    ))
                })?;
            let &Some(position) = position else {
                continue;
            };
            let name = self.sections.section_name(LE, header).map_err(bad)?;
            if role == ElfRole::Rel {
                return Err(ObjectError::UnsupportedSection {
                    section: self.allowance.name("section name", name)?,
                    index: index.0,
                    kind,
                });
            }
            let relocations = self.relocations_of(index.0, header, position)?;
            if let Some(section) = self.read.get_mut(position) {
                section.relocations.extend(relocations);
            }
        }
        Ok(())
    }

    fn relocations_of(
        &mut self,
        index: usize,
        header: &elf::SectionHeader64<LE>,
        position: usize,
    ) -> Result<Vec<Relocation>, ObjectError> {
        let bad_section = |detail: &str| bad(format!("relocation section {index}: {detail}"));
        let (entries, link) = header
            .rela(LE, self.bytes)
            .map_err(|error| bad_section(&error.to_string()))?
            .ok_or_else(|| bad_section("of another type"))?;
        if link != self.symbols.section() {
            return Err(bad_section("does not refer to the symbol table"));
        }
        let mut referenced = Vec::new();
        let Some(section) = self.read.get(position) else {
            return Ok(Vec::new());
        };
        let patched = Patched {
            name: &section.name,
            data: &section.data,
        };
        let mut relocations = self.allowance.relocations(entries.len())?;
        for entry in entries {
            let offset = entry.r_offset(LE);
            let symbol = match entry.symbol(LE, false) {
                Some(index) => match self.ambiguous_section(index)? {
                    Some((section, name)) => {
                        self.allowance.spend(name.len())?;
                        referenced.push((section, name.clone()));
                        name
                    }
                    None => symbol_name(&self.sections, &self.symbols, &mut self.allowance, index)?,
                },
                None => String::new(),
            };
            let code = entry.r_type(LE, false);
            let kind = kind_or_name(
                RelocationKind::from_number(self.machine, code.0),
                self.names.r.name(code),
                code.0,
            )
            .map_err(|name| patched.unsupported(name, &symbol, offset))?;
            let form = Form::WithAddend(entry.r_addend(LE));
            relocations.push(patched.relocation(offset, kind, symbol, form)?);
        }
        for (index, name) in referenced {
            let section = self.read.iter_mut().find(|section| section.index == index);
            if let Some(section) = section
                && !section.symbols.iter().any(|symbol| symbol.name == name)
            {
                section.symbols.push(Symbol { name, value: 0 });
            }
        }
        Ok(relocations)
    }

    /// Returns the number of the section that a section symbol stands for, and what it is called here,
    /// if there are others of its name.
    fn ambiguous_section(
        &self,
        index: SymbolIndex,
    ) -> Result<Option<(usize, String)>, ObjectError> {
        let symbol: &Sym64<LE> = self
            .symbols
            .symbol(index)
            .map_err(|error| bad(format!("{error}: {}", index.0)))?;
        if symbol.st_type() != STT_SECTION {
            return Ok(None);
        }
        let number = self
            .symbols
            .symbol_section(LE, symbol, index)
            .map_err(bad)?;
        let section = number
            .and_then(|number| self.positions.get(number.0).copied().flatten())
            .and_then(|position| self.read.get(position));
        let Some(section) = section else {
            return Ok(None);
        };
        let named =
            |other: &&Section| other.name == section.name && other.kind != SectionKind::Metadata;
        let is_one_of_several = self.read.iter().filter(named).count() > 1;
        let name = || section_symbol(&section.name, section.index);
        Ok(is_one_of_several.then(|| (section.index, name())))
    }
}

/// Returns the name of a symbol. Like in llvm-readobj's output, a section symbol has the name of its
/// section.
fn symbol_name(
    sections: &SectionTable<'_, Header>,
    symbols: &SymbolTable<'_, Header>,
    allowance: &mut Allowance,
    index: SymbolIndex,
) -> Result<String, ObjectError> {
    let symbol: &Sym64<LE> = symbols
        .symbol(index)
        .map_err(|error| bad(format!("{error}: {}", index.0)))?;
    let name = if symbol.st_type() == STT_SECTION
        && let Some(section) = symbols.symbol_section(LE, symbol, index).map_err(bad)?
    {
        let section = sections.section(section).map_err(bad)?;
        sections.section_name(LE, section).map_err(bad)?
    } else {
        symbols.symbol_name(LE, symbol).map_err(bad)?
    };
    allowance.name("symbol name", name)
}
