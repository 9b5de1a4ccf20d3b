//! Errors of running LLVM's tools.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{diagnostics::Diagnostics, version::LlvmVersion};

/// Why a tool cannot be used, or what failed.
///
/// An error that affects many sources is reported for each of them, so errors can be cloned.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LlvmError {
    /// No file of that name is in any of the places.
    #[error(
        "can't find {tool}-{wanted}: looked in {}. {}",
        places.join(", "),
        install(wanted, others)
    )]
    Missing {
        /// The tool's name: `clang`.
        tool: String,
        /// The wanted major, or several with `or` between them.
        wanted: String,
        /// The places that were searched, in order.
        places: Vec<String>,
        /// The tools of other versions that are installed, newest first.
        others: Vec<Installed>,
    },
    /// Tools of that name are there, but none of them can be used.
    #[error(
        "no usable {tool}-{wanted}: {}. {}",
        rejections(rejected),
        install(wanted, others)
    )]
    Unusable {
        /// The tool's name: `clang`.
        tool: String,
        /// The wanted major, or several with `or` between them.
        wanted: String,
        /// The tools that were found, and why they were rejected, in the order of the search. Never
        /// empty.
        rejected: Vec<(PathBuf, Rejection)>,
        /// The tools of other versions that are installed, newest first.
        others: Vec<Installed>,
    },
    /// A version that should be a major is not a number.
    #[error("{0:?} is not an LLVM version: give the major alone, as in 21")]
    BadVersion(String),
    /// A tool refused its input.
    #[error("{name} does not {stage}:\n{}", diagnostics.text.trim_end())]
    Rejected {
        /// The name of the input: a source's name, `shim`, or `the preamble`.
        name: String,
        /// What was to be done with it: `compile`, `assemble`.
        stage: &'static str,
        /// What the tool printed.
        diagnostics: Diagnostics,
    },
    /// clang does not accept the flags that it got.
    #[error("clang does not accept the flags:\n{}", diagnostics.text.trim_end())]
    Flags {
        /// What clang printed.
        diagnostics: Diagnostics,
    },
    /// A process could not be started, or the connection to it broke.
    #[error("can't run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A file in the work directory could not be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// What was to be done with it: `write`, `read`, `create`, `remove`, `find`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A process did not end within the time that
    /// [`Interrupt::with_tool_timeout`](crate::Interrupt::with_tool_timeout) allows, and was killed.
    #[error(
        "{} did not end within {limit:?} and was killed: it was to {doing}{}. Its command: {command}",
        program.display(),
        unfinished.as_ref().map_or_else(String::new, |name| format!(", and {name} was not done")),
    )]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// What it was to do, such as `compile 24 files`.
        doing: String,
        /// The name of the first input that was not done, where that is known.
        unfinished: Option<Box<str>>,
        /// The start of its command line.
        command: String,
        /// The time that it had.
        limit: Duration,
        /// Whether it has no more time in any case, because it was a question that a tool answers in an instant.
        is_question: bool,
    },
    /// A process printed more on standard output than it can have to say, and was killed.
    #[error(
        "{} printed more than {} MiB, which is not what is expected of it, and was killed: it was to \
         {doing}",
        program.display(),
        limit >> 20
    )]
    TooMuchOutput {
        /// The program.
        program: PathBuf,
        /// What it was to do.
        doing: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A tool reported success, but did not write what it was to write.
    #[error(
        "{} exited with status 0, but wrote no {what} for {name}",
        program.display()
    )]
    WroteNothing {
        /// The program.
        program: PathBuf,
        /// What it was to write, such as `assembly`.
        what: &'static str,
        /// The name of the input: a source's name, `shim`, or `the preamble`.
        name: String,
    },
    /// [`Interrupt::trip`](crate::Interrupt::trip) was called.
    #[error("interrupted")]
    Interrupted,
}

impl LlvmError {
    /// Adds the name of the first input that was not done to an error about a process that hangs.
    pub(crate) fn with_unfinished(mut self, name: Option<&str>) -> LlvmError {
        if let LlvmError::TimedOut { unfinished, .. } = &mut self {
            *unfinished = name.map(Box::from);
        }
        self
    }

    /// Returns a function that makes an error of a failed operation on a file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LlvmError {
        let path = path.to_path_buf();
        move |source| LlvmError::File {
            action,
            path,
            source: Arc::new(source),
        }
    }
}

/// A tool of a version that is supported, but was not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The major.
    pub major: u32,
    /// The tool's path.
    pub path: PathBuf,
}

/// Why a tool that was found cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It is Apple's clang, which has version numbers of its own.
    Apple,
    /// The file is there but cannot be executed, for this reason.
    NotExecutable(String),
    /// It ran but printed no LLVM version; this is its first line.
    NotLlvm(String),
    /// It is of another version than the wanted one.
    Version(LlvmVersion),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::Apple => f.write_str(
                "is Apple's clang, which numbers its versions differently and is never accepted",
            ),
            Rejection::NotExecutable(why) => write!(f, "is not executable ({why})"),
            Rejection::NotLlvm(line) => write!(f, "prints no LLVM version (it says {line:?})"),
            Rejection::Version(version) => write!(f, "is version {version}"),
        }
    }
}

fn rejections(rejected: &[(PathBuf, Rejection)]) -> String {
    let each: Vec<String> = rejected
        .iter()
        .map(|(path, why)| format!("{} {why}", path.display()))
        .collect();
    each.join("; ")
}

fn install(wanted: &str, others: &[Installed]) -> String {
    let major = wanted
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or(wanted);
    let mut or_use = String::new();
    for (index, Installed { major, path }) in others.iter().enumerate() {
        let start = if index == 0 { ", or use" } else { ", or" };
        let path = path.display();
        or_use += &format!("{start} version {major}, which is installed as {path}");
    }
    format!(
        "Install it (Debian, Ubuntu: apt-get install clang-{major}; Fedora: dnf install clang; \
         macOS: brew install llvm@{major}) and put its directory in PATH{or_use}"
    )
}
