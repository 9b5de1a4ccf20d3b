//! The interface between cargo and a build script.

use std::{
    collections::BTreeSet,
    env,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jit_llvm::LlvmError;

use crate::{
    build::outcome::Written,
    error::Error,
    events::{Event, Listener},
};

/// The environment that cargo runs a build script in.
#[derive(Debug)]
pub(crate) struct Cargo {
    pub(crate) out_dir: PathBuf,
    /// The triple that the crate is compiled for.
    pub(crate) target: String,
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl Cargo {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Cargo, Error> {
        let variable = |name| env::var(name).map_err(|_| Error::NotABuildScript { name });
        Ok(Cargo {
            out_dir: variable("OUT_DIR")?.into(),
            target: variable("TARGET")?,
            jobs: env::var("NUM_JOBS").ok().and_then(|text| text.parse().ok()),
        })
    }

    /// Returns the directory for the files of a build that is to have this one.
    pub(crate) fn output_dir(&self, wanted: Option<&Path>) -> Result<PathBuf, Error> {
        let directory = wanted.map_or_else(|| self.out_dir.clone(), |path| self.out_dir.join(path));
        match written().contains(&directory) {
            true => Err(Error::OutputTaken { directory }),
            false => Ok(directory),
        }
    }

    /// Prints the instructions for cargo that follow from a build.
    pub(crate) fn print(&self, done: &Written) {
        for line in self.lines(done) {
            println!("{line}");
        }
        written().insert(done.directory.clone());
    }

    /// Returns a listener that shows warnings with cargo's own, and passes on events.
    pub(crate) fn listener(&self, next: Listener) -> Listener {
        Listener::new(move |event| {
            if let Event::Warning { text, .. } | Event::Remark { text } = event {
                for line in text.lines() {
                    println!("cargo::warning={line}");
                }
            }
            next.tell(event);
        })
    }

    fn lines(&self, written: &Written) -> Vec<String> {
        let inputs = written.inputs.iter();
        let mut lines: Vec<String> = inputs
            .map(|path| format!("cargo::rerun-if-changed={}", path.display()))
            .collect();
        // With another PATH, another clang may be found.
        lines.push("cargo::rerun-if-env-changed=PATH".to_owned());
        // One variable can't name the files of several builds.
        if let [target] = written.targets.as_slice()
            && written.directory == self.out_dir
        {
            let files = [
                ("JIT_STENCILS", written.stencil_file(target)),
                ("JIT_OPCODES", written.rust_opcodes(target)),
            ];
            for (variable, path) in files.iter().filter(|(_, path)| path.is_file()) {
                lines.push(format!("cargo::rustc-env={variable}={}", path.display()));
            }
        }
        lines
    }

    /// Prints why a build failed, in a form that cargo shows to the user.
    pub(crate) fn print_error(&self, error: &Error) {
        let advice = advice(error);
        for line in error.to_string().lines().chain(advice.as_deref()) {
            println!("cargo::error={line}");
        }
    }
}

/// Returns what the author of a build script can do about an error, if the message alone is not enough.
fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Target { error, .. } | Error::Uop { error, .. } => advice(error),
        Error::Llvm(LlvmError::TimedOut { .. }) => {
            Some("in build.rs, Build::tool_timeout allows more time".to_owned())
        }
        Error::Llvm(LlvmError::Missing { others, .. } | LlvmError::Unusable { others, .. }) => {
            Some(match others.first() {
                Some(found) => format!(
                    "in build.rs, Build::llvm_version({}) selects the version that is installed, and \
                     Build::llvm_dir the directory that another one is installed in",
                    found.major
                ),
                None => "in build.rs, Build::llvm_dir names the directory that clang is installed in, and \
                         Build::llvm_version its version"
                    .to_owned(),
            })
        }
        _ => None,
    }
}

/// The directories that builds of this build script were written to.
fn written() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static WRITTEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}
