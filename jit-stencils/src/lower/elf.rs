//! Adds ELF sections, which are concatenated in file order.

use jit_schema::Section;

use super::error::LowerError;
use super::layout::{Layout, offset_from, value};
use crate::{Part, Place};

pub(super) fn add_section(
    layout: &mut Layout,
    part: Part,
    section: &Section,
) -> Result<(), LowerError> {
    let base = layout.start(part, section)?;
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = offset_from(base, symbol.value);
        layout.symbols.insert(name, Place { part, offset });
    }
    layout.append(part, section, value)
}
