//! The arguments of commands that look at stencils: how to build the project, and which targets are wanted.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use jit_schema::Codegen;

use super::{
    build::origin,
    shared::{LlvmArgs, MessageFormat},
};
use crate::{
    project::{
        codegen::CodegenName,
        emit::Emit,
        options::{CacheOptions, Options, Targets},
    },
    subjects::Place,
};

/// Returns the name of a code generation.
pub(super) fn word(codegen: CodegenName) -> &'static str {
    Codegen::from(codegen).name()
}

/// Returns what to call the stencils of a place, built with a code generation. Those in files were built before.
pub(super) fn titled(place: &Place<'_>, codegen: Option<CodegenName>) -> String {
    match (place, codegen) {
        (Place::Path(_), _) | (_, None) => place.to_string(),
        (_, Some(codegen)) => format!("{place} ({})", word(codegen)),
    }
}

/// How to build the project. Files are looked at as they are.
#[derive(Debug, Args)]
pub(super) struct SubjectArgs {
    /// Target to look at; may be repeated [default: of a file, all of its targets; of a project, the targets in jit.toml,
    /// else this machine].
    #[arg(short, long = "target", value_name = "TRIPLE")]
    pub(super) targets: Vec<String>,
    /// Look at all seven targets.
    #[arg(long, conflicts_with = "targets")]
    pub(super) all_targets: bool,
    /// CPython checkout [default: as for `jit-cli build`].
    #[arg(long, value_name = "DIR")]
    pub(super) cpython: Option<PathBuf>,
    /// Configuration to use instead of a jit.toml in the current directory or a parent.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Directory with the pyconfig.h [default: as for `jit-cli build`].
    #[arg(short, long, value_name = "DIR")]
    pub(super) pyconfig_dir: Option<PathBuf>,
    /// System headers: a directory, or `builtin` [default: as for `jit-cli build`].
    #[arg(long, value_name = "DIR|builtin")]
    pub(super) sysroot: Option<PathBuf>,
    /// Compile for a free-threaded build of Python, with the pyconfig.h of the built-in sysroot.
    #[arg(long)]
    pub(super) free_threaded: bool,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(super) debug: bool,
    /// Additional flags for clang, after all others.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(super) cflags: Option<String>,
    #[command(flatten)]
    pub(super) llvm: LlvmArgs,
    /// Number of jobs to run at once [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Directory of the cache [default: jit-cli in the user's directory for caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(super) cache_dir: Option<PathBuf>,
    /// Neither read nor write the cache.
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) message_format: MessageFormat,
}

impl SubjectArgs {
    /// Returns whether the output is for other programs.
    pub(super) fn is_json(&self) -> bool {
        self.message_format == MessageFormat::Json
    }

    /// Returns the options of a build with a code generation, or with that of the project.
    pub(super) fn options(&self, codegen: Option<CodegenName>) -> Options {
        Options {
            targets: match self.all_targets {
                true => Targets::All,
                false => Targets::Named(self.targets.clone()),
            },
            // Nothing is written, and this has all that stencils have.
            emit: vec![Emit::Stencils],
            codegen: codegen.map(Into::into),
            debug: self.debug,
            free_threaded: self.free_threaded,
            cflags: self.cflags.clone().unwrap_or_default(),
            sysroot: self.sysroot.clone(),
            pyconfig_dir: self.pyconfig_dir.clone(),
            llvm: self.llvm.options(),
            jobs: self.jobs,
            cache: CacheOptions {
                enabled: !self.no_cache,
                directory: self.cache_dir.clone(),
                ..CacheOptions::default()
            },
            headers: false,
            ..Options::new(origin(self.cpython.as_deref(), self.config.as_deref()))
        }
    }
}
