//! What can go wrong between us and LLVM's tools.

use std::{fmt, io, path::PathBuf};

use crate::LlvmVersion;

/// Why a tool cannot be used or what it failed at.
#[derive(Debug, thiserror::Error)]
pub enum LlvmError {
    /// Nothing of that name in any of the places.
    #[error(
        "can't find {tool}-{wanted}: looked in {}. {}",
        list(places),
        install(wanted)
    )]
    Missing {
        /// `clang`.
        tool: String,
        /// The major that is asked for, or several of them.
        wanted: String,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// There is one, or are some, but none will do.
    #[error(
        "no usable {tool}-{wanted}: {}. {}",
        rejections(rejected),
        install(wanted)
    )]
    Unusable {
        /// `clang`.
        tool: String,
        /// The major that is asked for, or several of them.
        wanted: String,
        /// What was found, and why it was not taken, in the order of the search. Never empty.
        rejected: Vec<(PathBuf, Rejection)>,
    },
    /// `--llvm-version` is not a number.
    #[error("{0:?} is not an LLVM version: give the major alone, as in 21")]
    BadVersion(String),
    /// The compiler or assembler refused its input.
    #[error("{name} does not {stage}:\n{}", diagnostics.trim_end())]
    Rejected {
        /// The name of the input: the uop, or `shim`.
        name: String,
        /// `compile` or `assemble`, as a rule.
        stage: &'static str,
        /// What clang printed.
        diagnostics: String,
    },
    /// A tool could not be started or talked to.
    #[error("can't run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of ours could not be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// `write`, `read`, `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// [`crate::Interrupt::trip`] was called.
    #[error("interrupted")]
    Interrupted,
}

impl LlvmError {
    /// The same once more, for the next who is concerned: errors of the system can't be cloned.
    pub(crate) fn again(&self) -> LlvmError {
        let same = |source: &io::Error| match source.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(source.kind(), source.to_string()),
        };
        match self {
            LlvmError::Missing {
                tool,
                wanted,
                places,
            } => LlvmError::Missing {
                tool: tool.clone(),
                wanted: wanted.clone(),
                places: places.clone(),
            },
            LlvmError::Unusable {
                tool,
                wanted,
                rejected,
            } => LlvmError::Unusable {
                tool: tool.clone(),
                wanted: wanted.clone(),
                rejected: rejected.clone(),
            },
            LlvmError::BadVersion(text) => LlvmError::BadVersion(text.clone()),
            LlvmError::Rejected {
                name,
                stage,
                diagnostics,
            } => LlvmError::Rejected {
                name: name.clone(),
                stage,
                diagnostics: diagnostics.clone(),
            },
            LlvmError::Run { program, source } => LlvmError::Run {
                program: program.clone(),
                source: same(source),
            },
            LlvmError::File {
                action,
                path,
                source,
            } => LlvmError::File {
                action,
                path: path.clone(),
                source: same(source),
            },
            LlvmError::Interrupted => LlvmError::Interrupted,
        }
    }
}

/// Why a tool that was found is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Apple's clang, whose version numbers are its own.
    Apple,
    /// The file is there, but cannot be executed.
    NotExecutable(String),
    /// It ran, but printed no LLVM version.
    NotLlvm(String),
    /// A version that was not asked for.
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

fn list(places: &[String]) -> String {
    places.join(", ")
}

fn rejections(rejected: &[(PathBuf, Rejection)]) -> String {
    let each: Vec<String> = rejected
        .iter()
        .map(|(path, why)| format!("{} {why}", path.display()))
        .collect();
    each.join("; ")
}

fn install(wanted: &str) -> String {
    let major = wanted
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or(wanted);
    format!(
        "Install it (Debian, Ubuntu: apt-get install clang-{major}; Fedora: dnf install clang; \
         macOS: brew install llvm@{major}), point --llvm-tools-install-dir at its prefix, or name \
         another version with --llvm-version"
    )
}
