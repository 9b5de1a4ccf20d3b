//! The error of resolving.

use std::fmt;

use jit_schema::RelocationKind;

use crate::Part;

/// Why the stencils of a target do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A symbol is not declared as an import. On 64-bit Windows, what is in another DLL can be reached
    /// only through an import.
    #[error(
        "{opname}: {symbol} is used at {part}+{offset:#x} without being imported: \
         declare {symbol} with __declspec(dllimport), as PyAPI_FUNC and PyAPI_DATA do"
    )]
    MissingDllImport {
        /// The micro-op.
        opname: String,
        /// The C symbol.
        symbol: String,
        /// The code or the data.
        part: Part,
        /// The offset in that part, in bytes.
        offset: usize,
    },
    /// A `_JIT_` symbol has no meaning.
    #[error(
        "{opname}: {symbol}, which is used at {part}+{offset:#x}, is neither a value that is filled in \
         nor a place in the micro-op: is it misspelt? The values are {values}"
    )]
    UnknownPlace {
        /// The micro-op.
        opname: String,
        /// The symbol.
        symbol: String,
        /// The code or the data.
        part: Part,
        /// The offset in that part, in bytes.
        offset: usize,
        /// The `_JIT_` symbols that stand for values, with commas between them.
        values: String,
    },
    /// Code calls a place in a trace, from where nothing returns.
    #[error(
        "{opname}: {symbol} is called at {part}+{offset:#x}, but nothing returns from there: make it a \
         tail call (return {symbol}(...) with [[clang::musttail]])"
    )]
    CalledPlace {
        /// The micro-op.
        opname: String,
        /// The symbol.
        symbol: String,
        /// The code or the data.
        part: Part,
        /// The offset in that part, in bytes.
        offset: usize,
    },
    /// A relocation refers to a GOT slot or needs a trampoline, but it cannot.
    #[error(
        "{opname}: unsupported relocation {kind} against {} at {part}+{offset:#x}: {problem}",
        symbol.as_deref().unwrap_or("no symbol")
    )]
    Unsupported {
        /// The micro-op.
        opname: String,
        /// The relocation.
        kind: RelocationKind,
        /// The C symbol that it refers to, if there is one.
        symbol: Option<String>,
        /// The code or the data.
        part: Part,
        /// The offset in that part, in bytes.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The code cannot be filled up with instructions that do nothing, as its size is not that of whole
    /// instructions.
    #[error(
        "{opname}: the code has {size} bytes, which is no multiple of the 4 bytes of an instruction, so that \
         what follows could not be aligned: does it have data among its instructions?"
    )]
    CodeSize {
        /// The micro-op.
        opname: String,
        /// The size of its code, in bytes.
        size: usize,
    },
    /// Two micro-ops have the same name.
    #[error("there are two micro-ops {opname}: give each a name of its own")]
    DuplicateUop {
        /// The micro-op.
        opname: String,
    },
}

/// The errors of all micro-ops that have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveErrors {
    /// The first one.
    pub first: ResolveError,
    /// The others.
    pub others: Vec<ResolveError>,
}

impl fmt::Display for ResolveErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others
            .iter()
            .try_for_each(|error| write!(f, "\n{error}"))
    }
}

impl std::error::Error for ResolveErrors {}

impl ResolveError {
    /// Returns the name of the micro-op.
    pub fn opname(&self) -> &str {
        match self {
            ResolveError::MissingDllImport { opname, .. }
            | ResolveError::UnknownPlace { opname, .. }
            | ResolveError::CalledPlace { opname, .. }
            | ResolveError::Unsupported { opname, .. }
            | ResolveError::CodeSize { opname, .. }
            | ResolveError::DuplicateUop { opname } => opname,
        }
    }
}
