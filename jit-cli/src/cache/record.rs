//! Records: the inputs of a project's last build.
//!
//! A record saves work: as long as no header, flag or tool has changed, the text of a micro-op determines
//! its key. It also lets `jit-cli explain` show what has changed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jit_llvm::{Compiler, SearchedName, Snapshot};
use jit_schema::Codegen;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{cache::key::Key, cache::store::Cache, paths};

/// Everything apart from headers and the text of micro-ops that determines the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The versions of the tools, of the optimizer and of the code that runs the tools.
    pub(crate) tools: Vec<String>,
    /// The cc1 arguments for the three steps: to compile, to assemble, and to compile the shim.
    pub(crate) arguments: [Vec<String>; 3],
    /// The template's leading includes.
    pub(crate) preamble: String,
}

impl Settings {
    /// Returns the settings of a build with these tools. The name of the work directory, which is different each time, is
    /// replaced.
    pub(crate) fn new(
        mut tools: Vec<String>,
        arguments: [Vec<String>; 3],
        compiler: &Compiler<'_>,
        preamble: &str,
    ) -> Settings {
        let work = compiler.work().to_string_lossy();
        let neutral = |words: Vec<String>| {
            let words = words.into_iter();
            words.map(|word| word.replace(&*work, "WORK")).collect()
        };
        tools.extend([optimizer(compiler), tool_driver()]);
        Settings {
            tools,
            arguments: arguments.map(neutral),
            preamble: [compiler.prelude(), preamble].concat(),
        }
    }
}

/// Returns the version of the optimizer and which of its passes run.
pub(crate) fn optimizer(compiler: &Compiler<'_>) -> String {
    let passes = match compiler.options().codegen {
        Codegen::Upstream => "",
        Codegen::Tuned => ", tuned",
    };
    format!(
        "jit-optimizer {}, jit-schema {}{passes}",
        jit_optimizer::FINGERPRINT,
        jit_schema::FINGERPRINT
    )
}

/// Returns the versions of the code that runs the tools and of what it builds on.
pub(crate) fn tool_driver() -> String {
    format!(
        "jit-llvm {}, jit-schema {}",
        jit_llvm::FINGERPRINT,
        jit_schema::FINGERPRINT
    )
}

/// A file that was read, with a hash of its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenFile {
    pub(crate) path: PathBuf,
    pub(crate) hash: Key,
}

impl SeenFile {
    /// Reads the file. Returns `None` if that is not possible.
    fn of(path: &Path) -> Option<SeenFile> {
        Some(SeenFile {
            path: path.to_path_buf(),
            hash: hash_of(path)?,
        })
    }
}

fn hash_of(path: &Path) -> Option<Key> {
    Some(Key::of([paths::read(path).ok()?.as_slice()]))
}

/// The headers of a build: those that were read, and those that would be read instead if they existed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) seen: Vec<SeenFile>,
    absent: Vec<PathBuf>,
}

impl Headers {
    /// Returns the headers that a snapshot was taken of. `arguments` are those of cc1, which name the
    /// directories to search. Returns `None` if it is not certain that they are still what was read, or
    /// which other headers would be read instead if they existed.
    pub(crate) fn of(snapshot: &Snapshot, arguments: &[String]) -> Option<Headers> {
        let unique: BTreeSet<&PathBuf> = snapshot.files.iter().collect();
        let unique: Vec<&PathBuf> = unique.into_iter().collect();
        let seen = unique
            .par_iter()
            .map(|path| SeenFile::of(path))
            .collect::<Option<Vec<_>>>()?;
        // A file that was changed since the snapshot may not be the one that was read.
        let is_older = |path: &&PathBuf| changed_before(path, snapshot.taken);
        let absent = absent(snapshot.searched.as_ref()?, &search_directories(arguments));
        unique.par_iter().all(is_older).then_some(Headers {
            seen,
            absent: absent.into_iter().collect(),
        })
    }

    /// Returns the files that were changed or removed, and those that are new.
    pub(crate) fn changed(&self) -> Vec<&Path> {
        let seen = self
            .seen
            .iter()
            .filter(|file| hash_of(&file.path) != Some(file.hash));
        let new = self.absent.iter().filter(|path| path.exists());
        seen.map(|file| file.path.as_path())
            .chain(new.map(PathBuf::as_path))
            .collect()
    }

    /// Returns the headers that were read.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.seen.iter().map(|file| file.path.clone()).collect()
    }

    fn is_current(&self) -> bool {
        let is_same = |file: &SeenFile| hash_of(&file.path) == Some(file.hash);
        self.seen.par_iter().all(is_same) && !self.absent.iter().any(|path| path.exists())
    }
}

/// Returns whether the file, and the link to it if it is one, were last changed before a time.
fn changed_before(path: &Path, time: SystemTime) -> bool {
    let Ok(time) = time.duration_since(SystemTime::UNIX_EPOCH) else {
        return false;
    };
    let changed = |data: Metadata| {
        let (seconds, nanoseconds) = change_time(&data)?;
        let at = Duration::new(
            u64::try_from(seconds).ok()?,
            u32::try_from(nanoseconds).ok()?,
        );
        // Some file systems only know whole seconds, and the others take the time of the last tick.
        let margin = match nanoseconds {
            0 => Duration::from_secs(2),
            _ => Duration::from_millis(50),
        };
        Some(at + margin < time)
    };
    let all = [path.metadata(), path.symlink_metadata()];
    all.into_iter()
        .all(|data| data.ok().and_then(changed) == Some(true))
}

/// Returns the time of the last change, which includes renaming where the system knows it.
#[cfg(unix)]
fn change_time(data: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((data.ctime(), data.ctime_nsec()))
}

#[cfg(not(unix))]
fn change_time(data: &Metadata) -> Option<(i64, i64)> {
    let at = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
    let at = at(data.modified().ok()?)?.max(at(data.created().ok()?)?);
    Some((i64::try_from(at.as_secs()).ok()?, at.subsec_nanos().into()))
}

/// Returns the paths at which headers would be found that are not there, or the highest of their directories
/// that is missing.
fn absent(searched: &[SearchedName], directories: &[&Path]) -> BTreeSet<PathBuf> {
    let mut absent = BTreeSet::new();
    for name in searched {
        let beside = name.beside.iter().map(PathBuf::as_path);
        for directory in beside.chain(directories.iter().copied()) {
            let path = directory.join(&name.name);
            if !path.exists() {
                absent.insert(highest_missing(path));
            } else if !name.next {
                break;
            }
        }
    }
    absent
}

/// Returns the path, or the highest of its directories that does not exist either.
fn highest_missing(path: PathBuf) -> PathBuf {
    let missing = path.ancestors().take_while(|path| !path.exists());
    missing.last().map(Path::to_path_buf).unwrap_or(path)
}

/// Returns the directories in which cc1 searches for headers, in its order.
fn search_directories(arguments: &[String]) -> Vec<&Path> {
    let options = [
        "-iquote",
        "-I",
        "-isystem",
        "-internal-isystem",
        "-internal-externc-isystem",
        "-idirafter",
    ];
    let of = |option: &str| {
        arguments
            .windows(2)
            .filter_map(move |pair| match pair {
                [name, directory] if name == option => Some(Path::new(directory)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    options.iter().flat_map(|option| of(option)).collect()
}

/// A micro-op of the last build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uop {
    /// The hash of its C text, template included.
    pub(crate) text: Key,
    /// The key under which its stencil is stored.
    pub(crate) key: Key,
}

/// The last build of a project for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) settings: Settings,
    pub(crate) headers: Headers,
    /// The hash of the snapshot that was compiled.
    pub(crate) snapshot: Key,
    pub(crate) uops: BTreeMap<String, Uop>,
    pub(crate) shim: Option<Shim>,
}

/// The shim of the last build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shim {
    /// The files that were read, the shim among them.
    pub(crate) headers: Headers,
    pub(crate) key: Key,
    pub(crate) path: PathBuf,
}

impl Record {
    /// Reads the record with this name, if there is one that can be read.
    pub(crate) fn read(cache: &Cache, name: &str) -> Option<Record> {
        cache.read_record(&format!("{name}.json"))
    }

    /// Writes the record for the next build.
    pub(crate) fn write(&self, cache: &Cache, name: &str) {
        cache.write_record(&format!("{name}.json"), self);
    }

    /// Returns whether nothing but texts has changed.
    pub(crate) fn is_current(&self, settings: &Settings) -> bool {
        self.settings == *settings && self.headers.is_current()
    }

    /// Returns the keys of micro-ops by the hashes of their texts.
    pub(crate) fn keys(&self) -> HashMap<Key, Key> {
        self.uops.values().map(|uop| (uop.text, uop.key)).collect()
    }

    /// Returns the shim's key, if nothing that the shim is made from has changed.
    pub(crate) fn shim_key(&self, settings: &Settings, path: &Path) -> Option<Key> {
        let shim = self.shim.as_ref().filter(|shim| shim.path == path)?;
        (self.settings == *settings && shim.headers.is_current()).then_some(shim.key)
    }
}

/// Writes the macros of a build's preamble, which only `jit-cli explain` reads.
pub(crate) fn write_macros(cache: &Cache, name: &str, macros: &[String]) {
    cache.write_record(&format!("{name}.macros"), &macros);
}

/// Reads the macros that [`write_macros`] has written.
pub(crate) fn read_macros(cache: &Cache, name: &str) -> Option<Vec<String>> {
    cache.read_record(&format!("{name}.macros"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn snapshot(files: &[&Path], searched: &[&str]) -> Snapshot {
        // Ten seconds later, so that the files are older.
        let taken = SystemTime::now() + Duration::from_secs(10);
        let text: String = searched
            .iter()
            .map(|line| format!("#if 0 /* expanded by -frewrite-includes */\n{line}\n"))
            .collect();
        let text = format!("# 1 \"/nowhere/preamble.h\"\n{text}");
        Snapshot::of(
            text.into_bytes(),
            files.iter().map(PathBuf::from).collect(),
            taken,
        )
    }

    #[test]
    fn a_header_that_hides_another_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let directory = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.join("sub")).unwrap();
            path
        };
        let (first, second) = (directory("first"), directory("second"));
        let header = second.join("sub/x.h");
        fs::write(&header, "int x;").unwrap();
        let arguments = [
            "-I",
            first.to_str().unwrap(),
            "-I",
            second.to_str().unwrap(),
        ]
        .map(str::to_owned);
        let snapshot = snapshot(&[&header], &["#include <sub/x.h>", "#include \"new/y.h\""]);
        let headers = Headers::of(&snapshot, &arguments).unwrap();
        assert!(headers.is_current());
        assert_eq!(headers.changed(), Vec::<&Path>::new());

        fs::write(&header, "int y;").unwrap();
        assert!(!headers.is_current());
        assert_eq!(headers.changed(), [header.as_path()]);
        fs::write(&header, "int x;").unwrap();
        assert!(headers.is_current());

        for hiding in ["sub/x.h", "new/y.h"].map(|name| first.join(name)) {
            fs::create_dir_all(hiding.parent().unwrap()).unwrap();
            fs::write(&hiding, "int z;").unwrap();
            assert!(!headers.is_current());
            assert_eq!(headers.changed().len(), 1);
            fs::remove_file(&hiding).unwrap();
            let _ = fs::remove_dir(first.join("new"));
            assert!(headers.is_current());
        }

        // One that is changed after the snapshot is not what was read.
        let earlier = Snapshot::of(
            snapshot.text.clone(),
            snapshot.files.clone(),
            SystemTime::now() - Duration::from_secs(10),
        );
        assert_eq!(Headers::of(&earlier, &arguments), None);
        fs::remove_file(&header).unwrap();
        assert!(!headers.is_current());
        assert_eq!(Headers::of(&snapshot, &arguments), None);
    }
}
