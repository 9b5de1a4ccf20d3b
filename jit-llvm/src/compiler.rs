//! Many inputs in, as many results out.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    CompileOptions, ExpandedFile, Expansion, Interrupt, LlvmError, Toolchain,
    batch::{self, Plans, Preamble},
    command,
    context::Context,
    driver, preprocess,
};

/// One C source to compile, less the preamble that it shares with the others.
#[derive(Debug, Clone)]
pub struct Source {
    /// The opcode: defined as `_JIT_OPCODE`, and the name of the files.
    pub name: String,
    /// The C text behind the preamble.
    pub body: String,
}

/// An assembled object file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// What `llvm-objdump --disassemble --reloc` says of it, from behind the file's name on; nothing
    /// where there is no llvm-objdump.
    pub disassembly: Option<String>,
}

/// How the tools are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Many inputs in a process; one process for each input of a batch that fails, and for
    /// everything if this clang's plans are not understood.
    #[default]
    Batch,
    /// One driver process for each input and step, as `Tools/jit/build.py` does it.
    Driver,
}

/// Fewer sources than this are compiled with their preamble as it is: reading it again for each
/// takes less time than precompiling it.
const WORTH_PRECOMPILING: usize = 4;

/// Compiles the sources of one project for one target. Its methods run one process at a time, so
/// callers spread chunks of their inputs over threads.
#[derive(Debug)]
pub struct Compiler<'a> {
    context: Context<'a>,
    mode: Mode,
    plans: OnceLock<Result<Option<Plans>, LlvmError>>,
    precompiled: OnceLock<Result<Option<PathBuf>, LlvmError>>,
}

impl<'a> Compiler<'a> {
    /// A compiler that keeps its files in `work`, an existing folder of its own, which the caller
    /// removes. The preamble is what all sources start with: whole lines, `#include`s as a rule.
    ///
    /// # Errors
    ///
    /// [`LlvmError::File`] if `work` is not there.
    pub fn new(
        toolchain: &'a Toolchain,
        options: CompileOptions,
        preamble: String,
        work: &Path,
        mode: Mode,
        interrupt: Interrupt,
    ) -> Result<Self, LlvmError> {
        let work = command::resolve(work)?;
        let context = Context::new(toolchain, options, preamble, work, false, interrupt);
        Ok(Compiler {
            context,
            mode,
            plans: OnceLock::new(),
            precompiled: OnceLock::new(),
        })
    }

    /// Leave the intermediate files in the work folder, by the names of their sources.
    #[must_use]
    pub fn keep_files(mut self) -> Self {
        self.context.keep = true;
        self
    }

    /// Do now what the first batch would wait for, if it is worth it for that many sources: ask for
    /// the commands, precompile the preamble.
    ///
    /// # Errors
    ///
    /// What would fail for every source: the preamble does not compile.
    pub fn prepare(&self, sources: usize) -> Result<(), LlvmError> {
        if sources >= WORTH_PRECOMPILING && self.has_preamble() {
            self.precompiled()?;
        }
        Ok(())
    }

    /// C to assembly; a result for each source.
    ///
    /// # Errors
    ///
    /// What concerns all of them: the preamble does not compile, clang can't be run.
    pub fn compile(&self, sources: &[Source]) -> Result<Vec<Result<String, LlvmError>>, LlvmError> {
        let Some(plans) = self.plans()? else {
            return Ok(self.compile_alone(sources));
        };
        let few = self.precompiled.get().is_none() && sources.len() < WORTH_PRECOMPILING;
        if few || !self.has_preamble() {
            return batch::compile(&self.context, &plans.compile, &Preamble::Text, sources);
        }
        match self.precompiled()? {
            Some(path) => {
                let preamble = Preamble::Precompiled(path);
                batch::compile(&self.context, &plans.compile, &preamble, sources)
            }
            None => Ok(self.compile_alone(sources)),
        }
    }

    /// Assembly to object files; each input is a name and a text, and has a result.
    ///
    /// # Errors
    ///
    /// What concerns all of them, as for [`Compiler::compile`].
    pub fn assemble(
        &self,
        inputs: &[(&str, &str)],
    ) -> Result<Vec<Result<Object, LlvmError>>, LlvmError> {
        match self.plans()? {
            Some(plans) => batch::assemble(&self.context, &plans.assemble, inputs),
            None => Ok(inputs
                .iter()
                .map(|(name, text)| self.context.assemble_alone(name, text))
                .collect()),
        }
    }

    /// Compile the shim, a source file, to the contents of an object file.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if it does not compile, and what may go wrong on the way there.
    pub fn shim(&self, source: &Path) -> Result<Vec<u8>, LlvmError> {
        let output = self.context.folder("shim")?.join("shim.o");
        let mut arguments = self.context.options.shim(&self.context.work);
        arguments.extend(["-o".into(), output.clone().into(), source.into()]);
        driver::run(&self.context, "shim", "compile", &arguments)?;
        command::read(output)
    }

    /// What the preprocessor makes of all sources, in one run; `None` if it can't be told: there are
    /// no batches, a source does not preprocess, or one may depend on what is in front of it.
    ///
    /// # Errors
    ///
    /// If clang can't be run.
    pub fn expand(&self, sources: &[Source]) -> Result<Option<Expansion>, LlvmError> {
        match self.plans()? {
            Some(plans) => preprocess::expand(&self.context, &plans.compile, sources),
            None => Ok(None),
        }
    }

    /// What the preprocessor makes of the shim, as [`Compiler::expand`] tells it.
    ///
    /// # Errors
    ///
    /// If clang can't be run.
    pub fn expand_shim(&self, source: &Path) -> Result<Option<ExpandedFile>, LlvmError> {
        match self.plans()? {
            Some(plans) => preprocess::expand_file(&self.context, &plans.shim, source),
            None => Ok(None),
        }
    }

    /// The cc1 arguments of the three steps: to compile, to assemble, and for the shim. `None` if
    /// there are no batches.
    ///
    /// # Errors
    ///
    /// If clang can't be run.
    pub fn arguments(&self) -> Result<Option<[Vec<String>; 3]>, LlvmError> {
        let words = |plan: &crate::plan::Plan| -> Vec<String> {
            let words = plan.arguments.iter();
            words
                .map(|word| word.to_string_lossy().into_owned())
                .collect()
        };
        Ok(self.plans()?.map(|plans| {
            [
                words(&plans.compile),
                words(&plans.assemble),
                words(&plans.shim),
            ]
        }))
    }

    /// Whether clang has warned of the source of that name while it was compiled here. Who stores
    /// results may want to leave these out, so that the next build warns again.
    pub fn has_warned(&self, name: &str) -> bool {
        self.context.has_warned(name)
    }

    /// The code generation that the flags are made for.
    pub fn codegen(&self) -> jit_schema::Codegen {
        self.context.options.codegen
    }

    /// The folder that this compiler's files are in, as it appears in the arguments.
    pub fn work(&self) -> &Path {
        &self.context.work
    }

    fn has_preamble(&self) -> bool {
        !self.context.preamble.trim().is_empty()
    }

    fn compile_alone(&self, sources: &[Source]) -> Vec<Result<String, LlvmError>> {
        sources
            .iter()
            .map(|source| self.context.compile_alone(source))
            .collect()
    }

    fn plans(&self) -> Result<Option<&Plans>, LlvmError> {
        if self.mode == Mode::Driver {
            return Ok(None);
        }
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
        plans.as_ref().map(Option::as_ref).map_err(LlvmError::again)
    }

    /// The precompiled preamble; `None` if the driver has to do it.
    fn precompiled(&self) -> Result<Option<&PathBuf>, LlvmError> {
        let Some(plans) = self.plans()? else {
            return Ok(None);
        };
        let precompiled = self.precompiled.get_or_init(|| {
            match batch::precompile(&self.context, &plans.compile)? {
                Ok(path) => Ok(Some(path)),
                Err(why) => self.without_precompiling(&why),
            }
        });
        precompiled
            .as_ref()
            .map(Option::as_ref)
            .map_err(LlvmError::again)
    }

    /// The driver does it, unless it can't either: then every source would fail for one reason,
    /// which is better told once.
    fn without_precompiling(&self, why: &str) -> Result<Option<PathBuf>, LlvmError> {
        match driver::compile(&self.context, "preamble", &self.context.preamble) {
            Ok(_) => {
                tracing::warn!("one process for each micro-op, which is slow: {why}");
                Ok(None)
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
