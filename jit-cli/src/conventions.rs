//! Conventions: what differs between CPython releases and other projects.

use std::path::Path;

use jit_llvm::{Flags, Output};
use jit_optimizer::{FramePointer, Places};
use jit_schema::{Codegen, ObjectError, ObjectFile, Target};
use jit_stencils::{LowerError, ResolveErrors, StencilSet, UnresolvedGroup};
use jit_writer::HeaderFormat;

use crate::{
    error::Error,
    project::{
        cases::Case,
        digest::{DigestInputs, DigestSettings},
    },
};

/// A function that reads an object file.
pub(crate) type ReadObject = fn(&[u8]) -> Result<ObjectFile, ObjectError>;

/// A function that makes a stencil of an object file.
pub(crate) type Lower = fn(&Target, &ObjectFile) -> Result<UnresolvedGroup, LowerError>;

/// The name and the stencil of a micro-op or of the shim.
pub(crate) type Named = (String, UnresolvedGroup);

/// A function that combines the stencils of a target to a set: that of the shim, if it is one, and those of the
/// micro-ops in build order.
pub(crate) type Resolve =
    fn(&Target, Option<Named>, Vec<Named>) -> Result<StencilSet, ResolveErrors>;

/// A function that returns the digest of the inputs of the target with that triple.
pub(crate) type Digest = fn(&str, &DigestSettings<'_>, &DigestInputs) -> Result<String, Error>;

/// How the files of a project are made, named and recognized as current.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conventions {
    /// The format of C headers.
    pub(crate) header_format: HeaderFormat,
    /// The names of generated files.
    pub(crate) file_names: FileNames,
    /// Returns the C text that is compiled before a template, if there is one.
    pub(crate) prelude: fn(&Target) -> String,
    /// Returns clang's flags for a target, in a debug or a release build.
    pub(crate) flags: fn(&Target, bool, Codegen) -> Flags,
    /// Returns whether stencils may set the frame pointer.
    pub(crate) frame_pointer: fn(&Target) -> FramePointer,
    /// Which jumps to places the optimizer knows.
    pub(crate) places: Places,
    /// What clang makes of a micro-op. Only assembly goes through the optimizer.
    pub(crate) output: Output,
    /// What the shim becomes.
    pub(crate) shim: ShimForm,
    /// Reads an object file.
    pub(crate) read_object: ReadObject,
    /// Makes a stencil of an object file, with data as aligned as users of the header format align it.
    pub(crate) lower: Lower,
    /// Combines stencils.
    pub(crate) resolve: Resolve,
    /// How the triple of a target is spelled in names of files and for clang.
    pub(crate) spelling: Spelling,
    /// Splits the text of a cases file into micro-ops, in build order. The path is for messages.
    pub(crate) cases: for<'a> fn(&'a str, &Path) -> Result<Vec<Case<'a>>, Error>,
    /// Returns the digest of a target's inputs that decides whether its files are up to date. Without one, the digest
    /// is made of what was read, and a file next to the others says what that was.
    pub(crate) digest: Option<Digest>,
    /// Returns the text to print before targets are built, if there is one.
    pub(crate) banner: fn(&[&str], LlvmMajors) -> Option<String>,
}

/// What the function that enters compiled code becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShimForm {
    /// An object file, to be linked into the host program, and its unwind information.
    Object,
    /// A stencil like that of a micro-op.
    Stencil,
}

/// How the triple of a target is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// In one way for each target.
    Canonical,
    /// As it was given: any vendor of Linux, and any version of macOS.
    AsGiven,
}

impl Spelling {
    /// Returns the triple of a target that was given as `given`.
    pub(crate) fn of(self, target: &Target, given: &str) -> String {
        match self {
            Spelling::Canonical => target.triple.to_owned(),
            Spelling::AsGiven => given.to_owned(),
        }
    }
}

/// LLVM majors that a banner compares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LlvmMajors {
    /// The one that the project wants.
    pub(crate) pinned: Option<u32>,
    /// The one that the command line or the configuration asks for.
    pub(crate) asked: Option<u32>,
}

/// The prefixes of the names of generated files. A `-` and the triple follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileNames {
    /// The header and the stencil file.
    pub(crate) stencils: &'static str,
    /// The header with a linker.
    pub(crate) host: &'static str,
    /// The Rust file with opcodes.
    pub(crate) opcodes: &'static str,
    /// The shim's object file.
    pub(crate) shim: &'static str,
    /// The header with unwind information.
    pub(crate) unwind: &'static str,
}

impl FileNames {
    /// The names that CPython 3.15 has, and all other projects.
    pub(crate) const USUAL: FileNames = FileNames {
        stencils: "jit_stencils",
        host: "jit_host",
        opcodes: "jit_opcodes",
        shim: "jit_shim",
        unwind: "jit_unwind_info",
    };

    /// Returns the names of the files of the target with that triple.
    pub(crate) fn of(&self, triple: &str) -> TargetFileNames {
        let FileNames {
            stencils,
            host,
            opcodes,
            shim,
            unwind,
        } = self;
        TargetFileNames {
            header: format!("{stencils}-{triple}.h"),
            shim: format!("{shim}-{triple}.o"),
            unwind: format!("{unwind}-{triple}.h"),
            stencils: format!("{stencils}-{triple}.stencils"),
            host: format!("{host}-{triple}.h"),
            opcodes: format!("{opcodes}-{triple}.rs"),
            stamp: format!("{stencils}-{triple}.stencils.digest"),
            state: format!("{stencils}-{triple}.state"),
        }
    }
}

/// The names of the files of one target.
#[derive(Debug, Clone)]
pub(crate) struct TargetFileNames {
    pub(crate) header: String,
    pub(crate) shim: String,
    pub(crate) unwind: String,
    pub(crate) stencils: String,
    pub(crate) host: String,
    pub(crate) opcodes: String,
    /// The file with the digest of the stencil file's inputs, for projects whose conventions have one.
    pub(crate) stamp: String,
    /// The file with the state of the other files, for other projects.
    pub(crate) state: String,
}
