//! The error of lowering.

use jit_schema::{ObjectFormat, RelocationKind};

use crate::{MAX_ALIGNMENT, Place};

/// Why an object cannot become a stencil. The message names the place within the object, but not the
/// micro-op: the caller knows which one it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// The object is not of the target's format.
    #[error("the object is {found}, but {target} takes {expected}: compile for that target")]
    Format {
        /// The target's triple.
        target: &'static str,
        /// The target's format.
        expected: ObjectFormat,
        /// The object's format.
        found: ObjectFormat,
    },
    /// `_JIT_ENTRY` is not at the start of the code, where control enters.
    #[error(
        "_JIT_ENTRY must be at offset 0 of the code, but it is {}: define it before all other \
         functions",
        describe(*found)
    )]
    Entry {
        /// The place where it is defined instead, if there is one.
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
        /// The symbol that it refers to.
        symbol: String,
        /// The section to be patched.
        section: String,
        /// The offset in the section, in bytes.
        offset: u64,
        /// The section's size, in bytes.
        size: usize,
    },
    /// A Mach-O section's address does not follow the sections before it.
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
        /// The number of bytes of code before it.
        code: usize,
        /// The number of bytes of data before it.
        data: usize,
    },
    /// The object has a variable. Each copy of the stencil would have one of its own, and stencils are
    /// read-only when they run.
    #[error(
        "section {section} has {size} bytes of variables, {variable} among them; static writable data \
         cannot be in a stencil, whose copies would not share it: make it const, or keep it outside"
    )]
    Variable {
        /// The first variable, or the section if none has a name.
        variable: String,
        /// The section.
        section: String,
        /// Its size, in bytes.
        size: usize,
    },
    /// A section of data has an alignment that stencils cannot have.
    #[error(
        "section {section} must be aligned to {alignment} bytes, and a stencil's data can be \
         aligned to {MAX_ALIGNMENT} at most: keep the data outside of the stencil"
    )]
    Alignment {
        /// The section's name.
        section: String,
        /// Its alignment, in bytes.
        alignment: u64,
    },
    /// A label of the assembly optimizer is malformed or misplaced (see [`jit_schema::label`]).
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
