//! The settings of a compiler.

use std::{path::PathBuf, sync::OnceLock};

use super::{Compiler, Mode};
use crate::{
    context::{Context, Listener},
    diagnostics::Diagnostics,
    discover::Toolchain,
    error::LlvmError,
    files,
    interrupt::Interrupt,
    options::CompileOptions,
    work::WorkDir,
};

/// Settings of a [`Compiler`] before it is made; [`Compiler::builder`] returns one.
pub struct CompilerBuilder<'a> {
    toolchain: &'a Toolchain,
    options: CompileOptions,
    work: PathBuf,
    preamble: String,
    mode: Mode,
    keep_files: bool,
    interrupt: Interrupt,
    listener: Option<Listener<'a>>,
}

impl<'a> CompilerBuilder<'a> {
    pub(super) fn new(toolchain: &'a Toolchain, options: CompileOptions, work: PathBuf) -> Self {
        CompilerBuilder {
            toolchain,
            options,
            work,
            preamble: String::new(),
            mode: Mode::default(),
            keep_files: false,
            interrupt: Interrupt::default(),
            listener: None,
        }
    }

    /// Sets the C text that all sources start with: whole lines, `#include`s as a rule. It is compiled
    /// once for all of them. Without it, sources start with nothing.
    #[must_use]
    pub fn preamble(mut self, preamble: impl Into<String>) -> Self {
        self.preamble = preamble.into();
        self
    }

    /// Sets how the tools are run. Without it, they are run in batches.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Leaves the intermediate files in the work directory, under the names of their sources.
    #[must_use]
    pub fn keep_files(mut self, keep: bool) -> Self {
        self.keep_files = keep;
        self
    }

    /// Sets what can stop the compiler's processes.
    #[must_use]
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Sets the function that gets what clang prints about inputs that it compiles, which are
    /// warnings as a rule, after each process that has printed something. It is called from the
    /// threads that call the compiler's methods. Without it, warnings are lost; errors are parts of
    /// results in any case.
    #[must_use]
    pub fn on_warnings(mut self, listener: impl Fn(&Diagnostics) + Send + Sync + 'a) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Makes the compiler.
    ///
    /// # Errors
    ///
    /// [`LlvmError::File`] if there is no work directory, or if the name of a directory is not UTF-8.
    pub fn build(mut self) -> Result<Compiler<'a>, LlvmError> {
        let CompileOptions {
            root,
            include_dirs,
            cflags,
            ..
        } = &self.options;
        for path in [root, &self.work].into_iter().chain(include_dirs) {
            files::check_name(path)?;
        }
        // What is not UTF-8 in a path among flags was replaced by this.
        if let Some(word) = cflags.iter().find(|word| word.contains('\u{fffd}')) {
            return Err(files::bad_name(word.as_ref()));
        }
        let version = self.toolchain.version;
        self.options.flags.keep_frame_pointer(version);
        Ok(Compiler {
            context: Context {
                toolchain: self.toolchain,
                options: self.options,
                preamble: self.preamble,
                work: WorkDir::new(&self.work, self.keep_files)?,
                interrupt: self.interrupt,
                listener: self.listener,
            },
            mode: self.mode,
            plans: OnceLock::new(),
            snapshot: OnceLock::new(),
            precompiled: OnceLock::new(),
            linked: OnceLock::new(),
        })
    }
}

impl std::fmt::Debug for CompilerBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompilerBuilder")
            .field("toolchain", &self.toolchain)
            .field("options", &self.options)
            .field("work", &self.work)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
