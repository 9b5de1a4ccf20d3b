//! The digest of the inputs of a CPython checkout, in the first line of its headers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_schema::Codegen;
use sha2::{Digest as _, Sha256};

use crate::{error::Error, hex, paths};

/// The inputs that a digest covers, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct DigestInputs {
    /// Files, which come before directories.
    pub(crate) files: Vec<PathBuf>,
    /// Directories. All files below them are covered, sorted by name.
    pub(crate) directories: Vec<PathBuf>,
}

/// The choices that a digest covers besides files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DigestSettings<'a> {
    /// Whether it is a debug build.
    pub(crate) debug: bool,
    /// The code generation.
    pub(crate) codegen: Codegen,
    /// What hardened code is made of, or nothing for other code.
    pub(crate) hardening: &'a str,
    /// Flags for clang, and the choice of system headers.
    pub(crate) cflags: &'a str,
}

/// Returns the digest of a CPython checkout, in hexadecimal: `_compute_digest` in CPython's
/// `Tools/jit/_targets.py`, so that either tool takes the other's output as current.
pub(crate) fn of_cpython(
    triple: &str,
    settings: &DigestSettings<'_>,
    inputs: &DigestInputs,
) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    hasher.update(triple);
    hasher.update([u8::from(settings.debug)]);
    hasher.update(settings.cflags);
    for file in &inputs.files {
        hasher.update(read(file)?);
    }
    for directory in &inputs.directories {
        for file in walk(directory)? {
            hasher.update(read(&file)?);
        }
    }
    // Upstream's digest does not cover code generation.
    match settings.codegen {
        Codegen::Upstream => {}
        Codegen::Tuned | Codegen::Small => {
            hasher.update("--codegen ");
            hasher.update(settings.codegen.name());
            // Such code may be different with each version of the optimizer.
            hasher.update(jit_optimizer::FINGERPRINT);
            hasher.update(jit_schema::FINGERPRINT);
        }
    }
    if !settings.hardening.is_empty() {
        hasher.update("--hardening ");
        hasher.update(settings.hardening);
        hasher.update(jit_optimizer::FINGERPRINT);
        hasher.update(jit_schema::FINGERPRINT);
    }
    Ok(hex::digits(&hasher.finalize()))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    paths::read(path).map_err(Error::file("read", path))
}

/// Returns the files below a directory in the order of `sorted(os.walk(directory))`: by directory, then by
/// name. Python's caches are left out. As in os.walk, links to directories are not followed.
fn walk(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut directories = vec![directory.to_path_buf()];
    let mut found: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    while let Some(directory) = directories.pop() {
        let mut files = Vec::new();
        for entry in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let entry = entry.map_err(Error::file("read", &directory))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(Error::file("read", &path))?;
            if kind.is_dir() {
                directories.push(path);
            } else if !path.is_dir() {
                files.push(path);
            }
        }
        files.sort();
        found.push((directory, files));
    }
    // Python sorts paths of directories as strings, not by components.
    found.sort_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()));
    Ok(found
        .into_iter()
        .filter(|(directory, _)| {
            !directory
                .as_os_str()
                .to_string_lossy()
                .ends_with("__pycache__")
        })
        .flat_map(|(_, files)| files)
        .collect())
}
