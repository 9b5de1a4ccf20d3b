//! The cache's record of tools, so that a build can identify them without starting or reading them.
//!
//! What the record says about a file is valid only as long as the file's [`Note`] is the same. Nothing is recorded about
//! files that have changed shortly before.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use jit_llvm::{Interrupt, Parts, SUPPORTED_MAJORS, Search, Toolchain};
use serde::{Deserialize, Serialize};

use super::note::Note;
use crate::{
    cache::{key::Key, store::Cache},
    paths,
};

/// The name of the record.
const RECORD: &str = "tools.json";
/// The environment variables that determine which libraries the loader finds.
const LOADER_VARIABLES: [&str; 3] = ["LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD"];
/// The largest number of searches that are remembered.
const SEARCHES: usize = 8;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    hashes: BTreeMap<PathBuf, Hashed>,
    programs: BTreeMap<PathBuf, Program>,
    /// The results of searches, the latest last, each with a hash of the state of its [`Places`].
    searches: Vec<(Key, Found)>,
}

/// The hash of a file's contents, and the file's note at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    pub(super) note: Note,
    pub(super) hash: Key,
}

/// The files that a program consists of, and the places where its libraries were searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) files: Vec<PathBuf>,
    places: Vec<PathBuf>,
    /// A hash of the notes of all of them.
    state: Key,
}

/// The tools that a search has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) clang: PathBuf,
    pub(super) objdump: Option<PathBuf>,
    /// The versions that they print.
    pub(super) texts: Vec<String>,
    /// A hash of the files that they consist of.
    pub(super) files: Key,
}

impl Found {
    pub(super) fn of(toolchain: &Toolchain, files: Key) -> Found {
        Found {
            clang: toolchain.clang.clone(),
            objdump: toolchain.objdump.clone(),
            texts: toolchain.identities().to_vec(),
            files,
        }
    }
}

impl Memory {
    pub(super) fn read(cache: Option<&Cache>) -> Memory {
        let record = cache.and_then(|cache| cache.read_record(RECORD));
        record.unwrap_or_default()
    }

    /// Writes the record if something in it is new.
    pub(super) fn write(mut self, before: &Memory, cache: Option<&Cache>) {
        if let Some(cache) = cache.filter(|_| self != *before) {
            self.hashes.retain(|path, _| path.exists());
            self.programs.retain(|path, _| path.exists());
            cache.write_record(RECORD, &self);
        }
    }

    /// Returns the hash of a file, which is read only if the hash is not known.
    pub(super) fn hash(&self, path: &Path) -> Option<Hashed> {
        let note = Note::of(path)?;
        let known = self.hashes.get(path).filter(|known| known.note == note);
        known.copied().or_else(|| hash(path, note))
    }

    pub(super) fn learn_hash(&mut self, path: &Path, hashed: Option<Hashed>) {
        match hashed.filter(|hashed| hashed.note.is_older_than(SystemTime::now())) {
            Some(hashed) => drop(self.hashes.insert(path.to_path_buf(), hashed)),
            None => drop(self.hashes.remove(path)),
        }
    }

    /// Returns the files that a program consists of, if they are known.
    pub(super) fn program(&self, path: &Path) -> Option<&Program> {
        let known = self.programs.get(path)?;
        let (state, _) = state_of(known.files.iter().chain(&known.places));
        (state == known.state).then_some(known)
    }

    pub(super) fn learn_program(&mut self, path: &Path, program: Program) {
        let (state, settled) = state_of(program.files.iter().chain(&program.places));
        if state == program.state && settled {
            self.programs.insert(path.to_path_buf(), program);
        }
    }
}

/// Returns a hash of the notes of these paths and of the [`LOADER_VARIABLES`], and whether the paths have not changed for a
/// while.
fn state_of<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> (Key, bool) {
    let now = SystemTime::now();
    let notes: Vec<_> = paths.map(|path| (path, Note::of(path))).collect();
    let mut known = notes.iter().filter_map(|(_, note)| *note);
    let settled = known.all(|note| note.is_older_than(now));
    let text = format!("{:?} {notes:?}", LOADER_VARIABLES.map(env::var_os));
    (Key::of([text.as_bytes()]), settled)
}

/// Reads a file to hash it.
fn hash(path: &Path, note: Note) -> Option<Hashed> {
    // Opening a pipe would block until another process opens it.
    let hash = path.is_file().then(|| Key::of_file(path).ok())??;
    // It may have been replaced in the meantime.
    (Note::of(path) == Some(note)).then_some(Hashed { note, hash })
}

impl Program {
    /// Finds out which files a program consists of. The second result is `None` if that can't be remembered.
    pub(super) fn ask(
        path: &Path,
        interrupt: &Interrupt,
    ) -> (Option<Vec<PathBuf>>, Option<Program>) {
        if is_script(path) {
            return (None, None);
        }
        let Some(parts) = Parts::of(path, interrupt) else {
            return (None, None);
        };
        let program = parts.places.map(|places| Program {
            state: state_of(parts.files.iter().chain(&places)).0,
            files: parts.files.clone(),
            places,
        });
        (Some(parts.files), program)
    }
}

/// The state of the places where a search looks for programs.
#[derive(Debug)]
pub(super) struct Places {
    search: String,
    notes: BTreeMap<PathBuf, Option<Note>>,
}

impl Places {
    /// Looks at the places. Returns `None` if the result of the search may depend on more than that: on the current
    /// directory, or on a system where programs can set all times of files.
    pub(super) fn look(search: &Search) -> Option<Places> {
        let mut directories: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
        let prefixes = [&search.install_dir, &search.fallback_dir];
        let prefixes = prefixes.into_iter().flatten();
        directories.extend(prefixes.map(|prefix| prefix.join("bin")));
        if !cfg!(unix) || directories.iter().any(|directory| !directory.is_absolute()) {
            return None;
        }
        let majors = search.major.iter().chain(SUPPORTED_MAJORS);
        let mut names = vec!["clang".to_owned(), "llvm-objdump".to_owned()];
        for major in majors {
            names.extend([format!("clang-{major}"), format!("llvm-objdump-{major}")]);
        }
        let paths = directories
            .iter()
            .flat_map(|directory| names.iter().map(|name| directory.join(name)));
        Some(Places {
            search: format!("{search:?} {directories:?}"),
            notes: paths
                .map(|path| {
                    let note = Note::of(&path);
                    (path, note)
                })
                .collect(),
        })
    }

    fn key(&self) -> Key {
        let notes = format!("{:?}", self.notes);
        Key::of([self.search.as_bytes(), notes.as_bytes()])
    }

    /// Returns the result of an earlier search, if the places have not changed since.
    pub(super) fn found(&self, cache: &Cache) -> Option<Found> {
        let key = self.key();
        let searches = Memory::read(Some(cache)).searches.into_iter();
        searches
            .rev()
            .find_map(|(known, found)| (known == key).then_some(found))
    }

    /// Records the result of a search, unless one of the places has changed since shortly before it.
    pub(super) fn remember(&self, found: Found, cache: &Cache) {
        let now = SystemTime::now();
        let same = self.notes.iter().all(|(path, seen)| {
            *seen == Note::of(path)
                && seen.is_none_or(|note| note.is_older_than(now) && !is_script(path))
        });
        if !same {
            return;
        }
        let before = Memory::read(Some(cache));
        let mut memory = before.clone();
        let key = self.key();
        if !memory.searches.contains(&(key, found.clone())) {
            memory.searches.retain(|(known, _)| *known != key);
            memory.searches.push((key, found));
            let surplus = memory.searches.len().saturating_sub(SEARCHES);
            memory.searches.drain(..surplus);
        }
        memory.write(&before, Some(cache));
    }
}

/// Returns whether a program may be a script, which can run any other program.
fn is_script(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = path
        .metadata()
        .and_then(|data| paths::check_regular(&data))
        .and_then(|()| File::open(path))
        .and_then(|mut file| file.read_exact(&mut start));
    read.is_err() || start != *b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn replaced_files_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clang");
        let other = directory.path().join("other");
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let mut memory = Memory::default();
        let first = memory.hash(&path).unwrap();
        assert!(!first.note.is_older_than(SystemTime::now()));
        assert!(
            first
                .note
                .is_older_than(SystemTime::now() + Duration::from_secs(10))
        );
        memory.learn_hash(&path, Some(first));
        assert_eq!(
            memory,
            Memory::default(),
            "it was changed a short time before"
        );
        memory.hashes.insert(path.clone(), first);
        assert_eq!(memory.hash(&path), Some(first));
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
        assert_ne!(memory.hash(&path).unwrap().hash, first.hash);
        // The first one again, which was away in the meantime.
        std::thread::sleep(Duration::from_millis(20));
        fs::rename(&aside, &path).unwrap();
        assert_eq!(memory.hash(&path).unwrap().hash, first.hash);
        if cfg!(target_os = "linux") {
            assert_ne!(Note::of(&path), Some(first.note));
        }
    }
}
