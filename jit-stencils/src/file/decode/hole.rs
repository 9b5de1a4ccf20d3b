//! Reads the holes of a stencil.

use std::sync::Arc;

use jit_schema::PatchShape;

use super::Decoder;
use crate::file::format::{GENERAL_VERSION, SCALED_VERSION};
use crate::file::numbers::{Base, base_of, patch_of};
use crate::file::reader::{Fault, fault};
use crate::{Hole, HoleValue, PatchKind, PatchValue};

impl Decoder<'_> {
    /// Reads a hole, which is at `last` or after it in a body of `size` bytes.
    pub(super) fn hole(&mut self, last: usize, size: usize) -> Result<Hole, Fault> {
        let start = self.reader.offset();
        let distance = self.reader.unsigned()?;
        let kind_at = self.reader.offset();
        let kind = self.reader.byte()?;
        let patch = patch_of(kind & 0x3f)
            .filter(|patch| self.version >= SCALED_VERSION || *patch != PatchKind::Patch32s)
            .ok_or_else(|| fault(kind_at, format!("there is no patch {}", kind & 0x3f)))?;
        if patch == PatchKind::Patch32s {
            self.needed = self.needed.max(SCALED_VERSION);
        }
        let width = patch.width();
        let offset = usize::try_from(distance)
            .ok()
            .and_then(|distance| last.checked_add(distance))
            .filter(|offset| fits(*offset, width, size))
            .ok_or_else(|| {
                let problem = format!(
                    "{width} bytes, {distance} after offset {last}, are not within the {size} \
                     bytes of the body"
                );
                fault(start, problem)
            })?;
        if patch.row().shape == PatchShape::Slot && offset != 0 {
            let problem = format!("a hole that fills a GOT slot is at offset 0, not {offset}");
            return Err(fault(start, problem));
        }
        let first = self.first(kind & 0x40 != 0, patch, offset, size)?;
        let value = self.value()?;
        Ok(Hole {
            offset,
            patch,
            value,
            first,
            void: kind & 0x80 != 0,
        })
    }

    /// Reads the offset of the `adrp` of a pair; `given` is whether the file has one.
    fn first(
        &mut self,
        given: bool,
        patch: PatchKind,
        offset: usize,
        size: usize,
    ) -> Result<Option<usize>, Fault> {
        let start = self.reader.offset();
        match (given, patch.row().shape == PatchShape::Pair) {
            (true, true) => {}
            (false, false) => return Ok(None),
            (false, true) => {
                let problem = format!("{} needs the offset of an adrp", patch.c_name());
                return Err(fault(start, problem));
            }
            (true, false) => {
                let problem = format!("{} has no use for the offset of an adrp", patch.c_name());
                return Err(fault(start, problem));
            }
        }
        let distance = self.reader.signed()?;
        i64::try_from(offset)
            .ok()
            .and_then(|offset| usize::try_from(offset.checked_sub(distance)?).ok())
            .filter(|first| fits(*first, patch.width(), size))
            .map(Some)
            .ok_or_else(|| {
                let problem = format!(
                    "an adrp {distance} bytes before offset {offset} is not within the {size} bytes \
                     of the body"
                );
                fault(start, problem)
            })
    }

    fn value(&mut self) -> Result<PatchValue, Fault> {
        let start = self.reader.offset();
        let kind = self.reader.byte()?;
        let (has_symbol, has_addend) = (kind & 0x20 != 0, kind & 0x40 != 0);
        match kind {
            0x80 | 0xc0 => Ok(PatchValue::GotSlot {
                ordinal: self.ordinal()?,
                addend: self.addend(has_addend)?,
            }),
            0x81 => Ok(PatchValue::Symbol {
                ordinal: self.ordinal()?,
            }),
            0x82 | 0xc2 if self.version >= SCALED_VERSION => self.scaled(has_addend),
            0..0x80 => {
                let base = self.base(start, kind & 0x1f)?;
                let symbol = match has_symbol {
                    true => Some(self.symbol()?),
                    false => None,
                };
                Ok(PatchValue::Address {
                    base,
                    symbol,
                    addend: self.addend(has_addend)?,
                })
            }
            _ => Err(fault(start, format!("there is no value {kind:#x}"))),
        }
    }

    fn scaled(&mut self, has_addend: bool) -> Result<PatchValue, Fault> {
        self.needed = self.needed.max(SCALED_VERSION);
        let start = self.reader.offset();
        let number = self.reader.byte()?;
        let base = self.base(start, number)?;
        if !base.is_number() {
            let problem = format!("{base} is no number of the instruction, so it has no multiple");
            return Err(fault(start, problem));
        }
        let scale_at = self.reader.offset();
        let scale = self.reader.signed()?;
        let scale = i32::try_from(scale)
            .ok()
            .filter(|scale| !matches!(scale, 0 | 1))
            .ok_or_else(|| fault(scale_at, format!("a value cannot be multiplied by {scale}")))?;
        Ok(PatchValue::Scaled {
            base,
            scale,
            addend: self.addend(has_addend)?,
        })
    }

    /// Reads the rest of a base, of which the byte at `start` has a number.
    fn base(&mut self, start: usize, number: u8) -> Result<HoleValue, Fault> {
        match base_of(number) {
            Some(Base::Fixed(base)) if base != HoleValue::Got => Ok(base),
            Some(Base::General(base)) if self.version >= GENERAL_VERSION => {
                self.needed = self.needed.max(GENERAL_VERSION);
                Ok(base(self.index("the number of an operand or a target")?))
            }
            _ => Err(fault(start, format!("there is no value {number}"))),
        }
    }

    fn ordinal(&mut self) -> Result<usize, Fault> {
        let start = self.reader.offset();
        let ordinal = self.reader.unsigned()?;
        usize::try_from(ordinal)
            .ok()
            .filter(|ordinal| *ordinal < self.ordinals)
            .ok_or_else(|| {
                let problem = format!("there are {} symbols, but no {ordinal}", self.ordinals);
                fault(start, problem)
            })
    }

    /// Reads the index of any symbol, and returns its name. Symbols without an ordinal are in the
    /// order of their first use.
    fn symbol(&mut self) -> Result<Arc<str>, Fault> {
        let start = self.reader.offset();
        let number = self.reader.unsigned()?;
        let next = self.ordinals + self.used;
        let index = usize::try_from(number).ok().filter(|index| *index <= next);
        let name = index.and_then(|index| self.names.get_mut(index));
        let Some(name) = name else {
            let problem = format!("symbol {number} is not there, or used before {next} is");
            return Err(fault(start, problem));
        };
        if index == Some(next) {
            self.used += 1;
        }
        let shared = name.shared.get_or_insert_with(|| Arc::from(name.name));
        Ok(shared.clone())
    }

    fn addend(&mut self, given: bool) -> Result<i64, Fault> {
        if !given {
            return Ok(0);
        }
        let start = self.reader.offset();
        match self.reader.signed()? {
            0 => Err(fault(start, "an addend of 0 is left out")),
            addend => Ok(addend),
        }
    }
}

fn fits(offset: usize, width: usize, size: usize) -> bool {
    offset.checked_add(width).is_some_and(|end| end <= size)
}
