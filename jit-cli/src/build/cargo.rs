//! The interface between cargo and a build script.

use std::{env, num::NonZeroUsize, path::PathBuf};

use crate::{build::outcome::Written, error::Error};

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

    /// Prints the instructions for cargo that follow from a build.
    pub(crate) fn print(&self, written: &Written) {
        for line in lines(written) {
            println!("{line}");
        }
    }

    /// Prints why a build failed, in a form that cargo shows to the user.
    pub(crate) fn print_error(&self, error: &Error) {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn lines(written: &Written) -> Vec<String> {
    let inputs = written.inputs.iter();
    let mut lines: Vec<String> = inputs
        .map(|path| format!("cargo::rerun-if-changed={}", path.display()))
        .collect();
    // With another PATH, another clang may be found.
    lines.push("cargo::rerun-if-env-changed=PATH".to_owned());
    if let [target] = written.targets.as_slice() {
        let path = written.stencil_file(target);
        if path.is_file() {
            lines.push(format!("cargo::rustc-env=JIT_STENCILS={}", path.display()));
        }
    }
    lines
}
