//! The directory for intermediate files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    scratch::{self, Scratch},
};

/// Where intermediate files go.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// To a directory that stays.
    Kept(PathBuf),
    /// To a temporary directory in this one, a file system in memory.
    Memory(PathBuf),
    /// To a temporary directory in this one.
    Temporary(PathBuf),
}

impl Place {
    /// Returns the directory to keep, or one for temporary files with room for this number of threads.
    pub(crate) fn choose(keep: Option<&Path>, threads: usize) -> Place {
        match (keep, in_memory(threads)) {
            (Some(directory), _) => Place::Kept(directory.to_path_buf()),
            (None, Some(directory)) if env::var_os("TMPDIR").is_none() => Place::Memory(directory),
            (None, _) => Place::Temporary(env::temp_dir()),
        }
    }

    /// Returns another place to try once this one is full, if there is one.
    pub(crate) fn fallback(&self) -> Option<Place> {
        match self {
            Place::Memory(_) => Some(Place::Temporary(env::temp_dir())),
            Place::Kept(_) | Place::Temporary(_) => None,
        }
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Place::Kept(path) | Place::Memory(path) | Place::Temporary(path) => path,
        }
    }
}

/// A directory for intermediate files: one that is removed when it is dropped, or one to keep.
pub(crate) enum WorkDir {
    Temporary(Scratch),
    Kept(PathBuf),
}

impl WorkDir {
    /// Creates the directory.
    pub(crate) fn create(place: &Place) -> Result<WorkDir, Error> {
        remove_abandoned();
        match place {
            Place::Kept(directory) => {
                fs::create_dir_all(directory).map_err(Error::file("create", directory))?;
                Ok(WorkDir::Kept(directory.clone()))
            }
            Place::Memory(parent) | Place::Temporary(parent) => Scratch::create_in(parent)
                .map(WorkDir::Temporary)
                .map_err(Error::file("create", parent)),
        }
    }

    /// Creates a directory in it, and returns its path.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path().join(name);
        fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
        Ok(path)
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            WorkDir::Temporary(directory) => directory.path(),
            WorkDir::Kept(directory) => directory,
        }
    }
}

/// The file system in memory of Linux. Writing many short-lived files to a disk takes a tenth of a build's time.
const MEMORY: &str = "/dev/shm";

/// Removes the directories that killed runs of any project have left.
pub(crate) fn remove_abandoned() {
    if cfg!(target_os = "linux") {
        scratch::remove_abandoned_directories(Path::new(MEMORY));
    }
    scratch::remove_abandoned_directories(&env::temp_dir());
}

/// Returns the directory of the file system in memory, if it has enough space.
#[cfg(target_os = "linux")]
fn in_memory(threads: usize) -> Option<PathBuf> {
    const SHARED: u64 = 24 << 20;
    const OF_A_THREAD: u64 = 8 << 20;
    let directory = Path::new(MEMORY);
    let space = rustix::fs::statvfs(directory).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let needed = SHARED + OF_A_THREAD * u64::try_from(threads).ok()?;
    let writable = rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok();
    (writable && free >= needed).then(|| directory.to_path_buf())
}

/// Other systems have no such directory.
#[cfg(not(target_os = "linux"))]
fn in_memory(_threads: usize) -> Option<PathBuf> {
    None
}
