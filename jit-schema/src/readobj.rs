//! Reads what llvm-readobj prints with
//! `--elf-output-style=JSON --expand-relocs --section-data --section-relocations
//! --section-symbols --sections`, as CPython's `Tools/jit` does.
//!
//! That JSON is only valid for ELF. Around Mach-O's and COFF's sections there is something else,
//! and Mach-O's symbols have bare words between their fields: `_parse` in `Tools/jit/_targets.py`
//! repairs both, and so does this.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::entry::malformed;
use crate::relocation::Origin;
use crate::{ObjectError, ObjectFile, ObjectFormat, RelocationKind};

mod coff;
mod elf;
mod macho;

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

const WHAT: &str = "llvm-readobj output";

fn bad(detail: impl ToString) -> ObjectError {
    malformed(WHAT.to_owned(), detail)
}

fn parse<T: DeserializeOwned>(output: &str) -> Result<Vec<Wrapped<T>>, ObjectError> {
    const KEY: &str = "\"Sections\":";
    // Strings have their quotes escaped, so that none can contain the key.
    let start = output
        .find(KEY)
        .ok_or_else(|| bad("it has no sections: pass --elf-output-style=JSON and --sections"))?;
    let sections = output.get(start + KEY.len()..).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_str(sections).into_iter();
    let wrapped = values
        .next()
        .ok_or_else(|| bad("it ends before its sections"))?
        .map_err(|error| bad(format!("{error} of the sections")))?;
    let rest: String = sections
        .get(values.byte_offset()..)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    if rest == "}]" {
        Ok(wrapped)
    } else if rest.is_empty() {
        Err(bad("it ends after its sections"))
    } else {
        Err(bad("something follows its sections: pass one file only"))
    }
}

/// `"Name":{...}PrivateExtern` and the like at the ends of lines, where JSON has no word.
fn without_bare_words(output: &str) -> String {
    output
        .lines()
        .map(|line| {
            let line = line.trim_end();
            line.strip_suffix("PrivateExtern")
                .or_else(|| line.strip_suffix("Extern"))
                .unwrap_or(line)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// One element of the list of sections.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped<T> {
    section: T,
}

/// An enumerator or a string table entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
    #[serde(default)]
    value: u64,
}

/// The name of a Mach-O or COFF section.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BinaryName {
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Flags {
    flags: Vec<Named>,
}

impl Flags {
    fn contains(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag.name == name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SectionData {
    bytes: Vec<u8>,
}

/// The bytes of a section, whose header says how many there are.
fn data(section: &str, data: Option<SectionData>, size: u64) -> Result<Vec<u8>, ObjectError> {
    let bytes = data.map_or_else(Vec::new, |data| data.bytes);
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(malformed(
            format!("section {section}"),
            format!(
                "{} bytes of data and not {size}: pass --section-data",
                bytes.len()
            ),
        ))
    }
}

/// Where there is no symbol, llvm-readobj prints a dash.
fn symbol_or_dash(name: String) -> String {
    if name == "-" { String::new() } else { name }
}

/// Returns the kind of a relocation of that format, or else its name.
fn kind_or_name(format: ObjectFormat, name: &Named) -> Result<RelocationKind, String> {
    let of_format = |kind: &RelocationKind| match kind.row().origin {
        Origin::Entry { machine, .. } => machine.format() == format,
        Origin::Label { .. } => false,
    };
    match RelocationKind::from_name(&name.name).filter(of_format) {
        Some(kind) => Ok(kind),
        // What llvm-readobj has no name for it calls "Unknown".
        None if !name.name.contains('_') => Err(format!("type {}", name.value)),
        None => Err(name.name.clone()),
    }
}
