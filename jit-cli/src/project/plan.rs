//! The plan of a build: its options, with a decision for everything that they leave open.

use std::{
    collections::BTreeSet,
    num::NonZero,
    path::{Path, PathBuf},
};

use jit_llvm::{CompileOptions, Interrupt, Mode, Search, Toolchain};
use jit_optimizer::FramePointer;
use jit_schema::{Codegen, Target};

use crate::{
    cache::{
        remote::{self, settings::Wrong},
        store::Cache,
    },
    error::Error,
    paths,
    project::{
        cases::{self, Case},
        config::Config,
        definition::{Input, Project},
        digest::DigestSettings,
        emit::Emits,
        flags,
        hardening::{self, Asked},
        options::{CacheOptions, LlvmOptions, Options, Targets},
        places::Places,
        platform::Platform,
        release,
        spelled::Spelled,
        template,
    },
    sysroot::headers::{self, Sysroot},
};

/// The most jobs for each core.
const JOBS_FOR_A_CORE: usize = 8;

/// A build for which everything is decided.
pub(crate) struct Plan<'a> {
    /// The options. Those with a field of their own below are decided there.
    pub(crate) options: &'a Options,
    pub(crate) project: Project,
    /// The targets to build for, with their settings.
    pub(crate) platforms: Vec<Platform>,
    /// The kinds of files to write.
    pub(crate) emits: Emits,
    pub(crate) codegen: Codegen,
    /// The additional flags for clang.
    cflags: Vec<String>,
    pub(crate) search: Search,
    pub(crate) cache: Option<Cache>,
    /// The directory for generated files.
    pub(crate) output_dir: PathBuf,
    /// Whether somebody only looks at the stencils. The next build is not compared with such a plan.
    pub(crate) is_to_look: bool,
}

impl<'a> Plan<'a> {
    /// Finds the project and decides what the options leave open. Their paths are absolute.
    pub(crate) fn new(options: &'a Options) -> Result<Plan<'a>, Error> {
        let sysroot = options
            .sysroot
            .as_deref()
            .map(|name| Sysroot::find(name, options.cache.directory.as_deref()))
            .transpose()?;
        let project = Project::find(&options.origin)?;
        let platforms = targets(&options.targets, &project)?
            .into_iter()
            .map(|spelled| Platform::find(spelled, options, &project, sysroot.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if platforms.iter().any(Platform::is_builtin) {
            headers::warn_if_newer(&project.root);
        } else if options.free_threaded {
            return Err(Error::FreeThreaded);
        }
        let here = paths::absolute(Path::new("."))?;
        let cflags = flags::with_absolute_paths(&split_flags(&options.cflags)?, &here);
        let search = search(&options.llvm, project.llvm.clone())?;
        let output_dir = match &options.output_dir {
            Some(directory) => directory.clone(),
            // The default may be relative to the current directory.
            None => paths::absolute(&project.output)?,
        };
        let emits = Emits::of(&options.emit).unwrap_or(project.emits);
        let codegen = options.codegen.unwrap_or(project.codegen);
        if let Some(release) = project.release {
            release::check_codegen(release, codegen)?;
            if let Some(major) = search.major {
                release::check_llvm(release, &project.root, major)?;
            }
        }
        if let Input::Functions(functions) = &project.input {
            let targets = platforms.iter().map(|platform| platform.target);
            functions
                .families
                .check(emits, targets, &functions.config)?;
        }
        let mut plan = Plan {
            emits,
            codegen,
            cflags,
            search,
            cache: cache(options, project.config.as_ref())?,
            output_dir,
            is_to_look: false,
            options,
            project,
            platforms,
        };
        plan.harden()?;
        Ok(plan)
    }

    /// Returns the version of LLVM that the options or `jit.toml` name. A version that only the checkout pins does not count.
    pub(crate) fn named_version(&self) -> Option<u32> {
        let config = self.project.config.as_ref();
        let is_named = self.options.llvm.version.is_some()
            || config.is_some_and(|config| config.llvm_version.is_some());
        self.search.major.filter(|_| is_named)
    }

    /// Decides which targets have hardened code.
    fn harden(&mut self) -> Result<(), Error> {
        let table = self.project.config.as_ref().map(|config| &config.hardening);
        let of_table = || table.map(|table| Asked::of(&table.checks));
        let asked = self.options.hardening.or_else(of_table).unwrap_or_default();
        let mut covered = Vec::new();
        for platform in &self.platforms {
            covered.push(asked.covers(platform.target, &self.user_flags(platform))?);
        }
        for (platform, covered) in self.platforms.iter_mut().zip(&covered) {
            platform.is_unhardened_by_flags = asked.flags && !covered;
        }
        if covered.contains(&true) {
            let rules = self.project.hardening_rules()?;
            for (platform, covered) in self.platforms.iter_mut().zip(covered) {
                platform.hardening = covered.then(|| rules.clone());
            }
        }
        Ok(())
    }

    /// Returns the digest of a target's inputs that decides whether its files are up to date, if the project's
    /// conventions have one.
    pub(crate) fn digest(&self, platform: &Platform) -> Result<Option<String>, Error> {
        let Some(digest) = self.project.conventions.digest else {
            return Ok(None);
        };
        let mut inputs = self.project.digest.clone();
        let pyconfig = platform.pyconfig_dir.iter();
        inputs
            .files
            .extend(pyconfig.map(|directory| directory.join("pyconfig.h")));
        let mut flags = self.flags_text(platform);
        if let Some(sysroot) = &platform.sysroot {
            let config = self.project.config.as_ref();
            let base = config.map_or(&self.project.root, |config| &config.directory);
            let name = sysroot.digest(base);
            flags.push_str(&format!("\nsysroot {name}"));
        }
        if self.options.free_threaded {
            flags.push_str("\nfree-threaded");
        }
        let settings = DigestSettings {
            debug: self.options.debug,
            codegen: self.codegen,
            hardening: &hardening::setting(platform.hardening.as_ref()),
            cflags: &flags,
        };
        digest(&platform.triple, &settings, &inputs).map(Some)
    }

    /// Returns the user's flags as if all of them were given with `--cflags`, as build.py takes them.
    pub(crate) fn flags_text(&self, platform: &Platform) -> String {
        let own = platform.cflags.iter().map(String::as_str);
        let own = shlex::try_join(own).unwrap_or_else(|_| platform.cflags.join(" "));
        let texts = [own.as_str(), &self.options.cflags].into_iter();
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        texts.join(" ")
    }

    /// Returns how to compile for a target.
    pub(crate) fn options(&self, platform: &Platform) -> CompileOptions {
        let target = platform.target;
        let project = &self.project;
        let debug = self.options.debug;
        let mut options = CompileOptions::new(target, project.root.clone());
        options.temporary = project.temporary_root().map(Path::to_path_buf);
        options.triple.clone_from(&platform.triple);
        options.codegen = self.codegen;
        options.output = project.conventions.output;
        options.prelude = (project.conventions.prelude)(target);
        options.include_dirs = platform.include_dirs(project);
        let mut defines = project.defines.clone();
        if let Some(sysroot) = &platform.sysroot {
            defines.extend(headers::defines(debug, self.options.free_threaded));
            options.cflags.extend(sysroot.cflags(target));
        }
        options.flags = flags::with_defines(
            (project.conventions.flags)(target, debug, options.codegen),
            &defines,
            &project.stencil_defines,
            &project.shim_defines(target),
        );
        options.cflags.extend(self.user_flags(platform));
        if let Input::Functions(functions) = &project.input {
            functions.adjust(&mut options.flags);
        }
        if platform.hardening.is_some() {
            let (all, stencil) = hardening::words(target);
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            (options.last.all, options.last.stencil) = (owned(all), owned(stencil));
        }
        options
    }

    /// Returns the user's flags for clang.
    pub(crate) fn user_flags(&self, platform: &Platform) -> Vec<String> {
        let mut flags = match &self.project.config {
            Some(config) => flags::with_absolute_paths(&platform.cflags, &config.directory),
            None => Vec::new(),
        };
        flags.extend(self.cflags.iter().cloned());
        flags
    }

    /// Returns every file that the build reads. `headers` are those that the targets include. A directory stands
    /// for all files in it.
    pub(crate) fn inputs(&self, headers: BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let project = &self.project;
        let mut inputs = headers;
        inputs.extend(project.digest.files.iter().cloned());
        inputs.extend(project.digest.directories.iter().cloned());
        inputs.extend(
            project
                .config
                .iter()
                .map(|config| config.path().to_path_buf()),
        );
        for platform in &self.platforms {
            let pyconfig = platform.pyconfig_dir.iter();
            inputs.extend(pyconfig.map(|directory| directory.join("pyconfig.h")));
        }
        let directories = &project.digest.directories;
        let is_inside = |path: &Path| {
            let mut parents = path.ancestors().skip(1);
            parents.any(|parent| directories.iter().any(|directory| directory == parent))
        };
        inputs.retain(|path| !is_inside(path) && !project.is_temporary(path));
        inputs.into_iter().collect()
    }

    /// Returns what the optimizer does for a target.
    pub(crate) fn optimizer(&self, platform: &Platform) -> jit_optimizer::Options {
        jit_optimizer::Options::default()
            .codegen(self.codegen)
            .frame_pointer(self.frame_pointer(platform))
            .end(jit_optimizer::End::Jump)
            .places(self.project.conventions.places)
            .landing_pads(hardening::landing_pads(platform.hardening.as_ref()))
    }

    /// Returns what stencils for a target do with the frame pointer.
    pub(crate) fn frame_pointer(&self, platform: &Platform) -> FramePointer {
        let chosen = match &self.project.input {
            Input::Functions(functions) => functions.frame_pointer(),
            Input::Cases { .. } => None,
        };
        let usual = self.project.conventions.frame_pointer;
        chosen.unwrap_or_else(|| usual(platform.target))
    }

    /// Returns the name of the record of a target's last build.
    pub(crate) fn record_name(&self, platform: &Platform) -> String {
        platform.record_name(&self.project, self.options.debug, self.is_to_look)
    }

    /// Reads the template and the cases.
    pub(crate) fn sources(&self) -> Result<Sources, Error> {
        Sources::read(&self.project)
    }

    /// Returns how to run clang.
    pub(crate) fn mode(&self) -> Mode {
        if self.options.one_process_per_step {
            Mode::Driver
        } else {
            Mode::Batch
        }
    }

    /// Searches for the tools.
    pub(crate) fn toolchain(&self, interrupt: &Interrupt) -> Result<Toolchain, Error> {
        let toolchain = Toolchain::discover(&self.search, interrupt)?;
        if let Some(release) = self.project.release {
            release::check_llvm(release, &self.project.root, toolchain.version.major)?;
        }
        Ok(toolchain)
    }

    /// Starts the threads. More than a few for each core only slow each other down, and thousands stop the
    /// machine.
    pub(crate) fn jobs(&self) -> Result<rayon::ThreadPool, Error> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let jobs = self.options.jobs.map_or(0, NonZero::get);
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.min(cores.saturating_mul(JOBS_FOR_A_CORE)))
            .build()
            .map_err(|error| Error::Jobs {
                message: error.to_string(),
            })
    }
}

/// The sources that all targets share.
pub(crate) enum Sources {
    /// A template and cases.
    Cases(Cases),
    /// Functions, in files that are read for each target.
    Functions,
}

impl Sources {
    fn read(project: &Project) -> Result<Sources, Error> {
        match &project.input {
            Input::Cases { template, cases } => {
                Cases::read(project, template, cases).map(Sources::Cases)
            }
            Input::Functions(_) => Ok(Sources::Functions),
        }
    }
}

/// A template and cases.
pub(crate) struct Cases {
    /// The names of the two files, for messages.
    names: [PathBuf; 2],
    preamble: String,
    /// The preamble with the assertions of the built-in sysroot.
    checked: String,
    body: String,
    cases: String,
}

impl Cases {
    fn read(project: &Project, template: &Path, cases: &Path) -> Result<Cases, Error> {
        let names = [template, cases].map(|path| project.shown(path));
        let read = |path: &Path| {
            paths::read_text(path, &project.shown(path)).map(cases::universal_newlines)
        };
        let template = read(template)?;
        let (preamble, body) = template::split(&template);
        if !template::has_placeholder(body) {
            return Err(Error::NoPlaceholder {
                path: names[0].clone(),
            });
        }
        Ok(Cases {
            names,
            preamble: preamble.to_owned(),
            checked: headers::with_checks(preamble),
            body: body.to_owned(),
            cases: read(cases)?,
        })
    }

    /// Returns the preamble and the body of the template.
    pub(crate) fn template(&self, platform: &Platform) -> (&str, &str) {
        let preamble = match platform.is_builtin() {
            true => &self.checked,
            false => &self.preamble,
        };
        (preamble, &self.body)
    }

    /// Returns where the sources of a target's micro-ops come from.
    pub(crate) fn places(&self, platform: &Platform, cases: &[Case<'_>]) -> Places {
        let (compiled, body) = self.template(platform);
        Places::new(self.names.clone(), (&self.preamble, body), compiled, cases)
    }

    /// Returns the micro-ops, in build order.
    pub(crate) fn cases(&self, project: &Project) -> Result<Vec<Case<'_>>, Error> {
        let [_, path] = &self.names;
        (project.conventions.cases)(&self.cases, path)
    }
}

/// Returns the cache, unless it is turned off. Where temporary files are kept, everything has to be compiled.
fn cache(options: &Options, config: Option<&Config>) -> Result<Option<Cache>, Error> {
    let CacheOptions {
        enabled,
        directory,
        limit,
        verify,
        remember: _,
    } = &options.cache;
    let without = [
        (!enabled, "--no-cache"),
        (options.one_process_per_step, "--one-process-per-step"),
        (options.keep_temps.is_some(), "--keep-temps"),
    ];
    if let Some((_, option)) = without.into_iter().find(|(is_given, _)| *is_given) {
        return match verify {
            0 => Ok(None),
            _ => Err(Error::NothingToVerify { option }),
        };
    }
    let Some(directory) = directory.clone().or_else(Cache::default_directory) else {
        return Ok(None);
    };
    let cache = Cache::new(&directory, *limit).verifying(*verify);
    let table = config.and_then(|config| config.cache.as_ref());
    let remote = remote::named(table).map_err(|wrong| match (wrong, config) {
        (Wrong::Table(message), Some(config)) => config.error(message),
        (Wrong::Table(message) | Wrong::Environment(message), _) => Error::SharedCache { message },
    })?;
    Ok(Some(cache.sharing(remote)))
}

/// Returns the targets to build for, with their triples as the project spells them.
fn targets(wanted: &Targets, project: &Project) -> Result<Vec<Spelled>, Error> {
    let given: Vec<Spelled> = match wanted {
        Targets::All => Target::ALL
            .iter()
            .map(|target| Spelled::parse(target.triple))
            .collect::<Result<_, _>>()?,
        Targets::Named(triples) if !triples.is_empty() => triples
            .iter()
            .map(|triple| Spelled::parse(triple))
            .collect::<Result<_, _>>()?,
        Targets::Named(_) if !project.targets.is_empty() => project.targets.clone(),
        Targets::Named(_) => vec![Spelled::parse(host()?.triple)?],
    };
    let spelling = project.conventions.spelling;
    let mut targets = Vec::new();
    for Spelled { target, triple } in given {
        let triple = spelling.of(target, &triple);
        let spelled = Spelled { target, triple };
        if !targets.contains(&spelled) {
            targets.push(spelled);
        }
    }
    Ok(targets)
}

/// Returns the target for this machine.
pub(crate) fn host() -> Result<&'static Target, Error> {
    Target::host().ok_or(Error::NoHostTarget)
}

/// Returns the words of flags that are quoted as for a shell.
pub(crate) fn split_flags(text: &str) -> Result<Vec<String>, Error> {
    shlex::split(text).ok_or_else(|| Error::Flags {
        flags: text.to_owned(),
    })
}

/// Returns where to search for LLVM. The options take precedence over the project's settings in `search`.
pub(crate) fn search(options: &LlvmOptions, mut search: Search) -> Result<Search, Error> {
    if let Some(version) = &options.version {
        search.major = Some(Search::parse_major(version)?);
    }
    search.install_dir.clone_from(&options.install_dir);
    Ok(search)
}
