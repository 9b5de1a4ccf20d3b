//! Reads the JSON of Mach-O objects.

use serde::Deserialize;

use super::json::{
    BinaryName, Flags, Named, SectionData, Wrapped, bad, data, kind_or_name, symbol_or_dash,
};
use crate::entry::{self, Form, Patched};
use crate::section_kind;
use crate::{ObjectError, ObjectFormat, Relocation, Section, SectionKind, Symbol};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MachOSection {
    index: usize,
    name: BinaryName,
    address: u64,
    size: u64,
    alignment: u32,
    #[serde(rename = "Type")]
    kind: Named,
    attributes: Flags,
    relocations: Vec<WrappedRelocation>,
    symbols: Vec<WrappedSymbol>,
    section_data: Option<SectionData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedRelocation {
    relocation: MachORelocation,
}

/// Scattered relocations have a value instead of a symbol or section.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MachORelocation {
    offset: u64,
    length: u8,
    #[serde(rename = "Type")]
    kind: Named,
    symbol: Option<Named>,
    section: Option<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedSymbol {
    symbol: MachOSymbol,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MachOSymbol {
    name: Named,
    #[serde(rename = "Type")]
    kind: Named,
    value: u64,
}

pub(super) fn read(wrapped: Vec<Wrapped<MachOSection>>) -> Result<Vec<Section>, ObjectError> {
    wrapped
        .into_iter()
        .map(|wrapped| section(wrapped.section))
        .collect()
}

fn section(section: MachOSection) -> Result<Section, ObjectError> {
    let name = section.name.value;
    let kind = section_kind::macho(
        section.attributes.contains("Debug"),
        section.attributes.contains("PureInstructions"),
        u8::try_from(section.kind.value)
            .map_err(|_| bad(format!("section {name} has type {}", section.kind.value)))?,
        section.size,
    )
    .map_err(|kind| ObjectError::UnsupportedSection {
        section: name.clone(),
        index: section.index,
        kind: kind.to_owned(),
    })?;
    let mut read = Section {
        index: section.index,
        name,
        kind,
        address: section.address,
        alignment: 1,
        data: Vec::new(),
        symbols: Vec::new(),
        relocations: Vec::new(),
    };
    if kind == SectionKind::Metadata {
        return Ok(read);
    }
    read.alignment = entry::alignment_of_exponent(&read.name, section.alignment)?;
    read.data = data(&read.name, section.section_data, section.size)?;
    read.symbols = section
        .symbols
        .into_iter()
        .map(|wrapped| wrapped.symbol)
        // LLVM prints the whole type byte of symbols for debuggers (stabs).
        .filter(|symbol| symbol.kind.value & 0xe0 == 0)
        .map(|symbol| Symbol {
            name: symbol.name.name,
            value: symbol.value,
        })
        .collect();
    let patched = Patched {
        name: &read.name,
        data: &read.data,
    };
    read.relocations = section
        .relocations
        .into_iter()
        .map(|wrapped| relocation(patched, wrapped.relocation))
        .collect::<Result<_, _>>()?;
    Ok(read)
}

fn relocation(patched: Patched<'_>, entry: MachORelocation) -> Result<Relocation, ObjectError> {
    let of_section = entry.symbol.is_none();
    let Some(target) = entry.symbol.or(entry.section) else {
        let kind = format!("of scattered type {}", entry.kind.value);
        return Err(patched.unsupported(kind, "", entry.offset));
    };
    let symbol = symbol_or_dash(target.name);
    let kind = kind_or_name(ObjectFormat::MachO, &entry.kind)
        .map_err(|name| patched.unsupported(name, &symbol, entry.offset))?;
    patched.macho_width(kind, entry.length, &symbol, entry.offset)?;
    patched.relocation(
        entry.offset,
        kind,
        symbol,
        Form::WithoutAddend { of_section },
    )
}
