//! Arguments that several commands have.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::Args;
use jit_llvm::Interrupt;

use crate::project::{
    codegen::CodegenName,
    definition::Origin,
    hardening::{Asked, HardeningName},
    options::{LlvmOptions, Options, Targets},
};

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum MessageFormat {
    /// Text for people, with progress bars on a terminal.
    #[default]
    Human,
    /// One JSON object per line on standard output, and nothing else there.
    Json,
}

/// The build of a checkout that a pack is compared with.
#[derive(Debug, Args)]
pub(crate) struct CheckoutArgs {
    /// Target; may be repeated [default: this machine].
    #[arg(short, long = "target", value_name = "TRIPLE")]
    pub(crate) targets: Vec<String>,
    /// Directory with the pyconfig.h that configure has made [default: the output directory, the current directory or
    /// the checkout].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// Expect stencils for debug builds of Python whatever pyconfig.h says. Needed on Windows, where the Visual Studio
    /// project decides that, not pyconfig.h.
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Code generation [default: upstream].
    #[arg(long, value_name = "NAME")]
    pub(crate) codegen: Option<CodegenName>,
    /// Checks of the processor that the code is hardened for, separated by commas [default: none].
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) hardening: Vec<HardeningName>,
    /// Additional flags for clang with which the pack was made.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Option<String>,
}

impl CheckoutArgs {
    /// Returns the options of a build of the checkout.
    pub(crate) fn options(&self, origin: Origin) -> Options {
        Options {
            targets: Targets::Named(self.targets.clone()),
            pyconfig_dir: self.pyconfig_dir.clone(),
            codegen: self.codegen.map(Into::into),
            hardening: asked(&self.hardening),
            debug: self.debug,
            cflags: self.cflags.clone().unwrap_or_default(),
            ..Options::new(origin)
        }
    }
}

/// Returns the checks that are asked for, if there are some.
pub(super) fn asked(names: &[HardeningName]) -> Option<Asked> {
    (!names.is_empty()).then(|| Asked::of(names))
}

/// Which LLVM to use, and how.
#[derive(Debug, Args)]
pub(crate) struct LlvmArgs {
    /// LLVM major version to use [default: the one that the checkout's Tools/jit/_llvm.py names, else the
    /// newest supported one that is installed].
    #[arg(long, value_name = "VERSION")]
    // CPython's Makefile adds one to those in PYTHON_FOR_REGEN.
    pub(crate) llvm_version: Vec<String>,
    /// Directory that LLVM is installed in, with the tools in its subdirectory bin.
    #[arg(long, value_name = "DIR")]
    // Not a PathBuf, which clap takes no empty value for.
    pub(crate) llvm_tools_install_dir: Vec<OsString>,
    /// Time that a process of clang or llvm-objdump may take, or 0 for no limit. One that takes longer
    /// is killed, and the build fails.
    #[arg(long, value_name = "SECONDS", default_value_t = Interrupt::TOOL_TIMEOUT.as_secs())]
    pub(crate) tool_timeout: u64,
}

impl LlvmArgs {
    /// Returns the options: the last values. An empty value is ignored, since CPython's Makefile passes
    /// `--llvm-version=""`.
    pub(crate) fn options(&self) -> LlvmOptions {
        let mut versions = self.llvm_version.iter().rev();
        let mut directories = self.llvm_tools_install_dir.iter().rev();
        LlvmOptions {
            version: versions.find(|text| !text.is_empty()).cloned(),
            install_dir: directories
                .find(|directory| !directory.is_empty())
                .map(PathBuf::from),
            timeout: match self.tool_timeout {
                0 => None,
                seconds => Some(Duration::from_secs(seconds)),
            },
        }
    }
}
