//! Reads object files with the `object` crate.

use crate::entry::malformed;
use crate::{Machine, ObjectError, ObjectFile, ObjectFormat};

mod allowance;
mod coff;
mod elf;
mod macho;
mod number;

/// Reads an ELF, Mach-O or COFF object file for any of the [targets](crate::Target::ALL). The format
/// follows from the first bytes. Sections, symbols and relocations are treated as `_handle_section`
/// and `_handle_relocation` in CPython's `Tools/jit/_targets.py` treat them.
///
/// # Errors
///
/// - [`ObjectError::Malformed`] if the bytes are not an object file for one of the targets, are
///   truncated, or have sizes and offsets that point outside.
/// - [`ObjectError::UnsupportedSection`] if an ELF or Mach-O section would be loaded but has no
///   contents to load, or is of an unknown type.
/// - [`ObjectError::UnsupportedRelocation`] if a relocation in code or data is not a
///   [`RelocationKind`](crate::RelocationKind), or refers to no symbol.
pub fn read(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    read_by(bytes, Choices::default())
}

/// Reads an object file as [`read`] does, except that `.debug$S` of COFF objects is data, as CPython 3.14 treats it.
///
/// # Errors
///
/// The same as for [`read`].
pub fn read_with_debug(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let choices = Choices {
        debug_is_data: true,
        ..Choices::default()
    };
    read_by(bytes, choices)
}

/// Reads an object file as [`read`] does, except that sections of these names are
/// [`SectionKind::Metadata`]. Unwind tables, for example, are of no use in stencils, and have
/// relocations that stencils cannot have.
///
/// # Errors
///
/// The same as for [`read`].
///
/// [`SectionKind::Metadata`]: crate::SectionKind::Metadata
pub fn read_ignoring(bytes: &[u8], ignored: &[&str]) -> Result<ObjectFile, ObjectError> {
    let choices = Choices {
        ignored,
        ..Choices::default()
    };
    read_by(bytes, choices)
}

/// Which sections to take for something else than usual.
#[derive(Debug, Clone, Copy, Default)]
struct Choices<'a> {
    /// The names of those that are metadata.
    ignored: &'a [&'a str],
    /// Whether `.debug$S` of COFF objects is data.
    debug_is_data: bool,
}

fn read_by(bytes: &[u8], choices: Choices<'_>) -> Result<ObjectFile, ObjectError> {
    let not_an_object = |detail: &str| Err(malformed("object file".to_owned(), detail));
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => elf::read(bytes, choices.ignored),
        [0xcf, 0xfa, 0xed, 0xfe, ..] => macho::read(bytes, choices.ignored),
        [b'B', b'C', 0xc0, 0xde, ..] | [0xde, 0xc0, 0x17, 0x0b, ..] => {
            not_an_object("it is LLVM bitcode: compile without -flto")
        }
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, ..] => {
            not_an_object("it is a universal binary: compile for one -arch")
        }
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => {
            not_an_object("it is an archive: pass one of its objects")
        }
        [0, 0, 0xff, 0xff, ..] => {
            not_an_object("it is a COFF import, or has too many sections: drop -bigobj")
        }
        &[low, high, ..] if is_coff(u16::from_le_bytes([low, high])) => coff::read(bytes, choices),
        _ => not_an_object("it is neither ELF, nor 64-bit Mach-O, nor COFF for x86 or Arm64"),
    }
}

/// Returns whether a COFF object for one of the [machines](Machine) starts with that number.
fn is_coff(number: u16) -> bool {
    Machine::from_number(ObjectFormat::Coff, number.into()).is_some()
}
