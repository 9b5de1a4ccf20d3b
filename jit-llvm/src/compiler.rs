//! Many inputs in, as many results out.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    CompileOptions, Interrupt, LlvmError, Toolchain,
    batch::{Batch, NoBatch},
    command, driver,
};

/// One C source to compile, less the preamble that it shares with the others.
#[derive(Debug, Clone)]
pub struct Source {
    /// The opcode: defined as `_JIT_OPCODE`, and the name of the files.
    pub name: String,
    /// The C text behind the preamble.
    pub body: String,
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

/// Compiles the sources of one project for one target. Its methods run one process at a time, so
/// callers spread chunks of their inputs over threads.
#[derive(Debug)]
pub struct Compiler<'a> {
    context: Context<'a>,
    mode: Mode,
    batch: OnceLock<Result<Option<Batch>, Failed>>,
}

/// The preparation failed for good: the error was handed out, this is for who comes after.
#[derive(Debug, Clone)]
struct Failed {
    diagnostics: String,
}

/// What both ways of running the tools share.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    pub(crate) preamble: String,
    pub(crate) work: PathBuf,
    pub(crate) interrupt: Interrupt,
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
        // clang is given the folder to leave out of its output as it is, so links must be resolved.
        let work = work.canonicalize().map_err(|source| LlvmError::File {
            action: "find",
            path: work.to_path_buf(),
            source,
        })?;
        Ok(Compiler {
            context: Context {
                toolchain,
                options,
                preamble,
                work,
                interrupt,
            },
            mode,
            batch: OnceLock::new(),
        })
    }

    /// Do now what the first batch would wait for: ask for the commands, precompile the preamble.
    ///
    /// # Errors
    ///
    /// What would fail for every source: the preamble does not compile.
    pub fn prepare(&self) -> Result<(), LlvmError> {
        self.batch().map(drop)
    }

    /// C to assembly; a result for each source.
    ///
    /// # Errors
    ///
    /// What concerns all of them: the preamble does not compile, clang can't be run.
    pub fn compile(&self, sources: &[Source]) -> Result<Vec<Result<String, LlvmError>>, LlvmError> {
        match self.batch()? {
            Some(batch) => batch.compile(&self.context, sources),
            None => Ok(sources
                .iter()
                .map(|source| self.context.compile_alone(source))
                .collect()),
        }
    }

    /// Assembly to the contents of object files; each input is a name and a text, and has a result.
    ///
    /// # Errors
    ///
    /// What concerns all of them, as for [`Compiler::compile`].
    pub fn assemble(
        &self,
        inputs: &[(&str, &str)],
    ) -> Result<Vec<Result<Vec<u8>, LlvmError>>, LlvmError> {
        match self.batch()? {
            Some(batch) => batch.assemble(&self.context, inputs),
            None => Ok(inputs
                .iter()
                .map(|(name, text)| self.context.assemble_alone(name, text))
                .collect()),
        }
    }

    /// What llvm-objdump makes of the object files of that name, assembled before; nothing where
    /// there is no llvm-objdump. Paths are the files' names.
    ///
    /// # Errors
    ///
    /// If llvm-objdump fails or its output does not have a part for each object.
    pub fn disassemble(&self, names: &[&str]) -> Result<Vec<Option<String>>, LlvmError> {
        let Some(objdump) = &self.context.toolchain.objdump else {
            return Ok(vec![None; names.len()]);
        };
        let size = match self.mode {
            Mode::Batch => names.len().max(1),
            Mode::Driver => 1,
        };
        let mut texts = Vec::with_capacity(names.len());
        for names in names.chunks(size) {
            let text = self.context.objdump(objdump, names)?;
            texts.extend(split_objdump(&text, names).map_err(|diagnostics| {
                LlvmError::Rejected {
                    name: names.join(", "),
                    stage: "disassemble",
                    diagnostics,
                }
            })?);
        }
        Ok(texts)
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

    fn batch(&self) -> Result<Option<&Batch>, LlvmError> {
        if self.mode == Mode::Driver {
            return Ok(None);
        }
        let prepared = self
            .batch
            .get_or_init(|| match Batch::prepare(&self.context) {
                Ok(batch) => Ok(Some(batch)),
                Err(NoBatch::Unsuited(why)) => self.without_batches(&why),
                Err(NoBatch::Failed(error)) => Err(Failed {
                    diagnostics: error.to_string(),
                }),
            });
        match prepared {
            Ok(batch) => Ok(batch.as_ref()),
            Err(_) if self.context.interrupt.is_tripped() => Err(LlvmError::Interrupted),
            Err(failed) => Err(LlvmError::Rejected {
                name: "the preamble".to_owned(),
                stage: "compile",
                diagnostics: failed.diagnostics.clone(),
            }),
        }
    }

    /// The driver does it, unless it can't either: then every source would fail for one reason,
    /// which is better told once.
    fn without_batches(&self, why: &str) -> Result<Option<Batch>, Failed> {
        match driver::compile(&self.context, "preamble", &self.context.preamble) {
            Ok(_) => {
                tracing::warn!("one process for each micro-op, which is slow: {why}");
                Ok(None)
            }
            Err(LlvmError::Rejected { diagnostics, .. }) => Err(Failed { diagnostics }),
            Err(error) => Err(Failed {
                diagnostics: error.to_string(),
            }),
        }
    }
}

impl Context<'_> {
    /// A file of that name in the work folder.
    pub(crate) fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.work.join(format!("{name}.{extension}"))
    }

    /// A folder in the work folder, which is made.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, LlvmError> {
        let path = self.work.join(name);
        fs::create_dir_all(&path).map_err(|source| LlvmError::File {
            action: "create",
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// The whole source through the driver.
    pub(crate) fn compile_alone(&self, source: &Source) -> Result<String, LlvmError> {
        let text = format!("{}{}", self.preamble, source.body);
        driver::compile(self, &source.name, &text)
    }

    /// The assembly through the driver.
    pub(crate) fn assemble_alone(&self, name: &str, text: &str) -> Result<Vec<u8>, LlvmError> {
        driver::assemble(self, name, text)
    }

    /// Diagnostics without the path of the work folder, which is gone when they are read.
    pub(crate) fn shorten(&self, diagnostics: &str) -> String {
        let folder = format!("{}{}", self.work.display(), std::path::MAIN_SEPARATOR);
        diagnostics.replace(&folder, "")
    }

    fn objdump(&self, objdump: &Path, names: &[&str]) -> Result<String, LlvmError> {
        let mut arguments = vec!["--disassemble".into(), "--reloc".into()];
        arguments.extend(names.iter().map(|name| format!("{name}.o").into()));
        let output = command::run(objdump, &arguments, Some(&self.work), &self.interrupt)?;
        if !output.status.success() {
            return Err(LlvmError::Rejected {
                name: names.join(", "),
                stage: "disassemble",
                diagnostics: output.diagnostics(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Each object's part of llvm-objdump's output. It starts with an empty line and the file's name.
fn split_objdump(text: &str, names: &[&str]) -> Result<Vec<Option<String>>, String> {
    let mut parts = Vec::with_capacity(names.len());
    let mut rest = text;
    for (index, name) in names.iter().enumerate() {
        let head = |name: &str| format!("\n{name}.o:\tfile format ");
        if !rest.starts_with(&head(name)) {
            return Err(format!(
                "llvm-objdump printed nothing for {name}.o in its place"
            ));
        }
        let end = match names.get(index + 1) {
            Some(next) => rest
                .find(&head(next))
                .ok_or_else(|| format!("llvm-objdump printed nothing for {next}.o"))?,
            None => rest.len(),
        };
        let (part, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        parts.push(Some(part.to_owned()));
        rest = tail;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objdump_is_split_by_file() {
        let text = "\na.o:\tfile format elf64-x86-64\n\nx\n\nab.o:\tfile format elf64-x86-64\n";
        assert_eq!(
            split_objdump(text, &["a", "ab"]).unwrap(),
            [
                Some("\na.o:\tfile format elf64-x86-64\n\nx\n".to_owned()),
                Some("\nab.o:\tfile format elf64-x86-64\n".to_owned())
            ]
        );
        assert!(split_objdump(text, &["a", "b"]).is_err());
        assert!(split_objdump(text, &["ab", "a"]).is_err());
        assert!(split_objdump("", &["a"]).is_err());
    }
}
