//! `jit-cli sysroot check`: checks whether two sets of headers mean the same to a project.

use std::path::PathBuf;

use clap::Args;
use jit_llvm::Interrupt;

use super::{
    build::origin,
    shared::{LlvmArgs, MessageFormat},
};
use crate::{
    error::Error,
    sysroot::{
        check::{self, Check, Place},
        headers,
    },
    terminal::report::Report,
};

/// The arguments of `jit-cli sysroot check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Target whose headers to compare [default: this machine].
    #[arg(short, long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
    /// Headers to check: a directory, or `builtin` for the ones that are part of jit-cli.
    #[arg(long, value_name = "DIR|builtin", default_value = headers::BUILTIN)]
    pub(crate) sysroot: PathBuf,
    /// Directory with the headers to compare them with [default: the target's in jit.toml, else those that
    /// clang finds on this machine].
    #[arg(long, value_name = "DIR")]
    pub(crate) real: Option<PathBuf>,
    /// CPython checkout whose headers to compile with both [default: as for build].
    #[arg(long, value_name = "DIR")]
    pub(crate) cpython: Option<PathBuf>,
    /// Configuration to use; its tables name a target's real headers and pyconfig.h [default: as for
    /// build].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory with the headers of an installed CPython, to use instead of a checkout: Python.h and
    /// internal/.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cpython", "config"])]
    pub(crate) headers: Option<PathBuf>,
    /// Directory with the pyconfig.h that belongs to the real headers [default: the checked headers' own].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Compile for a free-threaded build of Python.
    #[arg(long)]
    pub(crate) free_threaded: bool,
    /// Additional flags for clang, for both sets of headers.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Option<String>,
    #[command(flatten)]
    pub(crate) llvm: LlvmArgs,
    /// Directory to unpack the built-in headers in [default: jit-cli in the user's directory for caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) message_format: MessageFormat,
}

/// Runs the command.
pub(crate) fn run(
    arguments: &CheckArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let place = match &arguments.headers {
        Some(directory) => Place::Installed(directory.clone()),
        None => Place::Project(origin(
            arguments.cpython.as_deref(),
            arguments.config.as_deref(),
        )),
    };
    let outcome = check::run(
        &Check {
            place,
            target: arguments.target.clone(),
            sysroot: arguments.sysroot.clone(),
            real: arguments.real.clone(),
            pyconfig_dir: arguments.pyconfig_dir.clone(),
            debug: arguments.debug,
            free_threaded: arguments.free_threaded,
            cflags: arguments.cflags.clone().unwrap_or_default(),
            llvm: arguments.llvm.options(),
            cache_dir: arguments.cache_dir.clone(),
        },
        interrupt,
    )?;
    report.compared(&outcome);
    match outcome.comparison.differences.len() {
        0 => Ok(()),
        differences => Err(Error::SysrootDiffers {
            sysroot: outcome.checked,
            against: outcome.real,
            differences,
        }),
    }
}
