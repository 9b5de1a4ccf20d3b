//! One micro-op on its own, for people who look at it: its source, its IR, and the source lines of its code.

mod lines;

use std::path::{Path, PathBuf};

use jit_llvm::{CompileOptions, Compiler};

use super::Job;
use crate::{
    error::Error,
    pipeline::{
        flags,
        functions::Files,
        units::{Input, Units},
        workdir::WorkDir,
    },
};

/// What to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Where its source is.
    Place,
    /// LLVM's IR after optimization.
    Ir,
    /// An object file with line tables, made in the same way otherwise.
    Lines,
}

/// What was found out.
pub(crate) enum Looked {
    /// The file and the line in which its source starts, if that is known. `case` is its text, if it is a case.
    Place {
        path: PathBuf,
        line: usize,
        case: Option<String>,
    },
    /// LLVM's IR.
    Ir(String),
    /// An object file with line tables.
    Lines {
        object: Vec<u8>,
        /// The code of its stencil, without values in the holes.
        code: Vec<u8>,
        /// The text of the micro-op's source, whose name is the micro-op's with `.c`.
        text: String,
        /// The directory that relative paths of other files are in.
        root: PathBuf,
    },
    /// It is not known, or the micro-op has no such thing.
    Nothing,
}

/// Finds out something about a micro-op of a target.
pub(crate) fn look(job: &Job<'_>, uop: &str, what: What) -> Result<Looked, Error> {
    if let (Input::Cases { cases, places, .. }, What::Place) = (&job.input, what) {
        let case = cases.iter().find(|case| case.name == uop);
        let found = case.zip(places.start(uop));
        return Ok(
            found.map_or(Looked::Nothing, |(case, (path, line))| Looked::Place {
                path,
                line,
                case: Some(case.text.to_owned()),
            }),
        );
    }
    let work = WorkDir::create(&job.place)?;
    let preamble = job.input.preamble();
    let compiler_in = |options: CompileOptions, directory: &Path| {
        Compiler::builder(job.toolchain, options, directory)
            .preamble(preamble)
            .mode(job.mode)
            .interrupt(job.interrupt.clone())
    };
    // The build has reported warnings and remarks.
    let (compiler, _) = flags::checked(job.options.clone(), job.facts(), |options| {
        compiler_in(options, work.path()).build()
    })?;
    let functions = match &job.input {
        Input::Functions(functions) => Some(Files::new(
            functions,
            compiler.options(),
            job.frame_pointer,
            |options, name| Ok(compiler_in(options, &work.directory(name)?).build()?),
        )?),
        Input::Cases { .. } => None,
    };
    let units = Units::of(&job.input, functions.as_ref(), &|_| {})?;
    let mut sources = units.sources().iter();
    let Some((index, source)) = sources
        .position(|source| source.name == uop)
        .and_then(|index| Some((index, units.sources().get(index)?)))
    else {
        return Ok(Looked::Nothing);
    };
    match what {
        What::Place => Ok(match units.place(uop) {
            Some((path, line)) => Looked::Place {
                path,
                line,
                case: None,
            },
            None => Looked::Nothing,
        }),
        What::Ir => {
            let irs = units.modules();
            let ir = irs.and_then(|(irs, _)| irs.get(index));
            let text = compiler.optimized_ir(source, ir)?;
            // The directory is gone when the text is read.
            let directory = format!("{}/", compiler.work().display());
            Ok(Looked::Ir(text.replace(&directory, "")))
        }
        // Modules have been made without lines.
        What::Lines if units.modules().is_some() => Ok(Looked::Nothing),
        What::Lines => {
            let mut options = compiler.options().clone();
            let words = ["-gline-tables-only", "-gdwarf-4"].map(str::to_owned);
            options.last.stencil.extend(words);
            let directory = work.directory("lines")?;
            let compiler = compiler_in(options, &directory).build()?;
            lines::object(job, &compiler, source)
        }
    }
}
