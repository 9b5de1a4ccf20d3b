//! Reads the JSON of ELF objects.

use std::collections::HashMap;

use serde::Deserialize;

use super::json::{Flags, Named, SectionData, Wrapped, bad, data, kind_or_name, symbol_or_dash};
use crate::entry::{self, Form, Patched};
use crate::section_kind::{self, ElfRole};
use crate::{ObjectError, ObjectFormat, Relocation, Section, SectionKind, Symbol};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ElfSection {
    index: usize,
    name: Named,
    #[serde(rename = "Type")]
    kind: Named,
    flags: Flags,
    size: u64,
    info: usize,
    address_alignment: u64,
    relocations: Vec<WrappedRelocation>,
    symbols: Vec<WrappedSymbol>,
    section_data: Option<SectionData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedRelocation {
    relocation: ElfRelocation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ElfRelocation {
    offset: u64,
    #[serde(rename = "Type")]
    kind: Named,
    symbol: Named,
    /// LLVM prints negative addends as unsigned numbers.
    addend: Option<i128>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedSymbol {
    symbol: ElfSymbol,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ElfSymbol {
    name: Named,
    value: u64,
}

pub(super) fn read(wrapped: Vec<Wrapped<ElfSection>>) -> Result<Vec<Section>, ObjectError> {
    let mut sections = Vec::new();
    // The index in `sections` of each section that is code or data, by its index in the file.
    let mut positions = HashMap::new();
    let mut patches = Vec::new();
    for Wrapped { section } in wrapped {
        let role = section_kind::elf(
            &section.kind.name,
            section.flags.contains("SHF_ALLOC"),
            section.flags.contains("SHF_EXECINSTR"),
            section.size,
        );
        match role {
            ElfRole::Null => {}
            ElfRole::Rela | ElfRole::Rel => patches.push((role, section)),
            ElfRole::Unsupported => return Err(unsupported(section)),
            ElfRole::Contents(kind) => {
                let name = section.name.name;
                let (alignment, data, symbols) = if kind == SectionKind::Metadata {
                    (1, Vec::new(), Vec::new())
                } else {
                    positions.insert(section.index, sections.len());
                    let alignment = entry::alignment(&name, section.address_alignment)?;
                    let data = data(&name, section.section_data, section.size)?;
                    (
                        alignment,
                        data,
                        section.symbols.into_iter().map(symbol).collect(),
                    )
                };
                let writable = section.flags.contains("SHF_WRITE")
                    && kind != SectionKind::Metadata
                    && !section_kind::is_written_once(&name);
                sections.push(Section {
                    index: section.index,
                    name,
                    kind,
                    address: 0,
                    writable,
                    alignment,
                    data,
                    symbols,
                    relocations: Vec::new(),
                });
            }
        }
    }
    for (role, patch) in patches {
        let Some(section) = positions
            .get(&patch.info)
            .and_then(|&position| sections.get_mut(position))
        else {
            continue;
        };
        if role == ElfRole::Rel {
            return Err(unsupported(patch));
        }
        let patched = Patched {
            name: &section.name,
            data: &section.data,
        };
        let mut relocations = patch
            .relocations
            .into_iter()
            .map(|wrapped| relocation(patched, wrapped.relocation))
            .collect::<Result<Vec<_>, _>>()?;
        section.relocations.append(&mut relocations);
    }
    Ok(sections)
}

fn unsupported(section: ElfSection) -> ObjectError {
    let kind = section.kind;
    ObjectError::UnsupportedSection {
        section: section.name.name,
        index: section.index,
        kind: if kind.name.starts_with("SHT_") {
            kind.name
        } else {
            format!("{:#x}", kind.value)
        },
    }
}

fn symbol(wrapped: WrappedSymbol) -> Symbol {
    Symbol {
        name: wrapped.symbol.name.name,
        value: wrapped.symbol.value,
    }
}

fn relocation(patched: Patched<'_>, entry: ElfRelocation) -> Result<Relocation, ObjectError> {
    let symbol = symbol_or_dash(entry.symbol.name);
    let kind = kind_or_name(ObjectFormat::Elf, &entry.kind)
        .map_err(|name| patched.unsupported(name, &symbol, entry.offset))?;
    let addend = entry
        .addend
        .and_then(|addend| {
            let signed = i64::try_from(addend).ok();
            signed.or_else(|| u64::try_from(addend).ok().map(u64::cast_signed))
        })
        .ok_or_else(|| bad(format!("{kind} has no 64-bit addend")))?;
    patched.relocation(entry.offset, kind, symbol, Form::WithAddend(addend))
}
