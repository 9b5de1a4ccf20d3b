//! Arguments that several commands have.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::Args;
use jit_llvm::Interrupt;

use crate::project::options::LlvmOptions;

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum MessageFormat {
    /// Text for people, with progress bars on a terminal.
    #[default]
    Human,
    /// One JSON object per line on standard output, and nothing else there.
    Json,
}

/// Which LLVM to use, and how.
#[derive(Debug, Args)]
pub(crate) struct LlvmArgs {
    /// LLVM major version to use [default: the one that the checkout's Tools/jit/_llvm.py names, else the
    /// newest supported one that is installed].
    #[arg(long, value_name = "VERSION")]
    pub(crate) llvm_version: Option<String>,
    /// Directory that LLVM is installed in, with the tools in its subdirectory bin.
    #[arg(long, value_name = "DIR")]
    // Not a PathBuf, which clap takes no empty value for.
    pub(crate) llvm_tools_install_dir: Option<OsString>,
    /// Time that a process of clang or llvm-objdump may take, or 0 for no limit. One that takes longer
    /// hangs: it is killed, and the build fails.
    #[arg(long, value_name = "SECONDS", default_value_t = Interrupt::TOOL_TIMEOUT.as_secs())]
    pub(crate) tool_timeout: u64,
}

impl LlvmArgs {
    /// Returns the options. An empty value is ignored, since CPython's Makefile passes `--llvm-version=""`.
    pub(crate) fn options(&self) -> LlvmOptions {
        let directory = self.llvm_tools_install_dir.as_ref();
        LlvmOptions {
            version: self.llvm_version.clone().filter(|text| !text.is_empty()),
            install_dir: directory
                .filter(|directory| !directory.is_empty())
                .map(PathBuf::from),
            timeout: match self.tool_timeout {
                0 => None,
                seconds => Some(Duration::from_secs(seconds)),
            },
        }
    }
}
