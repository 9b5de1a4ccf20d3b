//! Many inputs in one process.
//!
//! Nearly all the time of a driver process goes into starting up and into reading the same headers.
//! So the leading `#include`s of the sources are compiled once, to a precompiled header, and cc1 is
//! given many inputs in one run. It assembles, too: an LLVM module that holds nothing but assembly
//! becomes an object file with the same code, data, symbols and relocations.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use jit_schema::ObjectFormat;

use crate::{
    LlvmError, Object, Source,
    command::{self, Output},
    context::{Context, Slot},
    plan::Plan,
};

/// The cc1 commands for one target.
#[derive(Debug)]
pub(crate) struct Plans {
    /// C to assembly.
    pub(crate) compile: Plan,
    /// Assembly, in a module, to an object file.
    pub(crate) assemble: Plan,
    /// The shim to an object file.
    pub(crate) shim: Plan,
}

impl Plans {
    /// Ask the driver; `None` if one of its answers is not understood.
    pub(crate) fn ask(context: &Context<'_>) -> Result<Option<Plans>, LlvmError> {
        let ask = |arguments: &[OsString], folder: &str| {
            let folder = context.folder(folder)?;
            let clang = &context.toolchain.clang;
            Plan::ask(clang, arguments, &folder, &context.interrupt)
        };
        let (compile, (assemble, shim)) = rayon::join(
            || ask(&context.options.stencil(&context.work), "plan-compile"),
            || {
                rayon::join(
                    || ask(&context.options.assemble(), "plan-assemble"),
                    || ask(&context.options.shim(&context.work), "plan-shim"),
                )
            },
        );
        Ok(match (compile?, assemble?, shim?) {
            (Some(compile), Some(assemble), Some(shim)) => {
                assemble.with(&[("c", "ir")]).map(|assemble| Plans {
                    compile,
                    assemble,
                    shim,
                })
            }
            _ => None,
        })
    }
}

/// What comes in front of every source.
pub(crate) enum Preamble<'a> {
    /// Its text, to be read again for each.
    Text,
    /// A precompiled header.
    Precompiled(&'a Path),
}

/// C to assembly; one result for each source.
pub(crate) fn compile(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    sources: &[Source],
) -> Result<Vec<Result<String, LlvmError>>, LlvmError> {
    let slot = context.slot()?;
    let mut arguments = plan.arguments.clone();
    let first_line = match preamble {
        Preamble::Precompiled(path) => {
            arguments.extend(["-include-pch".into(), path.into()]);
            1 + context.preamble.lines().count()
        }
        Preamble::Text => 1,
    };
    let members = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let mut text = format!("#define _JIT_OPCODE {}\n", source.name);
            text.push_str(&line_directive(context, source, first_line));
            if matches!(preamble, Preamble::Text) {
                text.push_str(&context.preamble);
            }
            text.push_str(&source.body);
            Member {
                name: &source.name,
                input: slot.file(index, &source.name, "c"),
                text,
                output: slot.file(index, &source.name, "s"),
            }
        })
        .collect();
    let outputs = run_members(context, &plan.program, &arguments, members)?;
    Ok(sources
        .iter()
        .zip(outputs)
        .map(|(source, output)| match output {
            Some(path) => command::read_text(path),
            None => context.compile_alone(source),
        })
        .collect())
}

/// Assembly to object files; one result for each name and text.
pub(crate) fn assemble(
    context: &Context<'_>,
    plan: &Plan,
    inputs: &[(&str, &str)],
) -> Result<Vec<Result<Object, LlvmError>>, LlvmError> {
    let slot = context.slot()?;
    let triple = plan.value("-triple").unwrap_or_default();
    let members = inputs
        .iter()
        .enumerate()
        .map(|(index, (name, assembly))| Member {
            name,
            input: slot.file(index, name, "ll"),
            text: as_module(assembly, context.options.target.format, triple),
            output: slot.file(index, name, "o"),
        })
        .collect();
    let outputs = run_members(context, &plan.program, &plan.arguments, members)?;
    let disassembly = disassemble(context, &slot, &outputs)?;
    Ok(inputs
        .iter()
        .zip(outputs.into_iter().zip(disassembly))
        .map(|((name, text), (output, disassembly))| match output {
            Some(path) => Ok(Object {
                bytes: command::read(path)?,
                disassembly,
            }),
            None => context.assemble_alone(name, text),
        })
        .collect())
}

/// llvm-objdump's text of the objects that are there.
fn disassemble(
    context: &Context<'_>,
    slot: &Slot<'_>,
    objects: &[Option<PathBuf>],
) -> Result<Vec<Option<String>>, LlvmError> {
    let paths: Vec<&Path> = objects.iter().flatten().map(PathBuf::as_path).collect();
    let mut texts = context.disassemble(slot.folder(), &paths)?.into_iter();
    Ok(objects
        .iter()
        .map(|object| object.as_ref().and_then(|_| texts.next().flatten()))
        .collect())
}

/// Compile the preamble to a header that cc1 loads at once. `Err` is why that can't be done, or what
/// went wrong.
pub(crate) fn precompile(
    context: &Context<'_>,
    plan: &Plan,
) -> Result<Result<PathBuf, String>, LlvmError> {
    let Some(plan) = plan.with(&[("-S", "-emit-pch"), ("c", "c-header")]) else {
        return Ok(Err("the plan of -### is not understood".to_owned()));
    };
    let input = context.work.join("preamble.h");
    let output = context.work.join("preamble.pch");
    let dependencies = context.work.join("preamble.d");
    command::write(&input, context.preamble.as_bytes())?;
    let mut arguments = plan.arguments.clone();
    arguments
        .extend(["-sys-header-deps", "-MT", "preamble", "-dependency-file"].map(OsString::from));
    arguments.extend([
        dependencies.clone().into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    let (folder, interrupt) = (Some(context.work.as_path()), &context.interrupt);
    let done = command::run(&plan.program, &arguments, folder, interrupt)?;
    if !done.status.success() {
        return Ok(Err(format!(
            "the preamble can't be precompiled:\n{}",
            context.shorten(&done.diagnostics())
        )));
    }
    warn(context, &done);
    // The opcode is not defined there, while the driver has it on its command line.
    let mentions = command::dependencies(&dependencies)?
        .into_iter()
        .find(|header| fs::read(header).is_ok_and(|text| contains(&text, b"_JIT_OPCODE")));
    Ok(match mentions {
        Some(header) => Err(format!(
            "{} mentions _JIT_OPCODE, so it can't be shared",
            header.display()
        )),
        None => Ok(output),
    })
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// Tells a source's name and line, so that `__FILE__`, `__LINE__` and diagnostics are those of a file
/// of its own that starts with the preamble.
pub(crate) fn line_directive(context: &Context<'_>, source: &Source, line: usize) -> String {
    let path = context.file(&source.name, "c");
    format!("#line {line} \"{}\"\n", escaped(&path.to_string_lossy()))
}

/// One input of a batch.
struct Member<'a> {
    name: &'a str,
    input: PathBuf,
    text: String,
    output: PathBuf,
}

impl Member<'_> {
    /// Outputs are emptied before a run, and clang removes those of inputs that fail.
    fn is_done(&self) -> bool {
        fs::metadata(&self.output).is_ok_and(|output| output.len() > 0)
    }
}

/// Run cc1 over the members. Each result is where the output is, or `None` for a member that has to
/// be tried alone: cc1 does them in order and, once one fails, writes nothing for those behind it.
fn run_members(
    context: &Context<'_>,
    program: &Path,
    arguments: &[OsString],
    members: Vec<Member<'_>>,
) -> Result<Vec<Option<PathBuf>>, LlvmError> {
    for member in &members {
        // Emptied, not removed: making thousands of files anew is a good part of a fast build.
        command::write(&member.output, b"")?;
        command::write(&member.input, member.text.as_bytes())?;
    }
    let mut results = Vec::with_capacity(members.len());
    let mut waiting = members.as_slice();
    while !waiting.is_empty() {
        let mut arguments = arguments.to_vec();
        // Straight to the output, which is nobody else's, not to a file that is then renamed.
        arguments.push("-fno-temp-file".into());
        arguments.extend(waiting.iter().map(|member| member.input.clone().into()));
        let folder = Some(context.work.as_path());
        let done = command::run(program, &arguments, folder, &context.interrupt)?;
        let mut finished = waiting.iter().take_while(|member| member.is_done()).count();
        if done.status.code().is_none() {
            // Killed, maybe while it wrote the last one.
            finished = finished.saturating_sub(1);
        }
        let (good, rest) = waiting.split_at_checked(finished).unwrap_or((waiting, &[]));
        results.extend(good.iter().map(|member| Some(member.output.clone())));
        waiting = match rest.split_first() {
            None => rest,
            Some((first, rest)) => {
                tracing::info!("{} does not go with the others: alone then", first.name);
                results.push(None);
                rest
            }
        };
        if done.status.success() {
            warn(context, &done);
            // It says it is done, so what is missing won't come from another try.
            results.extend(waiting.iter().map(|_| None));
            break;
        }
    }
    Ok(results)
}

fn warn(context: &Context<'_>, done: &Output) {
    if !done.stderr.is_empty() {
        context.warn(&String::from_utf8_lossy(&done.stderr));
    }
}

/// An LLVM module that is nothing but the assembly.
fn as_module(assembly: &str, format: ObjectFormat, triple: &str) -> String {
    let mut text = String::with_capacity(assembly.len() + assembly.len() / 2);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "target triple = \"{triple}\"");
    let mut in_feature = false;
    for line in assembly.lines() {
        // LLVM defines this symbol of COFF files itself, in every module.
        if format == ObjectFormat::Coff && (in_feature || line.contains("@feat.00")) {
            let directive = line.trim_start();
            in_feature = (in_feature || directive.starts_with(".def")) && !ends_definition(line);
            continue;
        }
        text.push_str("module asm \"");
        for byte in line.bytes() {
            match byte {
                b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                    let _ = write!(text, "\\{byte:02X}");
                }
                _ => text.push(char::from(byte)),
            }
        }
        text.push_str("\"\n");
    }
    text
}

/// Whether a `.def` ends on this line.
fn ends_definition(line: &str) -> bool {
    line.contains(".endef")
}

/// As it has to stand between the quotes of a C string.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\t' => out.push_str("\\t"),
            // `??=` and its like are trigraphs in -std=c11.
            '?' => out.push_str("\\?"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembly_as_a_module() {
        let text = as_module("\t.asciz \"a\\né\"\nx:\n", ObjectFormat::Elf, "t");
        assert_eq!(
            text,
            "target triple = \"t\"\nmodule asm \"\\09.asciz \\22a\\5Cn\\C3\\A9\\22\"\nmodule asm \"x:\"\n"
        );
    }

    #[test]
    fn coff_features_are_left_to_cc1() {
        let text = "\t.def\t@feat.00;\n\t.scl\t3;\n\t.type\t0;\n\t.endef\n\t.globl\t@feat.00\n\
                    @feat.00 = 0\n\t.def\tf;\n\t.endef\nf:\n";
        let module = as_module(text, ObjectFormat::Coff, "t");
        assert_eq!(
            module,
            "target triple = \"t\"\nmodule asm \"\\09.def\\09f;\"\nmodule asm \"\\09.endef\"\nmodule asm \"f:\"\n"
        );
        assert!(as_module(text, ObjectFormat::Elf, "t").contains("@feat.00"));
    }
}
