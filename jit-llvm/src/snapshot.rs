//! Snapshots: a source with the text of all its headers in one self-contained text.
//!
//! clang writes it (`-E -frewrite-includes`) in the only process that searches for headers and reads them.
//! What is compiled and what a cache's keys are made of come from that text, so a header that is edited
//! during a build cannot have an effect on one of them and not on the other.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    context::Context,
    error::LlvmError,
    files,
    includes::{self, SearchedName},
    plan::Plan,
};

/// A source with the text of all its headers. Conditions are replaced by their values, so nothing depends
/// on whether a header exists either.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The text, which compiles without any other file.
    pub text: Vec<u8>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// The names of headers that clang has searched for, or asked about with `__has_include`. `None` if a
    /// macro makes a name, so that they are not all known.
    pub searched: Option<Vec<SearchedName>>,
    /// The time before clang was started.
    pub taken: SystemTime,
}

/// Takes a snapshot of a file. `plan` is the step that it is for, and `action` the word in it that selects
/// what to do. Returns `None` if the file does not preprocess, which compiling it will explain, or if
/// something else than headers counts.
pub(crate) fn take(
    context: &Context<'_>,
    plan: &Plan,
    action: &str,
    directory: &str,
    input: &Path,
) -> Result<Option<Snapshot>, LlvmError> {
    let Some(plan) = plan.with(&[(action, "-E")]) else {
        return Ok(None);
    };
    let directory = context.work.directory(directory)?;
    let (output, dependencies) = (directory.join("snapshot.i"), directory.join("snapshot.d"));
    let mut arguments = plan.arguments.clone();
    arguments.extend(
        [
            "-frewrite-includes",
            "-sys-header-deps",
            "-MT",
            "x",
            "-dependency-file",
        ]
        .map(OsString::from),
    );
    arguments.extend([
        dependencies.clone().into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    files::remove(&output)?;
    let taken = SystemTime::now();
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() || !files::has_contents(&output) {
        return Ok(None);
    }
    let text = files::read(&output)?;
    let mut files = files::dependencies(&dependencies)?;
    files.retain(|file| file != input);
    let mut snapshot = Snapshot::of(text, files, taken);
    // A macro of the command line may be another name of `__has_include`.
    let is_question = |word: &OsString| word.to_string_lossy().contains("__has_");
    if plan.arguments.iter().any(is_question) {
        snapshot.searched = None;
    }
    Ok(Some(snapshot))
}

impl Snapshot {
    /// Returns a snapshot with a text that clang has written, the files that it has read for it, and the time
    /// before that.
    pub fn of(text: Vec<u8>, files: Vec<PathBuf>, taken: SystemTime) -> Snapshot {
        Snapshot {
            searched: includes::searched(&text),
            text,
            files,
            taken,
        }
    }
}
