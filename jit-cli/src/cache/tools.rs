//! The programs that do the work, and the libraries that they are made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jit_llvm::{Compiler, LlvmError, Toolchain};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{cache::key::Key, cache::store::Cache};

/// The name of the record of hashes.
const RECORD: &str = "tools.json";

/// The tools of a build, as they were when it started.
#[derive(Debug)]
pub(crate) struct Tools {
    /// What tells them apart from others that may write something else: versions, and hashes of the files.
    pub(crate) identities: Vec<String>,
    files: BTreeMap<PathBuf, Option<State>>,
}

/// What changes whenever a file is replaced or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    length: u64,
    numbers: [i64; 6],
}

/// A file whose contents were hashed in this state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hashed {
    state: State,
    hash: Key,
}

impl Tools {
    /// Finds out what the tools are. Hashes of files that have not changed since are in the cache.
    pub(crate) fn of(
        toolchain: &Toolchain,
        compiler: &Compiler<'_>,
        cache: &Cache,
    ) -> Result<Tools, LlvmError> {
        let programs = compiler.programs()?;
        let parts: Vec<Option<Vec<PathBuf>>> = programs
            .par_iter()
            .map(|program| compiler.parts(program))
            .collect();
        let parts = parts.into_iter().flatten().flatten();
        let libraries = parts.filter(|path| is_of_llvm(path));
        let paths: BTreeSet<PathBuf> = programs.into_iter().chain(libraries).collect();
        let known: BTreeMap<PathBuf, Hashed> = cache.read_record(RECORD).unwrap_or_default();
        let found: Vec<(PathBuf, Option<Hashed>)> = paths
            .into_par_iter()
            .map(|path| {
                let hashed = hashed(&path, known.get(&path));
                (path, hashed)
            })
            .collect();
        remember(cache, known, &found);
        let hashes: BTreeSet<String> = found
            .iter()
            .map(|(path, hashed)| match hashed {
                Some(hashed) => hashed.hash.to_string(),
                // Such a tool can't be told apart from others of its name.
                None => path.display().to_string(),
            })
            .collect();
        Ok(Tools {
            identities: toolchain
                .identities()
                .iter()
                .cloned()
                .chain(hashes)
                .collect(),
            files: found
                .into_iter()
                .map(|(path, hashed)| (path, hashed.map(|hashed| hashed.state)))
                .collect(),
        })
    }

    /// Returns whether all files are still those that were there when the build started.
    pub(crate) fn are_unchanged(&self) -> bool {
        self.files
            .iter()
            .all(|(path, state)| state.is_some() && State::of(path) == *state)
    }
}

fn is_of_llvm(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    ["llvm", "clang", "polly", "mlir"]
        .iter()
        .any(|part| name.contains(part))
}

/// Returns a file's state and hash. The file is read unless its state is the one for which the hash is known.
fn hashed(path: &Path, known: Option<&Hashed>) -> Option<Hashed> {
    let state = State::of(path)?;
    if let Some(known) = known.filter(|known| known.state == state) {
        return Some(known.clone());
    }
    let hash = Key::of_file(path).ok()?;
    // It may have been replaced in the meantime.
    (State::of(path) == Some(state)).then_some(Hashed { state, hash })
}

/// Writes the hashes of files that will not change without a change of their state.
fn remember(
    cache: &Cache,
    mut known: BTreeMap<PathBuf, Hashed>,
    found: &[(PathBuf, Option<Hashed>)],
) {
    let before = known.clone();
    for (path, hashed) in found {
        match hashed {
            Some(hashed) if hashed.state.is_settled() => {
                known.insert(path.clone(), hashed.clone());
            }
            _ => {
                known.remove(path);
            }
        }
    }
    known.retain(|path, _| path.exists());
    if known != before {
        cache.write_record(RECORD, &known);
    }
}

impl State {
    fn of(path: &Path) -> Option<State> {
        // The state of a link counts as well: it may lead somewhere else.
        let (file, link) = (path.metadata().ok()?, path.symlink_metadata().ok()?);
        let [a, b, c] = numbers(&file);
        let [d, e, f] = numbers(&link);
        file.is_file().then_some(State {
            length: file.len(),
            numbers: [a, b, c, d, e, f],
        })
    }

    /// Returns whether the file was changed long ago. The times of two changes shortly after each other may
    /// be the same.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or(Duration::ZERO).as_nanos();
        let margin = Duration::from_secs(3).as_nanos();
        let [_, _, file, _, _, link] = self.numbers;
        let is_old = |time: i64| u128::try_from(time).is_ok_and(|time| time + margin < now);
        is_old(file) && is_old(link)
    }
}

/// Returns numbers that change with each change: that of the file, and the times of its contents and of its
/// attributes in nanoseconds, of which nobody can set the latter.
#[cfg(unix)]
fn numbers(data: &Metadata) -> [i64; 3] {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    [
        i64::from_ne_bytes((data.ino() ^ data.dev().rotate_left(32)).to_ne_bytes()),
        nanoseconds(data.mtime(), data.mtime_nsec()),
        nanoseconds(data.ctime(), data.ctime_nsec()),
    ]
}

/// Returns numbers that change with each change: the times of the contents and of the creation.
#[cfg(not(unix))]
fn numbers(data: &Metadata) -> [i64; 3] {
    let nanoseconds = |time: std::io::Result<SystemTime>| {
        let since = time.ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    };
    let written = nanoseconds(data.modified()).unwrap_or_default();
    [0, nanoseconds(data.created()).unwrap_or_default(), written]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn replaced_files_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clang");
        let other = directory.path().join("other");
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let first = hashed(&path, None).unwrap();
        assert_eq!(hashed(&path, Some(&first)), Some(first.clone()));
        assert!(!first.state.is_settled());
        // The same length and time of the contents.
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::File::options()
            .append(true)
            .open(&other)
            .unwrap()
            .set_modified(times)
            .unwrap();
        let aside = directory.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        fs::rename(&other, &path).unwrap();
        let second = hashed(&path, Some(&first)).unwrap();
        assert_ne!(second.hash, first.hash);
        let tools = Tools {
            identities: vec![],
            files: [(path.clone(), Some(first.state))].into(),
        };
        assert!(!tools.are_unchanged());
        // The first one again, which was away in the meantime.
        std::thread::sleep(Duration::from_millis(20));
        fs::rename(&aside, &path).unwrap();
        assert_eq!(hashed(&path, None).unwrap().hash, first.hash);
        if cfg!(target_os = "linux") {
            assert!(!tools.are_unchanged());
        }
    }
}
