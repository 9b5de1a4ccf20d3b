//! A copy of a checkout with fewer micro-ops.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jit_llvm::{Diagnostics, LlvmError};

use super::BUILD_PY;
use crate::{
    cpython::{pins, release::Release},
    error::Error,
    paths,
    scratch::{self, Scratch},
};

/// A temporary directory with a copy of a checkout, and others for what is made of it.
pub(super) struct Tree {
    checkout: PathBuf,
    directory: Scratch,
}

impl Tree {
    /// Creates a copy in which the file with the micro-ops has another text. `Tools/jit` is copied, as its programs find
    /// the checkout by their own path. All else is links to the checkout.
    pub(super) fn create(checkout: &Path, release: &Release, cases: &str) -> Result<Tree, Error> {
        let parent = std::env::temp_dir();
        scratch::remove_abandoned_directories(&parent);
        let directory = Scratch::create_in(&parent)
            .map_err(Error::file("create a temporary directory in", &parent))?;
        let tree = Tree {
            checkout: checkout.to_path_buf(),
            directory,
        };
        let root = tree.directory("checkout")?;
        let own = Own {
            cases: checkout.join(release.cases),
            copied: release
                .digest_dirs
                .iter()
                .map(|path| checkout.join(path))
                .collect(),
        };
        own.mirror(checkout, &root)?;
        let path = root.join(release.cases);
        fs::write(&path, cases).map_err(Error::file("write", &path))?;
        Ok(tree)
    }

    /// Returns the copy.
    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("checkout")
    }

    /// Creates a directory beside the copy.
    pub(super) fn directory(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.directory.path().join(name);
        fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
        // As programs see it that follow links.
        path.canonicalize().map_err(Error::file("find", &path))
    }

    /// Returns whether the copy's build.py has an option.
    pub(super) fn takes(&self, option: &str) -> Result<bool, Error> {
        let path = self.root().join(BUILD_PY);
        Ok(paths::read_text(&path, &path)?.contains(option))
    }

    /// Makes the copy's build.py use a version of LLVM: one that has no option for it uses the version that is pinned.
    pub(super) fn pin(&self, release: &Release, major: u32) -> Result<(), Error> {
        if self.takes("--llvm-version")? {
            return Ok(());
        }
        let path = self.root().join(release.llvm_pins);
        let text = paths::read_text(&path, &path)?;
        fs::write(&path, pins::replaced(&text, major)).map_err(Error::file("write", &path))
    }

    /// Returns a text about the copy as if it were about the checkout.
    pub(super) fn text_in_checkout(&self, text: &str) -> String {
        let root = self.root();
        let real = root.canonicalize().unwrap_or_else(|_| root.clone());
        let checkout = self.checkout.display().to_string();
        [root, real].iter().fold(text.to_owned(), |text, own| {
            text.replace(&own.display().to_string(), &checkout)
        })
    }

    /// Returns an error about the copy as one about the checkout. Lines have the same numbers in both.
    pub(super) fn in_checkout(&self, error: Error) -> Error {
        match error {
            Error::Target {
                target,
                headers,
                root: _,
                error,
            } => Error::Target {
                target,
                headers,
                root: self.checkout.clone(),
                error: Box::new(self.in_checkout(*error)),
            },
            Error::Several(errors) => Error::Several(
                errors
                    .into_iter()
                    .map(|error| self.in_checkout(error))
                    .collect(),
            ),
            Error::Uop {
                path,
                line,
                names,
                error,
            } => Error::Uop {
                path: self.text_in_checkout(&path.to_string_lossy()).into(),
                line,
                names,
                error: Box::new(self.in_checkout(*error)),
            },
            Error::Llvm(LlvmError::Rejected {
                name,
                stage,
                diagnostics,
            }) => Error::Llvm(LlvmError::Rejected {
                name,
                stage,
                diagnostics: Diagnostics::parse(&self.text_in_checkout(&diagnostics.text)),
            }),
            other => other,
        }
    }
}

/// What of a checkout is not linked.
struct Own {
    /// The file that is left out.
    cases: PathBuf,
    /// The directories that are copied.
    copied: Vec<PathBuf>,
}

impl Own {
    /// Fills a directory of the copy.
    fn mirror(&self, from: &Path, to: &Path) -> Result<(), Error> {
        for path in entries(from)? {
            let name = path.file_name().unwrap_or_default();
            let new = to.join(name);
            // Git's files are of no use to a build.
            if path == self.cases || name.to_string_lossy().starts_with('.') {
                continue;
            }
            if self.copied.contains(&path) {
                copy(&path, &new)?;
            } else if self.is_around(&path) {
                fs::create_dir(&new).map_err(Error::file("create", &new))?;
                self.mirror(&path, &new)?;
            } else {
                link(&path, &new).map_err(Error::file("link", &new))?;
            }
        }
        Ok(())
    }

    /// Returns whether a directory has something in it that is not linked.
    fn is_around(&self, path: &Path) -> bool {
        let mut all = self.copied.iter().chain([&self.cases]);
        all.any(|own| own.starts_with(path))
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let read: io::Result<_> = read();
    read.map_err(Error::file("read", directory))
}

/// Copies a directory, without what Python keeps there.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::file("create", to))?;
    for path in entries(from)? {
        let name = path.file_name().unwrap_or_default();
        let new = to.join(name);
        if path.is_dir() {
            if name != "__pycache__" {
                copy(&path, &new)?;
            }
            continue;
        }
        let bytes = paths::read(&path).map_err(Error::file("read", &path))?;
        fs::write(&new, bytes).map_err(Error::file("write", &new))?;
    }
    Ok(())
}

#[cfg(unix)]
fn link(to: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

/// Links a file or directory, which Windows allows in developer mode.
#[cfg(windows)]
fn link(to: &Path, path: &Path) -> io::Result<()> {
    match to.is_dir() {
        true => std::os::windows::fs::symlink_dir(to, path),
        false => std::os::windows::fs::symlink_file(to, path),
    }
}
