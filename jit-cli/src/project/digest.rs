//! The digest of a generated file's inputs, in its first line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_schema::{Codegen, Target};
use sha2::{Digest as _, Sha256};

use crate::{error::Error, paths, project::holes};

/// The inputs that a digest covers, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct DigestInputs {
    /// The settings of a `jit.toml`.
    pub(crate) settings: String,
    /// Files, which come before directories.
    pub(crate) files: Vec<PathBuf>,
    /// Directories. All files below them are covered, sorted by name.
    pub(crate) directories: Vec<PathBuf>,
    /// A directory to leave out: that of generated files. If it is one of `directories`, only generated files are
    /// left out.
    pub(crate) except: Option<PathBuf>,
    /// The prefixes of the names of generated files.
    pub(crate) generated: Vec<&'static str>,
}

impl DigestInputs {
    /// Returns whether a file in the directory of generated files is one of them.
    fn is_generated(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut prefixes = self.generated.iter();
        prefixes.any(|prefix| {
            let rest = name.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.starts_with('-') || rest == ".h")
        })
    }
}

/// The choices that a digest covers besides files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DigestSettings<'a> {
    /// Whether it is a debug build.
    pub(crate) debug: bool,
    /// The code generation.
    pub(crate) codegen: Codegen,
    /// Flags for clang, and the choice of system headers.
    pub(crate) cflags: &'a str,
}

/// Returns the digest of a CPython checkout, in hexadecimal: `_compute_digest` in CPython's
/// `Tools/jit/_targets.py`, so that either tool takes the other's output as current.
pub(crate) fn of_cpython(
    target: &Target,
    settings: &DigestSettings<'_>,
    inputs: &DigestInputs,
) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    hasher.update(target.triple);
    hasher.update([u8::from(settings.debug)]);
    hasher.update(settings.cflags);
    hasher.update(&inputs.settings);
    for file in &inputs.files {
        hasher.update(read(file)?);
    }
    for directory in &inputs.directories {
        for file in walk(directory, inputs)? {
            hasher.update(read(&file)?);
        }
    }
    // Upstream's digest does not cover code generation.
    match settings.codegen {
        Codegen::Upstream => {}
        Codegen::Tuned => {
            hasher.update("--codegen tuned");
            // Tuned code may be different with each version of the optimizer.
            hasher.update(jit_optimizer::FINGERPRINT);
            hasher.update(jit_schema::FINGERPRINT);
        }
    }
    Ok(hexadecimal(hasher))
}

/// Returns the digest of a project that is not CPython, in hexadecimal. It covers the version of this tool as
/// well. Each part is preceded by its length, so that boundaries between parts count.
pub(crate) fn of_project(
    target: &Target,
    settings: &DigestSettings<'_>,
    inputs: &DigestInputs,
) -> Result<String, Error> {
    let codegen = match settings.codegen {
        Codegen::Upstream => "upstream",
        Codegen::Tuned => "tuned",
    };
    let mut hasher = Sha256::new();
    for part in [
        concat!("jit-cli ", env!("CARGO_PKG_VERSION")),
        jit_optimizer::FINGERPRINT,
        jit_schema::FINGERPRINT,
        target.triple,
        &holes::definitions(target),
        if settings.debug { "debug" } else { "release" },
        codegen,
        settings.cflags,
        &inputs.settings,
    ] {
        update(&mut hasher, part.as_bytes());
    }
    for file in &inputs.files {
        update(&mut hasher, &read(file)?);
    }
    for directory in &inputs.directories {
        for file in walk(directory, inputs)? {
            let name = file.strip_prefix(directory).unwrap_or(&file);
            update(&mut hasher, name.as_os_str().as_encoded_bytes());
            update(&mut hasher, &read(&file)?);
        }
    }
    Ok(hexadecimal(hasher))
}

fn update(hasher: &mut Sha256, part: &[u8]) {
    hasher.update((part.len() as u64).to_le_bytes());
    hasher.update(part);
}

/// Returns the SHA-256 of a file's contents, in hexadecimal.
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
    paths::read(path).map_err(Error::file("read", path))
}

/// Returns the files below a directory in the order of `sorted(os.walk(directory))`: by directory, then by
/// name. Python's caches are left out. As in os.walk, links to directories are not followed.
fn walk(directory: &Path, inputs: &DigestInputs) -> Result<Vec<PathBuf>, Error> {
    let except = inputs.except.as_deref();
    let mut directories = vec![directory.to_path_buf()];
    let mut found: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    while let Some(directory) = directories.pop() {
        let mut files = Vec::new();
        for entry in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let entry = entry.map_err(Error::file("read", &directory))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(Error::file("read", &path))?;
            if kind.is_dir() {
                if except != Some(path.as_path()) {
                    directories.push(path);
                }
                continue;
            }
            let is_generated = except == Some(&directory) && inputs.is_generated(&path);
            if !path.is_dir() && !is_generated {
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
