//! Compares a state with what is there. Each difference is a line for people.

use std::{collections::BTreeMap, path::Path};

use rayon::prelude::*;

use crate::state::{
    inputs::{Inputs, Mark},
    locations::{Location, Locations},
};

/// The largest number of tools that a line lists.
const SHOWN: usize = 3;
/// The largest number of characters of one thing in a line.
pub(crate) const LONGEST: usize = 160;

/// The files of some locations.
pub(crate) type Scope = &'static [Location];

/// The files that are there on every machine: those of the project, and those that jit-cli brings along.
pub(crate) const OWN: Scope = &[Location::Project, Location::Builtin];
/// The files of the machine.
pub(crate) const MACHINE: Scope = &[Location::Outside];

impl Inputs {
    /// Returns the settings and environment variables that are different in `now`.
    pub(crate) fn other_settings(&self, now: &Inputs) -> Vec<String> {
        let mut lines = Vec::new();
        for (one, other, done) in [(now, self, "new"), (self, now, "gone")] {
            let mut rest = other.settings.clone();
            for setting in &one.settings {
                match rest.iter().position(|found| found == setting) {
                    Some(index) => drop(rest.remove(index)),
                    None => lines.push(format!("the setting {} is {done}", setting.trim())),
                }
            }
        }
        if lines.is_empty() && self.settings != now.settings {
            lines.push("the settings have another order".to_owned());
        }
        let names = self.environment.keys().chain(now.environment.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.environment.get(*name) != now.environment.get(*name));
        let changed = names.into_iter();
        lines.extend(changed.map(|name| format!("the environment variable {name} has changed")));
        lines
    }

    /// Returns how the tools differ from these.
    pub(crate) fn other_tools(&self, tools: &[String]) -> Vec<String> {
        if self.tools == tools {
            return Vec::new();
        }
        let (before, now) = (only(&self.tools, tools), only(tools, &self.tools));
        vec![format!("the tools were {before}, and are {now}")]
    }

    /// Returns the files that are not as they were when they were read, and those that would be read instead of others.
    pub(crate) fn other_files(&self, locations: &Locations, scope: Scope) -> Vec<String> {
        let files: Vec<_> = scope
            .iter()
            .flat_map(|location| {
                let files = self.files.get(location).into_iter().flatten();
                files.map(|(name, mark)| (*location, name, mark))
            })
            .collect();
        let mut lines: Vec<String> = files
            .into_par_iter()
            .filter_map(|(location, name, mark)| {
                let change = change(&locations.path(location, name), mark)?;
                Some(format!("{name} {change}"))
            })
            .collect();
        for location in scope {
            for (directory, names) in self.absent.get(location).into_iter().flatten() {
                let path = locations.path(*location, directory);
                let names = names.found_in(&path).into_iter();
                lines.extend(names.filter_map(|path| {
                    let name = Path::new(directory).join(path.file_name()?);
                    Some(format!("{} is new", name.display()))
                }));
            }
        }
        lines
    }
}

/// Returns the first tools that are not among the others.
fn only(tools: &[String], others: &[String]) -> String {
    let own: Vec<String> = tools
        .iter()
        .filter(|tool| !others.contains(tool))
        .map(|tool| cut(tool))
        .collect();
    match own.split_at_checked(SHOWN) {
        Some((shown, rest)) if !rest.is_empty() => {
            format!("{} and {} more", shown.join(", "), rest.len())
        }
        _ => own.join(", "),
    }
}

/// Returns the first [`LONGEST`] characters of a text. The definition of a macro may be longer than a screen, and so may be what
/// a script in the place of clang passes on.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Returns how a file differs from the one with the mark.
fn change(path: &Path, mark: &Mark) -> Option<&'static str> {
    match Mark::of_file(path) {
        Ok(now) if now == *mark => None,
        Ok(_) => Some("has changed"),
        Err(_) if !path.exists() => Some("is missing"),
        Err(_) => Some("can't be read"),
    }
}

/// Returns which of these files in a directory are not those that were written.
pub(crate) fn other_outputs(
    outputs: &BTreeMap<String, Mark>,
    directory: &Path,
    names: &[&str],
) -> Vec<String> {
    let lines = names.par_iter().filter_map(|name| {
        let path = directory.join(name);
        Some(match outputs.get(*name) {
            Some(mark) => match change(&path, mark)? {
                "has changed" => format!("{name} is not what was written"),
                change => format!("{name} {change}"),
            },
            None if path.exists() => format!("{name} was not made with the other files"),
            None => format!("{name} is missing"),
        })
    });
    lines.collect()
}
