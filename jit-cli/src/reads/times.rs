//! The times at which files were changed.

use std::{
    collections::BTreeSet,
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{paths, state::inputs::Mark};

/// The resolution of the times in file systems, which is at most one tick of the system's clock. A build waits that long
/// before it reads its first source.
pub(crate) const TICK: Duration = Duration::from_millis(12);

/// Reads a file. It is an error if it was changed after this time.
pub(crate) fn read(path: &Path, time: SystemTime) -> Result<(Mark, Vec<u8>), String> {
    let failed = |error: std::io::Error| format!("can't read {}: {error}", path.display());
    let bytes = paths::read(path).map_err(failed)?;
    match is_newer(&path.metadata().map_err(failed)?, time) {
        true => Err(changed(path)),
        false => Ok((Mark::of(&bytes), bytes)),
    }
}

/// Returns the message for a file that was changed.
pub(crate) fn changed(path: &Path) -> String {
    format!("{} was changed during the build", path.display())
}

/// Checks that no place in the paths was [changed](changed_place).
pub(crate) fn check_places(
    files: impl IntoIterator<Item = impl AsRef<Path>>,
    time: SystemTime,
) -> Result<(), String> {
    changed_place(files, time).map_or(Ok(()), |place| Err(changed(&place)))
}

/// Returns a file that was changed after this time, or a [place](changed_place) in the paths.
pub(crate) fn changed_since(
    files: impl IntoIterator<Item = impl AsRef<Path>> + Clone,
    time: SystemTime,
) -> Option<PathBuf> {
    let mut paths = files.clone().into_iter();
    let is_new = |path: &Path| path.metadata().is_ok_and(|data| is_newer(&data, time));
    let changed = paths.find(|path| is_new(path.as_ref()));
    let changed = changed.map(|path| path.as_ref().to_path_buf());
    changed.or_else(|| changed_place(files, time))
}

/// Returns a symbolic link or a directory in the paths that was changed or renamed after this time. Before, the paths may
/// have led to other files.
fn changed_place(
    files: impl IntoIterator<Item = impl AsRef<Path>>,
    time: SystemTime,
) -> Option<PathBuf> {
    let mut open: Vec<PathBuf> = files
        .into_iter()
        .map(|file| file.as_ref().to_path_buf())
        .collect();
    let mut places = BTreeSet::new();
    while let Some(path) = open.pop() {
        for place in path.ancestors() {
            if !places.insert(place.to_path_buf()) {
                break;
            }
            let Ok(data) = place.symlink_metadata() else {
                continue;
            };
            let is_elsewhere = data.is_symlink() || data.is_dir() && is_renamed(&data);
            if is_elsewhere && is_newer(&data, time) {
                return Some(place.to_path_buf());
            }
            if let (true, Ok(target)) = (data.is_symlink(), place.read_link()) {
                open.push(place.parent().unwrap_or(Path::new("")).join(target));
            }
        }
    }
    None
}

/// Returns whether the last change of a directory was not to its entries. On Linux, a new or removed entry changes both
/// times, and renaming the directory only one of them.
fn is_renamed(data: &Metadata) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        (data.ctime(), data.ctime_nsec()) != (data.mtime(), data.mtime_nsec())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = data;
        false
    }
}

/// Returns whether a file was changed after this time. On Unix, this is the time of the last status change (`ctime`).
/// Programs can set the time of the last modification (`mtime`) to any value, but not this one.
pub(crate) fn is_newer(data: &Metadata, time: SystemTime) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let limit = (
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            i64::from(since.subsec_nanos()),
        );
        // If there is no fraction, the resolution of the file system may be one or two seconds.
        let coarse = if data.ctime_nsec() == 0 { 2 } else { 0 };
        (data.ctime() + coarse, data.ctime_nsec()) > limit
    }
    #[cfg(not(unix))]
    {
        let times = [data.modified(), data.created()];
        times.into_iter().flatten().any(|found| found > time)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, os::unix::fs::symlink, thread};

    use super::*;

    #[test]
    fn directories_that_are_renamed() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in ["in/sub", "other/sub", "far"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        for name in ["in/sub/x.h", "other/sub/x.h"] {
            fs::write(path(name), name).unwrap();
        }
        symlink("../in", path("far/link")).unwrap();
        thread::sleep(2 * TICK);
        let time = SystemTime::now();
        thread::sleep(2 * TICK);
        // What is created beside them has no effect on the files.
        fs::write(path("in/new"), "").unwrap();
        let check = |name: &str| check_places([&path(name)], time);
        let paths = ["in/sub/x.h", "far/link/sub/x.h"];
        for name in paths {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        fs::rename(path("in"), path("away")).unwrap();
        fs::rename(path("other"), path("in")).unwrap();
        assert_eq!(check(paths[0]), Err(changed(&path("in"))));
        assert_eq!(check(paths[1]), Err(changed(&path("far/../in"))));
    }
}
