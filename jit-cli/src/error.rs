//! The error type of this crate.

mod functions;
mod hardening;
mod several;
mod subjects;
mod upstream;
mod whole;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use jit_llvm::LlvmError;
use jit_optimizer::OptimizeError;
use jit_schema::{ObjectError, Target, UnknownTarget};
use jit_stencils::{LowerError, ResolveError, ResolveErrors, ShimError, UnwindError};

pub(crate) use self::several::renamed;
pub use self::{
    functions::FunctionError, hardening::HardeningError, subjects::SubjectError,
    upstream::UpstreamError,
};
use crate::pack::PackError;

/// The reason why a build failed. Each message names the file, micro-op or target that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A target triple is not known.
    #[error(transparent)]
    UnknownTarget(#[from] UnknownTarget),
    /// No target is named, and this machine is not a supported target.
    #[error("this machine is none of the targets that stencils can be built for")]
    NoHostTarget,
    /// Flags for clang have a quote that is not closed.
    #[error("the flags {flags:?} have a quote that is not closed")]
    Flags {
        /// The flags.
        flags: String,
    },
    /// A definition of a macro is not one.
    #[error("{text:?} is not a macro: write NAME or NAME=VALUE, without -D")]
    NotAMacro {
        /// The definition.
        text: String,
    },
    /// The results of the cache are to be compared in a build that does not use it.
    #[error(
        "--verify-cache compares what the cache has, and {option} builds without it: leave out one of them"
    )]
    NothingToVerify {
        /// The option.
        option: &'static str,
    },
    /// Results from the cache are not what clang generates.
    #[error(
        "what the cache has for {} is not what clang generates; the entries were replaced. Please report this, with \
         what was edited or installed since the cache was filled; --no-cache builds without it",
        few(names)
    )]
    WrongCache {
        /// The micro-ops, or `shim`.
        names: Vec<String>,
    },
    /// An environment variable for the shared cache is wrong.
    #[error("{message}")]
    SharedCache {
        /// The variable, and what is wrong with it.
        message: String,
    },
    /// A flag for clang does something to functions that stencils can't have.
    #[error("{target}: stencils can't be compiled with {flag}, which {why}")]
    RefusedFlag {
        /// The target.
        target: &'static Target,
        /// The flag, as it was given where that is known.
        flag: String,
        /// What it does.
        why: &'static str,
    },
    /// A free-threaded build is asked for, but no target uses the built-in headers.
    #[error(
        "only the built-in headers can be configured for a free-threaded build, and no target is built \
         with them; elsewhere, Py_GIL_DISABLED in pyconfig.h decides"
    )]
    FreeThreaded,
    /// The threads that do the work could not be started.
    #[error("can't start the jobs: {message}")]
    Jobs {
        /// What the system says.
        message: String,
    },
    /// An environment variable that cargo sets for build scripts is missing.
    #[error("{name} is not set: this is for build scripts, which cargo runs")]
    NotABuildScript {
        /// The variable.
        name: &'static str,
    },
    /// Two builds of one build script would write to the same directory.
    #[error(
        "{} has the files of another build of this build script: name a directory for this one with \
         Build::output_dir",
        directory.display()
    )]
    OutputTaken {
        /// The directory.
        directory: PathBuf,
    },
    /// clang could not be found or run, or rejected its input.
    #[error(transparent)]
    Llvm(#[from] LlvmError),
    /// A directory has no `pyconfig.h`.
    #[error("no pyconfig.h in {}", directory.display())]
    NoPyconfig {
        /// The directory.
        directory: PathBuf,
    },
    /// A cases file has no case.
    #[error(
        "{} has no case: a micro-op starts with a line of eight spaces and `case NAME: {{` and ends \
         with a line of eight spaces and `}}`. Is this the generated executor_cases.c.h?",
        path.display()
    )]
    NoCase {
        /// The file.
        path: PathBuf,
    },
    /// A template or a cases file is not UTF-8.
    #[error(
        "{}:{line}: this line is not UTF-8 text: save the file as UTF-8, or generate it again",
        path.display()
    )]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is not.
        line: usize,
    },
    /// A line of a cases file begins like a case, but is not one.
    #[error(
        "{}:{line}: `{text}` is not the start of a case: write eight spaces and `case NAME: {{`, where NAME \
         is a C identifier and nothing follows the brace",
        path.display()
    )]
    NotACase {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What the line says.
        text: String,
    },
    /// A cases file has text that is not in a case.
    #[error(
        "{}:{line}: `{text}` is outside of the cases and would have no effect: put it into the template, a \
         header that the template includes, or each case that it is for",
        path.display()
    )]
    OutsideOfCases {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What the line says.
        text: String,
    },
    /// A cases file has a comment that is outside of the cases and does not end there, in a project that is
    /// not CPython.
    #[error(
        "{}:{line}: the comment that starts here does not end before the next case or the end of the file. \
         A case in a comment would be built, too: remove it, or end the comment before it",
        path.display()
    )]
    OpenComment {
        /// The file.
        path: PathBuf,
        /// The line that the comment starts on.
        line: usize,
    },
    /// Functions can't become stencils.
    #[error(transparent)]
    Functions(#[from] FunctionError),
    /// A template has no place for a micro-op.
    #[error(
        "{} has no `CASE`: a template contains this word where the text of a micro-op goes",
        path.display()
    )]
    NoPlaceholder {
        /// The file.
        path: PathBuf,
    },
    /// A cases file has two cases with the same name.
    #[error(
        "{}:{second}: micro-op {name} is already defined on line {first}: generate the file again, or \
         remove one of the two",
        path.display()
    )]
    DuplicateCase {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The line of the first case.
        first: usize,
        /// The line of the second case.
        second: usize,
    },
    /// A case has no end.
    #[error(
        "{}:{line}: micro-op {name} is cut short: no line of eight spaces and `}}` ends it before the \
         next case or the end of the file. Generate the file again (make regen-cases)",
        path.display()
    )]
    CaseCutShort {
        /// The file.
        path: PathBuf,
        /// The line that the case starts on.
        line: usize,
        /// The micro-op.
        name: String,
    },
    /// The optimizer rejected clang's assembly.
    #[error("{uop}: the optimizer can't handle the assembly: {source}")]
    Optimize {
        /// The micro-op.
        uop: String,
        /// What is wrong.
        source: OptimizeError,
    },
    /// An object file is malformed, or has contents that a stencil can't have.
    #[error("{uop}: {source}")]
    Object {
        /// The micro-op.
        uop: String,
        /// What is wrong.
        source: ObjectError,
    },
    /// An object file could not be made into a stencil.
    #[error("{uop}: {source}")]
    Lower {
        /// The micro-op.
        uop: String,
        /// What is wrong.
        source: LowerError,
    },
    /// The stencils could not be combined to a set.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The header format can't express the stencils.
    #[error(transparent)]
    Header(#[from] jit_writer::HeaderError),
    /// The shim has no usable unwind information.
    #[error("{}: no unwind information: {source}", path.display())]
    Unwind {
        /// The shim's source.
        path: PathBuf,
        /// What is wrong.
        source: UnwindError,
    },
    /// The shim can't be a stencil.
    #[error("{}: it can't be in the stencil file: {source}", path.display())]
    Shim {
        /// The shim's source.
        path: PathBuf,
        /// What is wrong.
        source: ShimError,
    },
    /// clang reported success, but wrote no object file.
    #[error(
        "{uop}: no object file was written, though clang reports success: please report this bug"
    )]
    Missing {
        /// The micro-op.
        uop: String,
    },
    /// A file or directory could not be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// `read`, `write`, `create`, `replace`, `find` or `copy`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file was changed while it was compiled.
    #[error("{} was changed during the build: build again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A `jit.toml` has an error.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        message: String,
    },
    /// A directory is not a CPython checkout.
    #[error("{} is not a CPython checkout: it has no {missing}", root.display())]
    NotCpython {
        /// The directory.
        root: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// A checkout is of a CPython release that is not known.
    #[error(
        "{} is a checkout of CPython {found}, which can't be built; the releases that can are: {known}",
        root.display()
    )]
    UnknownCpythonRelease {
        /// The checkout.
        root: PathBuf,
        /// The release of the checkout, as far as it is known.
        found: String,
        /// The releases that can be built, separated by commas.
        known: String,
    },
    /// A release of CPython has no such build.
    #[error("CPython {release} can't be built with {asked}: {why}")]
    NotOfRelease {
        /// The release.
        release: String,
        /// What was asked for.
        asked: String,
        /// Why it can't be, and what to do instead.
        why: &'static str,
    },
    /// A directory does not have the headers of an installed CPython.
    #[error("{} has no {missing}", directory.display())]
    NotInstalled {
        /// The directory.
        directory: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// There are no headers to compare with, because the target is another system.
    #[error("{target} is not this machine, so its real headers have to be named")]
    NoRealHeaders {
        /// The target.
        target: &'static Target,
    },
    /// Two sets of headers differ in ways that affect stencils.
    #[error(
        "{sysroot} and {against} differ in {differences} things that CPython uses: stencils built \
         with one are wrong for the other"
    )]
    SysrootDiffers {
        /// The headers that were checked.
        sysroot: String,
        /// The headers that they were compared with.
        against: String,
        /// The number of differences.
        differences: usize,
    },
    /// A pack can't be made, read or used.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Code can't be hardened, or is not.
    #[error(transparent)]
    Hardening(#[from] HardeningError),
    /// There are no stencils to look at.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A checkout can't be compared with what its own tool writes, or is not equal.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A target could not be built.
    #[error("{error}")]
    Target {
        /// The target.
        target: &'static Target,
        /// The system's headers that it was built with.
        headers: Headers,
        /// The project's directory.
        root: PathBuf,
        /// What went wrong.
        error: Box<Error>,
    },
    /// A micro-op could not be built.
    #[error("{}:{line}: {}", path.display(), renamed(&error.to_string(), names))]
    Uop {
        /// The file with the micro-op.
        path: PathBuf,
        /// The line that it starts on.
        line: usize,
        /// What the author calls some of the symbols in the error.
        names: BTreeMap<String, String>,
        /// What went wrong.
        error: Box<Error>,
    },
    /// Several micro-ops failed; there are at least two.
    #[error("{}", several::several(.0))]
    Several(Vec<Error>),
}

/// The system headers that a target is built with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Headers {
    /// The headers that clang finds on this machine.
    Installed,
    /// The headers that are part of jit-cli, unpacked in this directory.
    Builtin(PathBuf),
    /// The headers in this directory.
    Directory(PathBuf),
}

impl From<ResolveErrors> for Error {
    fn from(errors: ResolveErrors) -> Error {
        let others = errors.others.into_iter().map(Error::Resolve);
        Error::of_all(Error::Resolve(errors.first), others.collect())
    }
}

impl Error {
    /// Returns the name of the micro-op that an error is about, if it is about one.
    pub fn uop(&self) -> Option<&str> {
        match self {
            Error::Optimize { uop, .. }
            | Error::Object { uop, .. }
            | Error::Lower { uop, .. }
            | Error::Missing { uop } => Some(uop),
            Error::Functions(error) => error.uop(),
            Error::Llvm(
                LlvmError::Rejected { name, .. } | LlvmError::WroteNothing { name, .. },
            ) => Some(name),
            Error::Llvm(LlvmError::TimedOut { unfinished, .. }) => unfinished.as_deref(),
            Error::Resolve(error) => Some(error.opname()),
            Error::Uop { error, .. } => error.uop(),
            _ => None,
        }
    }

    /// Returns why a micro-op failed: the same text for each micro-op that failed for the same reason.
    fn reason(&self) -> Option<String> {
        match self {
            Error::Optimize { source, .. } => Some(source.to_string()),
            Error::Object { source, .. } => Some(source.to_string()),
            Error::Lower { source, .. } => Some(source.to_string()),
            Error::Functions(error) => error.reason(),
            Error::Llvm(LlvmError::Rejected {
                name, diagnostics, ..
            }) => Some(diagnostics.text.replace(&format!("{name}.c:"), "")),
            Error::Llvm(LlvmError::WroteNothing { program, what, .. }) => {
                Some(format!("{} {what}", program.display()))
            }
            Error::Uop { error, names, .. } => Some(renamed(&error.reason()?, names)),
            _ => None,
        }
    }

    /// Returns a function that converts the error of a file operation.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::File {
            action,
            path,
            source,
        }
    }
}

/// Returns the first names, and how many more there are.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = names.get(..SHOWN).unwrap_or(names).join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
