//! Python, and what it runs: a checkout's build.py.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use jit_llvm::{Interrupt, LlvmError, run_script};

use super::{BUILD_PY, Job, tree::Tree};
use crate::{
    error::{Error, UpstreamError},
    paths,
};

/// The version of Python that build.py needs, if it does not say so itself.
const USUAL: PythonVersion = PythonVersion(3, 11);
/// How many versions after the oldest one that will do are searched for by name.
const NEWER: u32 = 6;
/// The file of a checkout that says which version of Python it needs.
const TARGETS_PY: &str = "Tools/jit/_targets.py";

/// A version of Python: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PythonVersion(u32, u32);

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A Python that can run build.py.
pub(super) struct Python {
    program: PathBuf,
    /// What it says for `--version`, such as `Python 3.13.1`.
    pub(super) version: String,
}

impl Python {
    /// Finds a Python that can run a checkout's build.py: the named one, or else the first in `PATH`.
    pub(super) fn find(
        named: Option<&Path>,
        checkout: &Path,
        interrupt: &Interrupt,
    ) -> Result<Python, Error> {
        let wanted = wanted(checkout);
        let names = match named {
            Some(program) => vec![program.to_path_buf()],
            None => ["python3".into(), "python".into()]
                .into_iter()
                .chain(
                    (wanted.1..=wanted.1 + NEWER)
                        .rev()
                        .map(|minor| PathBuf::from(format!("python{}.{minor}", wanted.0))),
                )
                .collect(),
        };
        let mut found = Vec::new();
        for program in names {
            let words = ["--version".into()];
            let text = match run_script(&program, &words, checkout, &[], interrupt) {
                Ok(output) if output.status.success() => output.stdout,
                Ok(_) | Err(LlvmError::Run { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            match version(&text) {
                Some(version) if version >= wanted => {
                    return Ok(Python {
                        program,
                        version: text,
                    });
                }
                Some(_) | None => found.push((program, text)),
            }
        }
        Err(UpstreamError::NoPython {
            named: named.map(Path::to_path_buf),
            wanted: wanted.to_string(),
            found,
        }
        .into())
    }

    /// Runs a copy's build.py. Returns the directory with the files.
    pub(super) fn build(
        &self,
        tree: &Tree,
        job: &Job<'_>,
        interrupt: &Interrupt,
    ) -> Result<PathBuf, Error> {
        let output = tree.directory("build.py")?;
        let temporary = tree.directory("tmp")?;
        let root = tree.root();
        let words = arguments(tree, job, &output)?;
        let llvm = &job.options.llvm;
        let path = path_with(llvm.install_dir.as_deref())?;
        let environment = [
            ("PATH", path.as_os_str()),
            ("TMPDIR", temporary.as_os_str()),
            // build.py imports what is beside it.
            ("PYTHONSAFEPATH", OsStr::new("")),
            ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
        ];
        // It runs at least two processes for each micro-op, each of which has the time of one.
        let processes = job.uops.max(1) * job.triples.len().max(1);
        let count = u32::try_from(processes).unwrap_or(u32::MAX);
        let limit = llvm.timeout.map(|limit| limit.saturating_mul(count));
        let interrupt = interrupt.with_tool_timeout(limit);
        let ran = run_script(&self.program, &words, &root, &environment, &interrupt)?;
        if ran.status.success() {
            return Ok(output);
        }
        let text = String::from_utf8_lossy(&ran.stderr);
        Err(UpstreamError::Failed {
            checkout: tree.text_in_checkout(&root.to_string_lossy()).into(),
            python: self.version.clone(),
            status: ran.status.to_string(),
            output: tree.text_in_checkout(&text),
        }
        .into())
    }
}

/// Returns the arguments for Python: a copy's build.py, and its own.
fn arguments(tree: &Tree, job: &Job<'_>, output: &Path) -> Result<Vec<OsString>, Error> {
    let root = tree.root();
    let options = job.options;
    let mut words: Vec<OsString> = vec![root.join(BUILD_PY).into()];
    words.extend(job.triples.iter().map(OsString::from));
    words.push(format!("--cflags={}", options.cflags).into());
    words.push("--force".into());
    if options.debug {
        words.push("--debug".into());
    }
    let mut add = |name: &str, value: &OsStr| words.extend([name.into(), value.to_owned()]);
    add("--output-dir", output.as_os_str());
    let pyconfig_dir = job.pyconfig_dir.as_ref().unwrap_or(&root);
    add("--pyconfig-dir", pyconfig_dir.as_os_str());
    // CPython 3.14 has neither option: the version is the pinned one, and tools are in PATH.
    if tree.takes("--llvm-version")? {
        add("--llvm-version", OsStr::new(&job.major.to_string()));
    }
    if let Some(directory) = &options.llvm.install_dir
        && tree.takes("--llvm-tools-install-dir")?
    {
        add("--llvm-tools-install-dir", directory.as_os_str());
    }
    Ok(words)
}

/// Returns `PATH` with the directory of a named LLVM in front, where a build.py finds it that has no option for it.
fn path_with(llvm_dir: Option<&Path>) -> Result<OsString, Error> {
    let old = env::var_os("PATH").unwrap_or_default();
    let Some(directory) = llvm_dir else {
        return Ok(old);
    };
    let bin = directory.join("bin");
    let all = [bin.clone()].into_iter().chain(env::split_paths(&old));
    let joined = env::join_paths(all);
    joined.map_err(|error| Error::file("add to PATH", &bin)(std::io::Error::other(error)))
}

/// Returns the version that a checkout's tools ask for.
fn wanted(checkout: &Path) -> PythonVersion {
    let text = paths::read(&checkout.join(TARGETS_PY)).unwrap_or_default();
    asked(&String::from_utf8_lossy(&text)).unwrap_or(USUAL)
}

/// Finds a comparison such as `sys.version_info < (3, 11)`.
fn asked(text: &str) -> Option<PythonVersion> {
    let (_, rest) = text.split_once("sys.version_info < (")?;
    let (numbers, _) = rest.split_once(')')?;
    let mut numbers = numbers.split(',').map(|number| number.trim().parse());
    Some(PythonVersion(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Reads what Python prints for `--version`.
fn version(text: &str) -> Option<PythonVersion> {
    let mut numbers = text.strip_prefix("Python ")?.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    Some(PythonVersion(major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("Python 3.11.7"), Some(PythonVersion(3, 11)));
        assert_eq!(version("Python 3.16.0a0"), Some(PythonVersion(3, 16)));
        for other in ["", "Python", "Python 3", "PyPy 3.11.7", "Python x.y"] {
            assert_eq!(version(other), None, "{other}");
        }
        assert!(PythonVersion(3, 9) < PythonVersion(3, 11));
    }

    #[test]
    fn the_version_that_a_checkout_asks_for() {
        let text = "import sys\n\nif sys.version_info < (3, 12):\n    raise RuntimeError\n";
        assert_eq!(asked(text), Some(PythonVersion(3, 12)));
        assert_eq!(
            asked("if sys.version_info < (3,13, 1):"),
            Some(PythonVersion(3, 13))
        );
        for other in [
            "",
            "sys.version_info < (",
            "sys.version_info < (3)",
            "sys.version_info < (a, b)",
        ] {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
