//! Arguments that several commands have.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

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

/// Which LLVM to use.
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
        }
    }
}
