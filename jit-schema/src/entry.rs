//! From a relocation entry of either reader to a [`Relocation`].

use crate::{ObjectError, Relocation, RelocationKind};

/// Most zero bytes that an object's uninitialized data may have, so that a size in a header cannot
/// ask for gigabytes.
pub(crate) const MAX_ZEROS: u64 = 16 << 20;

/// Where a relocation's addend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addend {
    /// In the relocation entry.
    Explicit(i64),
    /// In the bytes to be patched.
    InPlace,
    /// Taken to be 0, whatever the bytes to be patched say.
    Zero,
}

/// A section whose relocations are being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patched<'a> {
    pub(crate) name: &'a str,
    pub(crate) data: &'a [u8],
}

impl Patched<'_> {
    /// The error for a relocation of that name.
    pub(crate) fn unsupported(&self, kind: String, symbol: &str, offset: u64) -> ObjectError {
        ObjectError::UnsupportedRelocation {
            kind,
            symbol: symbol.to_owned(),
            section: self.name.to_owned(),
            offset,
        }
    }

    /// Check that a Mach-O relocation patches as many bytes as others of its kind, `length` being
    /// the power of two in its entry.
    pub(crate) fn macho_size(
        &self,
        kind: RelocationKind,
        length: u8,
        symbol: &str,
        offset: u64,
    ) -> Result<(), ObjectError> {
        match 1_usize.checked_shl(length.into()) {
            Some(size) if size == kind.field_size() => Ok(()),
            _ => {
                let kind = format!("{kind} with length {length}");
                Err(self.unsupported(kind, symbol, offset))
            }
        }
    }

    /// Check that the field lies within the section, and read its addend.
    pub(crate) fn relocation(
        &self,
        offset: u64,
        kind: RelocationKind,
        symbol: String,
        addend: Addend,
    ) -> Result<Relocation, ObjectError> {
        if symbol.is_empty() {
            return Err(self.unsupported(kind.name().to_owned(), "", offset));
        }
        let outside = || {
            let size = self.data.len();
            malformed(
                format!("section {}", self.name),
                format!("{kind} at {offset:#x} reaches past its end at {size:#x}"),
            )
        };
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let field = self.data.get(start..).ok_or_else(outside)?;
        if field.len() < kind.field_size() {
            return Err(outside());
        }
        let addend = match addend {
            Addend::Explicit(addend) => addend,
            Addend::Zero => 0,
            Addend::InPlace => match kind.implicit_addend(field) {
                Some(addend) => addend.map_err(|_| outside())?,
                None => 0,
            },
        };
        Ok(Relocation {
            offset,
            kind,
            symbol,
            addend,
        })
    }
}

/// That many zero bytes, unless they and the `used` ones of other sections are too many.
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

pub(crate) fn malformed(what: String, detail: impl ToString) -> ObjectError {
    ObjectError::Malformed {
        what,
        detail: detail.to_string(),
    }
}

/// The addend of a Mach-O relocation. Against a section and not a symbol, CPython's
/// `_handle_relocation` only looks into the bytes for `X86_64_RELOC_SIGNED`.
pub(crate) fn macho_addend(kind: RelocationKind, is_extern: bool) -> Addend {
    if is_extern || kind == RelocationKind::X86_64RelocSigned {
        Addend::InPlace
    } else {
        Addend::Zero
    }
}
