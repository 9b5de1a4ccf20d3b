//! Many inputs in one process.
//!
//! Nearly all the time of a driver process goes into starting it and into reading the same headers.
//! So the leading `#include`s of the sources are compiled once, to a precompiled header, and cc1 gets
//! many inputs in one run. It assembles as well: an LLVM module that holds nothing but assembly
//! becomes an object file with the same code, data, symbols and relocations.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    command::{self, Output},
    context::Context,
    driver,
    error::LlvmError,
    files,
    made::Made,
    module::as_module,
    object::{self, Object},
    plan::Plan,
    preamble::Preamble,
    source::{Source, line_directive},
    work::Slot,
    written::Written,
};

/// Compiles to what the plan writes. Returns one result for each source. `closed` is whether the plan leads to no
/// other files.
pub(crate) fn compile<W: Written>(
    context: &Context<'_>,
    plan: &Plan,
    closed: bool,
    preamble: &Preamble<'_>,
    sources: &[&Source],
) -> Result<Vec<Result<Made<W>, LlvmError>>, LlvmError> {
    let slot = context.work.slot()?;
    let mut arguments = plan.arguments.clone();
    if let Preamble::Precompiled(path) = preamble {
        arguments.extend(["-include-pch".into(), path.into()]);
    }
    let members = sources
        .iter()
        .enumerate()
        .map(|(index, source)| Member {
            name: &source.name,
            input: slot.file(index, &source.name, "c"),
            text: text_of(context, preamble, source),
            output: slot.file(index, &source.name, W::EXTENSION),
        })
        .collect();
    let outputs = run_members(context, &plan.program, &arguments, members)?;
    let end = plan.last_directive(context.options.target.format);
    let read = |path: PathBuf| -> Result<Option<W>, LlvmError> {
        let written = W::read(&path)?;
        // The driver tries those again that are cut short.
        Ok(Some(written).filter(|written| written.is_whole(end)))
    };
    Ok(sources
        .iter()
        .zip(outputs)
        .map(|(source, output)| {
            Ok(match output.map_or(Ok(None), read)? {
                Some(text) => Made {
                    value: text,
                    from_known_inputs: closed,
                },
                None => Made {
                    value: driver::compile(context, source)?,
                    from_known_inputs: false,
                },
            })
        })
        .collect())
}

/// Returns what clang gets for a source, after the precompiled preamble if there is one.
pub(crate) fn text_of(context: &Context<'_>, preamble: &Preamble<'_>, source: &Source) -> Vec<u8> {
    let mut text = format!("#define _JIT_OPCODE {}\n", source.name).into_bytes();
    if let Preamble::Text(snapshot) = preamble {
        text.extend_from_slice(&snapshot.text);
        text.push(b'\n');
    }
    let file = context.work.file(&source.name, "c");
    let first_line = 1 + context.preamble.lines().count();
    text.extend_from_slice(line_directive(&file, first_line).as_bytes());
    text.extend_from_slice(source.body.as_bytes());
    text
}

/// Assembles to object files. Returns one result for each pair of a name and a text.
pub(crate) fn assemble(
    context: &Context<'_>,
    plan: &Plan,
    inputs: &[(&str, &str)],
) -> Result<Vec<Result<Made<Object>, LlvmError>>, LlvmError> {
    let slot = context.work.slot()?;
    let triple = plan.value("-triple").unwrap_or_default();
    let members = inputs
        .iter()
        .enumerate()
        .map(|(index, (name, assembly))| Member {
            name,
            input: slot.file(index, name, "ll"),
            text: as_module(name, assembly, context.options.target.format, triple).into_bytes(),
            output: slot.file(index, name, "o"),
        })
        .collect();
    let outputs = run_members(context, &plan.program, &plan.arguments, members)?;
    let disassembly = disassemble(context, &slot, &outputs)?;
    Ok(inputs
        .iter()
        .zip(outputs.into_iter().zip(disassembly))
        .map(|((name, text), (output, disassembly))| {
            Ok(match output {
                Some(path) => Made {
                    value: Object {
                        bytes: files::read(&path)?,
                        disassembly,
                    },
                    from_known_inputs: true,
                },
                None => Made {
                    value: driver::assemble(context, name, text)?,
                    from_known_inputs: false,
                },
            })
        })
        .collect())
}

/// Disassembles object files. Returns one object for each pair of a name and the contents.
pub(crate) fn disassembled(
    context: &Context<'_>,
    objects: Vec<(&str, Vec<u8>)>,
) -> Result<Vec<Object>, LlvmError> {
    let slot = context.work.slot()?;
    let mut paths = Vec::with_capacity(objects.len());
    if context.toolchain.objdump.is_some() {
        for (index, (name, bytes)) in objects.iter().enumerate() {
            let path = slot.file(index, name, "o");
            files::write(&path, bytes)?;
            paths.push(Some(path));
        }
    } else {
        paths.resize(objects.len(), None);
    }
    let texts = disassemble(context, &slot, &paths)?;
    let objects = objects.into_iter().zip(texts);
    Ok(objects
        .map(|((_, bytes), disassembly)| Object { bytes, disassembly })
        .collect())
}

/// Disassembles the objects that are there.
fn disassemble(
    context: &Context<'_>,
    slot: &Slot<'_>,
    objects: &[Option<PathBuf>],
) -> Result<Vec<Option<String>>, LlvmError> {
    let paths: Vec<&Path> = objects.iter().flatten().map(PathBuf::as_path).collect();
    let mut texts = object::disassemble(context, slot.path(), &paths)?.into_iter();
    Ok(objects
        .iter()
        .map(|object| object.as_ref().and_then(|_| texts.next().flatten()))
        .collect())
}

/// One input of a batch.
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) input: PathBuf,
    pub(crate) text: Vec<u8>,
    pub(crate) output: PathBuf,
}

impl Member<'_> {
    /// Whether it has an output: outputs are emptied before a run, and clang removes those of inputs
    /// that fail.
    pub(crate) fn is_done(&self) -> bool {
        files::has_contents(&self.output)
    }
}

/// A command of cc1 that gets members as its last arguments.
pub(crate) struct Command<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [OsString],
    /// The directory to run it in. Members get there by their names if they are in it.
    pub(crate) directory: &'a Path,
}

impl Command<'_> {
    /// Runs cc1 on the members, whose inputs are written.
    pub(crate) fn run(
        &self,
        context: &Context<'_>,
        members: &[Member<'_>],
    ) -> Result<Output, LlvmError> {
        let mut arguments = self.arguments.to_vec();
        // Write directly to the output, which nobody else uses, not to a file that is then renamed.
        arguments.push("-fno-temp-file".into());
        let inputs = members.iter().map(|member| member.input.as_path());
        arguments.extend(
            inputs.map(|input| match input.parent() == Some(self.directory) {
                true => input.file_name().unwrap_or_default().to_owned(),
                false => input.into(),
            }),
        );
        let directory = Some(self.directory);
        let done = command::run(self.program, &arguments, directory, &context.interrupt);
        done.map_err(|error| {
            let unfinished = members.iter().find(|member| !member.is_done());
            error.with_unfinished(unfinished.map(|member| member.name))
        })
    }
}

/// Writes the inputs of members, and empties their outputs.
pub(crate) fn write(members: &[Member<'_>]) -> Result<(), LlvmError> {
    for member in members {
        // Emptied, not removed: creating thousands of files again takes much of a fast build's time.
        files::write(&member.output, b"")?;
        files::write(&member.input, &member.text)?;
    }
    Ok(())
}

/// Runs cc1 on the members. Returns where each output is, or `None` for a member that has to be tried
/// alone: cc1 does them in order and, once one fails, writes nothing for those after it.
fn run_members(
    context: &Context<'_>,
    program: &Path,
    arguments: &[OsString],
    members: Vec<Member<'_>>,
) -> Result<Vec<Option<PathBuf>>, LlvmError> {
    write(&members)?;
    let command = Command {
        program,
        arguments,
        directory: context.work.path(),
    };
    let mut results = Vec::with_capacity(members.len());
    let mut waiting = members.as_slice();
    while !waiting.is_empty() {
        let done = command.run(context, waiting)?;
        let mut finished = waiting.iter().take_while(|member| member.is_done()).count();
        if done.status.code().is_none() {
            // It was killed, maybe while it wrote the last one.
            finished = finished.saturating_sub(1);
        }
        let (good, rest) = waiting.split_at_checked(finished).unwrap_or((waiting, &[]));
        results.extend(good.iter().map(|member| Some(member.output.clone())));
        waiting = match rest.split_first() {
            None => rest,
            Some((first, rest)) => {
                tracing::info!(
                    "{} does not compile with the others: it is tried alone",
                    first.name
                );
                results.push(None);
                rest
            }
        };
        if done.status.success() {
            context.report(&done);
            // It succeeded, so another try will not make what is missing.
            results.extend(waiting.iter().map(|_| None));
            break;
        }
    }
    Ok(results)
}
