//! Reads the JSON of COFF objects.

use serde::Deserialize;

use super::json::{
    BinaryName, Flags, Named, SectionData, Wrapped, data, kind_or_name, symbol_or_dash,
};
use crate::entry::{self, Form, Patched};
use crate::section_kind;
use crate::{ObjectError, ObjectFormat, Relocation, Section, SectionKind, Symbol};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CoffSection {
    number: usize,
    name: BinaryName,
    raw_data_size: u64,
    characteristics: Flags,
    relocations: Vec<WrappedRelocation>,
    symbols: Vec<WrappedSymbol>,
    /// Missing for uninitialized data.
    section_data: Option<SectionData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedRelocation {
    relocation: CoffRelocation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CoffRelocation {
    offset: u64,
    #[serde(rename = "Type")]
    kind: Named,
    symbol: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedSymbol {
    symbol: CoffSymbol,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CoffSymbol {
    name: String,
    value: u64,
}

pub(super) fn read(wrapped: Vec<Wrapped<CoffSection>>) -> Result<Vec<Section>, ObjectError> {
    let mut zeros = 0;
    wrapped
        .into_iter()
        .map(|wrapped| section(wrapped.section, &mut zeros))
        .collect()
}

fn section(section: CoffSection, zeros: &mut u64) -> Result<Section, ObjectError> {
    let name = section.name.value;
    let kind = section_kind::coff(
        &name,
        section.characteristics.contains("IMAGE_SCN_MEM_EXECUTE"),
        section.characteristics.contains("IMAGE_SCN_MEM_READ"),
    )
    .map_err(|kind| ObjectError::UnsupportedSection {
        section: name.clone(),
        index: section.number,
        kind: kind.to_owned(),
    })?;
    let mut read = Section {
        index: section.number,
        name,
        kind,
        address: 0,
        writable: kind == SectionKind::Data
            && section.characteristics.contains("IMAGE_SCN_MEM_WRITE"),
        alignment: 1,
        data: Vec::new(),
        symbols: Vec::new(),
        relocations: Vec::new(),
    };
    if kind == SectionKind::Metadata {
        return Ok(read);
    }
    // Bits 20 to 23 of the characteristics are the logarithm plus 1, and 0 stands for 16 bytes.
    let exponent = (section.characteristics.value >> 20) & 15;
    read.alignment = 1 << exponent.checked_sub(1).unwrap_or(4);
    let uninitialized = section
        .characteristics
        .contains("IMAGE_SCN_CNT_UNINITIALIZED_DATA");
    read.data = if uninitialized {
        entry::zeros(&read.name, section.raw_data_size, zeros)?
    } else {
        data(&read.name, section.section_data, section.raw_data_size)?
    };
    read.symbols = section
        .symbols
        .into_iter()
        .map(|wrapped| Symbol {
            name: wrapped.symbol.name,
            value: wrapped.symbol.value,
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

fn relocation(patched: Patched<'_>, entry: CoffRelocation) -> Result<Relocation, ObjectError> {
    let symbol = symbol_or_dash(entry.symbol);
    let kind = kind_or_name(ObjectFormat::Coff, &entry.kind)
        .map_err(|name| patched.unsupported(name, &symbol, entry.offset))?;
    patched.relocation(entry.offset, kind, symbol, Form::BARE)
}
