//! Turns object files into stencils. Sections are laid out as `_handle_section` does for each format
//! in CPython's `Tools/jit/_targets.py`.

mod alignment;
mod coff;
mod elf;
mod error;
mod labels;
mod layout;
mod macho;

use std::collections::BTreeMap;

use jit_schema::{CodeEnd, ObjectFile, ObjectFormat, Section, SectionKind, Target};

use self::layout::Layout;
use crate::unresolved::UnresolvedGroup;
use crate::{Listing, Part, Place};

pub(crate) use self::alignment::Alignment;
pub use self::error::LowerError;
pub(crate) use self::error::describe;

/// The symbol at which control enters a micro-op.
const ENTRY: &str = "_JIT_ENTRY";

/// Lays out the sections of a micro-op's object as one block of code and one of data, and turns its
/// relocations and the labels of the assembly optimizer into holes.
///
/// The holes are in the order that they have in CPython's `Tools/jit` before they are sorted, since
/// the numbers that [`resolve`](crate::resolve) gives to symbols depend on it.
///
/// # Errors
///
/// A [`LowerError`] if the object is not one for the target, or if it has something that a stencil
/// cannot have.
pub fn lower_aligned(target: &Target, object: &ObjectFile) -> Result<UnresolvedGroup, LowerError> {
    lower_from(target, object, Alignment::Full, ENTRY)
}

/// Does what [`lower_aligned`] does, but aligns data only as much as the code is known to rely on. This
/// is for CPython, whose headers are the same as those of its `Tools/jit` then. Code that looks at the
/// address of data may find that it is not as aligned as it was declared, with up to 16 bytes on x86 and
/// 8 on AArch64.
///
/// # Errors
///
/// Those of [`lower_aligned`].
pub fn lower(target: &Target, object: &ObjectFile) -> Result<UnresolvedGroup, LowerError> {
    lower_from(target, object, Alignment::Reduced, ENTRY)
}

/// Does what [`lower_aligned`] or [`lower`] does, with `entry` as the symbol at which control enters.
pub(crate) fn lower_from(
    target: &Target,
    object: &ObjectFile,
    alignment: Alignment,
    entry: &str,
) -> Result<UnresolvedGroup, LowerError> {
    if object.format != target.format {
        return Err(LowerError::Format {
            target: target.triple,
            expected: target.format,
            found: object.format,
        });
    }
    let relied_on = alignment::relied_on(target.arch, &object.sections);
    let mut layout = Layout::new(target.symbol_prefix, relied_on, alignment.ignored());
    for section in &object.sections {
        let part = match section.kind {
            SectionKind::Code => Part::Code,
            SectionKind::Data => Part::Data,
            SectionKind::Metadata => continue,
        };
        if part == Part::Data && section.writable && !section.data.is_empty() {
            return Err(LowerError::Variable {
                variable: variable(target, section),
                section: section.name.clone(),
                size: section.data.len(),
            });
        }
        match object.format {
            ObjectFormat::Elf => elf::add_section(&mut layout, part, section)?,
            ObjectFormat::MachO => macho::add_section(&mut layout, part, section)?,
            ObjectFormat::Coff => coff::add_section(&mut layout, part, section)?,
        }
    }
    let literal_shifts = match object.format {
        ObjectFormat::MachO => macho::literal_shifts(&layout, &object.sections),
        ObjectFormat::Elf | ObjectFormat::Coff => BTreeMap::new(),
    };
    let Layout {
        mut code,
        data,
        data_alignment,
        symbols,
        ..
    } = layout;
    let entry = symbols.get(entry).copied();
    if entry
        != Some(Place {
            part: Part::Code,
            offset: 0,
        })
    {
        return Err(LowerError::Entry { found: entry });
    }
    labels::convert(&mut code, &symbols)?;
    let listing = Listing {
        disassembly: None,
        data_size: Some(data.body.len()),
        literal_shifts,
    };
    Ok(UnresolvedGroup {
        code,
        data,
        data_alignment,
        end: CodeEnd::of(object),
        symbols: symbols.into_iter().collect(),
        listing,
    })
}

/// Returns the name of the first variable in a section, or else the section's.
fn variable(target: &Target, section: &Section) -> String {
    let is_name = |name: &str| {
        let generated = ["ltmp", target.label_prefix];
        name != section.name && !generated.iter().any(|prefix| name.starts_with(prefix))
    };
    let names = section.symbols.iter().map(|symbol| symbol.name.as_str());
    let name = names.into_iter().find(|name| is_name(name));
    let name = name.unwrap_or(&section.name);
    let name = name.strip_prefix(target.symbol_prefix).unwrap_or(name);
    name.to_owned()
}
