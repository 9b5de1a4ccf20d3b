//! Writing files: each is written under a temporary name, then renamed. No other program sees half a file,
//! and two builds can write to one directory at the same time.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::{error::Error, paths, scratch};

/// A directory that generated files go to.
#[derive(Debug, Clone)]
pub(crate) struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// Returns the directory, which is created if it is missing. What killed builds have left in it is removed.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::file("create", path))?;
        scratch::remove_abandoned_files(path);
        Ok(OutputDir {
            path: path.to_path_buf(),
        })
    }

    /// Checks that a file of this name can be written, without changing it.
    #[cfg(feature = "cli")]
    pub(crate) fn check_writable(&self, name: &str) -> Result<(), Error> {
        self.stage(name, b"").map(drop)
    }

    /// Returns the directory for reading only. It may be missing.
    pub(crate) fn at(path: &Path) -> Self {
        OutputDir {
            path: path.to_path_buf(),
        }
    }

    /// Returns the contents of the file, if it exists.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        paths::read(&self.path.join(name)).ok()
    }

    /// Returns whether there is a file of this name, or anything else.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    /// Writes several files. None is renamed to its final name before all are on the disk, and this returns when
    /// the names are as well: after a power cut, there are the new files or the old ones.
    pub(crate) fn write(&self, files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Result<(), Error> {
        let staged: Vec<NamedTempFile> = files
            .iter()
            .map(|(name, contents)| self.stage(name.as_ref(), contents.as_ref()))
            .collect::<Result<_, _>>()?;
        // All at once, so that the file system can do it in one transaction.
        let synchronized: Vec<io::Result<()>> = staged
            .par_iter()
            .map(|file| file.as_file().sync_data())
            .collect();
        for ((name, _), result) in files.iter().zip(synchronized) {
            let path = self.path.join(name.as_ref());
            result
                .or_else(|error| match error.kind() {
                    // Some file systems can't do it.
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
                    _ => Err(error),
                })
                .map_err(Error::file("write", &path))?;
        }
        for ((name, _), file) in files.iter().zip(staged) {
            let path = self.path.join(name.as_ref());
            file.persist(&path)
                .map_err(|error| Error::file("replace", &path)(error.error))?;
        }
        // Directories can be opened on Unix only. Some file systems can't do this to them.
        #[cfg(unix)]
        if !files.is_empty()
            && let Ok(directory) = fs::File::open(&self.path)
        {
            let _ = directory.sync_all();
        }
        Ok(())
    }

    /// Writes a temporary file that is to be renamed to `name`.
    fn stage(&self, name: &str, contents: &[u8]) -> Result<NamedTempFile, Error> {
        let path = self.path.join(name);
        // A file can't replace a directory, and must not replace a pipe or a device. This is reported before
        // anything is written.
        if let Ok(data) = path.metadata() {
            paths::check_regular(&data).map_err(Error::file("replace", &path))?;
        }
        let write = || -> io::Result<NamedTempFile> {
            let mut file = scratch::file_in(&self.path)?;
            file.write_all(contents)?;
            Ok(file)
        };
        write().map_err(Error::file("write", &path))
    }

    /// Writes those of several files whose contents change, so that make does not rebuild what depends on the
    /// others.
    pub(crate) fn update(&self, files: &[(&str, &[u8])]) -> Result<(), Error> {
        let has_changed =
            |(name, contents): &&(&str, &[u8])| self.read(name).is_none_or(|old| old != *contents);
        let changed: Vec<_> = files.iter().filter(has_changed).copied().collect();
        self.write(&changed)
    }
}
