//! The error of making a stencil of a shim.

use jit_schema::ObjectError;

use crate::lower::describe;
use crate::{LowerError, Part, Place, ResolveError, UnwindError};

/// Why the shim's object cannot be a stencil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShimError {
    /// The object cannot be read.
    #[error("the shim: {0}")]
    Object(#[from] ObjectError),
    /// The object's symbols or sections are malformed.
    #[error("the shim's object is malformed: {detail}")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// There is not exactly one function that can be the shim.
    #[error(
        "the shim must define exactly one function that is not static, but it defines {}: make the \
         others static",
        list(functions)
    )]
    Functions {
        /// Their C names.
        functions: Vec<String>,
    },
    /// The function is not at the start of the code, where control enters.
    #[error(
        "the shim's {name} must be at offset 0 of the code, but it is {}: define it before other \
         functions",
        describe(*found)
    )]
    Entry {
        /// The function.
        name: String,
        /// The place where it is defined instead, if there is one.
        found: Option<Place>,
    },
    /// A micro-op has the function's name.
    #[error("the shim's {name} has the name of a micro-op: call one of them something else")]
    NameTaken {
        /// The function.
        name: String,
    },
    /// The object has variables, but what is linked at run time is read-only.
    #[error(
        "the shim's section {section} has {size} bytes of variables, and linked code is read-only: \
         define them in another file, and declare them extern"
    )]
    Variables {
        /// The section.
        section: String,
        /// Its size, in bytes.
        size: u64,
    },
    /// The function refers to a field of an instruction, or to another micro-op's code.
    #[error(
        "the shim's {name} refers to {value} at {part}+{offset:#x}, but it belongs to no \
         instruction: only micro-ops may use that"
    )]
    Instruction {
        /// The function.
        name: String,
        /// The symbol that it refers to.
        value: String,
        /// The code or the data.
        part: Part,
        /// The offset in that part, in bytes.
        offset: usize,
    },
    /// The object cannot become a stencil.
    #[error("the shim's {name}: {source}")]
    Lower {
        /// The function.
        name: String,
        /// The reason.
        source: LowerError,
    },
    /// The function refers to something that cannot be reached from a stencil.
    #[error("the shim's {0}")]
    Resolve(#[from] ResolveError),
    /// The object has no usable unwind information.
    #[error(transparent)]
    Unwind(#[from] UnwindError),
}

fn list(functions: &[String]) -> String {
    if functions.is_empty() {
        return "none".to_owned();
    }
    functions.join(", ")
}
