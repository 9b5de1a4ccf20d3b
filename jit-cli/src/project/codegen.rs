//! The names of code generations in `jit.toml` and on the command line.

use jit_schema::Codegen;
use serde::Deserialize;

/// The choices of `--codegen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CodegenName {
    /// CPython's own flags and passes, for the same bytes as build.py's.
    #[default]
    Upstream,
    /// Additional flags and passes, for less code and data.
    Tuned,
}

impl From<CodegenName> for Codegen {
    fn from(name: CodegenName) -> Codegen {
        match name {
            CodegenName::Upstream => Codegen::Upstream,
            CodegenName::Tuned => Codegen::Tuned,
        }
    }
}
