//! Temporary files and directories, which no run leaves for good.
//!
//! A run that is killed with SIGKILL cannot clean up. So each temporary file, and a file beside the contents of
//! each temporary directory, is locked while its run needs it, and the system frees the lock of a process that has ended. A
//! later run removes what has the name and the user of such a file, and is not locked.
//!
//! Between its creation and its lock, a file may look abandoned. If another run removes it then, its creator
//! notices when it has the lock, and creates another. Systems other than Unix have no such locks here: nothing
//! of other runs is removed there.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempDir};

/// The start of the names of temporary files.
const FILES: &str = ".jit-new-";
/// The start of the names of temporary directories.
const DIRECTORIES: &str = "jit-stencils-";
/// The file in a temporary directory that is locked.
const LOCK: &str = "lock";
/// The directory in a temporary directory that has what it is for.
const CONTENTS: &str = "files";
/// What that directory is called while it is being removed.
const DOOMED: &str = "doomed";
/// How often to try to create something that other runs remove at once, or to remove what others write to.
const TRIES: usize = 100;

/// Creates a temporary file that is to be renamed to another name in the same directory. The umask applies, as
/// for any new file.
pub(crate) fn file_in(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(FILES);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    retry(|| {
        let file = builder.tempfile_in(directory)?;
        Ok(locks::take(file.as_file()).then_some(file))
    })
}

/// A temporary directory, which is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// It has the lock and the contents.
    directory: TempDir,
    _lock: File,
    contents: PathBuf,
}

impl Scratch {
    /// Creates a directory in another.
    pub(crate) fn create_in(parent: &Path) -> io::Result<Scratch> {
        retry(|| {
            let directory = Builder::new().prefix(DIRECTORIES).tempdir_in(parent)?;
            let lock = match File::create_new(directory.path().join(LOCK)) {
                Ok(lock) => lock,
                // Another run has removed the empty directory.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if !locks::take(&lock) {
                return Ok(None);
            }
            let contents = directory.path().join(CONTENTS);
            fs::create_dir(&contents)?;
            Ok(Some(Scratch {
                directory,
                _lock: lock,
                contents,
            }))
        })
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.contents
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The lock goes last: without it, nobody could tell that the contents are abandoned.
        let removed = remove_contents(self.directory.path());
        self.directory.disable_cleanup(!removed);
    }
}

fn retry<T>(create: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
    for _ in 0..TRIES {
        if let Some(created) = create()? {
            return Ok(created);
        }
    }
    Err(io::Error::other("other programs remove it at once"))
}

/// Removes the temporary files that killed runs have left in a directory.
pub(crate) fn remove_abandoned_files(directory: &Path) {
    for path in named(directory, FILES) {
        if let Some(_lock) = locks::take_abandoned(&path) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Removes the temporary directories that killed runs have left in a directory.
pub(crate) fn remove_abandoned_directories(parent: &Path) {
    for path in named(parent, DIRECTORIES) {
        if !locks::is_own_directory(&path) {
            continue;
        }
        if let Some(_lock) = locks::take_abandoned(&path.join(LOCK)) {
            tracing::info!("{} is of a run that was killed: removed", path.display());
            if remove_contents(&path) {
                let _ = fs::remove_dir_all(&path);
            }
        } else {
            // It has no lock if its run was killed at once or at its very end. Only an empty one is removed.
            let _ = fs::remove_dir(&path);
        }
    }
}

/// Removes the contents of a temporary directory. If it fails, the lock has to stay for a later run.
///
/// Tools of a run that was killed may still write to them. A directory that grows as fast as it is emptied is
/// never empty, so the contents get another name first, under which nobody writes.
fn remove_contents(directory: &Path) -> bool {
    let (contents, doomed) = (directory.join(CONTENTS), directory.join(DOOMED));
    let is_done = |result: io::Result<()>| match result {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    (0..TRIES).any(|_| {
        // Another run may have been killed while it removed them.
        is_done(fs::remove_dir_all(&doomed))
            && is_done(fs::rename(&contents, &doomed))
            && is_done(fs::remove_dir_all(&doomed))
    })
}

fn named(directory: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
}

#[cfg(unix)]
mod locks {
    use std::{
        fs::{self, File, Metadata},
        os::unix::fs::{MetadataExt, OpenOptionsExt},
        path::Path,
    };

    use rustix::{
        fs::{FlockOperation, OFlags, flock},
        io::Errno,
        process::geteuid,
    };

    /// Locks a file that this run has created. Returns false if another run has removed it or is about to.
    pub(super) fn take(file: &File) -> bool {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => file.metadata().is_ok_and(|data| data.nlink() > 0),
            Err(Errno::WOULDBLOCK) => false,
            // The file system has no locks. Other runs can't have it either, so they remove nothing.
            Err(_) => true,
        }
    }

    /// Locks a file of another run of the same user that has ended. Links are not followed.
    pub(super) fn take_abandoned(path: &Path) -> Option<File> {
        let is_own = |data: &Metadata| data.is_file() && data.uid() == geteuid().as_raw();
        if !is_own(&fs::symlink_metadata(path).ok()?) {
            return None;
        }
        // It may have been replaced by something else in the meantime.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        let (locked, there) = (file.metadata().ok()?, fs::symlink_metadata(path).ok()?);
        let same = (locked.dev(), locked.ino()) == (there.dev(), there.ino());
        (same && is_own(&locked)).then_some(file)
    }

    /// Returns whether a path is a directory of this user, and not a link to one.
    pub(super) fn is_own_directory(path: &Path) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|data| data.is_dir() && data.uid() == geteuid().as_raw())
    }
}

#[cfg(not(unix))]
mod locks {
    use std::{fs::File, path::Path};

    pub(super) fn take(_file: &File) -> bool {
        true
    }

    pub(super) fn take_abandoned(_path: &Path) -> Option<File> {
        None
    }

    pub(super) fn is_own_directory(_path: &Path) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let file = file_in(parent.path()).unwrap();
        let scratch = Scratch::create_in(parent.path()).unwrap();
        fs::write(scratch.path().join("x"), "").unwrap();
        let before = names(parent.path());
        assert_eq!(before.len(), 2);
        remove_abandoned_files(parent.path());
        remove_abandoned_directories(parent.path());
        assert_eq!(names(parent.path()), before);
        assert!(scratch.path().join("x").is_file());
        file.persist(parent.path().join("done")).unwrap();
        drop(scratch);
        assert_eq!(names(parent.path()), ["done"]);
    }

    #[test]
    fn what_is_abandoned_goes() {
        let parent = tempfile::tempdir().unwrap();
        let file = file_in(parent.path()).unwrap();
        let (file, path) = file.keep().unwrap();
        // The names that a killed run leaves, without a lock.
        drop(file);
        let directory = parent.path().join("jit-stencils-killed");
        fs::create_dir_all(directory.join(CONTENTS).join("sub")).unwrap();
        fs::write(directory.join(CONTENTS).join("x"), "").unwrap();
        fs::write(directory.join(LOCK), "").unwrap();
        assert!(path.is_file());
        // One that was being created.
        fs::create_dir(parent.path().join("jit-stencils-early")).unwrap();
        remove_abandoned_files(parent.path());
        remove_abandoned_directories(parent.path());
        assert_eq!(names(parent.path()), [""; 0]);
    }

    /// The tools of a killed run go on until they notice that their directory is gone.
    #[test]
    fn what_is_still_written_to_goes() {
        let parent = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let directory = parent.path().join(format!("jit-stencils-{round}"));
            let contents = directory.join(CONTENTS);
            fs::create_dir_all(&contents).unwrap();
            fs::write(directory.join(LOCK), "").unwrap();
            std::thread::scope(|scope| {
                let (begun, begin) = std::sync::mpsc::channel();
                scope.spawn(move || {
                    for file in 0.. {
                        if fs::write(contents.join(file.to_string()), "").is_err() {
                            break;
                        }
                        if file == 50 {
                            begun.send(()).unwrap();
                        }
                    }
                });
                begin.recv().unwrap();
                remove_abandoned_directories(parent.path());
            });
            assert_eq!(names(parent.path()), [""; 0]);
        }
    }

    /// What only looks like a temporary file is somebody else's.
    #[test]
    fn what_is_not_ours_stays() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        fs::create_dir_all(at("target/sub")).unwrap();
        fs::write(at("target/lock"), "").unwrap();
        symlink(at("target"), at("jit-stencils-link")).unwrap();
        fs::create_dir(at("jit-stencils-old")).unwrap();
        fs::write(at("jit-stencils-old/no-lock"), "").unwrap();
        fs::create_dir(at("jit-stencils-linked-lock")).unwrap();
        symlink(at("target/lock"), at("jit-stencils-linked-lock/lock")).unwrap();
        symlink(at("target/lock"), at(".jit-new-link")).unwrap();
        fs::create_dir(at(".jit-new-directory")).unwrap();
        fs::write(at("x.new"), "").unwrap();
        let before = names(parent.path());
        remove_abandoned_files(parent.path());
        remove_abandoned_directories(parent.path());
        assert_eq!(names(parent.path()), before);
        assert!(at("jit-stencils-linked-lock/lock").is_symlink());
        assert_eq!(names(&at("target")), ["lock", "sub"]);
    }

    /// Runs create and remove at the same time, and none loses what it has created.
    #[test]
    fn nobody_removes_what_another_creates() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let file = file_in(parent.path()).unwrap();
                        let scratch = Scratch::create_in(parent.path()).unwrap();
                        fs::write(scratch.path().join("x"), "").unwrap();
                        assert!(file.path().is_file());
                    }
                });
                scope.spawn(|| {
                    for _ in 0..300 {
                        remove_abandoned_files(parent.path());
                        remove_abandoned_directories(parent.path());
                    }
                });
            }
        });
        remove_abandoned_directories(parent.path());
        assert_eq!(names(parent.path()), [""; 0]);
    }
}
