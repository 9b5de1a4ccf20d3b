//! What every way of running the tools shares: the target's flags, and a folder for files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{CompileOptions, Interrupt, LlvmError, Object, Source, Toolchain, command, driver};

/// See the module.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    pub(crate) preamble: String,
    /// An existing folder without links in its path.
    pub(crate) work: PathBuf,
    /// Whether files are for people to look at: each has its input's name and stays.
    pub(crate) keep: bool,
    pub(crate) interrupt: Interrupt,
    /// The folders of [`Slot`]s that nobody uses now, and how many were made.
    slots: Mutex<(Vec<PathBuf>, usize)>,
    /// The sources that clang has warned of.
    warned: Mutex<BTreeSet<String>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        toolchain: &'a Toolchain,
        options: CompileOptions,
        preamble: String,
        work: PathBuf,
        keep: bool,
        interrupt: Interrupt,
    ) -> Self {
        Context {
            toolchain,
            options,
            preamble,
            work,
            keep,
            interrupt,
            slots: Mutex::default(),
            warned: Mutex::default(),
        }
    }

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

    /// Room for the files of one batch.
    pub(crate) fn slot(&self) -> Result<Slot<'_>, LlvmError> {
        if self.keep {
            return Ok(Slot {
                context: self,
                folder: self.work.clone(),
            });
        }
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = match slots.0.pop() {
            Some(folder) => folder,
            None => {
                slots.1 += 1;
                let name = format!("slot-{}", slots.1);
                self.folder(&name)?
            }
        };
        Ok(Slot {
            context: self,
            folder,
        })
    }

    /// The whole source through the driver.
    pub(crate) fn compile_alone(&self, source: &Source) -> Result<String, LlvmError> {
        let text = format!("{}{}", self.preamble, source.body);
        driver::compile(self, &source.name, &text)
    }

    /// The assembly through the driver.
    pub(crate) fn assemble_alone(&self, name: &str, text: &str) -> Result<Object, LlvmError> {
        let path = driver::assemble(self, name, text)?;
        let disassembly = self.disassemble(&self.work, &[&path])?.pop().flatten();
        Ok(Object {
            bytes: command::read(path)?,
            disassembly,
        })
    }

    /// Show what clang says of sources that it compiles all the same, and note which they are.
    pub(crate) fn warn(&self, diagnostics: &str) {
        let text = self.shorten(diagnostics);
        tracing::warn!("clang says:\n{}", text.trim_end());
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let names = text.lines().filter_map(|line| line.split_once(".c:"));
        warned.extend(names.map(|(name, _)| name.to_owned()));
    }

    /// Whether clang has warned of a source.
    pub(crate) fn has_warned(&self, name: &str) -> bool {
        let warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.contains(name)
    }

    /// Diagnostics without the path of the work folder, which is gone when they are read.
    pub(crate) fn shorten(&self, diagnostics: &str) -> String {
        let folder = format!("{}{}", self.work.display(), std::path::MAIN_SEPARATOR);
        diagnostics.replace(&folder, "")
    }

    /// What llvm-objdump makes of object files in a folder, in one run; `None` where there is no
    /// llvm-objdump or it gives up. If an object is at fault, whoever reads it has more to say.
    pub(crate) fn disassemble(
        &self,
        folder: &Path,
        objects: &[&Path],
    ) -> Result<Vec<Option<String>>, LlvmError> {
        match (self.objdump(folder, objects), objects) {
            (Err(LlvmError::Rejected { diagnostics, .. }), [_]) => {
                tracing::warn!("no disassembly comments: {}", diagnostics.trim_end());
                Ok(vec![None])
            }
            // One spoils it for all.
            (Err(LlvmError::Rejected { .. }), _) => {
                let alone = objects.chunks(1).map(|one| self.disassemble(folder, one));
                Ok(alone.collect::<Result<Vec<_>, _>>()?.concat())
            }
            (result, _) => result,
        }
    }

    fn objdump(&self, folder: &Path, objects: &[&Path]) -> Result<Vec<Option<String>>, LlvmError> {
        let Some(objdump) = self
            .toolchain
            .objdump
            .as_ref()
            .filter(|_| !objects.is_empty())
        else {
            return Ok(vec![None; objects.len()]);
        };
        let names: Vec<String> = objects
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        let failed = |diagnostics| LlvmError::Rejected {
            name: names.join(", "),
            stage: "disassemble",
            diagnostics,
        };
        let mut arguments = vec!["--disassemble".into(), "--reloc".into()];
        arguments.extend(names.iter().map(Into::into));
        let output = command::run(objdump, &arguments, Some(folder), &self.interrupt)?;
        if !output.status.success() {
            return Err(failed(output.diagnostics()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        split_objdump(&text, &names).map_err(failed)
    }
}

/// A folder for the files of one batch, used again for the next.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    context: &'a Context<'a>,
    folder: PathBuf,
}

impl Slot<'_> {
    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of the batch's member of that index and name.
    pub(crate) fn file(&self, index: usize, name: &str, extension: &str) -> PathBuf {
        if self.context.keep {
            self.folder.join(format!("{name}.{extension}"))
        } else {
            self.folder.join(format!("{index}.{extension}"))
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.context.keep {
            let mut slots = self
                .context
                .slots
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            slots.0.push(std::mem::take(&mut self.folder));
        }
    }
}

/// Each object's part of llvm-objdump's output, behind the line that has the file's name.
fn split_objdump(text: &str, names: &[String]) -> Result<Vec<Option<String>>, String> {
    const FORMAT: &str = ":\tfile format ";
    let mut parts = Vec::with_capacity(names.len());
    let mut rest = text;
    for (index, name) in names.iter().enumerate() {
        let head = |name: &str| format!("\n{name}{FORMAT}");
        let missing = |name: &str| format!("llvm-objdump printed nothing for {name} in its place");
        rest = rest
            .strip_prefix(&format!("\n{name}"))
            .filter(|rest| rest.starts_with(FORMAT))
            .ok_or_else(|| missing(name))?;
        let end = match names.get(index + 1) {
            Some(next) => rest.find(&head(next)).ok_or_else(|| missing(next))?,
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

    fn split(text: &str, names: &[&str]) -> Result<Vec<Option<String>>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        split_objdump(text, &names)
    }

    #[test]
    fn objdump_is_split_by_file() {
        let text = "\na.o:\tfile format elf64-x86-64\n\nx\n\nab.o:\tfile format elf64-x86-64\n";
        assert_eq!(
            split(text, &["a.o", "ab.o"]).unwrap(),
            [
                Some(":\tfile format elf64-x86-64\n\nx\n".to_owned()),
                Some(":\tfile format elf64-x86-64\n".to_owned())
            ]
        );
        assert!(split(text, &["a.o", "b.o"]).is_err());
        assert!(split(text, &["ab.o", "a.o"]).is_err());
        assert!(split("", &["a.o"]).is_err());
    }
}
