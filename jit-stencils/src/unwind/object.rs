//! Reads the shim's object: its code, and its `.eh_frame` with relocations applied.

use object::elf;
use object::{
    Architecture, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags,
    RelocationTarget, SectionFlags,
};

use jit_schema::{Arch, Target};

use super::error::UnwindError;

/// A section of code with the address that it would have if the object were linked. In the object,
/// all sections start at 0.
#[derive(Debug)]
pub(super) struct CodeSection<'a> {
    index: object::SectionIndex,
    pub(super) address: u64,
    pub(super) bytes: &'a [u8],
}

#[derive(Debug)]
pub(super) struct ShimObject<'a> {
    pub(super) code: Vec<CodeSection<'a>>,
    /// The contents of `.eh_frame`, linked to address 0.
    pub(super) eh_frame: Vec<u8>,
}

impl<'a> ShimObject<'a> {
    pub(super) fn parse(target: &Target, bytes: &'a [u8]) -> Result<ShimObject<'a>, UnwindError> {
        let malformed = |error: object::Error| UnwindError::Malformed {
            what: "object",
            detail: error.to_string(),
        };
        let file = object::File::parse(bytes).map_err(malformed)?;
        let expected = match target.arch {
            Arch::Aarch64 => Architecture::Aarch64,
            Arch::I686 => Architecture::I386,
            Arch::X86_64 => Architecture::X86_64,
        };
        if file.format() != object::BinaryFormat::Elf
            || file.architecture() != expected
            || !file.is_little_endian()
        {
            return Err(UnwindError::WrongObject {
                target: target.triple,
                found: format!("{:?} {:?}", file.format(), file.architecture()),
            });
        }
        let mut code = Vec::new();
        let mut address: u64 = 0;
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            if !sh_flags.contains(elf::SHF_EXECINSTR) {
                continue;
            }
            let bytes = section.data().map_err(malformed)?;
            code.push(CodeSection {
                index: section.index(),
                address,
                bytes,
            });
            address = address.saturating_add(bytes.len() as u64);
        }
        let frames = file
            .section_by_name(".eh_frame")
            .ok_or(UnwindError::NoFrames)?;
        let mut eh_frame = frames.data().map_err(malformed)?.to_vec();
        for (offset, relocation) in frames.relocations() {
            apply(&file, &code, address, &mut eh_frame, offset, &relocation)?;
        }
        Ok(ShimObject { code, eh_frame })
    }
}

/// Writes a relocation's value into `.eh_frame`. Symbols that are not in code are taken to be at
/// address `elsewhere`.
fn apply(
    file: &object::File<'_>,
    code: &[CodeSection<'_>],
    elsewhere: u64,
    eh_frame: &mut [u8],
    offset: u64,
    relocation: &object::Relocation,
) -> Result<(), UnwindError> {
    let RelocationFlags::Elf { r_type } = relocation.flags() else {
        return Ok(());
    };
    let unsupported = || UnwindError::Relocation {
        kind: r_type.0,
        offset,
    };
    let (width, relative) = field(file.architecture(), r_type).ok_or_else(unsupported)?;
    let RelocationTarget::Symbol(symbol) = relocation.target() else {
        return Err(unsupported());
    };
    let symbol = file
        .symbol_by_index(symbol)
        .map_err(|error| UnwindError::Malformed {
            what: ".eh_frame",
            detail: error.to_string(),
        })?;
    let base = symbol
        .section_index()
        .and_then(|index| code.iter().find(|section| section.index == index))
        .map_or(elsewhere, |section| {
            section.address.wrapping_add(symbol.address())
        });
    let place = if relative { offset } else { 0 };
    let value = base
        .wrapping_add_signed(relocation.addend())
        .wrapping_sub(place)
        .to_le_bytes();
    let bytes = usize::try_from(offset)
        .ok()
        .and_then(|start| eh_frame.get_mut(start..start.checked_add(width)?))
        .zip(value.get(..width));
    let Some((field, value)) = bytes else {
        return Err(UnwindError::Malformed {
            what: ".eh_frame",
            detail: format!("relocation at offset {offset:#x} is outside the section"),
        });
    };
    field.copy_from_slice(value);
    Ok(())
}

/// Returns the number of bytes of a relocation's field, and whether its value is relative to the
/// field. Returns `None` for relocations that compilers do not make for `.eh_frame`.
fn field(architecture: Architecture, kind: elf::RelocationType) -> Option<(usize, bool)> {
    match (architecture, kind) {
        (Architecture::X86_64, elf::R_X86_64_PC32)
        | (Architecture::Aarch64, elf::R_AARCH64_PREL32) => Some((4, true)),
        (Architecture::X86_64, elf::R_X86_64_PC64)
        | (Architecture::Aarch64, elf::R_AARCH64_PREL64) => Some((8, true)),
        (Architecture::X86_64, elf::R_X86_64_32)
        | (Architecture::Aarch64, elf::R_AARCH64_ABS32) => Some((4, false)),
        (Architecture::X86_64, elf::R_X86_64_64)
        | (Architecture::Aarch64, elf::R_AARCH64_ABS64) => Some((8, false)),
        _ => None,
    }
}
