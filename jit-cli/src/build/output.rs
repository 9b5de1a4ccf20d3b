//! Writing files: beside their place, then renamed, so that nobody ever sees half of one, and two
//! builds into one directory are both fine.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use crate::error::Error;

/// A directory that generated files go to.
#[derive(Debug, Clone)]
pub(crate) struct OutputDir {
    path: PathBuf,
}

impl OutputDir {
    /// The directory, made if it is not there.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::file("create", path))?;
        Ok(OutputDir {
            path: path.to_path_buf(),
        })
    }

    /// The directory as it is, there or not: to look at only.
    pub(crate) fn at(path: &Path) -> Self {
        OutputDir {
            path: path.to_path_buf(),
        }
    }

    /// Whether the file is there and starts with the text.
    pub(crate) fn starts_with(&self, name: &str, text: &str) -> bool {
        fs::read(self.path.join(name)).is_ok_and(|bytes| bytes.starts_with(text.as_bytes()))
    }

    /// What is in the file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path.join(name)).ok()
    }

    /// Whether the file is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    /// Write files, whole or not at all: none takes its place before all are written.
    pub(crate) fn write(&self, files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Result<(), Error> {
        let staged: Vec<NamedTempFile> = files
            .iter()
            .map(|(name, contents)| self.stage(name.as_ref(), contents.as_ref()))
            .collect::<Result<_, _>>()?;
        for ((name, _), file) in files.iter().zip(staged) {
            let path = self.path.join(name.as_ref());
            file.persist(&path)
                .map_err(|error| Error::file("replace", &path)(error.error))?;
        }
        Ok(())
    }

    /// Write what is to become that file beside it.
    fn stage(&self, name: &str, contents: &[u8]) -> Result<NamedTempFile, Error> {
        let path = self.path.join(name);
        // A directory is in no way replaced by a file, and that had better be known now.
        if path.is_dir() {
            return Err(Error::file("replace", &path)(
                io::ErrorKind::IsADirectory.into(),
            ));
        }
        let failed = |action| Error::file(action, &path);
        let mut builder = Builder::new();
        builder.prefix(name).suffix(".new");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What the umask leaves of it, as for any file that is just created.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(&self.path).map_err(failed("write"))?;
        file.write_all(contents).map_err(failed("write"))?;
        Ok(file)
    }

    /// Write a file only if that changes it, so that make does not build what depends on it.
    pub(crate) fn update(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        if fs::read(self.path.join(name)).is_ok_and(|old| old == contents) {
            return Ok(());
        }
        self.write(&[(name, contents)])
    }
}
