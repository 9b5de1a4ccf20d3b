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

/// Checks that no symbolic link in the paths was changed after this time. Before, it may have led elsewhere.
pub(crate) fn check_links<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    time: SystemTime,
) -> Result<(), String> {
    let places: BTreeSet<&Path> = files
        .into_iter()
        .flat_map(|path| path.ancestors())
        .collect();
    let is_new = |path: &&&Path| {
        let data = path.symlink_metadata();
        data.is_ok_and(|data| data.is_symlink() && is_newer(&data, time))
    };
    match places.iter().find(is_new) {
        Some(path) => Err(changed(path)),
        None => Ok(()),
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
