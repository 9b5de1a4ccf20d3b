//! The files that tools consist of: the programs, and the libraries that they load.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jit_llvm::Interrupt;
use rayon::prelude::*;

use super::{
    memory::{Memory, Program},
    note::Note,
};
use crate::cache::{key::Key, store::Cache};

/// The files that tools consist of, as they were at a time.
#[derive(Debug)]
pub(crate) struct Files {
    identities: Vec<String>,
    /// The file system's data about each file, and about the links to programs.
    notes: BTreeMap<PathBuf, Option<Note>>,
    /// Whether the libraries of all programs are known.
    complete: bool,
}

impl Files {
    /// Finds the files that programs consist of, and hashes them. For files that have not changed, the cache remembers the
    /// results.
    pub(crate) fn of(
        programs: impl IntoIterator<Item = PathBuf>,
        cache: Option<&Cache>,
        interrupt: &Interrupt,
    ) -> Files {
        let before = Memory::read(cache);
        let mut memory = before.clone();
        let named: BTreeSet<PathBuf> = programs.into_iter().collect();
        let resolved: BTreeSet<PathBuf> = named.iter().map(|path| resolved(path)).collect();
        let parts: Vec<_> = resolved
            .par_iter()
            .map(|path| match before.program(path) {
                Some(known) => (Some(known.files.clone()), None),
                None => Program::ask(path, interrupt),
            })
            .collect();
        let complete = parts.iter().all(|(files, _)| files.is_some());
        let mut paths = resolved.clone();
        for (program, (files, asked)) in resolved.iter().zip(parts) {
            paths.extend(files.into_iter().flatten());
            if let Some(asked) = asked {
                memory.learn_program(program, asked);
            }
        }
        let hashed: Vec<_> = paths
            .into_par_iter()
            .map(|path| {
                let hashed = before.hash(&path);
                (path, hashed)
            })
            .collect();
        let mut identities = BTreeSet::new();
        let mut notes: BTreeMap<PathBuf, Option<Note>> = named
            .into_iter()
            .map(|path| {
                let note = Note::of(&path);
                (path, note)
            })
            .collect();
        for (path, hashed) in hashed {
            identities.insert(match hashed {
                Some(hashed) => format!("{} {}", name(&path), hashed.hash),
                // A file that can't be read is identified by its path only.
                None => path.display().to_string(),
            });
            memory.learn_hash(&path, hashed);
            notes.insert(path, hashed.map(|hashed| hashed.note));
        }
        memory.write(&before, cache);
        Files {
            identities: identities.into_iter().collect(),
            notes,
            complete,
        }
    }

    /// Returns the texts that identify the files: their names, and hashes of their contents.
    pub(crate) fn identities(&self) -> &[String] {
        &self.identities
    }

    /// Returns a hash of the identities.
    pub(super) fn key(&self) -> Key {
        Key::of(self.identities.iter().map(String::as_bytes))
    }

    /// Returns the paths of the files.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.notes.keys().cloned().collect()
    }

    /// Returns whether all files are known, and were last changed long before a time.
    pub(super) fn are_all_known_and_older(&self, time: SystemTime) -> bool {
        let mut notes = self.notes.values();
        self.complete && notes.all(|note| note.is_some_and(|note| note.is_older_than(time)))
    }

    /// Returns whether no file has changed since.
    pub(crate) fn are_unchanged(&self) -> bool {
        let mut notes = self.notes.iter();
        notes.all(|(path, note)| note.is_some() && Note::of(path) == *note)
    }
}

/// Returns the path without symbolic links, since the loader finds libraries relative to the program itself.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
