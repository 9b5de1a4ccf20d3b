//! Everything that can end a build, each with an exit status of its own.

use std::{
    io,
    path::{Path, PathBuf},
};

use jit_llvm::{LlvmError, Rejection};
use jit_optimizer::OptimizeError;
use jit_schema::{ObjectError, UnknownTarget};
use jit_stencils::{LowerError, ResolveError, ShimError, UnwindError};

/// Why the build ended. The messages name the thing and say what to try.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Target(#[from] UnknownTarget),
    #[error("{}", llvm(.0))]
    Llvm(#[from] LlvmError),
    #[error(
        "no pyconfig.h in {}: run ./configure there first, or name the folder that has one with \
         --pyconfig-dir (--sysroot builtin brings one)",
        folder.display()
    )]
    NoPyconfig { folder: PathBuf },
    #[error(
        "{} has no case: a micro-op starts with a line of eight spaces and `case NAME: {{` and ends \
         with a line of eight spaces and `}}`. Is this the generated executor_cases.c.h?",
        path.display()
    )]
    NoCase { path: PathBuf },
    #[error(
        "{}:{second}: micro-op {name} is there a second time (first on line {first}): generate the \
         file anew, or remove one",
        path.display()
    )]
    DuplicateCase {
        path: PathBuf,
        name: String,
        first: usize,
        second: usize,
    },
    #[error(
        "{}:{line}: micro-op {name} is cut short: no line with eight spaces and `}}` ends it before \
         the next case or the end of the file. Generate the file anew (make regen-cases)",
        path.display()
    )]
    CaseCutShort {
        path: PathBuf,
        line: usize,
        name: String,
    },
    #[error("{uop}: the optimizer can't handle the assembly: {source}")]
    Optimize { uop: String, source: OptimizeError },
    #[error("{uop}: {source}")]
    Object { uop: String, source: ObjectError },
    #[error("{uop}: {source}")]
    Lower { uop: String, source: LowerError },
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("{}: no unwind information: {source}", path.display())]
    Unwind { path: PathBuf, source: UnwindError },
    #[error("{}: it can't be in the stencil file: {source}", path.display())]
    Shim { path: PathBuf, source: ShimError },
    #[error("{uop}: assembled, but there is no object: this is a bug, please report it")]
    Missing { uop: String },
    #[error("can't {action} {}: {source}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{}: {message}", path.display())]
    Config { path: PathBuf, message: String },
    #[error(
        "{} is no CPython checkout: it has no {missing}. CPython 3.15 and later have one; name \
         another folder with --cpython",
        root.display()
    )]
    NotCpython {
        root: PathBuf,
        missing: &'static str,
    },
    #[error(
        "{} is a CPython checkout of no release that can be built (those are: {known}): name another \
         with --cpython",
        root.display()
    )]
    UnknownCpythonRelease { root: PathBuf, known: String },
    #[error(
        "{} has no {missing}: name the folder of an installed CPython's headers, such as \
         /usr/include/python3.15, or a checkout with --cpython",
        folder.display()
    )]
    NotInstalled {
        folder: PathBuf,
        missing: &'static str,
    },
    #[error(
        "{sysroot} and {against} differ in {differences} things that CPython uses: stencils built \
         with one are wrong for the other"
    )]
    SysrootDiffers {
        sysroot: String,
        against: String,
        differences: usize,
    },
    /// A failure, and what to try.
    #[error("{failure}")]
    Advised { failure: Box<Error>, advice: String },
    /// Several micro-ops failed; never empty.
    #[error("{}", several(.0))]
    Several(Vec<Error>),
}

/// A message about LLVM's tools, with the options that help.
fn llvm(error: &LlvmError) -> String {
    match error {
        LlvmError::Missing { .. } | LlvmError::Unusable { .. } => format!(
            "{error}, point --llvm-tools-install-dir at its prefix, or name another version with \
             --llvm-version"
        ),
        _ => error.to_string(),
    }
}

fn several(failures: &[Error]) -> String {
    let messages: Vec<String> = failures.iter().map(Error::to_string).collect();
    format!(
        "{}\n{} micro-ops failed",
        messages.join("\n"),
        failures.len()
    )
}

/// The exit statuses, for `--help` and the documentation.
pub(crate) const EXIT_STATUS_HELP: &str = "\
Exit status:
  0  done, or nothing to do          12  a uop (or the shim) that does not compile
  1  a bug of ours                   13  a relocation that no patch function handles
  2  wrong usage                     14  a section that a stencil can't have
  3  clang is not there              15  a symbol that can't be used as it is
  4  clang is of the wrong version   16  an object file that is malformed
  5  clang is Apple's                17  assembly the optimizer can't handle
  6  clang can't be executed         18  no unwind information for the shim
  7  an unknown target               19  the disk is full
  8  no pyconfig.h                   20  a file that can't be read or written
  9  a cases file without a case     21  a jit.toml that is wrong
 10  a case that is there twice      22  not a CPython checkout
 11  a case that is cut short        23  headers that differ
                                    130  interrupted";

impl Error {
    /// What a file operation that failed means.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::File {
            action,
            path,
            source,
        }
    }

    /// One failure for all of them; there must be one.
    pub(crate) fn all(mut failures: Vec<Error>) -> Error {
        if failures.iter().any(Error::is_interrupt) {
            return Error::Llvm(LlvmError::Interrupted);
        }
        match (failures.pop(), failures.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                failures.push(last);
                Error::Several(failures)
            }
            (None, _) => Error::Usage("no failure to report: please report this".to_owned()),
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Error::Llvm(LlvmError::Interrupted))
    }

    /// What to try, where the message does not say it: it is the system's own, or clang's.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Error::SysrootDiffers { .. } => Some(
                "mend the headers, or build with the real ones (--sysroot DIR); docs/sysroot.md says more",
            ),
            Error::Advised { advice, .. } => Some(advice),
            _ if self.exit_status() == 19 => Some(
                "free some space, or name another place (--output-dir, TMPDIR for temporary files)",
            ),
            Error::File { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Some("generate the file anew: it must be UTF-8")
            }
            _ => None,
        }
    }

    /// The process's exit status; [`EXIT_STATUS_HELP`] has the list.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Target(_) => 7,
            Error::Llvm(error) => llvm_status(error),
            Error::NoPyconfig { .. } => 8,
            Error::NoCase { .. } => 9,
            Error::DuplicateCase { .. } => 10,
            Error::CaseCutShort { .. } => 11,
            Error::Object { source, .. } => object_status(source),
            Error::Lower { source, .. } => lower_status(source),
            Error::Resolve(error) => resolve_status(error),
            Error::Shim { source, .. } => shim_status(source),
            Error::Missing { .. } => 1,
            Error::Optimize { .. } => 17,
            Error::Unwind { .. } => 18,
            Error::File { source, .. } => file_status(source),
            Error::Config { .. } => 21,
            Error::NotCpython { .. }
            | Error::UnknownCpythonRelease { .. }
            | Error::NotInstalled { .. } => 22,
            Error::SysrootDiffers { .. } => 23,
            Error::Advised { failure, .. } => failure.exit_status(),
            Error::Several(failures) => failures.first().map_or(1, Error::exit_status),
        }
    }
}

fn object_status(error: &ObjectError) -> u8 {
    match error {
        ObjectError::UnsupportedRelocation { .. } => 13,
        ObjectError::UnsupportedSection { .. } => 14,
        ObjectError::Malformed { .. } => 16,
    }
}

fn lower_status(error: &LowerError) -> u8 {
    match error {
        LowerError::SectionAddress { .. } => 14,
        LowerError::Entry { .. } | LowerError::Label { .. } => 15,
        LowerError::Format { .. } | LowerError::OutOfBounds { .. } => 16,
    }
}

fn resolve_status(error: &ResolveError) -> u8 {
    match error {
        ResolveError::Unsupported { .. } => 13,
        ResolveError::MissingDllImport { .. } => 15,
        ResolveError::DuplicateUop { .. } => 10,
    }
}

fn shim_status(error: &ShimError) -> u8 {
    match error {
        ShimError::Object(error) => object_status(error),
        ShimError::Lower { source, .. } => lower_status(source),
        ShimError::Resolve(error) => resolve_status(error),
        ShimError::Variables { .. } => 14,
        ShimError::Functions { .. }
        | ShimError::Entry { .. }
        | ShimError::NameTaken { .. }
        | ShimError::Instruction { .. } => 15,
        ShimError::Malformed { .. } => 16,
        ShimError::Unwind(_) => 18,
    }
}

fn llvm_status(error: &LlvmError) -> u8 {
    match error {
        LlvmError::Missing { .. } => 3,
        LlvmError::Unusable { rejected, .. } => {
            let any = |test: fn(&Rejection) -> bool| rejected.iter().any(|(_, why)| test(why));
            if any(|why| matches!(why, Rejection::Version(_))) {
                4
            } else if any(|why| matches!(why, Rejection::Apple)) {
                5
            } else if any(|why| matches!(why, Rejection::NotExecutable(_))) {
                6
            } else {
                4
            }
        }
        LlvmError::BadVersion(_) => 2,
        // clang reports a full disk in words only.
        LlvmError::Rejected { diagnostics, .. } if diagnostics.text.contains("No space left") => 19,
        LlvmError::Rejected { .. } => 12,
        LlvmError::Run { .. } => 6,
        LlvmError::File { source, .. } => file_status(source),
        LlvmError::Interrupted => 130,
        // A new kind of error, which has no status yet.
        _ => 1,
    }
}

fn file_status(source: &io::Error) -> u8 {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => 19,
        _ => 20,
    }
}

#[cfg(test)]
mod tests {
    use jit_llvm::Diagnostics;

    use super::*;

    #[test]
    fn a_full_disk_has_its_own_status() {
        let path = Path::new("out/jit_stencils.h");
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let failure = Error::file("write", path)(kind.into());
            assert_eq!(failure.exit_status(), 19);
            assert!(failure.advice().unwrap().contains("TMPDIR"));
            let error = LlvmError::File {
                action: "write",
                path: path.to_path_buf(),
                source: std::sync::Arc::new(kind.into()),
            };
            assert_eq!(Error::from(error).exit_status(), 19);
        }
        let failure = Error::file("write", path)(io::ErrorKind::PermissionDenied.into());
        assert_eq!(failure.exit_status(), 20);
        // In clang's words.
        let error = LlvmError::Rejected {
            name: "_NOP".to_owned(),
            stage: "compile",
            diagnostics: Diagnostics::parse(
                "error: unable to open output file: 'No space left on device'",
            ),
        };
        assert_eq!(Error::from(error).exit_status(), 19);
    }
}
