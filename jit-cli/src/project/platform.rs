//! The settings of a target: headers, a `pyconfig.h` and flags. The options of a build take precedence over
//! the target's table in `jit.toml`, and that over the settings for all targets there.

use std::path::{Path, PathBuf};

use jit_schema::Target;

use crate::{
    cache::key::Key,
    error::{Error, Headers},
    project::config::Config,
    project::definition::Project,
    project::hardening::HardeningRules,
    project::options::Options,
    project::spelled::Spelled,
    sysroot::headers::{BUILTIN, Sysroot},
};

/// A target, with its headers, its `pyconfig.h` and its flags.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) target: &'static Target,
    /// The triple as files and clang have it.
    pub(crate) triple: String,
    /// The system headers, or `None` for those that clang finds.
    pub(crate) sysroot: Option<Sysroot>,
    /// The directory with the `pyconfig.h`, which is searched before all others.
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// The flags for clang in `jit.toml`.
    pub(crate) cflags: Vec<String>,
    /// Which stencils control enters and leaves through pointers, if the code is hardened.
    pub(crate) hardening: Option<HardeningRules>,
    /// Whether flags for clang were to decide about that, and the user's do not ask for it.
    pub(crate) is_unhardened_by_flags: bool,
}

impl Platform {
    /// Finds the settings of a target in a project. `named` is the sysroot in the options.
    pub(crate) fn find(
        Spelled { target, triple }: Spelled,
        options: &Options,
        project: &Project,
        named: Option<&Sysroot>,
    ) -> Result<Platform, Error> {
        let config = project.config.as_ref();
        let sysroot = match (named, config) {
            (Some(named), _) => Some(named.clone()),
            (None, Some(config)) => {
                configured_sysroot(config, target, options.cache.directory.as_deref())?
            }
            (None, None) => None,
        };
        let pyconfig_dir = pyconfig_dir(target, options, project, sysroot.as_ref())?;
        Ok(Platform {
            target,
            triple,
            sysroot,
            pyconfig_dir,
            cflags: config.map_or_else(Vec::new, |config| config.cflags(target)),
            hardening: None,
            is_unhardened_by_flags: false,
        })
    }

    /// Returns whether the built-in headers are used.
    pub(crate) fn is_builtin(&self) -> bool {
        matches!(self.sysroot, Some(Sysroot::Builtin(_)))
    }

    /// Returns the name of the record of the last build. There is one for each project directory and target, for debug and
    /// release builds, for hardened code, and for what is only looked at.
    pub(crate) fn record_name(&self, project: &Project, debug: bool, is_to_look: bool) -> String {
        let mut parts = vec![
            project.lasting_root().as_os_str().as_encoded_bytes(),
            self.triple.as_bytes(),
            if debug { b"debug" } else { b"release" },
        ];
        if self.hardening.is_some() {
            parts.push(b"hardened");
        }
        if is_to_look {
            parts.push(b"to look");
        }
        // A checkout may be built in several directories, each with its own pyconfig.h.
        let directories = self.include_dirs(project);
        let outside = directories
            .iter()
            .filter(|directory| !directory.starts_with(&project.root));
        parts.extend(outside.map(|directory| directory.as_os_str().as_encoded_bytes()));
        Key::of(parts).to_string()
    }

    /// Returns the system headers that the target is built with.
    pub(crate) fn headers(&self) -> Headers {
        match &self.sysroot {
            None => Headers::Installed,
            Some(Sysroot::Builtin(directory)) => Headers::Builtin(directory.clone()),
            Some(Sysroot::Directory(directory)) => Headers::Directory(directory.clone()),
        }
    }

    /// Returns the directories that are searched for headers before the system's.
    pub(crate) fn include_dirs(&self, project: &Project) -> Vec<PathBuf> {
        let own = self.pyconfig_dir.iter();
        own.chain(&project.include_dirs).cloned().collect()
    }
}

/// Returns the system headers that the configuration names for a target, if it names any.
pub(crate) fn configured_sysroot(
    config: &Config,
    target: &Target,
    cache: Option<&Path>,
) -> Result<Option<Sysroot>, Error> {
    let Some(setting) = config.sysroot(target) else {
        return Ok(None);
    };
    if setting.value == Path::new(BUILTIN) {
        return Sysroot::find(&setting.value, cache).map(Some);
    }
    let directory = config.directory.join(&setting.value);
    if !directory.is_dir() {
        return Err(config.error(format!(
            "{} = {:?}: there is no directory {}; name one with headers of {target}, or {BUILTIN:?} for \
             those that jit-cli carries",
            setting.key,
            setting.value,
            directory.display()
        )));
    }
    Sysroot::find(&directory, cache).map(Some)
}

/// Returns the directory with `pyconfig.h`: the one that is named, else the one that comes with the headers,
/// else the first of the output directory, the current directory and the checkout that has one. A project that
/// is not CPython has no `pyconfig.h` unless it names one.
fn pyconfig_dir(
    target: &Target,
    options: &Options,
    project: &Project,
    sysroot: Option<&Sysroot>,
) -> Result<Option<PathBuf>, Error> {
    if let Some(directory) = options.pyconfig_dir.as_deref() {
        return existing_pyconfig(directory).map(Some);
    }
    let config = project.config.as_ref();
    if let Some(directory) = config.and_then(|config| configured_pyconfig(config, target)) {
        return directory.map(Some);
    }
    if project.release.is_none() {
        return Ok(None);
    }
    if let Some(directory) = sysroot.and_then(Sysroot::pyconfig_dir) {
        return Ok(Some(directory));
    }
    let output = options.output_dir.as_deref();
    [output, Some(Path::new("."))]
        .into_iter()
        .flatten()
        .find_map(|directory| existing_pyconfig(directory).ok())
        .map_or_else(|| existing_pyconfig(&project.root), Ok)
        .map(Some)
}

/// Returns the directory with a target's `pyconfig.h` that the configuration names, if it names one.
pub(crate) fn configured_pyconfig(
    config: &Config,
    target: &Target,
) -> Option<Result<PathBuf, Error>> {
    let setting = config.pyconfig_dir(target)?;
    let directory = config.directory.join(&setting.value);
    Some(existing_pyconfig(&directory).map_err(|_| {
        config.error(format!(
            "{} = {:?}: there is no pyconfig.h in {}; name the directory with the one that configure \
             made for {target}",
            setting.key,
            setting.value,
            directory.display()
        ))
    }))
}

/// Returns the absolute path of a directory, or an error if it has no `pyconfig.h`.
pub(crate) fn existing_pyconfig(directory: &Path) -> Result<PathBuf, Error> {
    let missing = || Error::NoPyconfig {
        directory: directory.to_path_buf(),
    };
    match directory.join("pyconfig.h").is_file() {
        true => directory.canonicalize().map_err(|_| missing()),
        false => Err(missing()),
    }
}
