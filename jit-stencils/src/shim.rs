//! Turns the shim's object into a stencil.

mod error;

use std::collections::HashSet;

use indexmap::IndexSet;
use jit_schema::Target;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags, elf, pe};

use crate::lower::{Alignment, lower_from};
use crate::resolve::resolve_group;
use crate::rules::Rules;
use crate::{
    Hole, HoleValue, LowerError, Part, PatchValue, Shim, StencilGroup, StencilSet, shim_unwind,
};

pub use error::ShimError;

/// Sections for the system's unwinder and for debuggers.
const IGNORED: [&str; 7] = [
    ".eh_frame",
    "__eh_frame",
    "__compact_unwind",
    ".pdata",
    ".xdata",
    ".debug$S",
    ".debug$T",
];

/// Makes a stencil of the shim's object file and adds it to the set in place of any shim that it had.
/// The shim's external symbols are added after those of the set.
///
/// The shim is the only function in the object that is not static. Unwind tables are left out; the
/// rules that they have for the call are in [`Shim::unwind`].
///
/// # Errors
///
/// A [`ShimError`] if the object is not one for the target, or if it has something that a shim cannot
/// have. The set is unchanged then.
pub fn attach_shim(set: &mut StencilSet, object: &[u8]) -> Result<(), ShimError> {
    let target = set.target;
    let parsed = object::File::parse(object).map_err(malformed);
    if let Ok(parsed) = &parsed {
        // This comes first, as the reader refuses uninitialized variables with another error.
        check_variables(parsed)?;
    }
    let file = jit_schema::native::read_ignoring(object, &IGNORED)?;
    let name = entry(&target, &parsed?)?;
    if set.group(&name).is_some() {
        return Err(ShimError::NameTaken { name });
    }
    let group = match lower_from(&target, &file, Alignment::Full, &name) {
        Ok(group) => group,
        Err(LowerError::Entry { found }) => return Err(ShimError::Entry { name, found }),
        Err(source) => return Err(ShimError::Lower { name, source }),
    };
    let mut symbols: IndexSet<String> = set.symbols.iter().cloned().collect();
    let group = resolve_group(&name, group, &mut symbols, (&target, &Rules::USUAL))?;
    let symbols: Vec<String> = symbols.into_iter().collect();
    check_holes(&name, &group, &symbols)?;
    let unwind = shim_unwind(&target, object)?;
    set.symbols = symbols;
    set.shim = Some(Shim {
        name,
        group,
        unwind,
    });
    Ok(())
}

fn malformed(error: object::Error) -> ShimError {
    ShimError::Malformed {
        detail: error.to_string(),
    }
}

fn check_variables(file: &object::File<'_>) -> Result<(), ShimError> {
    for section in file.sections() {
        let name = section.name().map_err(malformed)?;
        if is_writable(&section) && section.size() > 0 && !IGNORED.contains(&name) {
            return Err(ShimError::Variables {
                section: name.to_owned(),
                size: section.size(),
            });
        }
    }
    Ok(())
}

/// Returns the C name of the shim's function.
fn entry(target: &Target, file: &object::File<'_>) -> Result<String, ShimError> {
    let code: HashSet<_> = file
        .sections()
        .filter(|section| section.kind() == object::SectionKind::Text)
        .map(|section| section.index())
        .collect();
    let mut functions = Vec::new();
    for symbol in file.symbols() {
        let in_code = symbol
            .section_index()
            .is_some_and(|index| code.contains(&index));
        if in_code && symbol.is_definition() && symbol.is_global() {
            let name = symbol.name().map_err(malformed)?;
            let name = name.strip_prefix(target.symbol_prefix).unwrap_or(name);
            functions.push(name.to_owned());
        }
    }
    match <[String; 1]>::try_from(functions) {
        Ok([name]) => Ok(name),
        Err(functions) => Err(ShimError::Functions { functions }),
    }
}

/// Returns whether a program may write to the section. Constants that have addresses are no
/// variables: they are written once, when the program is linked.
fn is_writable<'data>(section: &impl object::ObjectSection<'data>) -> bool {
    let name = section.name().unwrap_or_default();
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => {
            sh_flags.contains(elf::SHF_ALLOC)
                && sh_flags.contains(elf::SHF_WRITE)
                && !name.starts_with(".data.rel.ro")
                && !name.starts_with(".ldata.rel.ro")
        }
        SectionFlags::MachO { .. } => {
            matches!(section.segment_name(), Ok(Some("__DATA"))) && name != "__const"
        }
        SectionFlags::Coff { characteristics } => characteristics.contains(pe::IMAGE_SCN_MEM_WRITE),
        _ => false,
    }
}

/// Checks that no hole gets its value from an instruction: there is none for the shim.
fn check_holes(name: &str, group: &StencilGroup, symbols: &[String]) -> Result<(), ShimError> {
    let parts = [(Part::Code, &group.code), (Part::Data, &group.data)];
    for (part, stencil) in parts {
        for hole in &stencil.holes {
            if let Some(value) = of_instruction(hole, symbols) {
                return Err(ShimError::Instruction {
                    name: name.to_owned(),
                    value,
                    part,
                    offset: hole.offset,
                });
            }
        }
    }
    Ok(())
}

/// Returns the name of what a hole takes from an instruction, if it does.
fn of_instruction(hole: &Hole, symbols: &[String]) -> Option<String> {
    let symbol = match &hole.value {
        PatchValue::Address {
            base: HoleValue::Code | HoleValue::Data | HoleValue::Zero,
            symbol,
            ..
        } => symbol.as_deref()?,
        PatchValue::Address { base, .. } | PatchValue::Scaled { base, .. } => {
            return Some(format!("_JIT_{base}"));
        }
        PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
            symbols.get(*ordinal)?
        }
    };
    symbol.starts_with("_JIT_").then(|| symbol.to_owned())
}
