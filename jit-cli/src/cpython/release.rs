//! The description of a CPython release.

use std::{fmt, path::Path};

use jit_schema::Target;

use crate::{conventions::Conventions, cpython::patchlevel::Version};

/// A release of CPython. Paths are relative to the checkout, with `/`.
pub(crate) struct Release {
    /// The version.
    pub(crate) version: Version,
    /// Whether the `Tools/jit` directory of a checkout is this release's.
    pub(crate) has_tools: fn(&Path) -> bool,
    /// The files of a checkout that decide what is generated, apart from its sources.
    pub(crate) tools: &'static [ToolFile],
    /// The C source in which a micro-op replaces `CASE`.
    pub(crate) template: &'static str,
    /// The file with the micro-ops.
    pub(crate) cases: &'static str,
    /// The C source of the function that enters compiled code.
    pub(crate) shim: &'static str,
    /// Directories to search for headers, after the one with `pyconfig.h`.
    pub(crate) include_dirs: &'static [&'static str],
    /// Headers, and directories of headers, that every checkout of this release has.
    pub(crate) headers: &'static [&'static str],
    /// Macros for stencils and the shim.
    pub(crate) defines: &'static [&'static str],
    /// Macros for stencils only.
    pub(crate) stencil_defines: &'static [&'static str],
    /// Returns the macros for the shim only.
    pub(crate) shim_defines: fn(&Target) -> &'static [&'static str],
    /// The micro-ops with which a trace can begin, so that the shim and other traces enter them through pointers.
    pub(crate) entries: &'static [&'static str],
    /// The source that says so, and the text before the name of each of them there.
    pub(crate) enters: (&'static str, &'static str),
    /// The micro-ops that jump to other traces through pointers, as patterns.
    pub(crate) jumps: &'static [&'static str],
    /// Files that the digest covers before `pyconfig.h`.
    pub(crate) digest_files: &'static [&'static str],
    /// Directories that the digest covers after `pyconfig.h`.
    pub(crate) digest_dirs: &'static [&'static str],
    /// The Python file that pins the LLVM version.
    pub(crate) llvm_pins: &'static str,
    /// The major versions of LLVM that were tried, newest first.
    pub(crate) llvm: &'static [TriedLlvm],
    /// The empty file whose time tells CPython's makefile that the files were generated after their inputs. Without one,
    /// it is the time of the dispatcher.
    pub(crate) stamp: Option<&'static str>,
    /// How the release's files are made.
    pub(crate) conventions: Conventions,
}

/// A major version of LLVM that was tried with a release.
pub(crate) struct TriedLlvm {
    pub(crate) major: u32,
    pub(crate) result: LlvmResult,
}

/// What a release can do with a version of LLVM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LlvmResult {
    /// The files are equal to those of the release's own tool.
    Equal,
    /// The files of these targets are not equal to those of the release's own tool, or it can't use this version for them.
    Differs {
        /// The triples.
        targets: &'static [&'static str],
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// It can't be used, for this reason.
    Refused(&'static str),
}

/// A file that determines what is generated, with its known versions.
pub(crate) struct ToolFile {
    /// The path in a checkout.
    pub(crate) path: &'static str,
    /// The SHA-256 of the file's text in hexadecimal, with lines that end in `\n`: of each version of the
    /// file that leads to the same output, such as a distribution's.
    pub(crate) sha256: &'static [&'static str],
}

impl Release {
    /// Returns the first of the sources that a checkout does not have.
    pub(crate) fn missing(&self, root: &Path) -> Option<&'static str> {
        [self.template, self.shim, self.cases]
            .into_iter()
            .find(|file| !root.join(file).is_file())
    }

    /// Returns the first of the directories and headers that a checkout does not have.
    pub(crate) fn missing_header(&self, root: &Path) -> Option<&'static str> {
        let directories = self.include_dirs.iter();
        let mut missing = directories.filter(|directory| !root.join(directory).is_dir());
        let mut headers = self.headers.iter();
        let header = || headers.find(|header| !root.join(header).exists());
        missing.next().or_else(header).copied()
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Release").field(&self.version).finish()
    }
}
