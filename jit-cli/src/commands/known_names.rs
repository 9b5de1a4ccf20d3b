//! Completions of the names of stencils, for shells.

use std::ffi::OsStr;

use clap_complete::engine::CompletionCandidate;

use crate::Build;

/// Returns the names of the stencils of the project in the current directory that start with a text. The case of letters does
/// not count. Nothing is compiled for that, and nothing is said about a project that can't be read.
pub(super) fn stencils(start: &OsStr) -> Vec<CompletionCandidate> {
    let start = start.to_string_lossy().to_lowercase();
    let names = Build::from_current_dir().known_names().into_iter();
    let names = names.filter(|name| name.to_lowercase().starts_with(&start));
    names.map(CompletionCandidate::new).collect()
}
