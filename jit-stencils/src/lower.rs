//! From an object file to stencils: the sections of each format laid out as CPython's
//! `Tools/jit/_targets.py` lays them out (`_ELF`, `_MachO` and `_COFF`'s `_handle_section`).

mod coff;
mod elf;
mod error;
mod labels;
mod layout;
mod macho;

use jit_schema::{ObjectFile, ObjectFormat, SectionKind, Target};

use self::layout::Layout;
use crate::unresolved::UnresolvedGroup;
use crate::{Listing, Part, Place};

pub use self::error::LowerError;
pub(crate) use self::error::describe;

/// The symbol that control enters a micro-op at.
const ENTRY: &str = "_JIT_ENTRY";

/// Lay out the sections of a uop's object as one block of code and one of data, turn its
/// relocations and the optimizer's labels into holes.
///
/// The order of holes is that of CPython's Tools/jit before they are sorted: the order in which
/// [`resolve`](crate::resolve) hands out numbers follows it.
///
/// # Errors
///
/// [`LowerError`].
pub fn lower(target: &Target, object: &ObjectFile) -> Result<UnresolvedGroup, LowerError> {
    lower_from(target, object, ENTRY)
}

/// [`lower`], where control enters at a symbol of that name.
pub(crate) fn lower_from(
    target: &Target,
    object: &ObjectFile,
    entry: &str,
) -> Result<UnresolvedGroup, LowerError> {
    if object.format != target.format {
        return Err(LowerError::Format {
            target: target.triple,
            expected: target.format,
            found: object.format,
        });
    }
    let mut layout = Layout::new(target.symbol_prefix);
    for section in &object.sections {
        let part = match section.kind {
            SectionKind::Code => Part::Code,
            SectionKind::Data => Part::Data,
            SectionKind::Metadata => continue,
        };
        match object.format {
            ObjectFormat::Elf => elf::add_section(&mut layout, part, section)?,
            ObjectFormat::MachO => macho::add_section(&mut layout, part, section)?,
            ObjectFormat::Coff => coff::add_section(&mut layout, part, section)?,
        }
    }
    let Layout {
        mut code,
        data,
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
    };
    Ok(UnresolvedGroup {
        code,
        data,
        symbols: symbols.into_iter().collect(),
        listing,
    })
}
