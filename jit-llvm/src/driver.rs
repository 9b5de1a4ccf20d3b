//! One driver process for each step of each input, as `Tools/jit/build.py` does it: what the batches
//! of [`crate::batch`] are measured against, and what tells which member of a batch is at fault.

use std::{ffi::OsString, path::PathBuf};

use crate::{LlvmError, command, context::Context};

/// C to assembly.
pub(crate) fn compile(context: &Context<'_>, name: &str, text: &str) -> Result<String, LlvmError> {
    let input = context.file(name, "c");
    let output = context.file(name, "s");
    command::write(&input, text.as_bytes())?;
    let mut arguments = context.options.stencil(&context.work);
    arguments.extend([
        format!("-D_JIT_OPCODE={name}").into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    run(context, name, "compile", &arguments)?;
    command::read_text(output)
}

/// Assembly to an object file: where it is.
pub(crate) fn assemble(
    context: &Context<'_>,
    name: &str,
    text: &str,
) -> Result<PathBuf, LlvmError> {
    let input = context.file(name, "s");
    let output = context.file(name, "o");
    command::write(&input, text.as_bytes())?;
    let mut arguments = context.options.assemble();
    arguments.extend(["-o".into(), output.clone().into(), input.into()]);
    run(context, name, "assemble", &arguments)?;
    Ok(output)
}

/// Run clang and pass on what it printed.
pub(crate) fn run(
    context: &Context<'_>,
    name: &str,
    stage: &'static str,
    arguments: &[OsString],
) -> Result<(), LlvmError> {
    let clang = &context.toolchain.clang;
    let output = command::run(clang, arguments, Some(&context.work), &context.interrupt)?;
    let diagnostics = context.shorten(&output.diagnostics());
    if !output.status.success() {
        return Err(LlvmError::Rejected {
            name: name.to_owned(),
            stage,
            diagnostics,
        });
    }
    if !output.stderr.is_empty() {
        context.warn(&diagnostics);
    }
    Ok(())
}
