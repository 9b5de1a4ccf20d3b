//! Arguments that several commands take.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use crate::project::options::LlvmOptions;

/// Who reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum MessageFormat {
    /// People: text, and bars on a terminal.
    #[default]
    Human,
    /// Tools: one JSON object a line on standard output, and nothing else there.
    Json,
}

/// Which LLVM to use.
#[derive(Debug, Args)]
pub(crate) struct LlvmArgs {
    /// The LLVM major to use [default: what the checkout's Tools/jit/_llvm.py pins, else the newest
    /// supported one that is installed].
    #[arg(long, value_name = "VERSION")]
    pub(crate) llvm_version: Option<String>,
    /// The prefix LLVM is installed in, with the tools in its bin folder.
    #[arg(long, value_name = "DIR")]
    // Not a PathBuf, which clap takes no empty value for.
    pub(crate) llvm_tools_install_dir: Option<OsString>,
}

impl LlvmArgs {
    /// Returns what they ask for. An empty value counts as none: CPython's Makefile passes
    /// `--llvm-version=""`.
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
