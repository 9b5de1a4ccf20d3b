//! Reads the sources of a checkout.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Component, Path, PathBuf},
};

use super::{
    compare::{Change, Difference},
    manifest::{Configuration, FREE_THREADED},
    pyconfig::PYCONFIG,
    sources::{Inputs, Sources, Text},
};
use crate::{
    error::Error,
    paths,
    project::{plan::Plan, platform::Platform},
    reads::Headers,
    state::inputs::Names,
};

/// The name of its directory, for files that must not be there.
const BESIDE_PYCONFIG: &str = "beside pyconfig.h";

/// A checkout, and the directory with its `pyconfig.h`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) root: &'a Path,
    pub(super) pyconfig: Option<&'a Path>,
}

impl<'a> Place<'a> {
    /// Returns the checkout of a plan, with the `pyconfig.h` of a target.
    pub(super) fn of(plan: &'a Plan<'_>, platform: &'a Platform) -> Place<'a> {
        Place {
            root: &plan.project.root,
            pyconfig: platform.pyconfig_dir.as_deref(),
        }
    }

    /// Returns what the build of a target is configured for.
    pub(super) fn configured(
        self,
        plan: &Plan<'_>,
        platform: &Platform,
    ) -> Result<Configuration, Error> {
        let found = self.configuration()?;
        Ok(Configuration {
            debug: plan.options.debug,
            free_threaded: plan.options.free_threaded || found.configures(FREE_THREADED),
            codegen: plan.codegen.into(),
            hardened: platform.hardening.is_some(),
        })
    }

    /// Returns what a build has read: the files in the tree, and the names in conditions of the others. `sources` are
    /// read besides headers.
    pub(super) fn of_build(
        self,
        headers: &Headers,
        sources: &[&Path],
        flags: &str,
        lines: bool,
    ) -> Result<Sources, Error> {
        let pyconfig = self.pyconfig.map(|directory| directory.join(PYCONFIG));
        let mut found = Sources {
            lines,
            absent: self.absent(headers),
            ..Sources::default()
        };
        let read: BTreeSet<&Path> = headers
            .seen
            .keys()
            .map(PathBuf::as_path)
            .chain(sources.iter().copied())
            .collect();
        let mut outside = Vec::new();
        for path in read {
            let text = Text::new(&paths::read(path).map_err(Error::file("read", path))?);
            if pyconfig.as_deref() == Some(path) {
                found.pyconfig = Some(text);
            } else if let Some(name) = self.name(path) {
                found.files.insert(name, text);
            } else {
                found.outside.extend(text.conditions());
                outside.push(text);
            }
        }
        // Flags and other headers mention macros, too.
        found.outside.extend(
            Text::new(flags.as_bytes())
                .words()
                .into_iter()
                .map(str::to_owned),
        );
        if let Some(text) = &found.pyconfig {
            let words = text.words();
            let names = outside
                .iter()
                .flat_map(|outside| outside.names_among(&words));
            let names: Vec<String> = names.collect();
            found.outside.extend(names);
        }
        Ok(found)
    }

    /// Returns the name of a file in the checkout, or else of one beside `pyconfig.h`.
    fn name(self, path: &Path) -> Option<String> {
        let path = &short(path)?;
        let beside = || {
            Some(format!(
                "{BESIDE_PYCONFIG}/{}",
                name_in(self.pyconfig?, path)?
            ))
        };
        name_in(self.root, path).or_else(beside)
    }

    /// Returns the path of a file with such a name.
    fn path(self, name: &str) -> PathBuf {
        let beside = name.strip_prefix(BESIDE_PYCONFIG);
        match (
            beside.and_then(|name| name.strip_prefix('/')),
            self.pyconfig,
        ) {
            (Some(name), Some(directory)) => directory.join(name),
            _ => self.root.join(name),
        }
    }

    /// Returns the names of files that were searched and not found, in directories of the checkout and beside
    /// `pyconfig.h`.
    fn absent(self, headers: &Headers) -> BTreeMap<String, Names> {
        let mut absent = BTreeMap::new();
        for (directory, names) in &headers.absent {
            if self.pyconfig == Some(directory) {
                absent.insert(BESIDE_PYCONFIG.to_owned(), names.clone());
            }
            if let Some(name) = short(directory).and_then(|path| name_in(self.root, &path)) {
                let all: &mut Names = absent.entry(name).or_default();
                all.0.extend(names.0.iter().cloned());
            }
        }
        absent
    }

    /// Returns the files of a checkout that a pack was made from. Those that it does not have are left out.
    pub(super) fn like(self, packed: &Inputs) -> Result<Sources, Error> {
        let mut files = BTreeMap::new();
        for name in packed.files.keys() {
            if let Some(text) = text_of(&self.path(name))? {
                files.insert(name.clone(), text);
            }
        }
        Ok(Sources {
            files,
            pyconfig: self.configuration()?.pyconfig,
            outside: packed.outside.clone(),
            absent: packed.absent.clone(),
            lines: packed.lines,
        })
    }

    /// Returns `pyconfig.h` alone.
    pub(super) fn configuration(self) -> Result<Sources, Error> {
        Ok(Sources {
            pyconfig: match self.pyconfig {
                Some(directory) => text_of(&directory.join(PYCONFIG))?,
                None => None,
            },
            ..Sources::default()
        })
    }

    /// Returns the files that were not there when a pack was made, and that would be included instead of others, or whose
    /// existence matters.
    pub(super) fn new_files(self, packed: &Inputs) -> Vec<Difference> {
        let mut found = Vec::new();
        for (name, names) in &packed.absent {
            let directory = match (name.as_str(), self.pyconfig) {
                (BESIDE_PYCONFIG, Some(directory)) => directory.to_path_buf(),
                (BESIDE_PYCONFIG, None) => continue,
                (name, _) => self.root.join(name),
            };
            let paths = names.found_in(&directory).into_iter();
            found.extend(
                paths.map(|path| Difference {
                    name: name_in(self.root, &path)
                        .unwrap_or_else(|| path.to_string_lossy().into_owned()),
                    change: Change::New,
                }),
            );
        }
        found.dedup();
        found
    }
}

/// Returns the path without `..`, as in `Include/../Python/x.h`.
fn short(path: &Path) -> Option<PathBuf> {
    match path.components().any(|part| part == Component::ParentDir) {
        true => path.canonicalize().ok(),
        false => Some(path.to_path_buf()),
    }
}

/// Returns the text of a file, or `None` if it does not exist.
fn text_of(path: &Path) -> Result<Option<Text>, Error> {
    match paths::read(path) {
        Ok(bytes) => Ok(Some(Text::new(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

/// Returns the path of a file relative to `root`, with `/` as separator. Returns `None` if it is elsewhere, or if its
/// path is not UTF-8.
fn name_in(root: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}
