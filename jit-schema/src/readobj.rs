//! Reads what llvm-readobj prints with
//! `--elf-output-style=JSON --expand-relocs --section-data --section-relocations
//! --section-symbols --sections`, as CPython's `Tools/jit` does.
//!
//! That JSON is only valid for ELF. Around Mach-O's and COFF's sections there is something else,
//! and Mach-O's symbols have bare words between their fields: `_parse` in `Tools/jit/_targets.py`
//! repairs both, and so does this.

mod coff;
mod elf;
mod json;
mod macho;

use self::json::{parse, without_bare_words};
use crate::{ObjectError, ObjectFile, ObjectFormat};

/// Read llvm-readobj's output for one object file. What becomes of sections, symbols and
/// relocations is as in [`native::read`](crate::native::read).
///
/// # Errors
///
/// - [`ObjectError::Malformed`]: not such an output, of another format, cut short, or for several
///   files; sizes that disagree with the data.
/// - [`ObjectError::UnsupportedSection`] and [`ObjectError::UnsupportedRelocation`]: as in
///   [`native::read`](crate::native::read).
pub fn read(format: ObjectFormat, output: &str) -> Result<ObjectFile, ObjectError> {
    let sections = match format {
        ObjectFormat::Coff => coff::read(parse(output)?)?,
        ObjectFormat::Elf => elf::read(parse(output)?)?,
        ObjectFormat::MachO => macho::read(parse(&without_bare_words(output))?)?,
    };
    Ok(ObjectFile { format, sections })
}
