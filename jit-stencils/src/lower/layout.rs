//! The code and data of an object while its sections are being added.

use indexmap::IndexMap;
use jit_schema::relocation::Reach;
use jit_schema::{Relocation, Section};

use super::error::LowerError;
use crate::unresolved::{UnresolvedHole, named, symbol_to_value};
use crate::{HoleValue, MAX_ALIGNMENT, Part, Place, SLOT_SIZE, Stencil};

/// Symbols in the order of their first definition, in which labels are turned into holes.
pub(super) type Symbols = IndexMap<String, Place>;

/// The stencils of an object while its sections are being added.
pub(super) struct Layout {
    /// The platform's prefix of C symbols.
    prefix: &'static str,
    /// The alignment that the code relies on at most, in bytes.
    relied_on: u64,
    /// Data has the alignment of its section in the object if that is greater than this, in bytes.
    ignored: u64,
    pub(super) data_alignment: usize,
    /// The address at which the last section ends in the object, in a format with addresses.
    pub(super) end: u64,
    pub(super) code: Stencil<UnresolvedHole>,
    pub(super) data: Stencil<UnresolvedHole>,
    pub(super) symbols: Symbols,
}

impl Layout {
    pub(super) fn new(prefix: &'static str, relied_on: u64, ignored: u64) -> Layout {
        Layout {
            prefix,
            relied_on,
            ignored,
            data_alignment: SLOT_SIZE,
            end: 0,
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

    /// Returns the offset at which a section of a format without addresses starts, and adds the padding
    /// before it. Code is not aligned: in a trace, it directly follows other code.
    pub(super) fn start(&mut self, part: Part, section: &Section) -> Result<usize, LowerError> {
        let end = self.stencil(part).body.len();
        if part == Part::Code || section.data.is_empty() {
            return Ok(end);
        }
        let start = end.next_multiple_of(self.demand(section)?);
        self.data.body.resize(start, 0);
        Ok(start)
    }

    /// Returns the alignment that a section of data needs, in bytes, and sees to it that the data has it.
    pub(super) fn demand(&mut self, section: &Section) -> Result<usize, LowerError> {
        let needed = match section.alignment > self.ignored {
            true => section.alignment,
            false => section.alignment.min(self.relied_on),
        };
        let alignment = usize::try_from(needed)
            .ok()
            .filter(|alignment| (1..=MAX_ALIGNMENT).contains(alignment))
            .ok_or_else(|| LowerError::Alignment {
                section: section.name.clone(),
                alignment: section.alignment,
            })?;
        self.data_alignment = self.data_alignment.max(alignment);
        Ok(alignment)
    }

    /// Returns the C name of a symbol.
    pub(super) fn unmangle<'a>(&self, symbol: &'a str) -> &'a str {
        symbol.strip_prefix(self.prefix).unwrap_or(symbol)
    }

    /// Appends the section's bytes and turns its relocations into holes, whose bases and symbols are
    /// those that `value` returns.
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

/// Returns the relocation's offset, or an error if its field is not within the section.
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

/// Returns the base and symbol of a relocation in a format where its kind says whether it refers to
/// the symbol or to the symbol's GOT slot.
pub(super) fn value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    match relocation.kind.row().reach {
        Reach::Got => got_value(layout, relocation),
        Reach::Direct | Reach::Near | Reach::Import { .. } | Reach::Branch { .. } => {
            plain_value(layout, relocation)
        }
    }
}

/// Returns the base and symbol of a relocation that refers to the symbol itself.
pub(super) fn plain_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    symbol_to_value(layout.unmangle(&relocation.symbol))
}

/// Returns the base and symbol of a relocation that refers to the symbol's GOT slot.
pub(super) fn got_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    let symbol = layout.unmangle(&relocation.symbol);
    (HoleValue::Got, named(symbol))
}

/// Returns the offset that is `value` bytes from `base`, modulo 2^64.
pub(super) fn offset_from(base: usize, value: u64) -> i64 {
    (base as u64).wrapping_add(value).cast_signed()
}
