//! The note of an ELF object by which linkers know whether all of a program is fit for the processor's checks.

use jit_schema::{Arch, ObjectFormat, Target};
use object::{Object as _, ObjectSection as _, elf};

/// What an object has to say to be fit for the checks of an architecture: the property, and its bits.
fn wanted(arch: Arch) -> (u32, u32) {
    match arch {
        Arch::I686 | Arch::X86_64 => (
            elf::GNU_PROPERTY_X86_FEATURE_1_AND.0,
            elf::GNU_PROPERTY_X86_FEATURE_1_IBT | elf::GNU_PROPERTY_X86_FEATURE_1_SHSTK,
        ),
        Arch::Aarch64 => (
            elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND.0,
            elf::GNU_PROPERTY_AARCH64_FEATURE_1_BTI,
        ),
    }
}

/// Returns whether an object says that it is fit for the processor's checks. Formats other than ELF have no such note.
pub(crate) fn says_hardened(target: &Target, bytes: &[u8]) -> bool {
    if target.format != ObjectFormat::Elf {
        return true;
    }
    let (property, bits) = wanted(target.arch);
    let Ok(file) = object::File::parse(bytes) else {
        return false;
    };
    let section = file.section_by_name(".note.gnu.property");
    let data = section.and_then(|section| section.data().ok());
    data.is_some_and(|data| value(data, property).is_some_and(|value| value & bits == bits))
}

/// Returns the value of a property in a section of notes: length of the name, length of the description, type, name, and in the
/// description for each property its type, its length and its value, padded to 8 bytes.
fn value(data: &[u8], property: u32) -> Option<u32> {
    let word = |at: usize| {
        let bytes = data.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let name = usize::try_from(word(0)?).ok()?;
    let end = 12 + name.next_multiple_of(4) + usize::try_from(word(4)?).ok()?;
    let mut at = 12 + name.next_multiple_of(4);
    while at < end {
        let length = usize::try_from(word(at + 4)?).ok()?;
        if word(at)? == property {
            return word(at + 8);
        }
        at += 8 + length.next_multiple_of(8);
    }
    None
}
