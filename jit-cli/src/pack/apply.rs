//! Using a pack: writes its files to a directory, as a build would.

use std::path::PathBuf;

use jit_schema::Target;

use super::{
    compare::{self, Difference},
    create::Pack,
    error::PackError,
    manifest::{Build, Configuration, DEBUG, FREE_THREADED},
    sources::Sources,
    tree::Place,
};
use crate::{
    build::{
        files::{self, File},
        output::OutputDir,
    },
    error::Error,
    project::{emit::Emits, options::Options, plan::Plan, platform::Platform},
};

/// What was written to a directory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Applied {
    /// The directory.
    pub directory: PathBuf,
    /// The targets.
    pub targets: Vec<&'static Target>,
    /// The names of the files.
    pub files: Vec<String>,
    /// The differences that were accepted by name.
    pub accepted: Vec<Difference>,
}

/// The build of a pack for a target, and how its inputs differ from a checkout's.
pub(super) struct Match<'a> {
    pub(super) build: &'a Build,
    pub(super) differences: Vec<Difference>,
}

/// Returns the `pyconfig.h` of the first target.
fn configuration(plan: &Plan<'_>) -> Result<Sources, Error> {
    match plan.platforms.first() {
        Some(platform) => Place::of(plan, platform).configuration(),
        None => Ok(Sources::default()),
    }
}

/// Makes a build a debug build if `pyconfig.h` says that Python is one, as CPython's makefile does.
pub(crate) fn configure(options: &mut Options) -> Result<(), Error> {
    let plan = Plan::new(options)?;
    // The built-in one is for all configurations.
    let is_builtin = plan.platforms.iter().any(Platform::is_builtin);
    let debug = !is_builtin && configuration(&plan)?.configures(DEBUG);
    drop(plan);
    options.debug |= debug;
    Ok(())
}

impl Pack {
    pub(crate) fn lay_out(&self, options: &Options, accept: &[String]) -> Result<Applied, Error> {
        let options = self.configured(options)?;
        let plan = Plan::new(&options)?;
        let mut accepted: Vec<Difference> = Vec::new();
        let mut written: Vec<File> = Vec::new();
        let mut comment = String::new();
        for platform in &plan.platforms {
            let Match { build, differences } = self.match_of(&plan, platform)?;
            let (known, refused): (Vec<_>, Vec<_>) = differences
                .into_iter()
                .filter(Difference::can_change_code)
                .partition(|difference| accept.contains(&difference.name));
            if !refused.is_empty() {
                return Err(PackError::Differs {
                    path: self.path.clone(),
                    title: build.title(),
                    differences: refused.iter().map(ToString::to_string).collect(),
                }
                .into());
            }
            accepted.extend(
                known
                    .into_iter()
                    .filter(|one| !accepted.contains(one))
                    .collect::<Vec<_>>(),
            );
            let digest = plan.digest(platform)?.unwrap_or_default();
            written.extend(self.files_of(&plan, platform, build, &digest, &accepted));
            comment = self.comment(build).unwrap_or(comment);
        }
        if let Some(name) = accept
            .iter()
            .find(|name| !accepted.iter().any(|one| one.name == **name))
        {
            return Err(PackError::NothingToAccept {
                name: name.clone(),
                path: self.path.clone(),
            }
            .into());
        }
        let output = OutputDir::create(&plan.output_dir)?;
        if written.iter().any(|file| file.name.ends_with(".h")) {
            let dispatchers = files::dispatchers(&plan, Emits::HEADER, &comment).into_iter();
            let stamp = plan.project.release.and_then(|release| release.stamp);
            // make builds nothing again that includes a file that does not change. Without a stamp, the dispatcher's
            // time tells it that the files were generated after their inputs.
            let has_changed = |file: &File| {
                stamp.is_none()
                    || output
                        .read(&file.name)
                        .is_none_or(|old| old != file.contents)
            };
            written.extend(dispatchers.filter(has_changed));
            written.extend(stamp.map(|name| File::new(name, Vec::new())));
        }
        let named: Vec<(&str, &[u8])> = written
            .iter()
            .map(|file| (file.name.as_str(), file.contents.as_slice()))
            .collect();
        // The stamp is renamed last.
        output.write(&named)?;
        Ok(Applied {
            directory: plan.output_dir.clone(),
            targets: plan
                .platforms
                .iter()
                .map(|platform| platform.target)
                .collect(),
            files: written.into_iter().map(|file| file.name).collect(),
            accepted,
        })
    }

    /// Returns the options with `debug` also set if `pyconfig.h` defines `Py_DEBUG`, and without a cache.
    pub(super) fn configured(&self, options: &Options) -> Result<Options, Error> {
        let mut options = options.absolute()?;
        options.cache.enabled = false;
        options.debug |= configuration(&Plan::new(&options)?)?.configures(DEBUG);
        Ok(options)
    }

    /// Returns the build for a target, and the differences between its inputs and the checkout's.
    pub(super) fn match_of(
        &self,
        plan: &Plan<'_>,
        platform: &Platform,
    ) -> Result<Match<'_>, Error> {
        let place = Place::of(plan, platform);
        let manifest = &self.archive.manifest;
        let wanted = place.configured(plan, platform)?;
        let flags = plan.flags_text(platform);
        let triple = platform.target.triple;
        let find = |wanted| {
            manifest.builds.iter().find(|build| {
                build.target == triple && build.configuration == wanted && build.cflags == flags
            })
        };
        let Some(build) = find(wanted) else {
            let hardened = !wanted.hardened;
            let other = find(Configuration { hardened, ..wanted });
            return Err(PackError::NothingFor {
                path: self.path.clone(),
                wanted: match flags.as_str() {
                    "" => format!("{triple} ({})", wanted.name()),
                    flags => format!("{triple} ({}) with the flags {flags:?}", wanted.name()),
                },
                builds: manifest.builds.iter().map(Build::described).collect(),
                hardened: other.map(|_| hardened),
            }
            .into());
        };
        let packed = manifest
            .inputs
            .get(build.inputs)
            .cloned()
            .unwrap_or_default();
        let here = place.like(&packed)?.inputs();
        let mut differences = compare::compare(&packed, &here);
        differences.extend(place.new_files(&packed));
        if let Some(release) = plan.project.release
            && release.version.to_string() != build.cpython
        {
            differences.push(Difference {
                name: "CPython".to_owned(),
                change: compare::Change::Release {
                    packed: build.cpython.clone(),
                    here: release.version.to_string(),
                },
            });
        }
        Ok(Match { build, differences })
    }

    /// Returns the files of a build, with the digest of the checkout that uses them.
    fn files_of(
        &self,
        plan: &Plan<'_>,
        platform: &Platform,
        build: &Build,
        digest: &str,
        accepted: &[Difference],
    ) -> Vec<File> {
        let file_names = plan.project.conventions.file_names;
        let names = file_names.of(&platform.triple);
        let packed = file_names.of(platform.target.triple);
        let content = |name: &String| self.archive.files.get(&build.path(name)).map(Vec::as_slice);
        let mut files = Vec::new();
        if let Some(stencils) = content(&packed.stencils) {
            files.push(File::new(&names.stencils, stencils.to_vec()));
            files.push(File::new(&names.stamp, files::stamp(digest, stencils)));
        }
        if let Some(shim) = content(&packed.shim) {
            files.push(File::new(&names.shim, shim.to_vec()));
        }
        // The header comes last, since its first line marks all files as up to date.
        for (name, packed) in [
            (&names.unwind, &packed.unwind),
            (&names.header, &packed.header),
        ] {
            let header = content(packed).map(|text| with_digest(text, digest, accepted));
            files.extend(header.map(|text| File::new(name, text)));
        }
        files
    }

    /// Returns the command from the second line of a build's header.
    fn comment(&self, build: &Build) -> Option<String> {
        let name = build.files.keys().find(|name| name.ends_with(".h"))?;
        let text = self.archive.files.get(&build.path(name))?;
        let line = text.split(|byte| *byte == b'\n').nth(1)?;
        Some(
            String::from_utf8_lossy(line)
                .trim_start_matches("// ")
                .to_owned(),
        )
    }
}

/// Returns a header with another digest in its first line, and with a line for each accepted difference after its
/// second line.
fn with_digest(text: &[u8], digest: &str, accepted: &[Difference]) -> Vec<u8> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.next();
    let mut header = format!("// {digest}\n").into_bytes();
    header.extend_from_slice(lines.next().unwrap_or_default());
    for difference in accepted {
        header.extend_from_slice(
            format!("// $ jit-cli use --accept {}\n", difference.name).as_bytes(),
        );
    }
    header.extend(lines.flatten());
    header
}

/// Returns the debug and the free-threaded setting of a checkout.
pub(super) fn settings(options: &Options) -> Result<(bool, bool), Error> {
    let plan = Plan::new(options)?;
    let found = configuration(&plan)?;
    Ok((found.configures(DEBUG), found.configures(FREE_THREADED)))
}
