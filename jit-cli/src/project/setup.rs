//! What a command line asks for, with everything found that it leaves open.

use std::path::Path;

use jit_llvm::{CompileOptions, Interrupt, Mode, Search, Toolchain};
use jit_schema::{Codegen, Target};

use crate::{
    cache::store::Cache,
    commands::arguments::BuildArgs,
    error::Error,
    project::cases::{self, Case},
    project::definition::{Project, Wanted},
    project::digest::DigestSettings,
    project::emit::Emits,
    project::flags,
    project::platform::Platform,
    project::template,
    sysroot::headers::{self, Sysroot},
};

/// See the module.
pub(crate) struct Setup<'a> {
    pub(crate) arguments: &'a BuildArgs,
    pub(crate) project: Project,
    /// What to build for, and with what of its own.
    pub(crate) platforms: Vec<Platform>,
    /// What to write.
    pub(crate) emits: Emits,
    /// `--cflags` as it was given: it is a part of the digest.
    pub(crate) cflags_text: String,
    /// Whose flags stencils are compiled with.
    pub(crate) codegen: Codegen,
    /// The words of `--cflags`.
    cflags: Vec<String>,
    pub(crate) search: Search,
    pub(crate) cache: Option<Cache>,
}

impl<'a> Setup<'a> {
    /// Find the project and settle what there is to settle.
    pub(crate) fn new(arguments: &'a BuildArgs) -> Result<Setup<'a>, Error> {
        let sysroot = arguments
            .sysroot
            .as_deref()
            .map(|name| Sysroot::find(name, arguments.cache_dir.as_deref()))
            .transpose()?;
        let project = Project::find(&Wanted {
            cpython: arguments.cpython.as_deref(),
            config: arguments.config.as_deref(),
            output_dir: arguments.output_dir.as_deref(),
        })?;
        let platforms = targets(arguments, &project)?
            .into_iter()
            .map(|target| Platform::find(target, arguments, &project, sysroot.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if platforms.iter().any(Platform::is_builtin) {
            headers::warn_if_newer(&project.root);
        } else if arguments.free_threaded {
            return Err(Error::Usage(
                "--free-threaded configures the headers of --sysroot builtin, which no target here \
                 is built with: elsewhere Py_GIL_DISABLED in pyconfig.h says it (--pyconfig-dir)"
                    .to_owned(),
            ));
        }
        let cflags_text = arguments.cflags.clone().unwrap_or_default();
        let cflags = split_cflags(Some(&cflags_text))?;
        let search = arguments.llvm.search(project.llvm.clone())?;
        let emits = Emits::of(&arguments.emit).unwrap_or(project.emits);
        Ok(Setup {
            arguments,
            emits,
            codegen: arguments.codegen.map_or(project.codegen, Codegen::from),
            project,
            platforms,
            cflags_text,
            cflags,
            search,
            cache: cache(arguments),
        })
    }

    /// Where generated files go.
    pub(crate) fn output_dir(&self) -> &Path {
        self.arguments
            .output_dir
            .as_deref()
            .unwrap_or(&self.project.output)
    }

    /// The digest of a target's inputs.
    pub(crate) fn digest(&self, platform: &Platform) -> Result<String, Error> {
        let mut inputs = self.project.digest.clone();
        let pyconfig = platform.pyconfig_dir.iter();
        inputs
            .files
            .extend(pyconfig.map(|folder| folder.join("pyconfig.h")));
        // As if all of them stood behind --cflags, so that upstream's tool agrees.
        let own = platform.cflags.iter().map(String::as_str);
        let own = shlex::try_join(own).unwrap_or_else(|_| platform.cflags.join(" "));
        let texts = [own.as_str(), &self.cflags_text].into_iter();
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        let mut flags = texts.join(" ");
        if let Some(sysroot) = &platform.sysroot {
            let config = self.project.config.as_ref();
            let base = config.map_or(&self.project.root, |config| &config.folder);
            let name = sysroot.digest(base);
            flags.push_str(&format!("\nsysroot {name}"));
        }
        if self.arguments.free_threaded {
            flags.push_str("\nfree-threaded");
        }
        let settings = DigestSettings {
            debug: self.arguments.debug,
            codegen: self.codegen,
            cflags: &flags,
        };
        (self.project.conventions.digest)(platform.target, &settings, &inputs)
    }

    /// How to compile for a target.
    pub(crate) fn options(&self, platform: &Platform) -> CompileOptions {
        let target = platform.target;
        let project = &self.project;
        let debug = self.arguments.debug;
        let mut options = CompileOptions::new(target, project.root.clone());
        options.codegen = self.codegen;
        options.include_dirs = platform.include_dirs(project);
        let mut defines = project.defines.clone();
        if let Some(sysroot) = &platform.sysroot {
            defines.extend(headers::defines(debug, self.arguments.free_threaded));
            options.cflags.extend(sysroot.cflags(target));
        }
        options.flags = flags::with_defines(
            (project.conventions.flags)(target, debug, options.codegen),
            &defines,
            &project.stencil_defines,
            &project.shim_defines(target),
        );
        let own = platform.cflags.iter().chain(&self.cflags);
        options.cflags.extend(own.cloned());
        options
    }

    /// The name of the record of a target's last build.
    pub(crate) fn record_name(&self, platform: &Platform) -> String {
        platform.record_name(&self.project, self.arguments.debug)
    }

    /// The two sources every target is made from.
    pub(crate) fn sources(&self) -> Result<Sources, Error> {
        Sources::read(&self.project)
    }

    /// How to run the tools.
    pub(crate) fn mode(&self) -> Mode {
        if self.arguments.one_process_per_step {
            Mode::Driver
        } else {
            Mode::Batch
        }
    }

    /// Find the tools.
    pub(crate) fn toolchain(&self, interrupt: &Interrupt) -> Result<Toolchain, Error> {
        Ok(Toolchain::discover(&self.search, interrupt)?)
    }

    /// As many jobs as are wanted.
    pub(crate) fn jobs(&self) -> Result<rayon::ThreadPool, Error> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.arguments.jobs.map_or(0, std::num::NonZero::get))
            .build()
            .map_err(|error| Error::Usage(format!("can't start the jobs: {error}")))
    }
}

/// The two sources every target is made from.
pub(crate) struct Sources {
    preamble: String,
    /// The preamble with the assertions of the built-in sysroot behind the includes.
    checked: String,
    body: String,
    cases: String,
}

impl Sources {
    fn read(project: &Project) -> Result<Sources, Error> {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map(cases::universal_newlines)
                .map_err(Error::file("read", path))
        };
        let template = read(&project.template)?;
        let (preamble, body) = template::split(&template);
        Ok(Sources {
            preamble: preamble.to_owned(),
            checked: headers::with_checks(preamble),
            body: body.to_owned(),
            cases: read(&project.cases)?,
        })
    }

    /// The preamble and the body of the template.
    pub(crate) fn template(&self, platform: &Platform) -> (&str, &str) {
        let preamble = match platform.is_builtin() {
            true => &self.checked,
            false => &self.preamble,
        };
        (preamble, &self.body)
    }

    /// The micro-ops, in build order.
    pub(crate) fn cases(&self, project: &Project) -> Result<Vec<Case<'_>>, Error> {
        (project.conventions.cases)(&self.cases, &project.cases)
    }
}

/// The cache, unless it is not wanted: with `--keep-temps` everything has to be made.
fn cache(arguments: &BuildArgs) -> Option<Cache> {
    if arguments.no_cache || arguments.one_process_per_step || arguments.keep_temps.is_some() {
        return None;
    }
    let folder = arguments.cache_dir.clone().or_else(Cache::default_folder)?;
    Some(Cache::new(&folder, arguments.cache_size << 20))
}

fn targets(arguments: &BuildArgs, project: &Project) -> Result<Vec<&'static Target>, Error> {
    if arguments.all_targets {
        return Ok(Target::ALL
            .iter()
            .filter_map(|target| Target::from_triple(target.triple).ok())
            .collect());
    }
    let mut targets = Vec::new();
    for triple in arguments.targets.iter().chain(&arguments.triples) {
        let target = Target::from_triple(triple)?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        targets.clone_from(&project.targets);
    }
    if targets.is_empty() {
        targets.push(host()?);
    }
    Ok(targets)
}

/// The target that is this machine.
pub(crate) fn host() -> Result<&'static Target, Error> {
    Target::host().ok_or_else(|| {
        Error::Usage("this machine is none of the targets: name one with --target".to_owned())
    })
}

/// The words of `--cflags`.
pub(crate) fn split_cflags(text: Option<&str>) -> Result<Vec<String>, Error> {
    let text = text.unwrap_or_default();
    shlex::split(text)
        .ok_or_else(|| Error::Usage(format!("--cflags {text:?}: a quote is not closed")))
}
