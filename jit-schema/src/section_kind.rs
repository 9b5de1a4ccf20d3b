//! Decides for both readers which sections are code, which are data, and which are neither, as
//! `_handle_section` does for the three formats in CPython's `Tools/jit/_targets.py`.

use crate::{SectionKind, advice};

/// What an ELF section is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElfRole {
    /// The header at index 0, which has no section.
    Null,
    /// A section with contents of this kind.
    Contents(SectionKind),
    /// Relocations with addends for another section.
    Rela,
    /// Relocations without addends for another section.
    Rel,
    /// A section that is neither loadable nor known to be ignorable.
    Unsupported,
}

/// Returns the role of an ELF section of that type (`SHT_PROGBITS`), with or without `SHF_ALLOC` and
/// `SHF_EXECINSTR`. A section of uninitialized data is ignored if it is empty.
pub(crate) fn elf(type_name: &str, alloc: bool, execute: bool, size: u64) -> ElfRole {
    match type_name {
        "SHT_NULL" => ElfRole::Null,
        "SHT_RELA" => ElfRole::Rela,
        "SHT_REL" => ElfRole::Rel,
        "SHT_PROGBITS" => ElfRole::Contents(match (alloc, execute) {
            (false, _) => SectionKind::Metadata,
            (true, true) => SectionKind::Code,
            (true, false) => SectionKind::Data,
        }),
        // Notes are left out even if they have SHF_ALLOC, as .note.gnu.property has.
        // Attributes say for which features code was compiled, such as -mbranch-protection.
        "SHT_AARCH64_ATTRIBUTES"
        | "SHT_GROUP"
        | "SHT_LLVM_ADDRSIG"
        | "SHT_LLVM_CALL_GRAPH_PROFILE"
        | "SHT_NOTE"
        | "SHT_STRTAB"
        | "SHT_SYMTAB" => ElfRole::Contents(SectionKind::Metadata),
        "SHT_NOBITS" if size == 0 => ElfRole::Contents(SectionKind::Metadata),
        _ => ElfRole::Unsupported,
    }
}

/// Returns the kind of a Mach-O section with or without `S_ATTR_DEBUG` and `S_ATTR_PURE_INSTRUCTIONS`, of
/// that `SECTION_TYPE`, or the name of a type that has no contents in the file.
pub(crate) fn macho(
    debug: bool,
    instructions: bool,
    section_type: u8,
    size: u64,
) -> Result<SectionKind, &'static str> {
    match section_type {
        _ if debug => Ok(SectionKind::Metadata),
        1 | 12 | 18 if size == 0 => Ok(SectionKind::Metadata),
        1 => Err("S_ZEROFILL"),
        12 => Err("S_GB_ZEROFILL"),
        18 => Err("S_THREAD_LOCAL_ZEROFILL"),
        _ if instructions => Ok(SectionKind::Code),
        _ => Ok(SectionKind::Data),
    }
}

/// The section of COFF objects with the symbols for a debugger. Without debug information, it has the name of the compiler.
pub(crate) const COFF_DEBUG: &str = ".debug$S";

/// Returns the kind of a COFF section with or without `IMAGE_SCN_MEM_EXECUTE` and `IMAGE_SCN_MEM_READ`, or
/// the name of what a stencil cannot have. CPython skips only `.debug$S`, so `.debug$T` is data.
pub(crate) fn coff(name: &str, execute: bool, read: bool) -> Result<SectionKind, &'static str> {
    let constructors = [".CRT$X", ".ctors", ".dtors", ".init_array", ".fini_array"];
    Ok(match (name, execute, read) {
        (COFF_DEBUG, _, _) => SectionKind::Metadata,
        (_, true, _) => SectionKind::Code,
        (name, false, true) if constructors.iter().any(|start| name.starts_with(start)) => {
            return Err(advice::CONSTRUCTORS);
        }
        (_, false, true) => SectionKind::Data,
        (_, false, false) => SectionKind::Metadata,
    })
}

/// Returns whether an ELF section that can be written to is for constants with addresses, which are
/// written once, when the program is linked.
pub(crate) fn is_written_once(name: &str) -> bool {
    name.starts_with(".data.rel.ro") || name.starts_with(".ldata.rel.ro")
}

/// Returns whether a Mach-O section has variables.
pub(crate) fn macho_is_writable(segment: &[u8], name: &str) -> bool {
    segment == b"__DATA" && name != "__const"
}
