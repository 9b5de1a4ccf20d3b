//! What every step of a compiler shares.

use std::{ffi::OsString, fmt, path::Path};

use crate::{
    command::{self, Output},
    diagnostics::Diagnostics,
    discover::Toolchain,
    error::LlvmError,
    interrupt::Interrupt,
    options::CompileOptions,
    source::line_directive,
    work::{self, WorkDir},
};

/// Receives what clang prints about inputs that it compiles.
pub(crate) type Listener<'a> = Box<dyn Fn(&Diagnostics) + Send + Sync + 'a>;

/// The name of the prelude in diagnostics.
const PRELUDE: &str = "<prelude>";

/// The tools, and how and where to run them.
pub(crate) struct Context<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    pub(crate) preamble: String,
    pub(crate) work: WorkDir,
    pub(crate) interrupt: Interrupt,
    pub(crate) listener: Option<Listener<'a>>,
}

impl Context<'_> {
    /// Returns what all sources start with, in a file that the preamble is the start of.
    pub(crate) fn start(&self, file: &Path) -> String {
        let Context {
            options, preamble, ..
        } = self;
        if options.prelude.is_empty() {
            return preamble.clone();
        }
        let prelude = options.prelude.trim_end();
        let back = line_directive(file, 1);
        format!("#line 1 \"{PRELUDE}\"\n{prelude}\n{back}{preamble}")
    }

    /// Runs a program in the work directory.
    pub(crate) fn run(&self, program: &Path, arguments: &[OsString]) -> Result<Output, LlvmError> {
        self.run_in(self.work.path(), program, arguments)
    }

    /// Runs a program in a directory.
    pub(crate) fn run_in(
        &self,
        directory: &Path,
        program: &Path,
        arguments: &[OsString],
    ) -> Result<Output, LlvmError> {
        command::run(program, arguments, Some(directory), &self.interrupt)
    }

    /// Returns the diagnostics of a process.
    pub(crate) fn diagnostics(&self, output: &Output) -> Diagnostics {
        Diagnostics::parse(&self.shorten(&output.diagnostics()))
    }

    /// Passes on what clang printed about inputs that it compiled.
    pub(crate) fn report(&self, output: &Output) {
        if let Some(listener) = &self.listener
            && !output.stderr.is_empty()
        {
            let text = String::from_utf8_lossy(&output.stderr);
            listener(&Diagnostics::parse(&self.shorten(&text)));
        }
    }

    /// Returns diagnostics without the paths of directories that are gone by the time somebody reads them.
    fn shorten(&self, diagnostics: &str) -> String {
        let text = work::shorten(diagnostics, self.work.path());
        match &self.options.temporary {
            Some(directory) => work::shorten(&text, directory),
            None => text,
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("toolchain", &self.toolchain)
            .field("options", &self.options)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}
