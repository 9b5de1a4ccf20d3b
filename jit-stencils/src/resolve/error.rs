//! Why stencils do not fit together.

use jit_schema::RelocationKind;

use crate::Part;

/// Why the stencils of a target do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// On 64-bit Windows, code of another DLL can only be reached through its import.
    #[error(
        "{opname}: {symbol} is used at {part}+{offset:#x} without being imported: add \
         PyAPI_FUNC(...) or PyAPI_DATA(...) to the declaration of {symbol}"
    )]
    MissingDllImport {
        /// The uop.
        opname: String,
        /// The C symbol.
        symbol: String,
        /// In its code or data.
        part: Part,
        /// Where in the part.
        offset: usize,
    },
    /// A GOT slot, or a trampoline, is asked for where CPython's `jit.c` cannot provide it.
    #[error(
        "{opname}: unsupported relocation {kind} against {} at {part}+{offset:#x}: {problem}",
        symbol.as_deref().unwrap_or("no symbol")
    )]
    Unsupported {
        /// The uop.
        opname: String,
        /// The relocation.
        kind: RelocationKind,
        /// The C symbol, if it refers to one.
        symbol: Option<String>,
        /// In its code or data.
        part: Part,
        /// Where in the part.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Two uops have the same name.
    #[error("{opname} is there twice: give each uop a name of its own")]
    DuplicateUop {
        /// The uop.
        opname: String,
    },
}
