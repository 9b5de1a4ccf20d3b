//! Reads COFF objects, but not the `/bigobj` variant.

use object::LittleEndian as LE;
use object::pe::{
    self, IMAGE_SCN_CNT_UNINITIALIZED_DATA, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ,
    IMAGE_SCN_MEM_WRITE, ImageFileHeader, ImageSectionHeader, ImageSymbol,
};
use object::read::SymbolIndex;
use object::read::coff::{CoffHeader as _, SectionTable, Symbol as _, SymbolTable};

use super::Choices;
use super::allowance::Allowance;
use super::number::{kind_or_name, machine};
use crate::entry::{self, Form, Patched, malformed, section_symbol};
use crate::section_kind;
use crate::{
    Machine, ObjectError, ObjectFile, ObjectFormat, Relocation, RelocationKind, Section,
    SectionKind, Symbol,
};

const FILE: &str = "COFF object";

fn bad(detail: impl ToString) -> ObjectError {
    malformed(FILE.to_owned(), detail)
}

pub(super) fn read(bytes: &[u8], choices: Choices<'_>) -> Result<ObjectFile, ObjectError> {
    let mut offset = 0;
    let header = ImageFileHeader::parse(bytes, &mut offset).map_err(bad)?;
    let machine = machine(ObjectFormat::Coff, header.machine().0.into()).map_err(bad)?;
    let sections = header.sections(bytes, offset).map_err(bad)?;
    let symbols = header.symbols(bytes).map_err(bad)?;
    let mut reader = Reader {
        bytes,
        names: pe::machine_names(header.machine()),
        machine,
        sections,
        symbol_at: symbols_by_index(&symbols)?,
        symbols,
        allowance: Allowance::new(bytes.len(), FILE),
        read: Vec::new(),
    };
    reader.sections(choices)?;
    reader.symbols()?;
    reader.relocations()?;
    Ok(ObjectFile {
        format: ObjectFormat::Coff,
        sections: reader.read,
    })
}

/// Returns the symbol at each index of the table, and `None` for auxiliary records.
fn symbols_by_index<'a>(
    table: &SymbolTable<'a>,
) -> Result<Vec<Option<&'a ImageSymbol>>, ObjectError> {
    let mut symbols = vec![None; table.len()];
    let mut index = 0;
    while let Some(slot) = symbols.get_mut(index) {
        let symbol = table.symbol(SymbolIndex(index)).map_err(bad)?;
        *slot = Some(symbol);
        index += 1 + usize::from(symbol.number_of_aux_symbols());
    }
    if index == symbols.len() {
        Ok(symbols)
    } else {
        Err(bad("the symbol table ends within auxiliary records"))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    names: &'static pe::Names,
    machine: Machine,
    sections: SectionTable<'a>,
    symbols: SymbolTable<'a>,
    symbol_at: Vec<Option<&'a ImageSymbol>>,
    allowance: Allowance,
    /// What was read of each of `sections`.
    read: Vec<Section>,
}

impl<'a> Reader<'a> {
    fn sections(&mut self, choices: Choices<'_>) -> Result<(), ObjectError> {
        let mut zeros = 0;
        for (index, header) in self.sections.enumerate() {
            let name = header.name(self.symbols.strings()).map_err(bad)?;
            let name = self.allowance.name("section name", name)?;
            let flags = header.characteristics.get(LE);
            let size = header.size_of_raw_data.get(LE);
            let outside = |detail: &str| malformed(format!("section {name}"), detail);
            let data = header
                .coff_data(self.bytes)
                .map_err(|()| outside("its data reach past the end of the file"))?;
            let uninitialized = flags.contains(IMAGE_SCN_CNT_UNINITIALIZED_DATA);
            if !uninitialized && size > 0 && header.pointer_to_raw_data.get(LE) == 0 {
                return Err(outside("it has a size but no data"));
            }
            let kind = if choices.ignored.contains(&name.as_str()) {
                SectionKind::Metadata
            } else if choices.debug_is_data && name == section_kind::COFF_DEBUG {
                SectionKind::Data
            } else {
                section_kind::coff(
                    &name,
                    flags.contains(IMAGE_SCN_MEM_EXECUTE),
                    flags.contains(IMAGE_SCN_MEM_READ),
                )
                .map_err(|kind| ObjectError::UnsupportedSection {
                    section: name.clone(),
                    index: index.0,
                    kind: kind.to_owned(),
                })?
            };
            let data = match kind {
                SectionKind::Metadata => Vec::new(),
                _ if uninitialized => entry::zeros(&name, size.into(), &mut zeros)?,
                _ => self.allowance.copy(data)?,
            };
            self.read.push(Section {
                index: index.0,
                name,
                kind,
                address: 0,
                writable: flags.contains(IMAGE_SCN_MEM_WRITE) && kind == SectionKind::Data,
                alignment: match kind {
                    SectionKind::Metadata => 1,
                    SectionKind::Code | SectionKind::Data => header.coff_alignment(),
                },
                data,
                symbols: Vec::new(),
                relocations: Vec::new(),
            });
        }
        Ok(())
    }

    fn symbols(&mut self) -> Result<(), ObjectError> {
        for (index, symbol) in self.symbol_at.iter().enumerate() {
            let Some(symbol) = symbol else { continue };
            let definition = self.definition(index, symbol)?;
            let Some(section) = definition.section() else {
                continue;
            };
            let section = section
                .0
                .checked_sub(1)
                .and_then(|section| self.read.get_mut(section))
                .ok_or_else(|| {
                    bad(format!(
                        "symbol {index} is in section {}, which does not exist",
                        section.0
                    ))
                })?;
            if section.kind == SectionKind::Metadata {
                continue;
            }
            let name = symbol.name(self.symbols.strings()).map_err(bad)?;
            section.symbols.push(Symbol {
                name: self.allowance.name("symbol name", name)?,
                value: definition.value().into(),
            });
        }
        Ok(())
    }

    /// Returns the symbol at whose place a symbol is: the definition of a weak one, and otherwise the
    /// symbol itself. No other object has a stronger definition.
    fn definition(
        &self,
        index: usize,
        symbol: &'a ImageSymbol,
    ) -> Result<&'a ImageSymbol, ObjectError> {
        if !symbol.has_aux_weak_external() {
            return Ok(symbol);
        }
        let auxiliary = self.symbols.aux_weak_external(SymbolIndex(index));
        let definition = auxiliary.map_err(bad)?.default_symbol().0;
        let known = self.symbol_at.get(definition).copied().flatten();
        known.ok_or_else(|| bad(format!("there is no symbol {definition}")))
    }

    fn relocations(&mut self) -> Result<(), ObjectError> {
        for (position, header) in self.sections.iter().enumerate() {
            let relocations = self.relocations_of(position, header)?;
            if let Some(section) = self.read.get_mut(position) {
                section.relocations = relocations;
            }
        }
        Ok(())
    }

    fn relocations_of(
        &mut self,
        position: usize,
        header: &ImageSectionHeader,
    ) -> Result<Vec<Relocation>, ObjectError> {
        let section = match self.read.get(position) {
            Some(section) if section.kind != SectionKind::Metadata => section,
            _ => return Ok(Vec::new()),
        };
        let patched = Patched {
            name: &section.name,
            data: &section.data,
        };
        let entries = header
            .coff_relocations(self.bytes)
            .map_err(|error| malformed(format!("section {}", section.name), error))?;
        let mut relocations = self.allowance.relocations(entries.len())?;
        let mut referenced = Vec::new();
        for entry in entries {
            let offset = u64::from(entry.virtual_address.get(LE));
            let index = entry.symbol_table_index.get(LE);
            let symbol = usize::try_from(index)
                .ok()
                .and_then(|index| *self.symbol_at.get(index)?)
                .ok_or_else(|| bad(format!("there is no symbol {index}")))?;
            let name = symbol.name(self.symbols.strings()).map_err(bad)?;
            let mut name = self.allowance.name("symbol name", name)?;
            if let Some(section) = ambiguous_section(&self.read, symbol, &name) {
                name = section_symbol(&name, section);
                self.allowance.spend(name.len())?;
                referenced.push((section, name.clone()));
            }
            let symbol = name;
            let code = entry.typ.get(LE);
            let name = self.names.rel.name(code);
            let kind = kind_or_name(
                RelocationKind::from_number(self.machine, code.0.into()),
                name.and_then(|(matched, name)| (matched == code).then_some(name)),
                code.0.into(),
            )
            .map_err(|name| patched.unsupported(name, &symbol, offset))?;
            relocations.push(patched.relocation(offset, kind, symbol, Form::BARE)?);
        }
        for (number, name) in referenced {
            let section = self.read.iter_mut().find(|section| section.index == number);
            if let Some(section) = section
                && !section.symbols.iter().any(|symbol| symbol.name == name)
            {
                section.symbols.push(Symbol { name, value: 0 });
            }
        }
        Ok(relocations)
    }
}

/// Returns the number of the section that a symbol stands for if it stands for a section and there are
/// others of that name: each constant and string of its own has a section `.rdata`.
fn ambiguous_section(sections: &[Section], symbol: &ImageSymbol, name: &str) -> Option<usize> {
    if symbol.storage_class() != pe::IMAGE_SYM_CLASS_STATIC
        || symbol.number_of_aux_symbols() == 0
        || symbol.value() != 0
    {
        return None;
    }
    let number = symbol.section()?.0;
    let named = |section: &&Section| section.name == name && section.kind != SectionKind::Metadata;
    let same = sections.iter().filter(named);
    let is_one = same.clone().any(|section| section.index == number);
    (is_one && same.count() > 1).then_some(number)
}
