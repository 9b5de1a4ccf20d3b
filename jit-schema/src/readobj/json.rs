//! The parts of the JSON that the formats share.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::entry::malformed;
use crate::relocation::Origin;
use crate::{ObjectError, ObjectFormat, RelocationKind};

const WHAT: &str = "llvm-readobj output";

pub(super) fn bad(detail: impl ToString) -> ObjectError {
    malformed(WHAT.to_owned(), detail)
}

pub(super) fn parse<T: DeserializeOwned>(output: &str) -> Result<Vec<Wrapped<T>>, ObjectError> {
    const KEY: &str = "\"Sections\":";
    // Quotes in strings are escaped, so no string can contain the key.
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

/// Removes the bare words at the ends of lines, as in `"Name":{...}PrivateExtern`.
pub(super) fn without_bare_words(output: &str) -> String {
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

/// An element of the list of sections.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wrapped<T> {
    pub(super) section: T,
}

/// An enumerator or a string table entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: u64,
}

/// The name of a Mach-O or COFF section.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BinaryName {
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Flags {
    #[serde(default)]
    pub(super) value: u64,
    pub(super) flags: Vec<Named>,
}

impl Flags {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag.name == name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SectionData {
    pub(super) bytes: Vec<u8>,
}

/// Returns the bytes of a section, or an error if there are not `size` of them.
pub(super) fn data(
    section: &str,
    data: Option<SectionData>,
    size: u64,
) -> Result<Vec<u8>, ObjectError> {
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

/// Returns the name of a symbol. Where there is no symbol, llvm-readobj prints a dash.
pub(super) fn symbol_or_dash(name: String) -> String {
    if name == "-" { String::new() } else { name }
}

/// Returns the kind of a relocation of that format, or else its name.
pub(super) fn kind_or_name(format: ObjectFormat, name: &Named) -> Result<RelocationKind, String> {
    let of_format = |kind: &RelocationKind| match kind.row().origin {
        Origin::Entry { machine, .. } => machine.format() == format,
        Origin::Label { .. } => false,
    };
    match RelocationKind::from_name(&name.name).filter(of_format) {
        Some(kind) => Ok(kind),
        // llvm-readobj prints "Unknown" if it has no name.
        None if !name.name.contains('_') => Err(format!("type {}", name.value)),
        None => Err(name.name.clone()),
    }
}
