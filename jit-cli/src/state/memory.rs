//! What the tools were when they were last asked, so that a build need not start them to know.
//!
//! The memory has the place of every program that a search may find and of every library that those load, with what the
//! file system notes of it. The time of the last change (`ctime`) is a part of that, which no program can set. Where
//! that is not enough, nothing is remembered.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jit_llvm::{SUPPORTED_MAJORS, Search};
use serde::{Deserialize, Serialize};

use crate::{cache::key::Key, paths, state::seal};

/// The first line of a memory.
const HEAD: &str = "jit-cli tools 1";
/// The variables that decide which programs and libraries are found.
const VARIABLES: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"];
/// The age of a file from which its times are believed.
const SETTLED: Duration = Duration::from_secs(2);

/// What a file system notes of a file: device, number, length, and the times of the last modification and change.
type Note = [i64; 7];

/// What is remembered.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    /// The files, by path. There is nothing at the others.
    files: BTreeMap<PathBuf, Option<Note>>,
    tools: Remembered,
}

/// What a memory says of tools.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// What tells them from others.
    pub(crate) identities: Vec<String>,
    /// The files that they consist of.
    pub(crate) parts: Vec<PathBuf>,
}

/// A look at the places of a search before it.
#[derive(Debug)]
pub(crate) struct Places {
    name: String,
    files: BTreeMap<PathBuf, Option<Note>>,
}

impl Places {
    /// Looks at the places of a search. Returns `None` if what it finds may depend on more than these files: a program
    /// that is a script, and relative paths.
    pub(crate) fn look(search: &Search) -> Option<Places> {
        let mut directories: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
        let prefixes = [&search.install_dir, &search.fallback_dir];
        directories.extend(
            prefixes
                .into_iter()
                .flatten()
                .map(|prefix| prefix.join("bin")),
        );
        if directories.iter().any(|directory| !directory.is_absolute()) {
            return None;
        }
        let majors = search.major.iter().chain(SUPPORTED_MAJORS);
        let mut names = vec!["clang".to_owned(), "llvm-objdump".to_owned()];
        for major in majors {
            names.extend([format!("clang-{major}"), format!("llvm-objdump-{major}")]);
        }
        let mut files = BTreeMap::new();
        for directory in directories {
            for name in &names {
                let path = directory.join(name);
                let note = note(&path);
                if note.is_some() && is_script(&path) {
                    return None;
                }
                files.insert(path, note);
            }
        }
        Some(Places {
            name: name(search),
            files,
        })
    }

    /// Returns the name and the contents of a file that remembers the tools that were found then.
    pub(crate) fn remember(mut self, tools: Remembered) -> Option<(String, Vec<u8>)> {
        for path in &tools.parts {
            let note = note(path)?;
            self.files.insert(path.clone(), Some(note));
        }
        let latest = SystemTime::now().checked_sub(SETTLED)?;
        let latest = latest.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let latest = i64::try_from(latest.as_secs()).ok()?;
        let mut notes = self.files.iter();
        let same = notes.all(|(path, seen)| {
            *seen == note(path) && seen.is_none_or(|[.., changed, _]| changed < latest)
        });
        let memory = Memory {
            files: self.files,
            tools,
        };
        let text = serde_json::to_string(&memory).ok().filter(|_| same)?;
        Some((self.name, seal::seal(HEAD, &text)))
    }
}

/// Returns the name of the file for a search.
pub(crate) fn name(search: &Search) -> String {
    let words = format!(
        "{:?} {:?} {:?} {:?}",
        search.major,
        search.install_dir,
        search.fallback_dir,
        VARIABLES.map(env::var_os)
    );
    format!("{}.tools", Key::of([words.as_bytes()]))
}

/// Returns the tools that a file with these contents remembers, if all files are as they were.
pub(crate) fn recall(contents: &[u8]) -> Option<Remembered> {
    let memory: Memory = serde_json::from_str(seal::open(HEAD, contents)?).ok()?;
    let mut files = memory.files.iter();
    let same = files.all(|(path, seen)| *seen == note(path));
    same.then_some(memory.tools)
}

fn note(path: &Path) -> Option<Note> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let data = path.metadata().ok()?;
        Some([
            data.dev().cast_signed(),
            data.ino().cast_signed(),
            data.size().cast_signed(),
            data.mtime(),
            data.mtime_nsec(),
            data.ctime(),
            data.ctime_nsec(),
        ])
    }
    // The time of the last modification can be set to any value.
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Returns whether a program is, or may be, a script, which may run any other program.
fn is_script(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = path
        .metadata()
        .and_then(|data| paths::check_regular(&data))
        .and_then(|()| File::open(path))
        .and_then(|mut file| file.read_exact(&mut start));
    read.is_err() || start != *b"\x7fELF"
}
