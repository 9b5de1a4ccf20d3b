//! Why a checkout can't be compared with what its own tool writes, or is not equal.

use std::path::PathBuf;

/// The most lines at the end of build.py's messages that are shown.
const END: usize = 8;
/// The most lines before them that are shown: clang's errors.
const ERRORS: usize = 4;

/// The reason why a comparison with a checkout's own `Tools/jit/build.py` failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// There is no Python that can run build.py.
    #[error("the checkout's Tools/jit/build.py needs Python {wanted} or newer, and {}", places(named.as_ref(), found))]
    NoPython {
        /// The program that was to be used, if one was named.
        named: Option<PathBuf>,
        /// The oldest version that will do.
        wanted: String,
        /// The programs that are too old, and what they say of their version.
        found: Vec<(PathBuf, String)>,
    },
    /// build.py ended with an error.
    #[error(
        "{} ended with {status}, run by {python}:\n{}",
        checkout.join("Tools/jit/build.py").display(),
        end(output)
    )]
    Failed {
        /// The checkout.
        checkout: PathBuf,
        /// The version of Python.
        python: String,
        /// How it ended.
        status: String,
        /// What it printed on standard error.
        output: String,
    },
    /// The files that build.py writes are not those that this crate writes.
    #[error(
        "Tools/jit/build.py of {} writes something else than jit-cli: {}",
        root.display(),
        differing(files, uops)
    )]
    Differs {
        /// The checkout.
        root: PathBuf,
        /// The files that differ.
        files: Vec<String>,
        /// The micro-ops that differ.
        uops: Vec<String>,
    },
}

fn places(named: Option<&PathBuf>, found: &[(PathBuf, String)]) -> String {
    match (named, found) {
        (Some(program), []) => format!("{} can't be run", program.display()),
        (None, []) => "there is no Python in PATH".to_owned(),
        (_, found) => {
            let found = found.iter();
            let found = found.map(|(program, text)| format!("{} is {text}", program.display()));
            found.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Returns what says most in the messages of build.py: clang's errors, and the end of Python's traceback.
fn end(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().collect();
    let (before, end) = lines.split_at(lines.len().saturating_sub(END));
    let errors = before.iter().filter(|line| line.contains(": error: "));
    let shown: Vec<&str> = errors.take(ERRORS).chain(end).copied().collect();
    shown.join("\n")
}

fn differing(files: &[String], uops: &[String]) -> String {
    let files = match files {
        [one] => one.clone(),
        several => format!("{} files", several.len()),
    };
    match uops {
        [] => files,
        [one] => format!("{files}, micro-op {one}"),
        several => format!("{files}, {} micro-ops", several.len()),
    }
}
