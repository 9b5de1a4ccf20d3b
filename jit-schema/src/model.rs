//! What the tools need to know of an object file, whatever its format.

use crate::{ObjectFormat, RelocationKind};

/// A relocatable object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFile {
    /// The container it came in: the layout of sections differs by format.
    pub format: ObjectFormat,
    /// Sections in file order. ELF's relocation sections are not among them: their entries are in
    /// the section they patch.
    pub sections: Vec<Section>,
}

/// One section of an object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The number llvm-readobj shows: ELF's header index, Mach-O's index from 0, COFF's from 1.
    pub index: usize,
    /// Name, e.g. `.text` or `__literal8`, without Mach-O's segment.
    pub name: String,
    /// What becomes of it.
    pub kind: SectionKind,
    /// Mach-O address within the object; 0 elsewhere.
    pub address: u64,
    /// Contents; zero-filled for COFF's uninitialized data. Empty for [`SectionKind::Metadata`].
    pub data: Vec<u8>,
    /// Symbols defined in this section, in the order of the symbol table. Empty for metadata.
    pub symbols: Vec<Symbol>,
    /// Relocations to apply to this section, in file order. Empty for metadata.
    pub relocations: Vec<Relocation>,
}

/// What a section holds, as far as stencils are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// Machine code.
    Code,
    /// Anything else that is loaded into memory.
    Data,
    /// Not loaded: symbol tables, debug information, notes, linker directives.
    Metadata,
}

/// A symbol defined in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Name as it stands in the file, the mangling prefix included. A section symbol has the
    /// section's name.
    pub name: String,
    /// ELF and COFF: offset from the section's start. Mach-O: address within the object.
    pub value: u64,
}

/// A place in a section to be patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// Offset from the section's start, in bytes.
    pub offset: u64,
    /// How to patch.
    pub kind: RelocationKind,
    /// The symbol's name as it stands in the file, or the name of a section.
    pub symbol: String,
    /// The addend, be it explicit (ELF) or stored in place (see
    /// [`AddendPlace`](crate::relocation::AddendPlace)).
    pub addend: i64,
}

/// Why an object file cannot be used. Each names the place within the object; who knows the uop
/// adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The bytes (or the JSON) are not what they say they are: truncated, or sizes and offsets
    /// that point outside.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// What was being read: `ELF object`, `section .text`, `llvm-readobj output`.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A relocation that no patch function handles.
    #[error(
        "unsupported relocation {kind} against {symbol:?} at {section}+{offset:#x}{}",
        crate::advice::relocation(kind, symbol)
    )]
    UnsupportedRelocation {
        /// LLVM's name where it is known, else the number as `type 42`.
        kind: String,
        /// The symbol it refers to.
        symbol: String,
        /// The section to be patched.
        section: String,
        /// Where in the section.
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
        /// Its number.
        index: usize,
        /// Its type, by name or number.
        kind: String,
    },
}
