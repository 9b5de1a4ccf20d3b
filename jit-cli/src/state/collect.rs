//! Finds out what a build has read besides headers, and lists all of it.
//!
//! These files are hashed after the build, so one counts only if it was not changed after the build had begun: a state
//! never describes something else than what was compiled.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rayon::prelude::*;

use crate::{
    reads::{
        Headers,
        times::{changed, check_places, is_newer, read},
        words,
    },
    state::{
        inputs::Inputs,
        locations::{Location, Locations},
    },
};

/// What is known about a build after it, besides headers.
#[derive(Debug, Clone)]
pub(crate) struct Others<'a> {
    /// The template and the cases.
    pub(crate) sources: Vec<PathBuf>,
    /// The arguments of cc1 for stencils and for the shim.
    pub(crate) arguments: [&'a [String]; 2],
    /// The user's flags for clang.
    pub(crate) flags: &'a [String],
    pub(crate) clang: &'a Path,
    /// The files that the tools consist of.
    pub(crate) parts: &'a [PathBuf],
    pub(crate) triple: &'a str,
    /// When the build began, at least a [`TICK`](crate::reads::times::TICK) before it read anything.
    pub(crate) begun: SystemTime,
}

/// Adds the files that were read, and those that must not exist, to inputs that have neither. The error says why they
/// are not known.
pub(crate) fn collect(
    headers: Headers,
    others: &Others<'_>,
    locations: &Locations,
    inputs: &mut Inputs,
) -> Result<(), String> {
    let begun = others.begun;
    let is_new = |path: &&PathBuf| path.metadata().is_ok_and(|data| is_newer(&data, begun));
    if let Some(path) = others.parts.iter().find(is_new) {
        return Err(changed(path));
    }
    if headers.late {
        check_places(headers.seen.keys(), begun)?;
        if let Some(path) = headers.seen.keys().find(is_new) {
            return Err(changed(path));
        }
    }
    if headers.dated && !inputs.environment.contains_key("SOURCE_DATE_EPOCH") {
        let why = "the code may have the time of the build, unless SOURCE_DATE_EPOCH is set";
        return Err(why.to_owned());
    }
    let mut files: BTreeSet<PathBuf> = others.sources.iter().cloned().collect();
    for path in words::configuration(others.clang, others.triple, others.flags)? {
        match path.exists() {
            true => drop(files.insert(path)),
            false => add_absent(inputs, locations, &path)?,
        }
    }
    files.extend(words::files(&others.arguments.concat())?);
    files.extend(words::files(others.flags)?);
    check_places(&files, begun)?;
    let marks = files
        .par_iter()
        .map(|path| Ok((path.clone(), read(path, begun)?.0)))
        .collect::<Result<Vec<_>, String>>()?;
    for (path, mark) in headers.seen.into_iter().chain(marks) {
        let (location, name) = named(locations, &path)?;
        inputs.files.entry(location).or_default().insert(name, mark);
    }
    for (directory, names) in headers.absent {
        for name in names.0 {
            add_absent(inputs, locations, &directory.join(name))?;
        }
    }
    Ok(())
}

fn add_absent(inputs: &mut Inputs, locations: &Locations, path: &Path) -> Result<(), String> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let (location, directory) = named(locations, directory)?;
    let directories = inputs.absent.entry(location).or_default();
    let names = directories.entry(directory).or_default();
    names.0.insert(name.to_string_lossy().into_owned());
    Ok(())
}

fn named(locations: &Locations, path: &Path) -> Result<(Location, String), String> {
    let shown = path.to_string_lossy();
    let named = locations.name(path);
    named.ok_or_else(|| format!("{shown} is not an absolute path in UTF-8"))
}
