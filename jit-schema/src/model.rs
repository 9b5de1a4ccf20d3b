//! Object files of all formats.

use crate::{ObjectFormat, RelocationKind};

/// A relocatable object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFile {
    /// The format, on which the layout of sections depends.
    pub format: ObjectFormat,
    /// The sections in file order. ELF's relocation sections are left out: their entries are in the
    /// section that they patch.
    pub sections: Vec<Section>,
}

/// One section of an object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The number that llvm-readobj prints: the index of the header in ELF, the index from 0 in
    /// Mach-O and from 1 in COFF.
    pub index: usize,
    /// The name, e.g. `.text` or `__literal8`, without Mach-O's segment.
    pub name: String,
    /// What the section holds.
    pub kind: SectionKind,
    /// The address within the object in Mach-O, and 0 in ELF and COFF.
    pub address: u64,
    /// Whether a program may write to it: it has variables.
    pub writable: bool,
    /// What the address must be a multiple of, in bytes: a power of two. 1 for metadata.
    pub alignment: u64,
    /// The contents, which are zeros for COFF's uninitialized data. Empty for
    /// [`SectionKind::Metadata`].
    pub data: Vec<u8>,
    /// The symbols defined in this section, in the order of the symbol table. Empty for metadata.
    pub symbols: Vec<Symbol>,
    /// The relocations to apply to this section, in file order. Empty for metadata.
    pub relocations: Vec<Relocation>,
}

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// Machine code.
    Code,
    /// Data that is loaded into memory.
    Data,
    /// What is not loaded, such as symbol tables, debug information, notes and linker directives.
    Metadata,
}

/// A symbol defined in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name in the file, with the platform's prefix. A section symbol has the section's name.
    pub name: String,
    /// The offset from the section's start in ELF and COFF, in bytes, and the address within the
    /// object in Mach-O.
    pub value: u64,
}

/// A place in a section to be patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// The offset of the field from the section's start, in bytes.
    pub offset: u64,
    /// The kind, on which everything else depends: see [`RelocationKind::row`].
    pub kind: RelocationKind,
    /// The symbol's name in the file, or the name of a section. A section that is not the only one of
    /// its name, and any section of Mach-O, has `#` and its number after the name.
    pub symbol: String,
    /// The addend, wherever the file has it (see
    /// [`AddendPlace`](crate::relocation::AddendPlace)).
    pub addend: i64,
}

/// Why an object file cannot be used. The message names the place within the object, but not the
/// object: the caller knows which one it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The bytes or the JSON are not such a file: they are truncated, or have sizes and offsets that
    /// point outside.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// The part that was being read: `ELF object`, `section .text`, `llvm-readobj output`.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A relocation that is not a [`RelocationKind`], or that refers to no symbol.
    #[error(
        "unsupported relocation {kind} against {symbol:?} at {section}+{offset:#x}{}",
        crate::advice::relocation(kind, symbol)
    )]
    UnsupportedRelocation {
        /// The name that LLVM has for it, or else its number, as `type 42`.
        kind: String,
        /// The symbol that it refers to.
        symbol: String,
        /// The section to be patched.
        section: String,
        /// The offset in the section, in bytes.
        offset: u64,
    },
    /// A section of a type that is neither code, data nor known metadata.
    #[error(
        "unsupported section {section} (index {index}) of type {kind}{}",
        crate::advice::section(kind)
    )]
    UnsupportedSection {
        /// The section's name.
        section: String,
        /// Its number, as in [`Section::index`].
        index: usize,
        /// The name or number of its type.
        kind: String,
    },
}
