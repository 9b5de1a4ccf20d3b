//! Mach-O: sections keep their distances. Code comes first; data offsets count from its end.

use jit_schema::Section;

use super::error::LowerError;
use super::layout::{Layout, value};
use crate::{Part, Place};

/// The largest gap between sections: clang aligns none by more than a page of arm64 macOS.
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
    // Symbols, and other sections' distances to this one, only hold if it ends up at its address:
    // code behind data, or sections that overlap, would not.
    let gap = section
        .address
        .checked_sub((code + data) as u64)
        .filter(|gap| *gap < MAX_GAP && (part == Part::Data || data == 0))
        .and_then(|gap| usize::try_from(gap).ok())
        .ok_or_else(wrong_address)?;
    let name = layout.unmangle(&section.name).to_owned();
    let (start, section_offset) = match part {
        Part::Code => (0, section.address.cast_signed()),
        // Upstream's, and not right, but the headers have to be the same: x86_64's references to
        // literals name the section and have the distance from the instruction in place, which is
        // taken for an offset from here.
        Part::Data => (code as u64, code as i64),
    };
    let place = |offset| Place { part, offset };
    layout.symbols.insert(name, place(section_offset));
    let body = &mut layout.stencil(part).body;
    body.resize(body.len() + gap, 0);
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = symbol.value.wrapping_sub(start).cast_signed();
        layout.symbols.insert(name, place(offset));
    }
    layout.append(part, section, value)
}
