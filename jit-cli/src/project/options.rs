//! What a caller asks of a build.

use std::{num::NonZeroUsize, path::PathBuf};

use jit_schema::Codegen;

use crate::project::{definition::Origin, emit::Emit};

/// What a caller asks for. What is `None` or empty is for the project to decide.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) origin: Origin,
    pub(crate) targets: Targets,
    pub(crate) output_dir: Option<PathBuf>,
    pub(crate) emit: Vec<Emit>,
    pub(crate) codegen: Option<Codegen>,
    pub(crate) debug: bool,
    pub(crate) free_threaded: bool,
    /// As a shell would want them.
    pub(crate) cflags: String,
    /// A directory, or [`BUILTIN`](crate::sysroot::headers::BUILTIN).
    pub(crate) sysroot: Option<PathBuf>,
    pub(crate) pyconfig_dir: Option<PathBuf>,
    pub(crate) llvm: LlvmOptions,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) keep_temps: Option<PathBuf>,
    pub(crate) cache: CacheOptions,
    /// Whether to build what is up to date.
    pub(crate) force: bool,
    /// Whether to run one process for each micro-op and step.
    pub(crate) one_process_per_step: bool,
}

/// What to build for.
#[derive(Debug, Clone)]
pub(crate) enum Targets {
    /// All there are.
    All,
    /// These triples, without duplicates. Without any: what the project says, or this machine.
    Named(Vec<String>),
}

/// Which LLVM to use.
#[derive(Debug, Clone, Default)]
pub(crate) struct LlvmOptions {
    /// Its major version.
    pub(crate) version: Option<String>,
    /// The prefix that it is installed in.
    pub(crate) install_dir: Option<PathBuf>,
}

/// Where to keep what was compiled.
#[derive(Debug, Clone)]
pub(crate) struct CacheOptions {
    /// Whether there is one.
    pub(crate) enabled: bool,
    /// Where it is, or would be: the built-in headers are unpacked beside it. `None` for the
    /// platform's directory for caches.
    pub(crate) directory: Option<PathBuf>,
    /// Its largest size, in bytes.
    pub(crate) limit: u64,
}

impl Options {
    /// Returns the defaults for a project.
    pub(crate) fn new(origin: Origin) -> Options {
        Options {
            origin,
            targets: Targets::Named(Vec::new()),
            output_dir: None,
            emit: Vec::new(),
            codegen: None,
            debug: false,
            free_threaded: false,
            cflags: String::new(),
            sysroot: None,
            pyconfig_dir: None,
            llvm: LlvmOptions::default(),
            jobs: None,
            keep_temps: None,
            cache: CacheOptions {
                enabled: true,
                directory: None,
                limit: 512 << 20,
            },
            force: false,
            one_process_per_step: false,
        }
    }
}
