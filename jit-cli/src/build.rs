//! [`Build`], the crate's public interface.

pub(crate) mod cargo;
mod current;
pub(crate) mod explain;
pub(crate) mod files;
mod literals;
#[cfg(feature = "cli")]
mod looking;
mod object;
pub(crate) mod outcome;
pub(crate) mod output;
mod packs;
mod run;

use std::{cell::Cell, num::NonZeroUsize, path::PathBuf, time::Duration};

use jit_llvm::Interrupt;
use jit_schema::{Codegen, Hardening};

use self::{
    cargo::Cargo,
    explain::{Explanation, explain_each},
    outcome::{Built, TargetBuild, Written, write_dispatchers},
    output::OutputDir,
    run::{Run, Which},
};
use crate::{
    error::Error,
    events::{Event, Listener},
    pack::{Made, PackError},
    project::{
        definition::Origin,
        emit::Emit,
        options::{Options, Targets},
        plan::Plan,
        platform::Platform,
        release,
        sources::Sources,
    },
};

/// A build of stencils: what to build, and how. A setting that is not made is taken from the project, or is
/// the default of `jit-cli build`.
///
/// Nothing is read before one of [`run`](Build::run), [`write`](Build::write),
/// [`explain`](Build::explain) and [`emit_to_out_dir`](Build::emit_to_out_dir) is called; each may be
/// called more than once.
#[derive(Debug, Clone)]
#[must_use = "nothing is built until `run`, `write` or `emit_to_out_dir` is called"]
pub struct Build {
    options: Options,
    listener: Listener,
    interrupt: Interrupt,
}

impl Build {
    /// Returns a build of what a `jit.toml` describes.
    pub fn from_config(path: impl Into<PathBuf>) -> Build {
        Build::with(Options::new(Origin::Config(path.into())))
    }

    /// Returns a build of sources in memory.
    pub fn from_sources(sources: Sources) -> Build {
        Build::with(Options::new(Origin::Memory(sources)))
    }

    /// Returns a build of a CPython checkout, as its `Tools/jit/build.py` builds it.
    pub fn from_checkout(root: impl Into<PathBuf>) -> Build {
        Build::with(Options::new(Origin::Checkout {
            root: root.into(),
            config: None,
        }))
    }

    /// Returns a build of the project that contains the current directory: that of a `jit.toml` in the
    /// directory or a parent, else the CPython checkout that contains it, else an embedded example.
    pub fn from_current_dir() -> Build {
        Build::with(Options::new(Origin::Search))
    }

    pub(crate) fn with(options: Options) -> Build {
        Build {
            options,
            listener: Listener::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// Adds a target, by its triple. The default is the project's targets, or this machine if it has none.
    pub fn target(mut self, triple: impl Into<String>) -> Build {
        match &mut self.options.targets {
            Targets::Named(triples) => triples.push(triple.into()),
            all @ Targets::All => *all = Targets::Named(vec![triple.into()]),
        }
        self
    }

    /// Builds for all supported targets.
    pub fn all_targets(mut self) -> Build {
        self.options.targets = Targets::All;
        self
    }

    /// Sets the directory for generated files. [`run`](Build::run) does not use it.
    pub fn output_dir(mut self, directory: impl Into<PathBuf>) -> Build {
        self.options.output_dir = Some(directory.into());
        self
    }

    /// Adds a kind of output. The default is the project's kinds, or C headers if it has none.
    pub fn emit(mut self, kind: Emit) -> Build {
        self.options.emit.push(kind);
        self
    }

    /// Sets which code generation to use.
    pub fn codegen(mut self, codegen: Codegen) -> Build {
        self.options.codegen = Some(codegen);
        self
    }

    /// Hardens the code for checks of processors: landing pads are exactly where an indirect branch can arrive, and the shim's
    /// object says that it is fit for the checks. The default is what `jit.toml` says, or no hardening.
    pub fn hardening(mut self, checks: Hardening) -> Build {
        self.options.hardening.get_or_insert_default().named = checks;
        self
    }

    /// Sets whether to harden the code for those checks as well that flags for clang ask for, with `-fcf-protection` and
    /// `-mbranch-protection`.
    pub fn hardening_by_flags(mut self, by_flags: bool) -> Build {
        self.options.hardening.get_or_insert_default().flags = by_flags;
        self
    }

    /// Sets whether to compile for a debug build of the host program: with `_DEBUG` instead of `NDEBUG`.
    pub fn debug(mut self, debug: bool) -> Build {
        self.options.debug = debug;
        self
    }

    /// Sets whether the built-in `pyconfig.h` is that of a free-threaded CPython.
    pub fn free_threaded(mut self, free_threaded: bool) -> Build {
        self.options.free_threaded = free_threaded;
        self
    }

    /// Sets additional flags for clang, which come after all others. They are split into words as a shell
    /// would split them.
    pub fn cflags(mut self, flags: impl Into<String>) -> Build {
        self.options.cflags = flags.into();
        self
    }

    /// Sets where the system's headers are: a directory, or `builtin` for the headers for all targets that
    /// are part of this crate. By default, clang finds this machine's headers.
    pub fn sysroot(mut self, directory: impl Into<PathBuf>) -> Build {
        self.options.sysroot = Some(directory.into());
        self
    }

    /// Sets the directory with the `pyconfig.h` to use.
    pub fn pyconfig_dir(mut self, directory: impl Into<PathBuf>) -> Build {
        self.options.pyconfig_dir = Some(directory.into());
        self
    }

    /// Sets the major version of LLVM to use. The default is the one that the project pins, or the newest
    /// supported one that is installed.
    pub fn llvm_version(mut self, major: u32) -> Build {
        self.options.llvm.version = Some(major.to_string());
        self
    }

    /// Sets the directory that LLVM is installed in. Its subdirectory `bin` is searched first.
    pub fn llvm_dir(mut self, prefix: impl Into<PathBuf>) -> Build {
        self.options.llvm.install_dir = Some(prefix.into());
        self
    }

    /// Sets how long a process of a tool may take, or that there is no limit. The default is
    /// [`Interrupt::TOOL_TIMEOUT`]. A process that takes longer hangs: it is killed, and the build ends
    /// with an error.
    pub fn tool_timeout(mut self, limit: impl Into<Option<Duration>>) -> Build {
        self.options.llvm.timeout = limit.into();
        self
    }

    /// Sets the number of jobs to run at once. The default is one for each core, and eight for each core are
    /// the most.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Build {
        self.options.jobs = Some(jobs);
        self
    }

    /// Keeps sources, assembly and object files, in a subdirectory for each target. The cache is not used
    /// then, so that everything is compiled.
    pub fn keep_temps(mut self, directory: impl Into<PathBuf>) -> Build {
        self.options.keep_temps = Some(directory.into());
        self
    }

    /// Sets the directory of the cache, in which later builds find what was compiled. The default is
    /// `jit-cli` in the user's directory for caches.
    pub fn cache_dir(mut self, directory: impl Into<PathBuf>) -> Build {
        self.options.cache.directory = Some(directory.into());
        self
    }

    /// Sets the largest size of the cache, in bytes. The least recently used entries are removed first.
    pub fn cache_limit(mut self, bytes: u64) -> Build {
        self.options.cache.limit = bytes;
        self
    }

    /// Compiles so many percent of what the cache gives again, and compares. Targets are built even if their files
    /// are up to date.
    ///
    /// The build fails if the cache gave something other than what clang makes. Then this crate has a bug, or another
    /// program has written to the cache.
    pub fn verify_cache(mut self, percent: u8) -> Build {
        self.options.cache.verify = percent;
        self
    }

    /// Neither reads nor writes the cache.
    pub fn no_cache(mut self) -> Build {
        self.options.cache.enabled = false;
        self
    }

    /// Sets whether [`write`](Build::write) also builds targets whose files are up to date.
    pub fn force(mut self, force: bool) -> Build {
        self.options.force = force;
        self
    }

    /// Runs clang once for each micro-op and step. This is slow and gives the same bytes; it helps to find
    /// out what is wrong with a build.
    pub fn one_process_per_step(mut self) -> Build {
        self.options.one_process_per_step = true;
        self
    }

    /// Sets the function that gets the events of a build. It is called on the threads that do the work, by
    /// one thread at a time.
    pub fn on_event(mut self, function: impl FnMut(&Event<'_>) + Send + 'static) -> Build {
        self.listener = Listener::new(function);
        self
    }

    /// Sets the interrupt that stops the build. After [`Interrupt::trip`], processes are killed, and the build
    /// ends with an error for which [`Error::is_interrupted`] is true.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Build {
        self.interrupt = interrupt;
        self
    }

    /// Builds all targets, and returns the results. Files are written to the cache only.
    ///
    /// # Errors
    ///
    /// The [`Error`] of the first target that can't be built.
    pub fn run(&self) -> Result<Built, Error> {
        let mut options = self.options.absolute()?;
        options.headers = false;
        self.run_plan(&self.plan(&options)?)
    }

    fn run_plan(&self, plan: &Plan<'_>) -> Result<Built, Error> {
        let interrupt = self.watched();
        let mut run = Run::new(plan, &self.listener, &interrupt)?;
        let mut targets = Vec::new();
        run.targets(Which::All, |_| Ok(()), |built| targets.push(built))?;
        run.finish();
        Ok(Built {
            targets,
            dispatchers: run.dispatchers(),
        })
    }

    /// Builds the targets whose files are not up to date, and writes their files to the output directory:
    /// all files of a target, or none. If a later target fails, the files of earlier ones stay, and the headers
    /// that include those of all targets are not written: they come last, all of them or none.
    ///
    /// # Errors
    ///
    /// The [`Error`] of the first target that can't be built, or of a file that can't be written.
    pub fn write(&self) -> Result<Written, Error> {
        let options = self.options.absolute()?;
        self.write_plan(&self.plan(&options)?)
    }

    /// Writes the files of a plan.
    fn write_plan(&self, plan: &Plan<'_>) -> Result<Written, Error> {
        let output = OutputDir::create(&plan.output_dir)?;
        let interrupt = self.watched();
        let mut run = Run::new(plan, &self.listener, &interrupt)?;
        let which = match self.options.force || self.options.cache.verify > 0 {
            true => Which::All,
            false => Which::Outdated,
        };
        let is_new = Cell::new(false);
        let write = |built: &TargetBuild| {
            built.write(&output)?;
            is_new.set(true);
            // A state describes files that are there.
            if let (Some(cache), Some((name, state))) = (&plan.cache, &built.record) {
                cache.write_record(name, state);
            }
            Ok(())
        };
        run.targets(which, write, drop)?;
        // Without a stamp, the time of the dispatcher tells make that the headers are newer than what includes it.
        let has_stamp = plan
            .project
            .release
            .is_none_or(|release| release.stamp.is_some());
        write_dispatchers(&output, &run.dispatchers(), is_new.get() && !has_stamp)?;
        run.finish();
        Ok(Written {
            directory: plan.output_dir.clone(),
            targets: plan.platforms.iter().map(|own| own.target).collect(),
            inputs: match plan.options.headers {
                true => plan.inputs(run.headers),
                false => Vec::new(),
            },
            names: plan.project.conventions.file_names,
            triples: plan
                .platforms
                .iter()
                .map(|own| own.triple.clone())
                .collect(),
        })
    }

    /// Returns what [`write`](Build::write) would do for each target, and why. Nothing is written.
    ///
    /// # Errors
    ///
    /// The same [`Error`]s as for a build.
    pub fn explain(&self) -> Result<Vec<Explanation>, Error> {
        let mut all = Vec::new();
        self.explain_each(|explanation| all.push(explanation))?;
        Ok(all)
    }

    pub(crate) fn explain_each(&self, each: impl FnMut(Explanation)) -> Result<(), Error> {
        let options = self.options.absolute()?;
        explain_each(&self.plan(&options)?, &self.watched(), each)
    }

    /// Builds each target of a checkout in memory.
    fn each(
        &self,
        options: &Options,
        mut each: impl FnMut(&Plan<'_>, &Platform, &TargetBuild, &Made) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut options = options.absolute()?;
        options.headers = true;
        let plan = self.plan(&options)?;
        if plan.project.release.is_none() {
            let project = plan.project.description.clone();
            return Err(PackError::NotPackable { project }.into());
        }
        let interrupt = self.watched();
        let mut run = Run::new(&plan, &self.listener, &interrupt)?;
        let mut targets = Vec::new();
        run.targets(Which::All, |_| Ok(()), |built| targets.push(built))?;
        run.finish();
        let made = Made {
            llvm: run.llvm()?,
            begun: run.begun,
        };
        for (platform, built) in plan.platforms.iter().zip(&targets) {
            each(&plan, platform, built, &made)?;
        }
        Ok(())
    }

    /// Builds and writes files from a `build.rs`.
    ///
    /// The target is the one that cargo compiles for, unless another is named. Files are written to `OUT_DIR`,
    /// which also has the cache, unless another directory is named for it. For every file that was read,
    /// `rerun-if-changed` is printed. If a stencil file is written for one target, the environment variable
    /// `JIT_STENCILS` is set to its path while cargo compiles the crate, for
    /// `include_bytes!(env!("JIT_STENCILS"))`.
    ///
    /// A script that makes several builds names a directory for each but one with
    /// [`output_dir`](Build::output_dir), relative to `OUT_DIR`. [`Written::stencil_file`] has the path of a
    /// stencil file there, for a variable of the script's own.
    ///
    /// Warnings, clang's included, are printed as `cargo::warning`.
    /// An error is printed as `cargo::error`, so that cargo shows it, such as a missing clang or clang's
    /// messages about a micro-op. The `main` of the script can return the result as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotABuildScript`] if cargo does not run this, [`Error::OutputTaken`] if another build of the
    /// script has written to the directory, and the [`Error`]s of any build.
    pub fn emit_to_out_dir(&self) -> Result<Written, Error> {
        let cargo = Cargo::from_env()?;
        let mut build = self.clone();
        build.listener = cargo.listener(self.listener.clone());
        let options = &mut build.options;
        match cargo.output_dir(options.output_dir.as_deref()) {
            Ok(directory) => options.output_dir = Some(directory),
            Err(error) => {
                cargo.print_error(&error);
                return Err(error);
            }
        }
        // cargo runs the script because something has changed, and shows the warnings of this run only: clang's are
        // printed again if the targets are built.
        options.force = true;
        let cache = &mut options.cache.directory;
        cache.get_or_insert_with(|| cargo.out_dir.join("jit-cache"));
        if let Targets::Named(triples) = &mut options.targets
            && triples.is_empty()
        {
            triples.push(cargo.target.clone());
        }
        options.jobs = options.jobs.or(cargo.jobs);
        match build.write() {
            Ok(written) => {
                cargo.print(&written);
                Ok(written)
            }
            Err(error) => {
                cargo.print_error(&error);
                Err(error)
            }
        }
    }

    /// Returns the interrupt of one run, with the limit for its tools.
    fn watched(&self) -> Interrupt {
        self.interrupt.with_tool_timeout(self.options.llvm.timeout)
    }

    /// Returns the plan of a build that writes files.
    fn plan<'a>(&self, options: &'a Options) -> Result<Plan<'a>, Error> {
        let mut plan = self.plan_to_look(options)?;
        plan.is_to_look = false;
        if let Some(release) = plan.project.release {
            release::check_emits(release, plan.emits)?;
        }
        Ok(plan)
    }

    /// Returns the plan of a build whose stencils are looked at.
    fn plan_to_look<'a>(&self, options: &'a Options) -> Result<Plan<'a>, Error> {
        let mut plan = Plan::new(options)?;
        plan.is_to_look = true;
        self.listener.tell(&Event::Project {
            description: &plan.project.description,
        });
        if let Some(text) = &plan.project.remark {
            self.listener.tell(&Event::Remark { text });
        }
        Ok(plan)
    }
}
