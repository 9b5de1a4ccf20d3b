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
    compact,
    context::Context,
    error::LlvmError,
    includes::{self, SearchedName},
    plan::Plan,
    preprocess::{Preprocessed, preprocess},
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
    /// A file that mentions `_JIT_OPCODE`, also in a condition.
    pub(crate) mentions_opcode: Option<String>,
}

/// Takes a snapshot of a file whose last line is `end`, in the directory of that name. Returns `None` if the file does not preprocess, which
/// compiling it will explain, if something else than headers counts, or if the snapshot is cut short.
pub(crate) fn take(
    context: &Context<'_>,
    (plan, directory): (&Plan, &str),
    input: &Path,
    end: &[u8],
) -> Result<Option<Snapshot>, LlvmError> {
    let Some(plan) = plan.with_action("-E") else {
        return Ok(None);
    };
    let directory = context.work.directory(directory)?;
    let taken = SystemTime::now();
    let words = ["-frewrite-includes"];
    let done = preprocess(context, &plan, &words, &directory, input)?;
    let Some(Preprocessed { text, files }) = done.filter(|done| ends_with(&done.text, end)) else {
        return Ok(None);
    };
    let mut snapshot = Snapshot::of(text, files, taken);
    if let Some(text) = compact::compact(&snapshot.text) {
        snapshot.text = text;
    }
    // A macro of the command line may be another name of `__has_include`.
    let is_question = |word: &OsString| word.to_string_lossy().contains("__has_");
    if plan.arguments.iter().any(is_question) {
        snapshot.searched = None;
    }
    Ok(Some(snapshot))
}

/// Returns whether a snapshot ends with a line of its source. clang may add markers of lines, and replaces
/// directives.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let mut lines = text.rsplit(|byte| *byte == b'\n');
    let last = lines.find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"# "));
    end.starts_with(b"#") || last.unwrap_or_default().trim_ascii() == end
}

impl Snapshot {
    /// Returns a snapshot with a text that clang has written, the files that it has read for it, and the time
    /// before that.
    pub fn of(text: Vec<u8>, files: Vec<PathBuf>, taken: SystemTime) -> Snapshot {
        Snapshot {
            searched: includes::searched(&text),
            mentions_opcode: includes::mention(&text, "_JIT_OPCODE"),
            text,
            files,
            taken,
        }
    }
}
