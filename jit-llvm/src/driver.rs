//! One driver process for each step of each input, as CPython's `Tools/jit/build.py` does it. It
//! shows which member of a batch is at fault, and tests compare [`crate::batch`] with it.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use crate::{
    context::Context,
    error::LlvmError,
    files,
    object::{self, Object},
    options::{IR, Output},
    source::Source,
    written::Written,
};

/// Compiles a source, preamble included, to what the options say.
pub(crate) fn compile<W: Written>(context: &Context<'_>, source: &Source) -> Result<W, LlvmError> {
    compile_text(context, &source.name, &source.body)
}

/// Compiles the preamble alone, to see whether it compiles.
pub(crate) fn compile_preamble(context: &Context<'_>) -> Result<(), LlvmError> {
    match context.options.output {
        Output::Assembly => compile_text::<String>(context, "preamble", "").map(drop),
        Output::Object => compile_text::<Vec<u8>>(context, "preamble", "").map(drop),
    }
}

fn compile_text<W: Written>(context: &Context<'_>, name: &str, body: &str) -> Result<W, LlvmError> {
    let input = context.work.file(name, "c");
    let output = context.work.file(name, W::EXTENSION);
    let text = context.start(&input) + body;
    files::write(&input, text.as_bytes())?;
    let mut arguments = context.options.stencil(context.work.path());
    arguments.extend([
        format!("-D_JIT_OPCODE={name}").into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    run(context, name, "compile", &arguments)?;
    W::read(&output)
}

/// Compiles LLVM IR to what the options say.
pub(crate) fn compile_ir<W: Written>(
    context: &Context<'_>,
    name: &str,
    ir: &[u8],
) -> Result<W, LlvmError> {
    let input = context.work.file(name, "ll");
    let output = context.work.file(name, W::EXTENSION);
    files::write(&input, ir)?;
    let mut arguments = context.options.stencil(context.work.path());
    arguments.extend(IR.map(Into::into));
    arguments.extend(["-o".into(), output.clone().into(), input.into()]);
    run(context, name, "compile", &arguments)?;
    W::read(&output)
}

/// What makes clang print LLVM's IR after optimization.
const PRINT_IR: [&str; 2] = ["-emit-llvm", "-w"];

/// Translates a source, preamble included, to LLVM's IR after optimization.
pub(crate) fn optimized_ir(context: &Context<'_>, source: &Source) -> Result<String, LlvmError> {
    let name = &source.name;
    let input = context.work.file(name, "c");
    let text = context.start(&input) + &source.body;
    files::write(&input, text.as_bytes())?;
    let opcode = format!("-D_JIT_OPCODE={name}");
    print_ir(context, name, &[opcode.as_ref(), input.as_os_str()])
}

/// Translates a source, preamble included, to LLVM's IR before optimization.
pub(crate) fn ir(context: &Context<'_>, source: &Source) -> Result<String, LlvmError> {
    let name = &source.name;
    let input = context.work.file(name, "c");
    let text = context.start(&input) + &source.body;
    files::write(&input, text.as_bytes())?;
    let opcode = format!("-D_JIT_OPCODE={name}");
    let words = ["-Xclang", "-disable-llvm-passes", &opcode].map(OsStr::new);
    let words: Vec<&OsStr> = words.into_iter().chain([input.as_os_str()]).collect();
    print_ir(context, name, &words)
}

/// Optimizes a module.
pub(crate) fn optimized_module(
    context: &Context<'_>,
    name: &str,
    ir: &[u8],
) -> Result<String, LlvmError> {
    let input = context.work.file(name, "ll");
    files::write(&input, ir)?;
    let words = IR.map(OsStr::new).into_iter().chain([input.as_os_str()]);
    print_ir(context, name, &words.collect::<Vec<_>>())
}

fn print_ir(context: &Context<'_>, name: &str, words: &[&OsStr]) -> Result<String, LlvmError> {
    let output = context.work.file(name, "optimized.ll");
    let mut arguments = context.options.source(context.work.path(), &["-S"]);
    arguments.extend(PRINT_IR.map(Into::into));
    arguments.extend(words.iter().map(|word| (*word).to_owned()));
    arguments.extend(["-o".into(), output.clone().into()]);
    run(context, name, "compile", &arguments)?;
    files::read_text(&output)
}

/// Assembles to an object file.
pub(crate) fn assemble(context: &Context<'_>, name: &str, text: &str) -> Result<Object, LlvmError> {
    let input = context.work.file(name, "s");
    let output = context.work.file(name, "o");
    files::write(&input, text.as_bytes())?;
    let mut arguments = context.options.assemble();
    arguments.extend(["-o".into(), output.clone().into(), input.into()]);
    run(context, name, "assemble", &arguments)?;
    let disassembly = object::disassemble(context, context.work.path(), &[&output])?;
    Ok(Object {
        bytes: files::read(&output)?,
        disassembly: disassembly.into_iter().next().flatten(),
    })
}

/// Compiles the shim to the contents of an object file.
pub(crate) fn shim(context: &Context<'_>, source: &Path) -> Result<Vec<u8>, LlvmError> {
    let output = context.work.directory("shim")?.join("shim.o");
    let mut arguments = context.options.shim(context.work.path());
    arguments.extend(["-o".into(), output.clone().into(), source.into()]);
    run(context, "shim", "compile", &arguments)?;
    files::read(&output)
}

/// Runs clang, and reports what it printed. The arguments name its output.
pub(crate) fn run(
    context: &Context<'_>,
    name: &str,
    stage: &'static str,
    arguments: &[OsString],
) -> Result<(), LlvmError> {
    let written = arguments
        .iter()
        .skip_while(|argument| *argument != "-o")
        .nth(1)
        .map(Path::new);
    // What is kept of an earlier build must not pass for a result.
    if let Some(path) = written {
        files::remove(path)?;
    }
    let output = context.run(&context.toolchain.clang, arguments)?;
    if !output.status.success() {
        return Err(LlvmError::Rejected {
            name: name.to_owned(),
            stage,
            diagnostics: context.diagnostics(&output),
        });
    }
    context.report(&output);
    match written {
        Some(path) if !files::has_contents(path) => Err(LlvmError::WroteNothing {
            program: context.toolchain.clang.clone(),
            what: match path.extension() {
                Some(extension) if extension == "s" => "assembly",
                _ => "object file",
            },
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}
