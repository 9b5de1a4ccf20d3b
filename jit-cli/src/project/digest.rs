//! What a generated file was made from, in its first line: `_compute_digest` of CPython's
//! `Tools/jit/_targets.py`, so that either tool takes the other's output as current.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_schema::{Codegen, Target};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// The files that a digest covers, and the order they are taken in.
#[derive(Debug, Clone, Default)]
pub(crate) struct DigestInputs {
    /// What a `jit.toml` says.
    pub(crate) settings: String,
    /// Files that come first.
    pub(crate) files: Vec<PathBuf>,
    /// Folders that are walked, each folder's files sorted by name.
    pub(crate) folders: Vec<PathBuf>,
    /// A folder to leave out: what is generated says nothing about its inputs.
    pub(crate) except: Option<PathBuf>,
}

/// SHA-256, in hexadecimal, over the target, the flags and the inputs.
pub(crate) fn compute(
    target: &Target,
    debug: bool,
    codegen: Codegen,
    cflags: &str,
    inputs: &DigestInputs,
) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    hasher.update(target.triple);
    hasher.update([u8::from(debug)]);
    hasher.update(cflags);
    hasher.update(&inputs.settings);
    for file in &inputs.files {
        hasher.update(read(file)?);
    }
    for folder in &inputs.folders {
        for file in walk(folder, inputs.except.as_deref())? {
            hasher.update(read(&file)?);
        }
    }
    // Upstream's digest knows of one way only.
    match codegen {
        Codegen::Upstream => {}
        Codegen::Tuned => {
            hasher.update("--codegen tuned");
            // There, the optimizer is free to do better with each version.
            hasher.update(jit_optimizer::FINGERPRINT);
        }
    }
    Ok(hexadecimal(hasher))
}

/// SHA-256, in hexadecimal, of a file's contents.
pub(crate) fn of(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    hexadecimal(hasher)
}

fn hexadecimal(hasher: Sha256) -> String {
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::file("read", path))
}

/// The files below a folder in the order of `sorted(os.walk(folder))`: by folder, then by name.
/// Python's caches are left out. Links to folders are not followed, as os.walk does not.
fn walk(folder: &Path, except: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let mut folders = vec![folder.to_path_buf()];
    let mut found: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
            let entry = entry.map_err(Error::file("read", &folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(Error::file("read", &path))?;
            if kind.is_dir() {
                if except != Some(path.as_path()) {
                    folders.push(path);
                }
            } else if !path.is_dir() {
                files.push(path);
            }
        }
        files.sort();
        found.push((folder, files));
    }
    // Python sorts the folders' names as strings, not by their parts.
    found.sort_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()));
    Ok(found
        .into_iter()
        .filter(|(folder, _)| {
            !folder
                .as_os_str()
                .to_string_lossy()
                .ends_with("__pycache__")
        })
        .flat_map(|(_, files)| files)
        .collect())
}
