//! Stencils in files: headers, stencil files, packs, and directories of them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jit_schema::Target;
use jit_stencils::{StencilSet, file};

use super::Subject;
use crate::{
    Pack,
    conventions::{FileNames, TargetFileNames},
    error::{Error, SubjectError},
    paths,
};

/// The first bytes of a pack, which is compressed with xz.
const XZ: [u8; 6] = *b"\xfd7zXZ\0";

/// Returns the stencils in a file or directory for the targets with these triples, or for all if there are none.
pub(super) fn open(path: &Path, wanted: &[String]) -> Result<Vec<Subject>, Error> {
    let wanted = wanted.iter().map(|triple| Target::from_triple(triple));
    let wanted: Vec<&Target> = wanted.collect::<Result<_, _>>()?;
    let all = match path.is_dir() {
        true => directory(path)?,
        false => file(path, &wanted)?,
    };
    let is_wanted = |subject: &Subject| wanted.is_empty() || wanted.contains(&&subject.set.target);
    let (subjects, others): (Vec<Subject>, Vec<Subject>) = all.into_iter().partition(is_wanted);
    match subjects.is_empty() {
        false => Ok(subjects),
        true => Err(SubjectError::OtherTargets {
            place: path.display().to_string(),
            wanted: wanted
                .iter()
                .map(|target| target.triple.to_owned())
                .collect(),
            found: others.into_iter().map(|subject| subject.title).collect(),
        }
        .into()),
    }
}

/// How much older than a header a stencil file of the same build may be.
const OF_ONE_BUILD: Duration = Duration::from_secs(10);

/// Returns the stencils that builds have written to a directory. Stencil files say more than headers, such as how code
/// ends, so they are preferred unless they are of an earlier build.
fn directory(path: &Path) -> Result<Vec<Subject>, Error> {
    let entries = fs::read_dir(path).map_err(Error::file("read", path))?;
    let entries = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let all: Vec<PathBuf> = entries.collect();
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    // A triple may be spelled in several ways.
    let newest = |name: &dyn Fn(TargetFileNames) -> String, target: &Target| {
        let is_own = |path: &&PathBuf| {
            let found = triple_of(path).filter(|(own, _)| *own == target);
            found.is_some_and(|(_, triple)| path.ends_with(name(FileNames::USUAL.of(triple))))
        };
        let files = all.iter().filter(is_own);
        files.filter_map(|path| Some((time(path)?, path))).max()
    };
    let mut subjects = Vec::new();
    for target in &Target::ALL {
        let header = newest(&|names| names.header, target);
        let stencils = newest(&|names| names.stencils, target);
        let (_, newest) = match (header, stencils) {
            (None, None) => continue,
            (Some(header), None) => header,
            (Some(header), Some(stencils)) if header.0 > stencils.0 + OF_ONE_BUILD => header,
            (_, Some(stencils)) => stencils,
        };
        subjects.extend(file(newest, &[target])?);
    }
    match subjects.is_empty() {
        false => Ok(subjects),
        true => Err(SubjectError::Empty {
            path: path.to_path_buf(),
        }
        .into()),
    }
}

fn file(path: &Path, wanted: &[&Target]) -> Result<Vec<Subject>, Error> {
    let bytes = paths::read(path).map_err(Error::file("read", path))?;
    if bytes.starts_with(&XZ) {
        return pack(path);
    }
    let unreadable = |problem: String| SubjectError::Unreadable {
        path: path.to_path_buf(),
        problem,
    };
    let set = match bytes.starts_with(&file::MAGIC) {
        true => file::decode(&bytes).map_err(|error| unreadable(error.to_string()))?,
        false => {
            let text = String::from_utf8(bytes).map_err(|_| {
                unreadable(
                    "this is no file with stencils: no header, stencil file or pack".to_owned(),
                )
            })?;
            let target = match wanted {
                [target] => *target,
                _ => target_of(path).ok_or_else(|| SubjectError::UnknownTarget {
                    path: path.to_path_buf(),
                })?,
            };
            header(target, &text).map_err(unreadable)?
        }
    };
    match set
        .groups
        .iter()
        .map(|(name, _)| name)
        .chain(&set.symbols)
        .find(|name| !is_plain(name))
    {
        Some(name) => {
            Err(unreadable(format!("{name:?} is no name of a micro-op or symbol")).into())
        }
        None => Ok(vec![subject(set)]),
    }
}

/// Returns whether a name can be printed: without what moves the cursor or turns the direction of text.
fn is_plain(name: &str) -> bool {
    let is_special =
        |c: char| c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !name.contains(is_special)
}

fn header(target: &Target, text: &str) -> Result<StencilSet, String> {
    jit_writer::read_header(*target, text).map_err(|error| error.to_string())
}

/// Returns the target that the name of a header has.
fn target_of(path: &Path) -> Option<&'static Target> {
    triple_of(path).map(|(target, _)| target)
}

/// Returns the target and the triple that the name of a file ends with.
fn triple_of(path: &Path) -> Option<(&'static Target, &str)> {
    let name = path.file_stem()?.to_str()?;
    name.match_indices('-').find_map(|(at, _)| {
        let triple = name.get(at + 1..)?;
        Some((Target::from_triple(triple).ok()?, triple))
    })
}

fn subject(set: StencilSet) -> Subject {
    Subject {
        title: set.target.triple.to_owned(),
        set,
    }
}

/// Returns the stencils of all builds in a pack.
fn pack(path: &Path) -> Result<Vec<Subject>, Error> {
    let pack = Pack::read(path)?;
    let mut subjects = Vec::new();
    for (title, target, text) in pack.headers()? {
        let set = header(target, text).map_err(|problem| SubjectError::Unreadable {
            path: path.to_path_buf(),
            problem: format!("{title}: {problem}"),
        })?;
        subjects.push(Subject { title, set });
    }
    Ok(subjects)
}
