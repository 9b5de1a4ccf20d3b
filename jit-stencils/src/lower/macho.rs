//! Adds Mach-O sections, which keep their distances. Code comes first, and the offsets of data count
//! from the end of the code.

use std::collections::{BTreeMap, HashMap};

use jit_schema::{RelocationKind, Section, SectionKind};

use super::error::LowerError;
use super::layout::{Layout, offset_from, value};
use crate::{Part, Place};

/// The largest gap between sections, in bytes: clang aligns none to more than a page of arm64 macOS.
const MAX_GAP: u64 = 0x4000;

pub(super) fn add_section(
    layout: &mut Layout,
    part: Part,
    section: &Section,
) -> Result<(), LowerError> {
    let (code, data) = (layout.code.body.len(), layout.data.body.len());
    let wrong_address = || LowerError::SectionAddress {
        section: section.name.clone(),
        address: section.address,
        code,
        data,
    };
    // The distances between sections are right only if the section ends up at its address. Code after
    // data and sections that overlap would not.
    let gap = section
        .address
        .checked_sub(layout.end)
        .filter(|gap| *gap < MAX_GAP && (part == Part::Data || data == 0))
        .and_then(|gap| usize::try_from(gap).ok())
        .ok_or_else(wrong_address)?;
    layout.end = section.address.saturating_add(section.data.len() as u64);
    // As in CPython's tool, data starts right after the code's last byte. So what is aligned in the
    // object may not be here; where that matters, the gap is another one.
    let mut start = layout.stencil(part).body.len() + gap;
    if part == Part::Data {
        let alignment = layout.demand(section)?;
        if !start.is_multiple_of(alignment) {
            start = data.next_multiple_of(alignment);
        }
    }
    let place = |offset| Place { part, offset };
    let name = numbered(layout.unmangle(&section.name), section);
    layout.symbols.insert(name, place(offset_from(start, 0)));
    layout.stencil(part).body.resize(start, 0);
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = offset_from(start, symbol.value.wrapping_sub(section.address));
        layout.symbols.insert(name, place(offset));
    }
    layout.append(part, section, value)
}

/// Returns the name by which relocations refer to a section. The number is that in the file, which
/// counts from 1.
fn numbered(name: &str, section: &Section) -> String {
    format!("{name}#{}", section.index + 1)
}

/// Returns [`Listing::literal_shifts`](crate::Listing::literal_shifts) for a finished layout.
///
/// CPython's tool adds two numbers to what is in the field. The distance in the object from the end of
/// the field to the section stays in there, though the section is elsewhere in the stencil; and it takes
/// the size of the code for the offset of a section in the data.
pub(super) fn literal_shifts(layout: &Layout, sections: &[Section]) -> BTreeMap<usize, i64> {
    // The first byte of the code is at address 0 of the object.
    let code_size = layout.code.body.len();
    let upstream_start = |section: &Section| match section.kind {
        SectionKind::Code => section.address.cast_signed(),
        SectionKind::Data | SectionKind::Metadata => offset_from(code_size, 0),
    };
    let targets: HashMap<String, (&Section, i64)> = sections
        .iter()
        .filter_map(|section| {
            let place = layout
                .symbols
                .get(&numbered(layout.unmangle(&section.name), section))?;
            let moved = upstream_start(section).wrapping_sub(place.offset);
            Some((numbered(&section.name, section), (section, moved)))
        })
        .collect();
    let mut shifts = BTreeMap::new();
    for section in sections.iter().filter(|s| s.kind == SectionKind::Code) {
        for relocation in &section.relocations {
            if relocation.kind != RelocationKind::X86_64RelocSigned {
                continue;
            }
            let Some((target, moved)) = targets.get(&relocation.symbol) else {
                continue;
            };
            let place = section.address.wrapping_add(relocation.offset);
            let field_end = place.wrapping_add(relocation.kind.row().width as u64);
            let distance = target.address.wrapping_sub(field_end).cast_signed();
            if let Ok(place) = usize::try_from(place) {
                shifts.insert(place, distance.wrapping_add(*moved));
            }
        }
    }
    shifts
}
