//! Advice after an error, in terms of the command line.

use std::io;

use jit_llvm::{Diagnostic, Diagnostics, Installed, LlvmError, Severity};

use super::missing_headers;
use crate::{
    error::{Error, SubjectError, UpstreamError},
    pack::PackError,
    project::holes,
};

/// Returns advice, if the message alone is not enough.
pub(crate) fn advice(error: &Error) -> Option<String> {
    let text = match error {
        Error::Target {
            target,
            headers,
            root,
            error,
        } => {
            return missing_headers::advice(error, target, headers, root).or_else(|| advice(error));
        }
        Error::NoHostTarget => "name a target with --target",
        Error::RefusedFlag { .. } => {
            "leave it out of --cflags or CFLAGS, or of cflags in jit.toml, or of clang's configuration file; \
             in jit.toml, [target.TRIPLE] has cflags for one target"
        }
        _ if is_about_size(error) => {
            "the size of files is limited: raise the limit (ulimit -f unlimited)"
        }
        Error::Uop { error, .. } => return advice(error),
        Error::Several(errors) => return errors.iter().find_map(advice),
        Error::Flags { .. } => "quote --cflags as for a shell",
        Error::NothingToVerify { .. } => return None,
        Error::FreeThreaded
        | Error::NoPyconfig { .. }
        | Error::NotCpython { .. }
        | Error::UnknownCpythonRelease { .. }
        | Error::NotInstalled { .. }
        | Error::NoRealHeaders { .. } => return about_directories(error),
        Error::Pack(error) => about_packs(error),
        Error::Subject(error) => return about_subjects(error),
        Error::Hardening(_) => {
            "docs/hardening.md describes what hardened code is, and what each project has to say"
        }
        Error::Upstream(error) => about_upstream(error),
        Error::WrongCache { .. } => "run the command again to see whether it still happens",
        Error::SysrootDiffers { .. } => {
            "correct the headers, or build with the real ones (--sysroot DIR); docs/sysroot.md says more"
        }
        _ if error.is_disk_full() => {
            "free some space, or name another place (--output-dir, TMPDIR for temporary files)"
        }
        Error::Llvm(error) => return about_tools(error),
        Error::Jobs { .. }
        | Error::Changed { .. }
        | Error::NotABuildScript { .. }
        | Error::OutputTaken { .. }
        | Error::NotAMacro { .. }
        | Error::SharedCache { .. }
        | Error::UnknownTarget(_)
        | Error::NoCase { .. }
        | Error::NotText { .. }
        | Error::NotACase { .. }
        | Error::OutsideOfCases { .. }
        | Error::OpenComment { .. }
        | Error::NoPlaceholder { .. }
        | Error::Functions(_)
        | Error::DuplicateCase { .. }
        | Error::CaseCutShort { .. }
        | Error::Optimize { .. }
        | Error::Object { .. }
        | Error::Lower { .. }
        | Error::Resolve(_)
        | Error::Header(_)
        | Error::Unwind { .. }
        | Error::Shim { .. }
        | Error::Missing { .. }
        | Error::File { .. }
        | Error::Config { .. }
        | Error::NotOfRelease { .. } => return None,
    };
    Some(text.to_owned())
}

/// Returns advice about the directories that are read.
fn about_directories(error: &Error) -> Option<String> {
    let text = match error {
        Error::FreeThreaded => {
            "leave out --free-threaded and name the directory of such a pyconfig.h with --pyconfig-dir, or \
             build with --sysroot builtin"
        }
        Error::NoPyconfig { .. } => {
            "run ./configure there first, or name the directory that has one with --pyconfig-dir \
             (--sysroot builtin brings one)"
        }
        Error::NotCpython { .. } => {
            "CPython 3.14 and later can be built; name another directory with --cpython, or restore what is \
             missing there"
        }
        Error::UnknownCpythonRelease { .. } => "name another checkout with --cpython",
        Error::NotInstalled { .. } => {
            "name the directory of an installed CPython's headers, such as /usr/include/python3.15, with \
             --headers, or a checkout with --cpython"
        }
        Error::NoRealHeaders { .. } => {
            "name a directory with its headers with --real (docs/sysroot.md says where to get them)"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Returns advice about a pack.
fn about_packs(error: &PackError) -> &'static str {
    match error {
        PackError::Unreadable { .. } => "get the pack again, or make it with `jit-cli pack`",
        PackError::NothingFor {
            hardened: Some(true),
            ..
        } => {
            "the pack's code for this target is hardened: take it with --hardening cet,bti, or add code that is not with \
             `jit-cli pack --add`"
        }
        PackError::NothingFor {
            hardened: Some(false),
            ..
        } => {
            "the pack's code for this target is not hardened: leave out --hardening, or add hardened code with `jit-cli pack \
             --hardening cet,bti --add`"
        }
        PackError::NothingFor { hardened: None, .. } => {
            "name another target with --target, or add what is missing with `jit-cli pack --add`; Py_DEBUG and \
             Py_GIL_DISABLED in pyconfig.h say which configuration is wanted"
        }
        PackError::Differs { .. } => {
            "build with LLVM (jit-cli build), use a pack that was made from these sources, or accept each by name \
             with --accept if you know that it changes no code"
        }
        PackError::NothingToAccept { .. } => {
            "jit-cli verify lists the differences by name; remove --accept for any other name"
        }
        PackError::NotPackable { .. } => "name a checkout with --cpython",
        PackError::NotReproduced { .. } => {
            "use the LLVM version that the pack was made with, and look at the files with `jit-cli build`"
        }
        PackError::Unknown { .. } => "ship the generated files themselves",
    }
}

/// Returns advice about the comparison with CPython's own tool.
fn about_upstream(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::NoPython { .. } => {
            "install a newer Python, or name one with --python; only this check needs Python"
        }
        UpstreamError::Failed { output, .. } if output.contains("Can't find llvm-") => {
            "build.py needs LLVM's other tools, too: install those of the same version (Debian's package llvm-VERSION)"
        }
        UpstreamError::Failed { .. } => {
            "run the checkout's Tools/jit/build.py itself to see more; jit-cli was not compared with it"
        }
        UpstreamError::Differs { .. } => {
            "use build.py for this checkout (make regen-jit without PYTHON_FOR_REGEN=\"jit-cli build\"), and look for a newer \
             version of jit-cli; if Tools/jit was edited, jit-cli does not do what the edit does"
        }
    }
}

/// Returns advice after an error of running clang or llvm-objdump.
fn about_tools(error: &LlvmError) -> Option<String> {
    let text = match error {
        LlvmError::Missing { others, .. } | LlvmError::Unusable { others, .. } => {
            return Some(about_clang(others));
        }
        LlvmError::TimedOut {
            is_question: true, ..
        } => {
            "a tool has one minute to answer this, whatever --tool-timeout says: name another one with \
             --llvm-tools-install-dir, or mend the wrapper around it"
        }
        LlvmError::TimedOut { .. } => {
            "if it only needs more time, allow more with --tool-timeout SECONDS (0 is no limit); -v shows the \
             commands"
        }
        LlvmError::WroteNothing { .. } | LlvmError::TooMuchOutput { .. } => {
            "check whether it is an LLVM tool or a wrapper around one that works, or name another with \
             --llvm-tools-install-dir; -v shows the commands"
        }
        error if is_about_flags(error) => {
            "change --cflags or CFLAGS, or cflags in jit.toml: there, [target.TRIPLE] has cflags for one target"
        }
        LlvmError::Rejected { diagnostics, .. } if is_about_holes(diagnostics) => {
            "jit-cli defines _JIT_OPARG, _JIT_OPERAND0 and the like as values: remove the declaration from the \
             template, and leave out the & before the name (docs/projects.md)"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Returns advice if clang was not found. `others` are those of other versions.
fn about_clang(others: &[Installed]) -> String {
    let majors: Vec<String> = others.iter().map(|one| one.major.to_string()).collect();
    match majors.as_slice() {
        [] => "point --llvm-tools-install-dir at its prefix, or name another version with --llvm-version"
            .to_owned(),
        majors => format!(
            "use a version that is installed with --llvm-version {}, or point --llvm-tools-install-dir at the prefix of the \
             other one",
            majors.join(" or ")
        ),
    }
}

/// Whether a file is larger than the shell's limit allows (`ulimit -f`).
fn is_about_size(error: &Error) -> bool {
    match error {
        Error::File { source, .. } => source.kind() == io::ErrorKind::FileTooLarge,
        Error::Llvm(LlvmError::File { source, .. }) => source.kind() == io::ErrorKind::FileTooLarge,
        Error::Llvm(LlvmError::Rejected { diagnostics, .. }) => {
            ["File too large", "SIGXFSZ", "File size limit exceeded"]
                .iter()
                .any(|words| diagnostics.text.contains(words))
        }
        _ => false,
    }
}

/// Whether clang complains of its flags, and not of a source.
fn is_about_flags(error: &LlvmError) -> bool {
    match error {
        LlvmError::Flags { .. } => true,
        // jit-cli's own text compiles unless flags change what C is.
        LlvmError::Rejected { diagnostics, .. } if diagnostics.text.contains("<prelude>:") => {
            !is_about_holes(diagnostics)
        }
        // What cc1 finds out has no place.
        LlvmError::Rejected { diagnostics, .. } => {
            let errors = |one: &Diagnostic| one.severity == Severity::Error;
            !diagnostics.list.iter().any(errors)
                && [
                    "error: option '",
                    "error: unknown target CPU",
                    "error: invalid value '",
                ]
                .iter()
                .any(|words| diagnostics.text.contains(words))
        }
        _ => false,
    }
}

/// Whether clang complains that a template declares what jit-cli defines, or takes its address.
fn is_about_holes(diagnostics: &Diagnostics) -> bool {
    let errors = |one: &&Diagnostic| one.severity == Severity::Error;
    let mut errors = diagnostics.list.iter().filter(errors);
    let is_address = |one: &Diagnostic| {
        one.message
            .starts_with("cannot take the address of an rvalue")
            && ["_JIT_OP", "_JIT_TARGET"]
                .iter()
                .any(|name| diagnostics.text.contains(name))
    };
    errors.any(|one| one.message.contains(holes::FUNCTION) || is_address(one))
}

/// Returns what to try if there are no stencils to look at.
fn about_subjects(error: &SubjectError) -> Option<String> {
    let text = match error {
        SubjectError::Unreadable { .. } => {
            "name a stencil file, a pack, or a jit_stencils-<triple>.h that jit-cli or CPython's Tools/jit has written"
        }
        SubjectError::Empty { .. } => {
            "name the directory that a build has written to (--output-dir)"
        }
        SubjectError::NoRevision { .. } => {
            "name a directory, a stencil file, a header, a pack, or a revision that `git log` shows"
        }
        SubjectError::NoRepository { .. } => {
            "name a directory, a stencil file, a header or a pack, or keep the project in a git repository"
        }
        SubjectError::NoStencil { .. } => {
            "`jit-cli size` lists the names; patterns such as '*FAST*' are accepted"
        }
        SubjectError::Revision { error, .. } => return advice(error),
        SubjectError::Larger { .. } => {
            "`jit-cli diff --asm` with the stencil's name shows the instructions"
        }
        SubjectError::UnknownTarget { .. }
        | SubjectError::OtherTargets { .. }
        | SubjectError::NotBuilt { .. }
        | SubjectError::NoSource { .. }
        | SubjectError::Pattern { .. }
        | SubjectError::NothingToCompare
        | SubjectError::BuiltBefore { .. }
        | SubjectError::Git { .. } => return None,
    };
    Some(text.to_owned())
}
