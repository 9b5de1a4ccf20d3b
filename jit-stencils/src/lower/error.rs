//! Why an object cannot become a stencil.

use jit_schema::{ObjectFormat, RelocationKind};

use crate::Place;

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
