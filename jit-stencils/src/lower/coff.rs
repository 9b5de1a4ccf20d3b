//! Adds COFF sections, which are concatenated in file order. Comdat sections can define one symbol
//! several times: the first definition is used.

use jit_schema::Section;

use super::error::LowerError;
use super::layout::{Layout, offset_from, plain_value};
use crate::unresolved::named;
use crate::{HoleValue, Part, Place};

/// The prefix of a symbol that is imported from a DLL.
pub(super) const DLLIMPORT: &str = "__imp_";

pub(super) fn add_section(
    layout: &mut Layout,
    part: Part,
    section: &Section,
) -> Result<(), LowerError> {
    let base = layout.start(part, section)?;
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = offset_from(base, symbol.value);
        layout.symbols.entry(name).or_insert(Place { part, offset });
    }
    layout.append(part, section, |layout, relocation| {
        match relocation.symbol.strip_prefix(DLLIMPORT) {
            Some(symbol) => (HoleValue::Got, named(layout.unmangle(symbol))),
            None => plain_value(layout, relocation),
        }
    })
}
