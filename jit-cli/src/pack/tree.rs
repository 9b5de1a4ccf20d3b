//! Reads the sources of a checkout.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::sources::{Sources, Text};
use crate::{error::Error, paths};

/// The name of the file that configure writes.
pub(super) const PYCONFIG: &str = "pyconfig.h";

/// Returns what a build has read: the files in the tree, and the names that occur in conditions of other files.
pub(super) fn of_build(
    root: &Path,
    pyconfig_dir: Option<&Path>,
    read: &BTreeSet<PathBuf>,
    lines: bool,
) -> Result<Sources, Error> {
    let pyconfig = pyconfig_dir.map(|directory| directory.join(PYCONFIG));
    let mut sources = Sources {
        lines,
        ..Sources::default()
    };
    for path in read {
        let text = Text::new(&paths::read(path).map_err(Error::file("read", path))?);
        if pyconfig.as_ref() == Some(path) {
            sources.pyconfig = Some(text);
        } else if let Some(name) = name_in(root, path) {
            sources.files.insert(name, text);
        } else {
            sources.outside.extend(text.conditions());
        }
    }
    Ok(sources)
}

/// Returns the files of another checkout with the given names. Those that do not exist are left out.
pub(super) fn of_checkout<'a>(
    root: &Path,
    pyconfig_dir: Option<&Path>,
    names: impl Iterator<Item = &'a String>,
    outside: &BTreeSet<String>,
    lines: bool,
) -> Result<Sources, Error> {
    let mut files = BTreeMap::new();
    for name in names {
        if let Some(text) = text_of(&root.join(name))? {
            files.insert(name.clone(), text);
        }
    }
    Ok(Sources {
        files,
        pyconfig: match pyconfig_dir {
            Some(directory) => text_of(&directory.join(PYCONFIG))?,
            None => None,
        },
        outside: outside.clone(),
        lines,
    })
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
