//! The compiler of one project for one target: many inputs in, as many results out.

mod builder;
mod ir;
mod objects;
pub use ir::WithIr;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use self::builder::CompilerBuilder;
use crate::{
    batch,
    context::Context,
    dependencies::{self, Dependencies},
    discover::Toolchain,
    driver,
    error::LlvmError,
    expand::{self, Expansion},
    front_end::{self, FrontEnd},
    interrupt::Interrupt,
    linked::Linked,
    made::Made,
    options::CompileOptions,
    plan::Plan,
    plans::Plans,
    preamble::{self, Preamble},
    shim,
    snapshot::Snapshot,
    source::Source,
    version::LlvmVersion,
    written::Written,
};

/// How the tools are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Many inputs in one process. An input whose batch fails gets a process of its own, and so does
    /// every input if the answers of this clang's driver are not understood.
    #[default]
    Batch,
    /// One driver process for each input and step, as CPython's `Tools/jit/build.py` does it.
    Driver,
}

/// With fewer sources than this, the preamble is not precompiled: reading it again for each source
/// takes less time.
const WORTH_PRECOMPILING: usize = 4;

/// Compiles the sources of one project for one target. Each method runs one process at a time, so
/// callers distribute their inputs over threads.
#[derive(Debug)]
pub struct Compiler<'a> {
    context: Context<'a>,
    mode: Mode,
    plans: OnceLock<Result<Option<Plans>, LlvmError>>,
    snapshot: OnceLock<Result<Option<Snapshot>, LlvmError>>,
    precompiled: OnceLock<Result<Option<PathBuf>, LlvmError>>,
    linked: OnceLock<Result<Option<Linked>, LlvmError>>,
}

impl<'a> Compiler<'a> {
    /// Returns the settings of a compiler that keeps its files in `work`, an existing directory of its
    /// own, which the caller removes.
    pub fn builder(
        toolchain: &'a Toolchain,
        options: CompileOptions,
        work: impl Into<PathBuf>,
    ) -> CompilerBuilder<'a> {
        CompilerBuilder::new(toolchain, options, work.into())
    }

    /// Does now what the first batch would wait for, if it is worth it for this many sources: asks the
    /// driver for cc1's commands, reads the headers, and precompiles the preamble.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preamble does not compile, and other errors that would affect
    /// every source.
    pub fn prepare(&self, sources: usize) -> Result<(), LlvmError> {
        if sources > 0 {
            self.snapshot()?;
        }
        if sources >= WORTH_PRECOMPILING && self.has_preamble() {
            self.precompiled()?;
        }
        Ok(())
    }

    /// Returns the preamble with the text of all its headers, which are read in the first call. All later
    /// steps use this text. Returns `None` if there are no batches, and where a snapshot is not possible.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if the preamble does not compile, [`LlvmError::Run`] if clang can't be run.
    pub fn snapshot(&self) -> Result<Option<&Snapshot>, LlvmError> {
        let snapshot = self.snapshot.get_or_init(|| {
            let Some(plans) = self.plans()? else {
                return Ok(None);
            };
            match preamble::snapshot(&self.context, &plans.compile)? {
                Ok(snapshot) => Ok(Some(snapshot)),
                Err(why) => self.without_batches(&why).map(|()| None),
            }
        });
        snapshot
            .as_ref()
            .map(Option::as_ref)
            .map_err(LlvmError::clone)
    }

    /// Takes over another compiler's snapshot, unless there is one already. The same sources then have the
    /// same meaning for both.
    pub fn adopt(&self, snapshot: &Snapshot) {
        // If there is one already, it stays.
        let _ = self.snapshot.set(Ok(Some(snapshot.clone())));
    }

    /// Compiles to assembly, with options for that. Returns one result for each source, in the order of the sources.
    ///
    /// # Errors
    ///
    /// Those that affect every source: the preamble does not compile, or clang can't be run.
    pub fn compile(
        &self,
        sources: &[Source],
    ) -> Result<Vec<Result<Made<String>, LlvmError>>, LlvmError> {
        self.compile_to(sources)
    }

    fn compile_to<W: Written>(
        &self,
        sources: &[Source],
    ) -> Result<Vec<Result<Made<W>, LlvmError>>, LlvmError> {
        let (Some(plans), Some(snapshot)) = (self.plans()?, self.snapshot()?) else {
            return Ok(self.compile_alone(sources));
        };
        let Some(preamble) = self.preamble_of(snapshot, sources.len())? else {
            return Ok(self.compile_alone(sources));
        };
        let (including, others): (Vec<_>, Vec<_>) = sources
            .iter()
            .enumerate()
            .partition(|(_, source)| source.may_include());
        let mut results = Vec::with_capacity(sources.len());
        for (plan, closed, part) in [
            (plans.compile.closed(), true, others),
            (plans.compile.without_forced_includes(), false, including),
        ] {
            let (places, part): (Vec<usize>, Vec<&Source>) = part.into_iter().unzip();
            if !part.is_empty() {
                let made = batch::compile(&self.context, &plan, closed, &preamble, &part)?;
                results.extend(places.into_iter().zip(made));
            }
        }
        results.sort_by_key(|(place, _)| *place);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// Returns the [snapshot](Compiler::snapshot) if it was taken already.
    pub fn taken_snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.get()?.as_ref().ok()?.as_ref()
    }

    /// Takes a snapshot of the shim, a source file. Returns `None` if there are no batches, and where a
    /// snapshot is not possible.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn shim_snapshot(&self, source: &Path) -> Result<Option<Snapshot>, LlvmError> {
        match self.plans()? {
            Some(plans) => shim::snapshot(&self.context, &plans.shim, source),
            None => Ok(None),
        }
    }

    /// Compiles the shim, a source file, to the contents of an object file. If a snapshot of it is given,
    /// that is compiled instead.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if it does not compile, and others if clang can't be run.
    pub fn shim(
        &self,
        source: &Path,
        snapshot: Option<&Snapshot>,
    ) -> Result<Made<Vec<u8>>, LlvmError> {
        if let (Some(plans), Some(snapshot)) = (self.plans()?, snapshot)
            && let Some(bytes) = shim::compile(&self.context, &plans.shim, source, snapshot)?
        {
            return Ok(Made {
                value: bytes,
                from_known_inputs: true,
            });
        }
        driver::shim(&self.context, source).map(alone)
    }

    /// Translates a file of functions to LLVM's IR before optimization. The addresses of the symbols in `values` may be
    /// any numbers, and clang computes nothing with them. Those of the functions in `places` may be equal.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if clang rejects the file, and others if clang can't be run.
    pub fn front_end(
        &self,
        source: &Path,
        values: &[&str],
        places: &[&str],
    ) -> Result<FrontEnd, LlvmError> {
        let plan = self.plans()?.map(|plans| &plans.compile);
        front_end::translate(&self.context, plan, source, (values, places))
    }

    /// Translates a file of functions to IR that says on which lines they are defined. Warnings are not reported.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::front_end`].
    pub fn front_end_with_lines(&self, source: &Path) -> Result<String, LlvmError> {
        front_end::translate_with_lines(&self.context, source, &[])
    }

    /// Translates a file of functions to IR with lines, as [`Compiler::front_end_with_lines`] does, that also has the functions
    /// that are never called, although they are static or inline.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::front_end`].
    pub fn front_end_of_all(&self, source: &Path) -> Result<String, LlvmError> {
        let more = ["-Xclang", "-femit-all-decls"];
        front_end::translate_with_lines(&self.context, source, &more)
    }

    /// Returns what the sources mean after the snapshot of the preamble: their tokens. All of them are
    /// preprocessed in one process. Returns `None` where there is no snapshot, and if the tokens of the
    /// preamble do not say everything that counts.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run, and those of [`Compiler::snapshot`].
    pub fn expand(&self, sources: &[Source]) -> Result<Option<Expansion>, LlvmError> {
        match (self.plans()?, self.snapshot()?) {
            (Some(plans), Some(snapshot)) => {
                expand::expand(&self.context, &plans.compile.closed(), snapshot, sources)
            }
            _ => Ok(None),
        }
    }

    /// Returns the shim's tokens, as [`Compiler::expand`] returns those of sources.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn expand_shim(&self, snapshot: &Snapshot) -> Result<Option<Vec<u8>>, LlvmError> {
        match self.plans()? {
            Some(plans) => expand::expand_file(&self.context, &plans.shim.closed(), snapshot),
            None => Ok(None),
        }
    }

    /// Returns what is read to compile the sources and the shim: headers, and the shim itself. Returns `None`
    /// if that is not known, because one of the files does not preprocess, for example.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn dependencies(
        &self,
        sources: &[Source],
        shim: Option<&Path>,
    ) -> Result<Option<Dependencies>, LlvmError> {
        match self.commands()? {
            Some(plans) => dependencies::of(&self.context, plans, sources, shim),
            None => Ok(None),
        }
    }

    /// Returns the cc1 arguments of the three steps: to compile, to assemble, and for the shim. Returns
    /// `None` if there are no batches.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn arguments(&self) -> Result<Option<[Vec<String>; 3]>, LlvmError> {
        Ok(self.plans()?.map(words_of))
    }

    /// Returns the same as [`Compiler::arguments`], also if there are no batches because of
    /// [`Mode::Driver`]. Returns `None` if the driver's answers are not understood.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Flags`] if the driver does not accept the flags, [`LlvmError::Run`] if clang can't be
    /// run.
    pub fn cc1_arguments(&self) -> Result<Option<[Vec<String>; 3]>, LlvmError> {
        match self.mode {
            Mode::Batch => self.arguments(),
            Mode::Driver => Ok(Plans::ask(&self.context)?.as_ref().map(words_of)),
        }
    }

    /// Returns the arguments that clang gets when it works from [snapshots](Compiler::snapshot): those of
    /// [`Compiler::arguments`] without headers and the directories to search for them.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn closed_arguments(&self) -> Result<Option<[Vec<String>; 3]>, LlvmError> {
        Ok(self.plans()?.map(|plans| {
            [&plans.compile, &plans.assemble, &plans.shim].map(|plan| words(&plan.closed()))
        }))
    }

    /// Returns the programs that do the work: those of the toolchain, and the one that clang's driver runs,
    /// which may be another.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn programs(&self) -> Result<BTreeSet<PathBuf>, LlvmError> {
        let toolchain = self.context.toolchain;
        let own = [Some(&toolchain.clang), toolchain.objdump.as_ref()];
        let plans = self.plans()?;
        let run = plans
            .iter()
            .flat_map(|plans| [&plans.compile, &plans.assemble, &plans.shim]);
        let run = run.map(|plan| &plan.program);
        Ok(own.into_iter().flatten().chain(run).cloned().collect())
    }

    /// Returns what stops its processes.
    pub fn interrupt(&self) -> &Interrupt {
        &self.context.interrupt
    }

    /// Returns the options that it compiles with.
    pub fn options(&self) -> &CompileOptions {
        &self.context.options
    }

    /// Returns the text before every source.
    pub fn prelude(&self) -> &str {
        &self.context.options.prelude
    }

    /// Returns the version of clang.
    pub fn version(&self) -> LlvmVersion {
        self.context.toolchain.version
    }

    /// Returns the directory that this compiler's files are in, as it appears in the arguments.
    pub fn work(&self) -> &Path {
        self.context.work.path()
    }

    fn has_preamble(&self) -> bool {
        let Context {
            options, preamble, ..
        } = &self.context;
        !(options.prelude.trim().is_empty() && preamble.trim().is_empty())
    }

    /// Returns whether these are not worth a precompiled preamble.
    fn are_few(&self, sources: usize) -> bool {
        self.precompiled.get().is_none() && sources < WORTH_PRECOMPILING
    }

    /// Returns what comes before so many sources, or `None` if the driver has to do the work.
    fn preamble_of<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        sources: usize,
    ) -> Result<Option<Preamble<'s>>, LlvmError> {
        if self.are_few(sources) || !self.has_preamble() {
            return Ok(Some(Preamble::Text(snapshot)));
        }
        let precompiled = self.precompiled()?;
        Ok(precompiled.map(|path| Preamble::Precompiled(path)))
    }

    fn compile_alone<W: Written>(&self, sources: &[Source]) -> Vec<Result<Made<W>, LlvmError>> {
        sources
            .iter()
            .map(|source| driver::compile(&self.context, source).map(alone))
            .collect()
    }

    /// Returns cc1's commands if batches are to be compiled.
    fn plans(&self) -> Result<Option<&Plans>, LlvmError> {
        match self.mode {
            Mode::Driver => Ok(None),
            Mode::Batch => self.commands(),
        }
    }

    fn commands(&self) -> Result<Option<&Plans>, LlvmError> {
        let plans = self.plans.get_or_init(|| {
            let plans = Plans::ask(&self.context)?;
            if plans.is_none() {
                tracing::warn!(
                    "one process for each micro-op, which is slow: the answer of {} -### is not \
                     understood",
                    self.context.toolchain.clang.display()
                );
            }
            Ok(plans)
        });
        plans.as_ref().map(Option::as_ref).map_err(LlvmError::clone)
    }

    /// Returns the precompiled preamble, or `None` if the driver has to do the work.
    fn precompiled(&self) -> Result<Option<&PathBuf>, LlvmError> {
        let (Some(plans), Some(snapshot)) = (self.plans()?, self.snapshot()?) else {
            return Ok(None);
        };
        let precompiled = self.precompiled.get_or_init(|| {
            let plan = plans.compile.closed();
            match preamble::precompile(&self.context, &plan, snapshot)? {
                Ok(path) => Ok(Some(path)),
                Err(why) => self.without_batches(&why).map(|()| None),
            }
        });
        precompiled
            .as_ref()
            .map(Option::as_ref)
            .map_err(LlvmError::clone)
    }

    /// Leaves the work to the driver, unless it fails as well: then every source would fail for the same
    /// reason, which is better reported once.
    fn without_batches(&self, why: &str) -> Result<(), LlvmError> {
        match driver::compile_preamble(&self.context) {
            Ok(()) => {
                tracing::warn!("one process for each micro-op, which is slow: {why}");
                Ok(())
            }
            Err(LlvmError::Rejected {
                stage, diagnostics, ..
            }) => Err(LlvmError::Rejected {
                name: "the preamble".to_owned(),
                stage,
                diagnostics,
            }),
            Err(error) => Err(error),
        }
    }
}

/// Returns a result of the driver's.
fn alone<T>(value: T) -> Made<T> {
    Made {
        value,
        from_known_inputs: false,
    }
}

/// Returns the arguments to compile, to assemble, and for the shim.
fn words_of(plans: &Plans) -> [Vec<String>; 3] {
    [&plans.compile, &plans.assemble, &plans.shim].map(words)
}

fn words(plan: &Plan) -> Vec<String> {
    let words = plan.arguments.iter();
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}
