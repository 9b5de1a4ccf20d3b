//! Adds Mach-O sections, which keep their distances. Code comes first, and the offsets of data count
//! from the end of the code.

use jit_schema::Section;

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
    // The number is that in the file, which counts from 1.
    let name = layout.unmangle(&section.name);
    let name = format!("{name}#{}", section.index + 1);
    layout.symbols.insert(name, place(offset_from(start, 0)));
    layout.stencil(part).body.resize(start, 0);
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = offset_from(start, symbol.value.wrapping_sub(section.address));
        layout.symbols.insert(name, place(offset));
    }
    layout.append(part, section, value)
}
