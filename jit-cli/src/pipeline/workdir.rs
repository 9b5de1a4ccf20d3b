//! The directory for intermediate files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::error::Error;

/// A directory for intermediate files: one that is removed when it is dropped, or one to keep.
pub(crate) enum WorkDir {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl WorkDir {
    /// Creates the directory to keep, or a temporary one with room for this number of threads.
    pub(crate) fn create(keep: Option<&Path>, threads: usize) -> Result<WorkDir, Error> {
        if let Some(directory) = keep {
            fs::create_dir_all(directory).map_err(Error::file("create", directory))?;
            return Ok(WorkDir::Kept(directory.to_path_buf()));
        }
        let parent = match in_memory(threads) {
            Some(directory) if env::var_os("TMPDIR").is_none() => directory,
            _ => env::temp_dir(),
        };
        tempfile::Builder::new()
            .prefix("jit-stencils-")
            .tempdir_in(&parent)
            .map(WorkDir::Temporary)
            .map_err(Error::file("create", &parent))
    }

    /// Creates the directory for position-independent code, and returns its path.
    pub(crate) fn independent(&self) -> Result<PathBuf, Error> {
        let path = self.path().join("position-independent");
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

/// Returns the directory of Linux's file system in memory, if it has enough space. Writing many short-lived
/// files to a disk takes a tenth of a build's time.
#[cfg(target_os = "linux")]
fn in_memory(threads: usize) -> Option<PathBuf> {
    const SHARED: u64 = 24 << 20;
    const OF_A_THREAD: u64 = 8 << 20;
    let directory = Path::new("/dev/shm");
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
