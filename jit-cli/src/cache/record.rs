//! Records: the inputs of a project's last build.
//!
//! A record saves work: as long as no header, flag or tool has changed, the text of a micro-op determines
//! its key. It also lets `jit-cli explain` show what has changed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use jit_llvm::{Compiler, Toolchain};
use jit_schema::Codegen;
use serde::{Deserialize, Serialize};

use crate::{cache::key::Key, cache::store::Cache};

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
    /// Returns the settings of this build. The name of the work directory, which is different each time, is
    /// replaced.
    pub(crate) fn new(
        toolchain: &Toolchain,
        arguments: [Vec<String>; 3],
        compiler: &Compiler<'_>,
        preamble: &str,
    ) -> Settings {
        let work = compiler.work().to_string_lossy();
        let neutral = |words: Vec<String>| {
            let words = words.into_iter();
            words.map(|word| word.replace(&*work, "WORK")).collect()
        };
        Settings {
            tools: toolchain
                .identities()
                .iter()
                .cloned()
                .chain([optimizer(compiler), tool_driver()])
                .collect(),
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
    Some(Key::of([fs::read(path).ok()?.as_slice()]))
}

/// The headers of a build: those that were read, and those that would be read instead if they existed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) seen: Vec<SeenFile>,
    absent: Vec<PathBuf>,
}

impl Headers {
    /// Returns the headers of a build that read these files. `arguments` are those of cc1, which name the
    /// directories to search. Returns `None` if one of the files no longer exists.
    pub(crate) fn of(files: &[PathBuf], arguments: &[String]) -> Option<Headers> {
        let unique: BTreeSet<&PathBuf> = files.iter().collect();
        let seen = unique
            .iter()
            .map(|path| SeenFile::of(path))
            .collect::<Option<Vec<_>>>()?;
        let directories = search_directories(arguments);
        let mut absent = BTreeSet::new();
        for path in unique {
            for (index, directory) in directories.iter().enumerate() {
                let Ok(relative) = path.strip_prefix(directory) else {
                    continue;
                };
                let earlier = directories.iter().take(index);
                absent.extend(earlier.map(|directory| directory.join(relative)));
            }
        }
        absent.retain(|path| !path.exists());
        Some(Headers {
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
        self.seen
            .iter()
            .all(|file| hash_of(&file.path) == Some(file.hash))
            && !self.absent.iter().any(|path| path.exists())
    }
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
    pub(crate) uops: BTreeMap<String, Uop>,
    pub(crate) shim: Option<Shim>,
}

/// The shim of the last build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shim {
    pub(crate) headers: Headers,
    pub(crate) key: Key,
}

impl Record {
    /// Reads the record with this name, if there is one that can be read.
    pub(crate) fn read(cache: &Cache, name: &str) -> Option<Record> {
        let bytes = fs::read(cache.record(&format!("{name}.json"))).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes the record for the next build.
    pub(crate) fn write(&self, cache: &Cache, name: &str) {
        match serde_json::to_vec(self) {
            Ok(bytes) => cache.write_record(&format!("{name}.json"), &bytes),
            Err(error) => tracing::warn!("can't write the record of this build: {error}"),
        }
    }

    /// Returns the keys of micro-ops by the hashes of their texts, if nothing but texts has changed.
    pub(crate) fn keys(&self, settings: &Settings) -> Option<HashMap<Key, Key>> {
        (self.settings == *settings && self.headers.is_current())
            .then(|| self.uops.values().map(|uop| (uop.text, uop.key)).collect())
    }

    /// Returns the shim's key, if nothing that the shim is made from has changed.
    pub(crate) fn shim_key(&self, settings: &Settings) -> Option<Key> {
        let shim = self.shim.as_ref()?;
        (self.settings == *settings && shim.headers.is_current()).then_some(shim.key)
    }
}

/// Writes the macros of a build's preamble, which only `jit-cli explain` reads.
pub(crate) fn write_macros(cache: &Cache, name: &str, macros: &[String]) {
    cache.write_record(&format!("{name}.macros"), macros.join("\n").as_bytes());
}

/// Reads the macros that [`write_macros`] has written.
pub(crate) fn read_macros(cache: &Cache, name: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(cache.record(&format!("{name}.macros"))).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let headers = Headers::of(std::slice::from_ref(&header), &arguments).unwrap();
        assert!(headers.is_current());
        assert_eq!(headers.changed(), Vec::<&Path>::new());

        fs::write(&header, "int y;").unwrap();
        assert!(!headers.is_current());
        assert_eq!(headers.changed(), [header.as_path()]);
        fs::write(&header, "int x;").unwrap();
        assert!(headers.is_current());

        let hiding = first.join("sub/x.h");
        fs::write(&hiding, "int z;").unwrap();
        assert!(!headers.is_current());
        assert_eq!(headers.changed(), [hiding.as_path()]);
        fs::remove_file(&hiding).unwrap();
        fs::remove_file(&header).unwrap();
        assert!(!headers.is_current());
        assert_eq!(Headers::of(&[header], &arguments), None);
    }
}
