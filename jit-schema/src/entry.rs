//! Turns relocation entries into [`Relocation`]s, for both readers.

use crate::relocation::{AddendBits, AddendPlace};
use crate::{ObjectError, Relocation, RelocationKind};

/// The most zero bytes that an object's uninitialized data may have, so that a size in a header
/// cannot ask for gigabytes.
pub(crate) const MAX_ZEROS: u64 = 16 << 20;

/// What an entry has besides its offset, kind and symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The addend.
    WithAddend(i64),
    /// Nothing: if there is an addend, the field has it. What the entry refers to is a section if
    /// `of_section` is true, and a symbol otherwise.
    WithoutAddend { of_section: bool },
}

/// A section whose relocations are being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patched<'a> {
    pub(crate) name: &'a str,
    pub(crate) data: &'a [u8],
}

impl Patched<'_> {
    /// Returns the error for a relocation of that name.
    pub(crate) fn unsupported(&self, kind: String, symbol: &str, offset: u64) -> ObjectError {
        ObjectError::UnsupportedRelocation {
            kind,
            symbol: symbol.to_owned(),
            section: self.name.to_owned(),
            offset,
        }
    }

    /// Checks that a Mach-O relocation has as many bytes as others of its kind. `length` is what its
    /// entry has: the logarithm of their number to base 2.
    pub(crate) fn macho_width(
        &self,
        kind: RelocationKind,
        length: u8,
        symbol: &str,
        offset: u64,
    ) -> Result<(), ObjectError> {
        match 1_usize.checked_shl(length.into()) {
            Some(width) if width == kind.row().width => Ok(()),
            _ => {
                let kind = format!("{kind} with length {length}");
                Err(self.unsupported(kind, symbol, offset))
            }
        }
    }

    /// Checks that the field lies within the section, and finds the addend.
    pub(crate) fn relocation(
        &self,
        offset: u64,
        kind: RelocationKind,
        symbol: String,
        form: Form,
    ) -> Result<Relocation, ObjectError> {
        let row = kind.row();
        if symbol.is_empty() {
            return Err(self.unsupported(row.name.to_owned(), "", offset));
        }
        let bad = |detail| malformed(format!("section {}", self.name), detail);
        let outside = || {
            let size = self.data.len();
            bad(format!(
                "{kind} at {offset:#x} reaches past its end at {size:#x}"
            ))
        };
        let field = usize::try_from(offset)
            .ok()
            .and_then(|start| self.data.get(start..start.checked_add(row.width)?))
            .ok_or_else(outside)?;
        let addend = match (row.addend, form) {
            (AddendPlace::Entry, Form::WithAddend(addend)) => addend,
            (
                AddendPlace::Field {
                    of_sections: false, ..
                },
                Form::WithoutAddend { of_section: true },
            )
            | (AddendPlace::Nowhere, Form::WithoutAddend { .. }) => 0,
            (AddendPlace::Field { bits, bias, .. }, Form::WithoutAddend { .. }) => {
                number(bits, field).ok_or_else(outside)? + bias
            }
            (AddendPlace::Entry, Form::WithoutAddend { .. }) => {
                return Err(bad(format!("{kind} at {offset:#x} has no addend")));
            }
            (AddendPlace::Field { .. } | AddendPlace::Nowhere, Form::WithAddend(_)) => {
                return Err(bad(format!("{kind} at {offset:#x} has an addend")));
            }
        };
        Ok(Relocation {
            offset,
            kind,
            symbol,
            addend,
        })
    }
}

/// Returns the number in a field, or `None` if the field is too short for it.
fn number(bits: AddendBits, field: &[u8]) -> Option<i64> {
    Some(match bits {
        AddendBits::Signed32 => i32::from_le_bytes(*field.first_chunk()?).into(),
        AddendBits::Unsigned32 => u32::from_le_bytes(*field.first_chunk()?).into(),
    })
}

/// Returns `size` zero bytes, or an error if there are too many of them, together with the `used`
/// ones of other sections.
pub(crate) fn zeros(section: &str, size: u64, used: &mut u64) -> Result<Vec<u8>, ObjectError> {
    let total = used.saturating_add(size);
    if total > MAX_ZEROS {
        return Err(malformed(
            format!("section {section}"),
            format!(
                "{size} bytes of uninitialized data are more than the {MAX_ZEROS} that an object \
                 may have: make the data const, or keep it outside of the stencil"
            ),
        ));
    }
    *used = total;
    let size = usize::try_from(size)
        .map_err(|_| malformed(format!("section {section}"), "too big".to_owned()))?;
    Ok(vec![0; size])
}

/// Returns a section's alignment in bytes, given the number in its header, where 0 is the same as 1.
pub(crate) fn alignment(section: &str, number: u64) -> Result<u64, ObjectError> {
    let alignment = number.max(1);
    if alignment.is_power_of_two() {
        return Ok(alignment);
    }
    Err(malformed(
        format!("section {section}"),
        format!("its alignment is {number}, which is not a power of two"),
    ))
}

/// Returns a section's alignment in bytes, given its logarithm to base 2.
pub(crate) fn alignment_of_exponent(section: &str, exponent: u32) -> Result<u64, ObjectError> {
    1_u64.checked_shl(exponent).ok_or_else(|| {
        malformed(
            format!("section {section}"),
            format!("its alignment is 2 to the power of {exponent}"),
        )
    })
}

pub(crate) fn malformed(what: String, detail: impl ToString) -> ObjectError {
    ObjectError::Malformed {
        what,
        detail: detail.to_string(),
    }
}
