//! `jit-cli sysroot check`: whether one set of headers means the same to a project as another.

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

/// `jit-cli sysroot check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The target [default: this machine].
    #[arg(short, long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
    /// The headers to check: `builtin` for jit-cli's own, or a folder.
    #[arg(long, value_name = "DIR|builtin", default_value = headers::BUILTIN)]
    pub(crate) sysroot: PathBuf,
    /// The headers to compare them with, in a folder as `build --sysroot` takes it [default: what
    /// jit.toml has for the target, else where clang finds this machine's].
    #[arg(long, value_name = "DIR")]
    pub(crate) real: Option<PathBuf>,
    /// The CPython checkout whose headers to compile with both [default: as for build].
    #[arg(long, value_name = "DIR")]
    pub(crate) cpython: Option<PathBuf>,
    /// The jit.toml to go by; its tables say where a target's real headers and its pyconfig.h are, if
    /// nothing else does [default: as for build].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The headers of an installed CPython, instead of a checkout: the folder with Python.h and
    /// internal/.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cpython", "config"])]
    pub(crate) headers: Option<PathBuf>,
    /// Where the pyconfig.h is that belongs to the real headers [default: the one for both].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Compile for a free-threaded build of Python.
    #[arg(long)]
    pub(crate) free_threaded: bool,
    /// More flags for clang, on both sides.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Option<String>,
    #[command(flatten)]
    pub(crate) llvm: LlvmArgs,
    /// Beside which cache to unpack the built-in headers [default: the platform's folder for
    /// caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Who reads what is printed; tools get one JSON object a line.
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
