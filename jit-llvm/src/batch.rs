//! Many inputs in one process.
//!
//! Nearly all the time of a driver process goes into starting up and into reading the same headers.
//! So the leading `#include`s of the sources are compiled once, to a precompiled header, and cc1 is
//! given many inputs in one run. It assembles, too: a C file that holds nothing but one file-scope
//! `__asm__` becomes an object file with the same code, data, symbols and relocations.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use jit_schema::ObjectFormat;

use crate::{
    LlvmError,
    command::{self, Output},
    compiler::{Context, Source},
    plan::Plan,
};

/// The commands for one target's batches.
#[derive(Debug)]
pub(crate) struct Batch {
    compile: Plan,
    assemble: Plan,
    /// The preamble, compiled; `None` if there is none.
    precompiled: Option<PathBuf>,
}

/// Why there is no [`Batch`].
pub(crate) enum NoBatch {
    /// Something that the driver can do all the same.
    Unsuited(String),
    /// Something that would fail there, too.
    Failed(LlvmError),
}

impl From<LlvmError> for NoBatch {
    fn from(error: LlvmError) -> Self {
        NoBatch::Failed(error)
    }
}

impl Batch {
    /// Find the commands and precompile the preamble.
    pub(crate) fn prepare(context: &Context<'_>) -> Result<Batch, NoBatch> {
        let ask = |arguments: &[OsString], folder: &str| {
            let folder = context.folder(folder)?;
            let clang = &context.toolchain.clang;
            Plan::ask(clang, arguments, &folder, &context.interrupt)
        };
        let (compile, assemble) = rayon::join(
            || ask(&context.options.stencil(&context.work), "plan-compile"),
            || ask(&context.options.assemble(), "plan-assemble"),
        );
        let not_understood = || NoBatch::Unsuited("the plan of -### is not understood".to_owned());
        let compile = compile?.ok_or_else(not_understood)?;
        let assemble = assemble?.ok_or_else(not_understood)?;
        let precompiled = if context.preamble.trim().is_empty() {
            None
        } else {
            let plan = compile
                .with(&[("-S", "-emit-pch"), ("c", "c-header")])
                .ok_or_else(not_understood)?;
            Some(precompile(context, &plan)?)
        };
        Ok(Batch {
            compile,
            assemble,
            precompiled,
        })
    }

    /// C to assembly; one result for each source.
    pub(crate) fn compile(
        &self,
        context: &Context<'_>,
        sources: &[Source],
    ) -> Result<Vec<Result<String, LlvmError>>, LlvmError> {
        let first_line = 1 + context.preamble.lines().count();
        let members = sources
            .iter()
            .map(|source| {
                let input = context.file(&source.name, "c");
                // The preamble is one header, so what comes after it must be told its line; the
                // name is the file's own, so that __FILE__ and the diagnostics stay as they were.
                let text = format!(
                    "#define _JIT_OPCODE {}\n#line {first_line} \"{}\"\n{}",
                    source.name,
                    escaped(&input.to_string_lossy()),
                    source.body
                );
                Member {
                    name: &source.name,
                    input,
                    text,
                    output: context.file(&source.name, "s"),
                }
            })
            .collect();
        let mut arguments = self.compile.arguments.clone();
        if let Some(precompiled) = &self.precompiled {
            arguments.extend(["-include-pch".into(), precompiled.clone().into()]);
        }
        let outputs = run_members(context, &self.compile.program, &arguments, members)?;
        Ok(sources
            .iter()
            .zip(outputs)
            .map(|(source, output)| match output {
                Some(path) => command::read_text(path),
                None => context.compile_alone(source),
            })
            .collect())
    }

    /// Assembly to the contents of object files; one result for each name and text.
    pub(crate) fn assemble(
        &self,
        context: &Context<'_>,
        inputs: &[(&str, &str)],
    ) -> Result<Vec<Result<Vec<u8>, LlvmError>>, LlvmError> {
        let folder = context.folder("assemble")?;
        let members = inputs
            .iter()
            .map(|(name, assembly)| Member {
                name,
                input: folder.join(format!("{name}.c")),
                text: as_c(assembly, context.options.target.format),
                output: folder.join(format!("{name}.o")),
            })
            .collect();
        let program = &self.assemble.program;
        let outputs = run_members(context, program, &self.assemble.arguments, members)?;
        Ok(inputs
            .iter()
            .zip(outputs)
            .map(|((name, text), output)| match output {
                Some(path) => {
                    let bytes = command::read(path.clone())?;
                    // Where llvm-objdump looks for it.
                    let place = context.file(name, "o");
                    fs::rename(&path, &place).map_err(|source| LlvmError::File {
                        action: "move",
                        path,
                        source,
                    })?;
                    Ok(bytes)
                }
                None => context.assemble_alone(name, text),
            })
            .collect())
    }
}

/// Compile the preamble to a header that cc1 loads at once.
fn precompile(context: &Context<'_>, plan: &Plan) -> Result<PathBuf, NoBatch> {
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
    let done = command::run(
        &plan.program,
        &arguments,
        Some(&context.work),
        &context.interrupt,
    )?;
    if !done.status.success() {
        return Err(NoBatch::Unsuited(format!(
            "the preamble can't be precompiled:\n{}",
            context.shorten(&done.diagnostics())
        )));
    }
    warn(context, &done);
    // The opcode is not defined there, while the driver has it on its command line.
    let mentions = command::dependencies(&dependencies)?
        .into_iter()
        .find(|header| fs::read(header).is_ok_and(|text| contains(&text, b"_JIT_OPCODE")));
    match mentions {
        Some(header) => Err(NoBatch::Unsuited(format!(
            "{} mentions _JIT_OPCODE, so it can't be shared",
            header.display()
        ))),
        None => Ok(output),
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// One input of a batch.
struct Member<'a> {
    name: &'a str,
    input: PathBuf,
    text: String,
    output: PathBuf,
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
        // An output from before must not pass for one of this run.
        let _ = fs::remove_file(&member.output);
        command::write(&member.input, member.text.as_bytes())?;
    }
    let mut results = Vec::with_capacity(members.len());
    let mut waiting = members.as_slice();
    while !waiting.is_empty() {
        let mut arguments = arguments.to_vec();
        arguments.extend(waiting.iter().map(|member| member.input.clone().into()));
        let done = command::run(program, &arguments, Some(&context.work), &context.interrupt)?;
        let finished = waiting
            .iter()
            .take_while(|member| member.output.is_file())
            .count();
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
        let text = String::from_utf8_lossy(&done.stderr);
        tracing::warn!("clang says:\n{}", context.shorten(&text).trim_end());
    }
}

/// A C file that is nothing but the assembly.
fn as_c(assembly: &str, format: ObjectFormat) -> String {
    let mut text = String::with_capacity(assembly.len() + assembly.len() / 4);
    text.push_str("__asm__(\n");
    let mut in_feature = false;
    for line in assembly.lines() {
        // The optimizer leaves its input on top, as comments.
        if line.starts_with('#') {
            continue;
        }
        // cc1 defines this symbol of COFF files itself, for every C file.
        if format == ObjectFormat::Coff && (in_feature || line.contains("@feat.00")) {
            let directive = line.trim_start();
            in_feature = (in_feature || directive.starts_with(".def")) && !ends_definition(line);
            continue;
        }
        let _ = writeln!(text, "\"{}\\n\"", escaped(line));
    }
    text.push_str(");\n");
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
    fn assembly_as_c() {
        let text = as_c("#\tcomment\n\t.asciz \"a\\n??=\"\nx:\n", ObjectFormat::Elf);
        assert_eq!(
            text,
            "__asm__(\n\"\\t.asciz \\\"a\\\\n\\?\\?=\\\"\\n\"\n\"x:\\n\"\n);\n"
        );
    }

    #[test]
    fn coff_features_are_left_to_cc1() {
        let text = "\t.def\t@feat.00;\n\t.scl\t3;\n\t.type\t0;\n\t.endef\n\t.globl\t@feat.00\n\
                    @feat.00 = 0\n\t.def\tf;\n\t.endef\nf:\n";
        let c = as_c(text, ObjectFormat::Coff);
        assert_eq!(
            c,
            "__asm__(\n\"\\t.def\\tf;\\n\"\n\"\\t.endef\\n\"\n\"f:\\n\"\n);\n"
        );
        assert!(as_c(text, ObjectFormat::Elf).contains("@feat.00"));
    }
}
