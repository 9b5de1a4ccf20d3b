//! ELF: sections are concatenated in file order.

use jit_schema::{RelocationKind, Section};

use super::{Layout, LowerError, got_value, offset_from, plain_value};
use crate::{Part, Place};

pub(super) fn add_section(
    layout: &mut Layout,
    part: Part,
    section: &Section,
) -> Result<(), LowerError> {
    let base = layout.stencil(part).body.len();
    for symbol in &section.symbols {
        let name = layout.unmangle(&symbol.name).to_owned();
        let offset = offset_from(base, symbol.value);
        layout.symbols.insert(name, Place { part, offset });
    }
    layout.append(part, section, |layout, relocation| match relocation.kind {
        RelocationKind::RAarch64AdrGotPage
        | RelocationKind::RAarch64Ld64GotLo12Nc
        | RelocationKind::RX86_64Gotpcrelx
        | RelocationKind::RX86_64RexGotpcrelx => got_value(layout, relocation),
        _ => plain_value(layout, relocation),
    })
}
