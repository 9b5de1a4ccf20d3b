//! Reads the output of llvm-readobj with the options
//! `--elf-output-style=JSON --expand-relocs --section-data --section-relocations
//! --section-symbols --sections`, as CPython's `Tools/jit` does.
//!
//! That JSON is valid only for ELF. The output for Mach-O and COFF has other text around the
//! sections, and Mach-O symbols have bare words between their fields. Like `_parse` in
//! `Tools/jit/_targets.py`, this reader repairs both.

mod coff;
mod elf;
mod json;
mod macho;

use self::json::{parse, without_bare_words};
use crate::{ObjectError, ObjectFile, ObjectFormat};

/// Reads llvm-readobj's output for one object file. Sections, symbols and relocations are treated as
/// [`native::read`](crate::native::read) treats them.
///
/// # Errors
///
/// - [`ObjectError::Malformed`] if the text is not such an output, is for another format or for
///   several files, is truncated, or has sizes that disagree with the data.
/// - [`ObjectError::UnsupportedSection`] and [`ObjectError::UnsupportedRelocation`] in the same cases
///   as [`native::read`](crate::native::read).
pub fn read(format: ObjectFormat, output: &str) -> Result<ObjectFile, ObjectError> {
    let sections = match format {
        ObjectFormat::Coff => coff::read(parse(output)?)?,
        ObjectFormat::Elf => elf::read(parse(output)?)?,
        ObjectFormat::MachO => macho::read(parse(&without_bare_words(output))?)?,
    };
    Ok(ObjectFile { format, sections })
}
