//! From an object file to stencils: the sections of each format laid out as CPython's
//! `Tools/jit/_targets.py` lays them out (`_ELF`, `_MachO` and `_COFF`'s `_handle_section`).

mod coff;
mod elf;
mod labels;
mod macho;

use indexmap::IndexMap;
use jit_schema::relocation::Reach;
use jit_schema::{
    ObjectFile, ObjectFormat, Relocation, RelocationKind, Section, SectionKind, Target,
};

use crate::unresolved::{Place, UnresolvedGroup, UnresolvedHole, named, symbol_to_value};
use crate::{HoleValue, Listing, Part, Stencil};

/// Symbols in the order of their first definition, which is the order labels are handled in.
type Symbols = IndexMap<String, Place>;

const ENTRY: &str = "_JIT_ENTRY";

/// Why an object cannot become a stencil. Each names the place within the object; who knows the
/// uop adds its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// The object is not of the target's format.
    #[error("the object is {found:?}, but {target} takes {expected:?}: compile for that target")]
    Format {
        /// The target's triple.
        target: &'static str,
        /// The target's format.
        expected: ObjectFormat,
        /// The object's format.
        found: ObjectFormat,
    },
    /// `_JIT_ENTRY` is not where control enters: at the start of the code.
    #[error(
        "_JIT_ENTRY must be at offset 0 of the code, but it is {}: put no code before it, and no \
         other function in a section of its own ahead of it",
        describe(*found)
    )]
    Entry {
        /// Where it is instead, if it is defined at all.
        found: Option<Place>,
    },
    /// A relocation's field is not within its section.
    #[error(
        "relocation {kind} against {symbol:?} at {section}+{offset:#x} reaches past the section's \
         {size} bytes: the object is damaged"
    )]
    OutOfBounds {
        /// The relocation.
        kind: RelocationKind,
        /// The symbol it refers to.
        symbol: String,
        /// The section to be patched.
        section: String,
        /// Where in the section.
        offset: u64,
        /// The section's size.
        size: usize,
    },
    /// A Mach-O section's address does not fit what comes before it.
    #[error(
        "section {section} is at address {address:#x}, which does not follow the {code} bytes of \
         code and {data} of data before it: code must come first, and gaps be no larger than a \
         page"
    )]
    SectionAddress {
        /// The section's name.
        section: String,
        /// Its address within the object.
        address: u64,
        /// Bytes of code so far.
        code: usize,
        /// Bytes of data so far.
        data: usize,
    },
    /// A label of the assembly optimizer's (`..._JIT_RELOCATION_...` or `..._JIT_PAIR_...`) does
    /// not say what it has to.
    #[error("label {label}: {problem}")]
    Label {
        /// The label.
        label: String,
        /// What is wrong with it.
        problem: String,
    },
}

pub(crate) fn describe(found: Option<Place>) -> String {
    match found {
        None => "not defined".to_owned(),
        Some(place) => format!("at {}+{:#x}", place.part, place.offset),
    }
}

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
    let mut layout = Layout {
        prefix: target.symbol_prefix,
        code: Stencil::default(),
        data: Stencil::default(),
        symbols: Symbols::new(),
    };
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

/// The stencils of an object while its sections are being added.
struct Layout {
    /// What C symbols are mangled with.
    prefix: &'static str,
    code: Stencil<UnresolvedHole>,
    data: Stencil<UnresolvedHole>,
    symbols: Symbols,
}

impl Layout {
    fn stencil(&mut self, part: Part) -> &mut Stencil<UnresolvedHole> {
        match part {
            Part::Code => &mut self.code,
            Part::Data => &mut self.data,
        }
    }

    /// The C name of a symbol.
    fn unmangle<'a>(&self, symbol: &'a str) -> &'a str {
        symbol.strip_prefix(self.prefix).unwrap_or(symbol)
    }

    /// Append the section's bytes and turn its relocations into holes.
    fn append(
        &mut self,
        part: Part,
        section: &Section,
        value: impl Fn(&Layout, &Relocation) -> (HoleValue, Option<String>),
    ) -> Result<(), LowerError> {
        let mut holes = Vec::with_capacity(section.relocations.len());
        let base = self.stencil(part).body.len();
        for relocation in &section.relocations {
            let offset = field_offset(section, relocation)?;
            let (hole_base, symbol) = value(self, relocation);
            holes.push(UnresolvedHole::new(
                base + offset,
                relocation.kind,
                hole_base,
                symbol,
                relocation.addend,
            ));
        }
        let stencil = self.stencil(part);
        stencil.body.extend_from_slice(&section.data);
        stencil.holes.append(&mut holes);
        Ok(())
    }
}

/// The relocation's offset, if its field is within the section.
fn field_offset(section: &Section, relocation: &Relocation) -> Result<usize, LowerError> {
    let width = relocation.kind.row().width;
    usize::try_from(relocation.offset)
        .ok()
        .filter(|offset| {
            offset
                .checked_add(width)
                .is_some_and(|end| end <= section.data.len())
        })
        .ok_or_else(|| LowerError::OutOfBounds {
            kind: relocation.kind,
            symbol: relocation.symbol.clone(),
            section: section.name.clone(),
            offset: relocation.offset,
            size: section.data.len(),
        })
}

/// Returns the value of a relocation in a format whose relocations say whether they refer to a
/// symbol or to its slot in the GOT.
fn value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    match relocation.kind.row().reach {
        Reach::Got => got_value(layout, relocation),
        Reach::Direct | Reach::Import { .. } | Reach::Branch { .. } => {
            plain_value(layout, relocation)
        }
    }
}

/// The value of a relocation whose symbol may be one of the template's own.
fn plain_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    symbol_to_value(layout.unmangle(&relocation.symbol))
}

/// The value of a relocation that refers to the symbol's slot in the GOT.
fn got_value(layout: &Layout, relocation: &Relocation) -> (HoleValue, Option<String>) {
    let symbol = layout.unmangle(&relocation.symbol);
    (HoleValue::Got, named(symbol))
}

/// A place `value` bytes (taken modulo 2^64) from `base`.
fn offset_from(base: usize, value: u64) -> i64 {
    (base as u64).wrapping_add(value).cast_signed()
}
