//! What a command line asks for, with everything found that it leaves open.

use std::path::Path;

use jit_llvm::{CompileOptions, Interrupt, Mode, Search, Toolchain};
use jit_schema::Target;

use crate::{
    args::BuildArgs,
    cache::Cache,
    cases::{self, Case},
    codegen::Codegen,
    digest,
    emit::Emits,
    failure::Failure,
    project::{Project, Wanted},
    sysroot::{self, Sysroot},
    template,
};

/// See the module.
pub(crate) struct Setup<'a> {
    pub(crate) arguments: &'a BuildArgs,
    pub(crate) project: Project,
    pub(crate) targets: Vec<&'static Target>,
    /// Where headers are, if not where clang finds them.
    sysroot: Option<Sysroot>,
    /// What to write.
    pub(crate) emits: Emits,
    /// `--cflags` as it was given: it is a part of the digest.
    pub(crate) cflags_text: String,
    /// Whose flags stencils are compiled with.
    codegen: Codegen,
    /// The project's flags and the user's.
    cflags: Vec<String>,
    pub(crate) search: Search,
    pub(crate) cache: Option<Cache>,
}

impl<'a> Setup<'a> {
    /// Find the project and settle what there is to settle.
    pub(crate) fn new(arguments: &'a BuildArgs) -> Result<Setup<'a>, Failure> {
        let sysroot = arguments
            .sysroot
            .as_deref()
            .map(|name| Sysroot::find(name, arguments.cache_dir.as_deref()))
            .transpose()?;
        let own_pyconfig = sysroot.as_ref().and_then(Sysroot::pyconfig_dir);
        let pyconfig_dir = arguments.pyconfig_dir.as_deref();
        let project = Project::find(&Wanted {
            cpython: arguments.cpython.as_deref(),
            pyconfig_dir: pyconfig_dir.or(own_pyconfig.as_deref()),
            output_dir: arguments.output_dir.as_deref(),
        })?;
        if matches!(sysroot, Some(Sysroot::Builtin(_))) {
            sysroot::warn_if_newer(&project.root);
        }
        let targets = targets(arguments, &project)?;
        let cflags_text = arguments.cflags.clone().unwrap_or_default();
        let user_cflags = split_cflags(Some(&cflags_text))?;
        let cflags = project.cflags.iter().cloned().chain(user_cflags).collect();
        let search = arguments.llvm.search(project.llvm.clone())?;
        let emits = Emits::of(&arguments.emit).unwrap_or(project.emits);
        Ok(Setup {
            arguments,
            emits,
            codegen: arguments.codegen.unwrap_or(project.codegen),
            project,
            targets,
            sysroot,
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
    pub(crate) fn digest(&self, target: &Target) -> Result<String, Failure> {
        let debug = self.arguments.debug;
        let inputs = &self.project.digest;
        let mut flags = self.cflags_text.clone();
        if let Some(sysroot) = &self.sysroot {
            flags.push_str(&format!("\nsysroot {}", sysroot.digest()));
        }
        if self.arguments.free_threaded {
            flags.push_str("\nfree-threaded");
        }
        digest::compute(target, debug, self.codegen, &flags, inputs)
    }

    /// How to compile for a target.
    pub(crate) fn options(&self, target: &'static Target) -> CompileOptions {
        let project = &self.project;
        let mut options = CompileOptions {
            target,
            debug: self.arguments.debug,
            codegen: self.codegen.into(),
            defines: project.defines.clone(),
            stencil_defines: project.stencil_defines.clone(),
            shim_defines: project.shim_defines.of(target),
            include_dirs: project.include_dirs.clone(),
            root: project.root.clone(),
            cflags: Vec::new(),
        };
        if let Some(sysroot) = &self.sysroot {
            sysroot::configure(&mut options, self.arguments.free_threaded);
            options.cflags.extend(sysroot.cflags(target));
        }
        options.cflags.extend(self.cflags.iter().cloned());
        options
    }

    /// The two sources every target is made from.
    pub(crate) fn sources(&self) -> Result<Sources, Failure> {
        let checks = matches!(self.sysroot, Some(Sysroot::Builtin(_)));
        Sources::read(&self.project, checks)
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
    pub(crate) fn toolchain(&self, interrupt: &Interrupt) -> Result<Toolchain, Failure> {
        Ok(Toolchain::discover(&self.search, interrupt)?)
    }

    /// As many jobs as are wanted.
    pub(crate) fn jobs(&self) -> Result<rayon::ThreadPool, Failure> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.arguments.jobs.map_or(0, std::num::NonZero::get))
            .build()
            .map_err(|error| Failure::Usage(format!("can't start the jobs: {error}")))
    }
}

/// The two sources every target is made from.
pub(crate) struct Sources {
    /// The preamble and the body of the template.
    template: (String, String),
    cases: String,
}

impl Sources {
    /// Read them; `checks` puts the assertions of the built-in sysroot behind the includes.
    fn read(project: &Project, checks: bool) -> Result<Sources, Failure> {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map(cases::universal_newlines)
                .map_err(Failure::file("read", path))
        };
        let template = read(&project.template)?;
        let (preamble, body) = template::split(&template);
        let preamble = if checks {
            sysroot::with_checks(preamble)
        } else {
            preamble.to_owned()
        };
        Ok(Sources {
            template: (preamble, body.to_owned()),
            cases: read(&project.cases)?,
        })
    }

    /// The preamble and the body of the template.
    pub(crate) fn template(&self) -> (&str, &str) {
        let (preamble, body) = &self.template;
        (preamble, body)
    }

    /// The micro-ops, in build order.
    pub(crate) fn cases(&self, project: &Project) -> Result<Vec<Case<'_>>, Failure> {
        cases::split(&self.cases, &project.cases)
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

fn targets(arguments: &BuildArgs, project: &Project) -> Result<Vec<&'static Target>, Failure> {
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
pub(crate) fn host() -> Result<&'static Target, Failure> {
    Target::host().ok_or_else(|| {
        Failure::Usage("this machine is none of the targets: name one with --target".to_owned())
    })
}

/// The words of `--cflags`.
pub(crate) fn split_cflags(text: Option<&str>) -> Result<Vec<String>, Failure> {
    let text = text.unwrap_or_default();
    shlex::split(text)
        .ok_or_else(|| Failure::Usage(format!("--cflags {text:?}: a quote is not closed")))
}
