//! The work directory of a compiler.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{error::LlvmError, files};

/// The directory for the files of one compiler.
#[derive(Debug)]
pub(crate) struct WorkDir {
    /// Its path, which has no links in it.
    path: PathBuf,
    /// Whether files are for people to look at: each is named after its input and stays.
    keep: bool,
    slots: Mutex<Slots>,
}

/// The directories of [`Slot`]s.
#[derive(Debug, Default)]
struct Slots {
    /// Those that no batch uses now.
    free: Vec<PathBuf>,
    /// How many were made.
    made: usize,
}

impl WorkDir {
    /// Returns the work directory at a path, which must exist.
    pub(crate) fn new(path: &Path, keep: bool) -> Result<WorkDir, LlvmError> {
        Ok(WorkDir {
            path: files::resolve(path)?,
            keep,
            slots: Mutex::default(),
        })
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file in it.
    pub(crate) fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.path.join(format!("{name}.{extension}"))
    }

    /// Creates a directory in it, unless it is there.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, LlvmError> {
        let path = self.path.join(name);
        files::create_dir(&path)?;
        Ok(path)
    }

    /// Returns a directory for the files of one batch.
    pub(crate) fn slot(&self) -> Result<Slot<'_>, LlvmError> {
        let path = if self.keep {
            self.path.clone()
        } else {
            let mut slots = self.slots();
            match slots.free.pop() {
                Some(path) => path,
                None => {
                    slots.made += 1;
                    let name = format!("slot-{}", slots.made);
                    self.directory(&name)?
                }
            }
        };
        Ok(Slot { work: self, path })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns diagnostics without the path of a directory.
pub(crate) fn shorten(diagnostics: &str, directory: &Path) -> String {
    let prefix = format!("{}{}", directory.display(), std::path::MAIN_SEPARATOR);
    diagnostics.replace(&prefix, "")
}

/// A directory for the files of one batch, which another batch uses afterwards.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    work: &'a WorkDir,
    path: PathBuf,
}

impl Slot<'_> {
    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file of the batch's member with this index and name.
    pub(crate) fn file(&self, index: usize, name: &str, extension: &str) -> PathBuf {
        if self.work.keep {
            self.path.join(format!("{name}.{extension}"))
        } else {
            self.path.join(format!("{index}.{extension}"))
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.work.keep {
            let path = std::mem::take(&mut self.path);
            self.work.slots().free.push(path);
        }
    }
}
