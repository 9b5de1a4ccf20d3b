//! Why a shim cannot be a stencil.

use jit_schema::ObjectError;

use crate::lower::describe;
use crate::{LowerError, Part, Place, ResolveError, UnwindError};

/// Why the shim's object cannot be a stencil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShimError {
    /// The object cannot be read.
    #[error("the shim: {0}")]
    Object(#[from] ObjectError),
    /// It is not a list of symbols and sections that makes sense.
    #[error("the shim's object is malformed: {detail}")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// Which function C is to call cannot be told.
    #[error(
        "the shim must define exactly one function that is not static, but it defines {}: make the \
         others static",
        list(functions)
    )]
    Functions {
        /// Their C names.
        functions: Vec<String>,
    },
    /// That function is not where control enters: at the start of the code.
    #[error(
        "the shim's {name} must be at offset 0 of the code, but it is {}: define it before other \
         functions",
        describe(*found)
    )]
    Entry {
        /// The function.
        name: String,
        /// Where it is instead, if it is anywhere.
        found: Option<Place>,
    },
    /// A micro-op has that name already.
    #[error("the shim's {name} has the name of a micro-op: call one of them something else")]
    NameTaken {
        /// The function.
        name: String,
    },
    /// Variables: what is linked at run time cannot be written to.
    #[error(
        "the shim's section {section} has {size} bytes of variables, and linked code is read-only: \
         declare them in another file, extern"
    )]
    Variables {
        /// The section.
        section: String,
        /// Its size in bytes.
        size: u64,
    },
    /// Something that stands for a part of an instruction, or for another uop's code.
    #[error(
        "the shim's {name} refers to {value} at {part}+{offset:#x}, but it belongs to no \
         instruction: only micro-ops may use that"
    )]
    Instruction {
        /// The function.
        name: String,
        /// What it refers to.
        value: String,
        /// In its code or data.
        part: Part,
        /// Where in the part.
        offset: usize,
    },
    /// Its sections do not make a stencil.
    #[error("the shim's {name}: {source}")]
    Lower {
        /// The function.
        name: String,
        /// What is wrong with them.
        source: LowerError,
    },
    /// What it refers to cannot be reached from a stencil.
    #[error("the shim's {0}")]
    Resolve(#[from] ResolveError),
    /// There is no unwind information.
    #[error(transparent)]
    Unwind(#[from] UnwindError),
}

fn list(functions: &[String]) -> String {
    if functions.is_empty() {
        return "none".to_owned();
    }
    functions.join(", ")
}
