//! Finds out what a build has read.
//!
//! clang says which files it has read. They are hashed after the build, so a file counts only if it was not changed
//! after the build had begun: a state never describes something else than what was compiled.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rayon::prelude::*;

use crate::{
    paths,
    state::{
        includes::{Name, Named},
        inputs::{Inputs, Mark},
        locations::Locations,
        words,
    },
};

/// How coarse the times of changes are that file systems note: the length of a tick of the system's clock, at the most.
/// A build waits that long before it reads its first source.
pub(crate) const TICK: Duration = Duration::from_millis(12);

/// What is known about a build after it.
#[derive(Debug)]
pub(crate) struct Reads<'a> {
    /// The template and the cases. They are compiled in another directory.
    pub(crate) sources: Vec<PathBuf>,
    /// The files that clang has read: the shim, and headers.
    pub(crate) files: &'a [PathBuf],
    /// The arguments of cc1 for stencils and for the shim.
    pub(crate) arguments: [&'a [String]; 2],
    /// The user's flags for clang.
    pub(crate) flags: &'a [String],
    pub(crate) clang: &'a Path,
    /// The files that the tools consist of.
    pub(crate) parts: &'a [PathBuf],
    pub(crate) triple: &'a str,
    /// When the build began, at least a [`TICK`] before it read anything.
    pub(crate) begun: SystemTime,
}

/// Adds the files that were read, and those that must not exist, to inputs that have neither. The error says why they
/// are not known.
pub(crate) fn collect(
    reads: &Reads<'_>,
    locations: &Locations,
    inputs: &mut Inputs,
) -> Result<(), String> {
    for path in reads.parts {
        if path
            .metadata()
            .is_ok_and(|data| is_newer(&data, reads.begun))
        {
            return Err(appeared(path));
        }
    }
    let arguments = reads.arguments.concat();
    let directories = words::directories(&arguments)?;
    let mut files: BTreeSet<PathBuf> = reads.files.iter().cloned().collect();
    files.extend(reads.sources.iter().cloned());
    let configuration = words::configuration(reads.clang, reads.triple, reads.flags)?;
    let mut absent = HashSet::new();
    for path in configuration {
        match path.exists() {
            true => files.insert(path),
            false => absent.insert(path),
        };
    }
    files.extend(words::files(&arguments)?);
    files.extend(words::files(reads.flags)?);
    let read = files
        .par_iter()
        .map(|path| Ok((path.as_path(), read(path, reads.begun)?)))
        .collect::<Result<BTreeMap<_, _>, String>>()?;
    let dated = read.iter().find(|(_, (_, named))| named.dated);
    if let Some((path, _)) = dated
        && !inputs.environment.contains_key("SOURCE_DATE_EPOCH")
    {
        let path = path.display();
        return Err(format!(
            "{path} has the time of the build, unless SOURCE_DATE_EPOCH is set"
        ));
    }
    check_links(&files, reads.begun)?;
    let mut search = Search {
        includers: match arguments.iter().any(|word| word == "-fms-compatibility") {
            // As Microsoft's compiler, clang then searches the directories of all files that are open.
            true => files.iter().filter_map(|path| path.parent()).collect(),
            false => BTreeSet::new(),
        },
        directories,
        files: files.iter().map(PathBuf::as_path).collect(),
        begun: reads.begun,
        known: HashMap::new(),
        found: HashMap::new(),
        absent,
        present: BTreeSet::new(),
    };
    for (path, (_, named)) in &read {
        let own = match reads.sources.iter().any(|source| source == path) {
            true => None,
            false => path.parent(),
        };
        search.note_names(path, own, named)?;
    }
    for name in words::included(&arguments) {
        search.note_included(&name, None)?;
    }
    let Search {
        absent, present, ..
    } = search;
    for (path, (mark, _)) in read {
        add_file(inputs, locations, path, mark)?;
    }
    for path in present {
        let (mark, _) = self::read(&path, reads.begun)?;
        add_file(inputs, locations, &path, mark)?;
    }
    absent
        .iter()
        .try_for_each(|path| add_absent(inputs, locations, path))
}

/// Reads a file that was not changed after the build had begun.
fn read(path: &Path, begun: SystemTime) -> Result<(Mark, Named), String> {
    let shown = path.display();
    let bytes = paths::read(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    let data = path.metadata();
    let data = data.map_err(|error| format!("can't read {shown}: {error}"))?;
    if is_newer(&data, begun) {
        return Err(format!("{shown} was changed during the build"));
    }
    let named = Named::of(&String::from_utf8_lossy(&bytes));
    if let Some(unknown) = named.unknown {
        return Err(format!("{shown} has {unknown}"));
    }
    Ok((Mark::of(&bytes), named))
}

/// Checks that no link on the way to a file was changed after the build had begun: it may have led elsewhere.
fn check_links(files: &BTreeSet<PathBuf>, begun: SystemTime) -> Result<(), String> {
    let places: BTreeSet<&Path> = files.iter().flat_map(|path| path.ancestors()).collect();
    let is_new = |path: &&&Path| {
        let data = path.symlink_metadata();
        data.is_ok_and(|data| data.is_symlink() && is_newer(&data, begun))
    };
    match places.iter().find(is_new) {
        Some(path) => Err(appeared(path)),
        None => Ok(()),
    }
}

/// Returns whether a file was changed after this time. Programs can set the time of the last modification to any value,
/// but not that of the last change, which Unix notes as well.
fn is_newer(data: &Metadata, time: SystemTime) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let limit = (
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            i64::from(since.subsec_nanos()),
        );
        // Without a fraction, the file system may count in seconds, or in pairs of them.
        let coarse = if data.ctime_nsec() == 0 { 2 } else { 0 };
        (data.ctime() + coarse, data.ctime_nsec()) > limit
    }
    #[cfg(not(unix))]
    {
        let times = [data.modified(), data.created()];
        times.into_iter().flatten().any(|found| found > time)
    }
}

fn add_file(
    inputs: &mut Inputs,
    locations: &Locations,
    path: &Path,
    mark: Mark,
) -> Result<(), String> {
    let (location, name) = named(locations, path)?;
    inputs.files.entry(location).or_default().insert(name, mark);
    Ok(())
}

fn add_absent(inputs: &mut Inputs, locations: &Locations, path: &Path) -> Result<(), String> {
    let (directory, name) = match (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) {
        (Some(directory), Some(name)) => (directory, name),
        _ => return Ok(()),
    };
    let (location, directory) = named(locations, directory)?;
    let directories = inputs.absent.entry(location).or_default();
    let names = directories.entry(directory).or_default();
    names.0.insert(name.to_owned());
    Ok(())
}

fn named(
    locations: &Locations,
    path: &Path,
) -> Result<(crate::state::locations::Location, String), String> {
    locations.name(path).ok_or_else(|| {
        format!(
            "{} is not an absolute path in UTF-8",
            path.to_string_lossy()
        )
    })
}

/// Whether a file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existence {
    No,
    /// It does, and was not changed after the build had begun.
    Old,
    /// It may have been made during the build.
    New,
}

/// The search for the places where other files would be found.
struct Search<'a> {
    /// The directories in which every quoted name is searched.
    includers: BTreeSet<&'a Path>,
    /// The directories of the search, in its order.
    directories: Vec<PathBuf>,
    /// The files that were read.
    files: HashSet<&'a Path>,
    begun: SystemTime,
    known: HashMap<PathBuf, Existence>,
    /// The names that were searched in the directories, and whether a file was found.
    found: HashMap<String, bool>,
    absent: HashSet<PathBuf>,
    /// Files that were asked for with `__has_include`, but not read.
    present: BTreeSet<PathBuf>,
}

impl Search<'_> {
    /// Notes the places for the names in a file, and for the file itself, by whatever name it was included. `own` is the
    /// directory that is searched for its quoted names.
    fn note_names(&mut self, path: &Path, own: Option<&Path>, named: &Named) -> Result<(), String> {
        for relative in self.relative(path) {
            self.note_included(&relative, None)?;
        }
        for name in &named.included {
            self.note_included(name, own)?;
        }
        for name in &named.asked {
            self.note_asked(name, own)?;
        }
        if named.computed {
            let files: Vec<&Path> = self.files.iter().copied().collect();
            for file in files {
                for name in self.relative(file) {
                    self.note_included(&name, own)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the names by which a search finds a file.
    fn relative(&self, path: &Path) -> Vec<Name> {
        let directories = self.directories.iter();
        let relative = directories.filter_map(|directory| path.strip_prefix(directory).ok());
        let names = relative.filter_map(Path::to_str);
        names
            .map(|text| Name {
                text: text.to_owned(),
                quoted: true,
            })
            .collect()
    }

    /// Returns the places where a quoted name is searched first.
    fn beside(&self, name: &Name, own: Option<&Path>) -> Vec<PathBuf> {
        let directories = own.into_iter().chain(self.includers.iter().copied());
        let directories = directories.filter(|_| name.quoted);
        directories
            .map(|directory| directory.join(&name.text))
            .collect()
    }

    fn in_directories(&self, name: &Name) -> Vec<PathBuf> {
        let directories = self.directories.iter();
        directories
            .map(|directory| directory.join(&name.text))
            .collect()
    }

    /// Notes the places before the one where a file was found.
    fn note_included(&mut self, name: &Name, own: Option<&Path>) -> Result<(), String> {
        let found = match self.found.get(&name.text) {
            Some(found) => *found,
            None => {
                let places = self.in_directories(name);
                let found = self.note_before(places, false)?;
                self.found.insert(name.text.clone(), found);
                found
            }
        };
        let beside = self.beside(name, own);
        self.note_before(beside, found).map(drop)
    }

    /// Notes the places before the last one where a file was read, or all of them. If there is none, the name is in a part
    /// that is left out. Returns whether a file was read.
    fn note_before(&mut self, mut places: Vec<PathBuf>, all: bool) -> Result<bool, String> {
        let found = places
            .iter()
            .rposition(|path| self.files.contains(path.as_path()));
        if !all {
            places.truncate(found.unwrap_or(0));
        }
        for path in places {
            match self.existence(&path) {
                Existence::No => drop(self.absent.insert(path)),
                Existence::Old => {}
                Existence::New => return Err(appeared(&path)),
            }
        }
        Ok(found.is_some())
    }

    /// Notes all places of a file whose existence matters.
    fn note_asked(&mut self, name: &Name, own: Option<&Path>) -> Result<(), String> {
        let mut places = self.beside(name, own);
        places.extend(self.in_directories(name));
        for path in places {
            match self.existence(&path) {
                Existence::No => drop(self.absent.insert(path)),
                Existence::Old => drop(self.present.insert(path)),
                Existence::New => return Err(appeared(&path)),
            }
        }
        Ok(())
    }

    fn existence(&mut self, path: &Path) -> Existence {
        if self.files.contains(path) {
            return Existence::Old;
        }
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        let existence = match path.metadata() {
            // clang passes over directories.
            Err(_) => Existence::No,
            Ok(data) if data.is_dir() => Existence::No,
            Ok(data) if is_newer(&data, self.begun) => Existence::New,
            Ok(_) => Existence::Old,
        };
        self.known.insert(path.to_path_buf(), existence);
        existence
    }
}

fn appeared(path: &Path) -> String {
    format!("{} was changed during the build", path.display())
}
