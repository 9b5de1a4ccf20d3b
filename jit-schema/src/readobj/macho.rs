//! Reads the JSON of Mach-O objects.

use serde::Deserialize;

use super::json::{
    BinaryName, Flags, Named, SectionData, Wrapped, bad, data, kind_or_name, symbol_or_dash,
};
use crate::entry::{self, Form, Patched, addend_before, section_symbol, signed_addend};
use crate::section_kind;
use crate::{ObjectError, ObjectFormat, Relocation, Section, SectionKind, Symbol};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MachOSection {
    index: usize,
    name: BinaryName,
    segment: BinaryName,
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

/// Returns the sections. Those that relocations refer to are found by number, counted from 1.
pub(super) fn read(wrapped: Vec<Wrapped<MachOSection>>) -> Result<Vec<Section>, ObjectError> {
    let addresses: Vec<u64> = wrapped
        .iter()
        .map(|wrapped| wrapped.section.address)
        .collect();
    wrapped
        .into_iter()
        .map(|wrapped| section(wrapped.section, &addresses))
        .collect()
}

fn section(section: MachOSection, addresses: &[u64]) -> Result<Section, ObjectError> {
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
        name: name.clone(),
        kind,
        address: section.address,
        writable: kind != SectionKind::Metadata
            && section_kind::macho_is_writable(section.segment.value.as_bytes(), &name),
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
    let mut before = None;
    for WrappedRelocation { relocation } in section.relocations {
        if let Some(relocation) =
            read_relocation(patched, read.address, addresses, relocation, &mut before)?
        {
            read.relocations.push(relocation);
        }
    }
    if before.is_some() {
        return Err(bad("the last relocation is an ARM64_RELOC_ADDEND"));
    }
    Ok(read)
}

/// Returns an entry as a relocation, or none if it is an addend of the next one.
fn read_relocation(
    patched: Patched<'_>,
    address: u64,
    addresses: &[u64],
    entry: MachORelocation,
    before: &mut Option<(u64, i64)>,
) -> Result<Option<Relocation>, ObjectError> {
    let of_section = entry.symbol.is_none();
    let Some(target) = entry.symbol.or(entry.section) else {
        let kind = format!("of scattered type {}", entry.kind.value);
        return Err(patched.unsupported(kind, "", entry.offset));
    };
    if entry.kind.name == "ARM64_RELOC_ADDEND" {
        let number = u32::try_from(target.value).map_err(bad)?;
        *before = Some((entry.offset, signed_addend(number)));
        return Ok(None);
    }
    let mut symbol = symbol_or_dash(target.name);
    let mut section_address = None;
    if of_section && !symbol.is_empty() {
        let number = usize::try_from(target.value).map_err(bad)?;
        section_address = number
            .checked_sub(1)
            .and_then(|index| addresses.get(index).copied());
        symbol = section_symbol(&symbol, number);
    }
    let kind = kind_or_name(ObjectFormat::MachO, &entry.kind)
        .map_err(|name| patched.unsupported(name, &symbol, entry.offset))?;
    patched.macho_width(kind, entry.length, &symbol, entry.offset)?;
    let form = Form::WithoutAddend {
        before: addend_before(before.take(), entry.offset)?,
    };
    let mut relocation = patched.relocation(entry.offset, kind, symbol, form)?;
    if let Some(of) = section_address {
        patched.count_from_section(&mut relocation, address, of);
    }
    Ok(Some(relocation))
}
