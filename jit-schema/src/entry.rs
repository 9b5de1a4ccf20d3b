//! Turns relocation entries into [`Relocation`]s, for both readers.

use crate::relocation::{AddendBits, AddendPlace};
use crate::{ObjectError, Relocation, RelocationKind, aarch64_access_scale};

/// The most zero bytes that an object's uninitialized data may have, so that a size in a header
/// cannot ask for gigabytes.
pub(crate) const MAX_ZEROS: u64 = 16 << 20;

/// What an entry has besides its offset, kind and symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The addend.
    WithAddend(i64),
    /// Nothing: if there is an addend, the field or an entry before has it.
    WithoutAddend {
        /// The addend in an entry before this one, if there is such an entry.
        before: Option<i64>,
    },
}

impl Form {
    /// An entry of a format that has no entries for addends.
    pub(crate) const BARE: Form = Form::WithoutAddend { before: None };
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

    /// Makes a Mach-O relocation that refers to a section by its address refer to that section's start.
    /// The addresses of the two sections are those in the object.
    pub(crate) fn count_from_section(
        &self,
        relocation: &mut Relocation,
        address: u64,
        section: u64,
    ) {
        let row = relocation.kind.row();
        // What counts from the end of the field has the distance from there in the field.
        let from = match row.patch.row().base_addend {
            0 => 0,
            to_field => address
                .wrapping_add(relocation.offset)
                .wrapping_sub(to_field.cast_unsigned()),
        };
        let distance = from.wrapping_sub(section).cast_signed();
        relocation.addend = relocation.addend.wrapping_add(distance);
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
            (AddendPlace::EntryBefore, Form::WithoutAddend { before }) => before.unwrap_or(0),
            (AddendPlace::Nowhere, Form::WithoutAddend { before: None }) => 0,
            (AddendPlace::Field { bits, bias }, Form::WithoutAddend { before: None }) => {
                number(bits, field).ok_or_else(outside)?.wrapping_add(bias)
            }
            (AddendPlace::Entry, Form::WithoutAddend { .. }) => {
                return Err(bad(format!("{kind} at {offset:#x} has no addend")));
            }
            (
                AddendPlace::Field { .. } | AddendPlace::Nowhere,
                Form::WithoutAddend { before: Some(_) },
            )
            | (
                AddendPlace::Field { .. } | AddendPlace::EntryBefore | AddendPlace::Nowhere,
                Form::WithAddend(_),
            ) => {
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
    let word = || field.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    Some(match bits {
        AddendBits::Signed32 => word()?.cast_signed().into(),
        AddendBits::Unsigned32 => word()?.into(),
        AddendBits::Signed64 => i64::from_le_bytes(*field.first_chunk()?),
        AddendBits::Aarch64Adr => {
            let word = word()?;
            signed((word >> 3) & 0x1f_fffc | (word >> 29) & 3, 21)
        }
        AddendBits::Aarch64Low12 => i64::from((word()? >> 10) & 0xfff),
        AddendBits::Aarch64Low12Scaled => {
            let word = word()?;
            // What is no load or store counts in bytes.
            let scale = aarch64_access_scale(word).unwrap_or(0);
            i64::from((word >> 10) & 0xfff) << scale
        }
        AddendBits::Aarch64Branch19 => 4 * signed((word()? >> 5) & 0x7_ffff, 19),
        AddendBits::Aarch64Branch26 => 4 * signed(word()? & 0x3ff_ffff, 26),
    })
}

/// Returns the value of a signed number of that many bits.
fn signed(number: u32, bits: u32) -> i64 {
    let unused = u32::BITS - bits;
    ((number << unused).cast_signed() >> unused).into()
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

/// Returns the addend in an `ARM64_RELOC_ADDEND`, which has 24 bits where others have a symbol's number.
pub(crate) fn signed_addend(number: u32) -> i64 {
    signed(number & 0xff_ffff, 24)
}

/// Returns the addend in the entry before one for the field at `offset`, given what that entry is for.
pub(crate) fn addend_before(
    before: Option<(u64, i64)>,
    offset: u64,
) -> Result<Option<i64>, ObjectError> {
    match before {
        None => Ok(None),
        Some((same, addend)) if same == offset => Ok(Some(addend)),
        Some((other, _)) => Err(malformed(
            "Mach-O object".to_owned(),
            format!("an ARM64_RELOC_ADDEND for {other:#x} precedes a relocation for {offset:#x}"),
        )),
    }
}

/// Returns the name by which relocations refer to a section that may not be the only one of its name.
/// No C symbol has such a name. `number` is the one in the file.
pub(crate) fn section_symbol(name: &str, number: usize) -> String {
    format!("{name}#{number}")
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
