//! Errors of projects whose micro-ops are functions.

use std::path::PathBuf;

use jit_llvm::{Cause, Folded, modules::ModuleError};
use jit_schema::Target;

/// The reason why functions can't become stencils.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// Something is asked for that only a project with a template has.
    #[error(
        "{} is a project of functions: this is for a project with a template and cases",
        root.display()
    )]
    NoTemplate {
        /// The project's directory.
        root: PathBuf,
    },
    /// A file of functions can't be split.
    #[error("{}: {source}", path.display())]
    Module {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ModuleError,
    },
    /// Something in a file of functions would run when a program starts or ends.
    #[error(
        "{}{}: {source}",
        path.display(),
        line.map(|line| format!(":{line}")).unwrap_or_default()
    )]
    Constructor {
        /// The file.
        path: PathBuf,
        /// The line of the variable or the function, if it is known.
        line: Option<usize>,
        /// The reason.
        source: Box<ModuleError>,
    },
    /// A file of LLVM IR is for another target.
    #[error(
        "{}{}: this is LLVM IR for {found}, not for {target}: generate it for that target",
        path.display(),
        line.map(|line| format!(":{line}")).unwrap_or_default()
    )]
    OtherTarget {
        /// The file.
        path: PathBuf,
        /// The line that says so, in a file that is text.
        line: Option<usize>,
        /// The triple in the file.
        found: String,
        /// The target of the build.
        target: &'static Target,
    },
    /// clang may have computed something from how an operand is declared.
    #[error("{}:{line}: {}", path.display(), computed(operand, cause))]
    Folded {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The operand.
        operand: String,
        /// What clang computes from.
        cause: Cause,
    },
    /// A function can't become a stencil.
    #[error("{uop}: {message}")]
    Function {
        /// The micro-op.
        uop: String,
        /// What is wrong, with the names that the author gave.
        message: String,
    },
    /// Two functions would become stencils of one name.
    #[error("{first} and {second} are both micro-op {name}: rename one of them")]
    DuplicateFunction {
        /// The name.
        name: String,
        /// The first function and its file.
        first: String,
        /// The second function and its file.
        second: String,
    },
}

/// Returns what clang computes with an operand.
fn computed(operand: &str, cause: &Cause) -> String {
    match cause {
        Cause::Builtin { name, alignment } => {
            let aligned = alignment
                .map(|bytes| format!(" that is declared as a multiple of {bytes}"))
                .unwrap_or_default();
            format!(
                "clang computes {name} from declarations, whatever value an instruction gives, and {operand} is an \
                 operand{aligned}: compute it from numbers, as in `((uintptr_t)p & 7) == 0`, or declare the operand as \
                 `extern char {operand}[]`"
            )
        }
        Cause::Linkage => format!(
            "the operand {operand} is declared with the linkage of C++, and clang would take its address for one that \
             is never zero and that nothing else has: declare it as extern \"C\""
        ),
        Cause::Label => format!(
            "the operand {operand} is declared under another name, and clang would take its address for one that is never \
             zero and that nothing else has: declare it by its name, without an asm label or #pragma redefine_extname"
        ),
        _ => format!("clang computes something from the declaration of the operand {operand}"),
    }
}

impl From<Folded> for FunctionError {
    fn from(folded: Folded) -> FunctionError {
        FunctionError::Folded {
            path: folded.place.file.into(),
            line: folded.place.line,
            operand: folded.symbol,
            cause: folded.cause,
        }
    }
}

impl FunctionError {
    /// Returns the name of the micro-op that an error is about, if it is about one.
    pub(super) fn uop(&self) -> Option<&str> {
        match self {
            FunctionError::Function { uop, .. } => Some(uop),
            FunctionError::NoTemplate { .. }
            | FunctionError::Module { .. }
            | FunctionError::Constructor { .. }
            | FunctionError::OtherTarget { .. }
            | FunctionError::Folded { .. }
            | FunctionError::DuplicateFunction { .. } => None,
        }
    }

    /// Returns why a micro-op failed.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            FunctionError::Function { message, .. } => Some(message.clone()),
            FunctionError::NoTemplate { .. }
            | FunctionError::Module { .. }
            | FunctionError::Constructor { .. }
            | FunctionError::OtherTarget { .. }
            | FunctionError::Folded { .. }
            | FunctionError::DuplicateFunction { .. } => None,
        }
    }
}
