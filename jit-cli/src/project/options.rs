//! The options of a build.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use jit_llvm::Interrupt;
use jit_schema::Codegen;

use crate::{
    error::Error,
    paths,
    project::{definition::Origin, emit::Emit, hardening::Asked},
    sysroot::headers::BUILTIN,
};

/// The options of a build. Where an option is `None` or empty, the project's setting applies.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) origin: Origin,
    pub(crate) targets: Targets,
    pub(crate) output_dir: Option<PathBuf>,
    pub(crate) emit: Vec<Emit>,
    pub(crate) codegen: Option<Codegen>,
    pub(crate) hardening: Option<Asked>,
    pub(crate) debug: bool,
    pub(crate) free_threaded: bool,
    /// Flags for clang, quoted as for a shell.
    pub(crate) cflags: String,
    /// A directory, or [`BUILTIN`](crate::sysroot::headers::BUILTIN).
    pub(crate) sysroot: Option<PathBuf>,
    pub(crate) pyconfig_dir: Option<PathBuf>,
    pub(crate) llvm: LlvmOptions,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) keep_temps: Option<PathBuf>,
    pub(crate) cache: CacheOptions,
    /// Whether to build targets that are up to date.
    pub(crate) force: bool,
    /// Whether to run one process for each micro-op and step.
    pub(crate) one_process_per_step: bool,
    /// Whether to find out which headers are read.
    pub(crate) headers: bool,
}

/// The targets to build for.
#[derive(Debug, Clone)]
pub(crate) enum Targets {
    /// All supported targets.
    All,
    /// These triples. If there are none, the project's targets, else this machine.
    Named(Vec<String>),
}

/// Which LLVM to use, and how.
#[derive(Debug, Clone)]
pub(crate) struct LlvmOptions {
    /// The major version.
    pub(crate) version: Option<String>,
    /// The directory that it is installed in.
    pub(crate) install_dir: Option<PathBuf>,
    /// How long each process may take, or `None` if there is no limit.
    pub(crate) timeout: Option<Duration>,
}

impl Default for LlvmOptions {
    fn default() -> Self {
        LlvmOptions {
            version: None,
            install_dir: None,
            timeout: Some(Interrupt::TOOL_TIMEOUT),
        }
    }
}

/// The settings of the cache.
#[derive(Debug, Clone)]
pub(crate) struct CacheOptions {
    /// Whether to use a cache.
    pub(crate) enabled: bool,
    /// The directory of the cache, or `None` for the default. The built-in headers are unpacked there, with
    /// or without a cache.
    pub(crate) directory: Option<PathBuf>,
    /// The largest size of the cache, in bytes.
    pub(crate) limit: u64,
    /// How many percent of what the cache gives are compiled again and compared.
    pub(crate) verify: u8,
    /// Whether to leave a record for the next build of the same project.
    pub(crate) remember: bool,
}

impl Default for CacheOptions {
    fn default() -> Self {
        CacheOptions {
            enabled: true,
            directory: None,
            limit: 512 << 20,
            verify: 0,
            remember: true,
        }
    }
}

impl Options {
    /// Returns the options with absolute paths, so that they stay right while the build runs, wherever the
    /// current directory is then.
    pub(crate) fn absolute(&self) -> Result<Options, Error> {
        let mut options = self.clone();
        match &mut options.origin {
            Origin::Search => {}
            Origin::Config(path) => *path = paths::absolute(path)?,
            Origin::Checkout { root, config } => {
                *root = paths::absolute(root)?;
                paths::make_absolute(config)?;
            }
            Origin::Memory(sources) => {
                for directory in &mut sources.include_dirs {
                    *directory = paths::absolute(directory)?;
                }
            }
        }
        if options.sysroot.as_deref() != Some(Path::new(BUILTIN)) {
            paths::make_absolute(&mut options.sysroot)?;
        }
        for path in [
            &mut options.output_dir,
            &mut options.pyconfig_dir,
            &mut options.llvm.install_dir,
            &mut options.keep_temps,
            &mut options.cache.directory,
        ] {
            paths::make_absolute(path)?;
        }
        Ok(options)
    }

    /// Returns the default options for a project.
    pub(crate) fn new(origin: Origin) -> Options {
        Options {
            origin,
            targets: Targets::Named(Vec::new()),
            output_dir: None,
            emit: Vec::new(),
            codegen: None,
            hardening: None,
            debug: false,
            free_threaded: false,
            cflags: String::new(),
            sysroot: None,
            pyconfig_dir: None,
            llvm: LlvmOptions::default(),
            jobs: None,
            keep_temps: None,
            cache: CacheOptions::default(),
            force: false,
            one_process_per_step: false,
            headers: true,
        }
    }
}
