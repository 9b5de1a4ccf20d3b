//! `jit.toml`: a project that is not CPython.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_schema::Target;
use serde::Deserialize;

use crate::{
    codegen::Codegen,
    emit::{Emit, Emits},
    failure::Failure,
};

/// The file's name, looked for in the current folder and above it.
pub(crate) const FILE_NAME: &str = "jit.toml";

/// The keys. Paths are relative to the file's folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// The C source with `CASE` where a micro-op goes.
    pub(crate) template: PathBuf,
    /// The micro-ops.
    pub(crate) cases: PathBuf,
    /// The C source of the function that enters compiled code, if there is one.
    pub(crate) shim: Option<PathBuf>,
    /// Folders to look for headers in; their files go into the digest.
    #[serde(default)]
    pub(crate) include: Vec<PathBuf>,
    /// Macros, as `NAME` or `NAME=VALUE`.
    #[serde(default)]
    pub(crate) defines: Vec<String>,
    /// Macros for stencils only: where they import what the shim's side defines.
    #[serde(default)]
    pub(crate) stencil_defines: Vec<String>,
    /// Triples to build for; the host's without any.
    #[serde(default)]
    pub(crate) targets: Vec<String>,
    /// Where generated files go.
    #[serde(default = "default_output")]
    pub(crate) output: PathBuf,
    /// What to write.
    #[serde(default = "default_emit")]
    pub(crate) emit: Vec<Emit>,
    /// Whose flags stencils are compiled with.
    #[serde(default)]
    pub(crate) codegen: Codegen,
    /// More flags for clang.
    #[serde(default)]
    pub(crate) cflags: Vec<String>,
    /// The LLVM major to use; the newest supported one that is installed without it.
    pub(crate) llvm_version: Option<u32>,
}

fn default_output() -> PathBuf {
    PathBuf::from("jit-stencils")
}

fn default_emit() -> Vec<Emit> {
    vec![Emit::Header]
}

impl Config {
    /// Read a `jit.toml`.
    pub(crate) fn read(path: &Path) -> Result<Config, Failure> {
        let text = fs::read_to_string(path).map_err(Failure::file("read", path))?;
        toml::from_str(&text).map_err(|error| Failure::Config {
            path: path.to_path_buf(),
            // Names the line, the key, and for an unknown key the ones there are.
            message: error.to_string().trim_end().to_owned(),
        })
    }

    /// What is to be written.
    pub(crate) fn emits(&self, path: &Path) -> Result<Emits, Failure> {
        Emits::of(&self.emit).ok_or_else(|| Failure::Config {
            path: path.to_path_buf(),
            message: "emit = []: nothing would be written; name \"header\", \"stencils\" or both"
                .to_owned(),
        })
    }

    /// The targets that are asked for.
    pub(crate) fn targets(&self, path: &Path) -> Result<Vec<&'static Target>, Failure> {
        let find = |triple: &String| {
            Target::from_triple(triple).map_err(|error| Failure::Config {
                path: path.to_path_buf(),
                message: error.to_string(),
            })
        };
        self.targets.iter().map(find).collect()
    }
}
