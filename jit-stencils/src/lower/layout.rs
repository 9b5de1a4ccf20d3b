//! The stencils of an object while its sections are being added, and the values of its relocations.

use indexmap::IndexMap;
use jit_schema::relocation::Reach;
use jit_schema::{Relocation, Section};

use super::error::LowerError;
use crate::unresolved::{UnresolvedHole, named, symbol_to_value};
use crate::{HoleValue, Part, Place, Stencil};

/// Symbols in the order of their first definition, which is the order labels are handled in.
pub(super) type Symbols = IndexMap<String, Place>;

/// The stencils of an object while its sections are being added.
pub(super) struct Layout {
    /// What C symbols are mangled with.
    prefix: &'static str,
    pub(super) code: Stencil<UnresolvedHole>,
    pub(super) data: Stencil<UnresolvedHole>,
    pub(super) symbols: Symbols,
}

impl Layout {
    pub(super) fn new(prefix: &'static str) -> Layout {
        Layout {
            prefix,
            code: Stencil::default(),
            data: Stencil::default(),
            symbols: Symbols::new(),
        }
    }

    pub(super) fn stencil(&mut self, part: Part) -> &mut Stencil<UnresolvedHole> {
        match part {
            Part::Code => &mut self.code,
            Part::Data => &mut self.data,
        }
    }

    /// The C name of a symbol.
    pub(super) fn unmangle<'a>(&self, symbol: &'a str) -> &'a str {
        symbol.strip_prefix(self.prefix).unwrap_or(symbol)
    }

    /// Append the section's bytes and turn its relocations into holes.
    pub(super) fn append(
        &mut self,
        part: Part,
        section: &Section,
        value: impl Fn(&Layout, &Relocation) -> (HoleValue, Option<String>),
    ) -> Result<(), LowerError> {
        let mut holes = Vec::with_capacity(section.relocations.len());
        let base = self.stencil(part).body.len();
        for relocation in &section.relocations {
            let offset = field_offset(section, relocation)?;
            let (hole_base, symbol) = value(self, relocation);
            holes.push(UnresolvedHole::new(
                base + offset,
                relocation.kind,
                hole_base,
                symbol,
                relocation.addend,
            ));
        }
        let stencil = self.stencil(part);
        stencil.body.extend_from_slice(&section.data);
        stencil.holes.append(&mut holes);
        Ok(())
    }
}

/// The relocation's offset, if its field is within the section.
fn field_offset(section: &Section, relocation: &Relocation) -> Result<usize, LowerError> {
    let width = relocation.kind.row().width;
    usize::try_from(relocation.offset)
        .ok()
        .filter(|offset| {
            offset
                .checked_add(width)
                .is_some_and(|end| end <= section.data.len())
        })
        .ok_or_else(|| LowerError::OutOfBounds {
            kind: relocation.kind,
            symbol: relocation.symbol.clone(),
            section: section.name.clone(),
            offset: relocation.offset,
            size: section.data.len(),
        })
}

/// Returns the value of a relocation in a format whose relocations say whether they refer to a
/// symbol or to its slot in the GOT.
pub(super) fn value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    match relocation.kind.row().reach {
        Reach::Got => got_value(layout, relocation),
        Reach::Direct | Reach::Import { .. } | Reach::Branch { .. } => {
            plain_value(layout, relocation)
        }
    }
}

/// The value of a relocation whose symbol may be one of the template's own.
pub(super) fn plain_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    symbol_to_value(layout.unmangle(&relocation.symbol))
}

/// The value of a relocation that refers to the symbol's slot in the GOT.
pub(super) fn got_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    let symbol = layout.unmangle(&relocation.symbol);
    (HoleValue::Got, named(symbol))
}

/// A place `value` bytes (taken modulo 2^64) from `base`.
pub(super) fn offset_from(base: usize, value: u64) -> i64 {
    (base as u64).wrapping_add(value).cast_signed()
}
