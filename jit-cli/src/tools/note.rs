//! The file system's data about a file, which changes whenever the file is written or replaced.

use std::{
    fs::Metadata,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// The minimum age of a change for a note to be relied on: two changes in quick succession may have the same time.
const SETTLED: Duration = Duration::from_secs(3);

/// The file system's data about a file or directory and, if the path is a symbolic link, about the link, which may be
/// redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(rename = "f")]
    file: Numbers,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    link: Option<Numbers>,
}

/// The device, the inode number, the length in bytes, and the times of the last modification and of the last status change
/// in nanoseconds. No program can set the latter.
type Numbers = [i64; 5];

impl Note {
    /// Returns the note of a path, if something exists there.
    pub(super) fn of(path: &Path) -> Option<Note> {
        let found = path.symlink_metadata().ok()?;
        if !found.is_symlink() {
            return Some(Note {
                file: numbers(&found),
                link: None,
            });
        }
        Some(Note {
            file: numbers(&path.metadata().ok()?),
            link: Some(numbers(&found)),
        })
    }

    /// Returns whether the last change was long before a time.
    pub(super) fn is_older_than(&self, time: SystemTime) -> bool {
        let time = time.duration_since(SystemTime::UNIX_EPOCH);
        let time = time.unwrap_or(Duration::ZERO).as_nanos();
        let is_old = |[.., changed]: Numbers| {
            u128::try_from(changed).is_ok_and(|changed| changed + SETTLED.as_nanos() < time)
        };
        is_old(self.file) && self.link.is_none_or(is_old)
    }
}

#[cfg(unix)]
fn numbers(data: &Metadata) -> Numbers {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    [
        data.dev().cast_signed(),
        data.ino().cast_signed(),
        data.size().cast_signed(),
        nanoseconds(data.mtime(), data.mtime_nsec()),
        nanoseconds(data.ctime(), data.ctime_nsec()),
    ]
}

/// There is no time of the last change, only those of the creation and of the last modification.
#[cfg(not(unix))]
fn numbers(data: &Metadata) -> Numbers {
    let nanoseconds = |time: std::io::Result<SystemTime>| {
        let since = time.ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    };
    [
        0,
        0,
        data.len().cast_signed(),
        nanoseconds(data.created()).unwrap_or_default(),
        nanoseconds(data.modified()).unwrap_or_default(),
    ]
}
