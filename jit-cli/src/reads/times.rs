//! When files were changed.

use std::{
    collections::BTreeSet,
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{paths, state::inputs::Mark};

/// How coarse the times of changes are that file systems note: the length of a tick of the system's clock, at the most.
/// A build waits that long before it reads its first source.
pub(crate) const TICK: Duration = Duration::from_millis(12);

/// Reads a file that was not changed after this time.
pub(crate) fn read(path: &Path, time: SystemTime) -> Result<(Mark, Vec<u8>), String> {
    let failed = |error: std::io::Error| format!("can't read {}: {error}", path.display());
    let bytes = paths::read(path).map_err(failed)?;
    match is_newer(&path.metadata().map_err(failed)?, time) {
        true => Err(changed(path)),
        false => Ok((Mark::of(&bytes), bytes)),
    }
}

/// Returns the message that a file was changed.
pub(crate) fn changed(path: &Path) -> String {
    format!("{} was changed during the build", path.display())
}

/// Checks that no link on the way to a file was changed after this time: it may have led elsewhere.
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

/// Returns whether a file was changed after this time. Programs can set the time of the last modification to any value,
/// but not that of the last change, which Unix notes as well.
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
        // Without a fraction, the file system may count in seconds, or in pairs of them.
        let coarse = if data.ctime_nsec() == 0 { 2 } else { 0 };
        (data.ctime() + coarse, data.ctime_nsec()) > limit
    }
    #[cfg(not(unix))]
    {
        let times = [data.modified(), data.created()];
        times.into_iter().flatten().any(|found| found > time)
    }
}
