//! The exit status of each kind of error.

use jit_llvm::{LlvmError, Rejection};
use jit_schema::ObjectError;
use jit_stencils::{LowerError, ResolveError, ShimError};

use crate::{
    error::{Error, FunctionError, HardeningError, SubjectError, UpstreamError},
    pack::PackError,
};

/// The exit statuses, for `--help` and the documentation.
pub(crate) const EXIT_STATUS_HELP: &str = "\
Exit status:
  0  success                         12  a micro-op or the shim does not compile
  1  internal error                  13  unsupported relocation
  2  wrong usage                     14  section that a stencil can't have
  3  clang not found                 15  symbol that can't be used as it is
  4  clang of the wrong version      16  malformed object file
  5  Apple's clang                   17  assembly that the optimizer can't handle
  6  clang can't be run              18  no unwind information for the shim
  7  unknown target                  19  disk full
  8  no pyconfig.h                   20  file that can't be read or written
  9  no case in the cases file       21  wrong jit.toml
 10  duplicate case                  22  not a CPython checkout that can be built
 11  case that is cut short          23  headers differ
                                     24  tool that hangs, or that does not do its work
                                     25  cached result that clang does not reproduce
                                     26  pack or other file of stencils that can't be read
                                     27  pack that does not fit
                                     28  stencils larger than a limit allows
                                     29  code that is not hardened
                                     30  check that finds a difference
                                     31  CPython's own tool can't be run
                                    130  interrupted";

/// The exit status of a build that is interrupted.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Returns the process's exit status; [`EXIT_STATUS_HELP`] lists them.
pub(crate) fn exit_status(error: &Error) -> u8 {
    match error {
        Error::NoHostTarget
        | Error::Flags { .. }
        | Error::NothingToVerify { .. }
        | Error::RefusedFlag { .. }
        | Error::FreeThreaded
        | Error::NotOfRelease { .. }
        | Error::Jobs { .. }
        | Error::NotABuildScript { .. }
        | Error::OutputTaken { .. }
        | Error::NotAMacro { .. }
        | Error::SharedCache { .. }
        | Error::NoRealHeaders { .. } => 2,
        Error::UnknownTarget(_) => 7,
        error if error.is_disk_full() => 19,
        Error::Llvm(error) => llvm_status(error),
        Error::NoPyconfig { .. } => 8,
        Error::NoCase { .. }
        | Error::NotText { .. }
        | Error::NotACase { .. }
        | Error::OutsideOfCases { .. }
        | Error::OpenComment { .. }
        | Error::NoPlaceholder { .. } => 9,
        Error::DuplicateCase { .. } => 10,
        Error::CaseCutShort { .. } => 11,
        Error::Object { source, .. } => object_status(source),
        Error::Lower { source, .. } => lower_status(source),
        Error::Resolve(error) => resolve_status(error),
        Error::Functions(error) => function_status(error),
        Error::Header(_) => 14,
        Error::Shim { source, .. } => shim_status(source),
        Error::Missing { .. } => 1,
        Error::Optimize { .. } => 17,
        Error::Unwind { .. } => 18,
        Error::File { .. } | Error::Changed { .. } => 20,
        Error::Config { .. } => 21,
        Error::NotCpython { .. }
        | Error::UnknownCpythonRelease { .. }
        | Error::NotInstalled { .. } => 22,
        Error::SysrootDiffers { .. } => 23,
        Error::WrongCache { .. } => 25,
        Error::Pack(error) => pack_status(error),
        Error::Subject(error) => subject_status(error),
        Error::Hardening(error) => hardening_status(error),
        Error::Upstream(error) => upstream_status(error),
        Error::Target { error, .. } | Error::Uop { error, .. } => exit_status(error),
        Error::Several(errors) => errors.first().map_or(1, exit_status),
    }
}

fn function_status(error: &FunctionError) -> u8 {
    match error {
        FunctionError::NoTemplate { .. } => 2,
        FunctionError::OtherTarget { .. } => 7,
        FunctionError::Module { .. } => 9,
        FunctionError::DuplicateFunction { .. } => 10,
        FunctionError::Folded { .. }
        | FunctionError::Constructor { .. }
        | FunctionError::Function { .. } => 14,
    }
}

fn subject_status(error: &SubjectError) -> u8 {
    match error {
        SubjectError::Unreadable { .. } | SubjectError::Empty { .. } => 26,
        SubjectError::UnknownTarget { .. }
        | SubjectError::OtherTargets { .. }
        | SubjectError::NoRevision { .. }
        | SubjectError::NoRepository { .. }
        | SubjectError::NoStencil { .. }
        | SubjectError::NotBuilt { .. }
        | SubjectError::NoSource { .. }
        | SubjectError::Pattern { .. }
        | SubjectError::NothingToCompare
        | SubjectError::BuiltBefore { .. }
        | SubjectError::Git { .. } => 2,
        SubjectError::Larger { .. } => 28,
        SubjectError::Revision { error, .. } => exit_status(error),
    }
}

fn hardening_status(error: &HardeningError) -> u8 {
    match error {
        HardeningError::NotFor { .. }
        | HardeningError::NotInFlags { .. }
        | HardeningError::Release { .. }
        | HardeningError::NoStencil { .. }
        | HardeningError::Pattern { .. } => 2,
        HardeningError::OtherEntries { .. } => 22,
        HardeningError::NotHardened { .. } | HardeningError::NoNote { .. } => 29,
    }
}

fn upstream_status(error: &UpstreamError) -> u8 {
    match error {
        UpstreamError::Differs { .. } => 30,
        UpstreamError::NoPython { .. } | UpstreamError::Failed { .. } => 31,
    }
}

fn pack_status(error: &PackError) -> u8 {
    match error {
        PackError::Unreadable { .. } => 26,
        PackError::NothingFor { .. }
        | PackError::Differs { .. }
        | PackError::NotReproduced { .. } => 27,
        PackError::NothingToAccept { .. } | PackError::NotPackable { .. } => 2,
        PackError::Unknown { .. } => 20,
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
        LowerError::SectionAddress { .. }
        | LowerError::Alignment { .. }
        | LowerError::Variable { .. } => 14,
        LowerError::Entry { .. } | LowerError::Label { .. } => 15,
        LowerError::Format { .. } | LowerError::OutOfBounds { .. } => 16,
    }
}

fn resolve_status(error: &ResolveError) -> u8 {
    match error {
        ResolveError::Unsupported { .. } => 13,
        ResolveError::CodeSize { .. } => 14,
        ResolveError::MissingDllImport { .. }
        | ResolveError::UnknownPlace { .. }
        | ResolveError::CalledPlace { .. } => 15,
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
        LlvmError::Rejected { .. } | LlvmError::Flags { .. } => 12,
        LlvmError::Run { .. } => 6,
        LlvmError::File { .. } => 20,
        LlvmError::TimedOut { .. }
        | LlvmError::TooMuchOutput { .. }
        | LlvmError::WroteNothing { .. } => 24,
        LlvmError::Interrupted => EXIT_INTERRUPTED,
        // A new kind of error that has no status yet.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use jit_llvm::Diagnostics;

    use super::*;
    use crate::commands::advice::advice;

    #[test]
    fn a_full_disk_has_its_own_status() {
        let path = Path::new("out/jit_stencils.h");
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let failure = Error::file("write", path)(kind.into());
            assert_eq!(exit_status(&failure), 19);
            assert!(advice(&failure).unwrap().contains("TMPDIR"));
            let error = LlvmError::File {
                action: "write",
                path: path.to_path_buf(),
                source: std::sync::Arc::new(kind.into()),
            };
            assert_eq!(exit_status(&Error::from(error)), 19);
        }
        let failure = Error::file("write", path)(io::ErrorKind::PermissionDenied.into());
        assert_eq!(exit_status(&failure), 20);
        // In clang's words.
        let error = LlvmError::Rejected {
            name: "_NOP".to_owned(),
            stage: "compile",
            diagnostics: Diagnostics::parse(
                "error: unable to open output file: 'No space left on device'",
            ),
        };
        assert_eq!(exit_status(&Error::from(error)), 19);
    }
}
