//! Whose flags stencils are compiled with.

use serde::Deserialize;

/// The choices of `--codegen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Codegen {
    /// CPython's own: the same bytes as build.py's.
    #[default]
    Upstream,
    /// More flags and passes, for less code and data.
    Tuned,
}

impl From<Codegen> for jit_llvm::Codegen {
    fn from(codegen: Codegen) -> Self {
        match codegen {
            Codegen::Upstream => jit_llvm::Codegen::Upstream,
            Codegen::Tuned => jit_llvm::Codegen::Tuned,
        }
    }
}
