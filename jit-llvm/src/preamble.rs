//! The precompiled preamble.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{context::Context, error::LlvmError, files, plan::Plan};

/// What comes before every source.
pub(crate) enum Preamble<'a> {
    /// Its text, to be read again for each source.
    Text,
    /// A precompiled header.
    Precompiled(&'a Path),
}

/// Compiles the preamble to a header that cc1 loads quickly. The inner error is why that is not
/// possible, or what went wrong.
pub(crate) fn precompile(
    context: &Context<'_>,
    plan: &Plan,
) -> Result<Result<PathBuf, String>, LlvmError> {
    let Some(plan) = plan.with(&[("-S", "-emit-pch"), ("c", "c-header")]) else {
        return Ok(Err("the plan of -### is not understood".to_owned()));
    };
    let input = context.work.file("preamble", "h");
    let output = context.work.file("preamble", "pch");
    let dependencies = context.work.file("preamble", "d");
    files::write(&input, context.start(&input).as_bytes())?;
    let mut arguments = plan.arguments.clone();
    arguments
        .extend(["-sys-header-deps", "-MT", "preamble", "-dependency-file"].map(OsString::from));
    arguments.extend([
        dependencies.clone().into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() {
        return Ok(Err(format!(
            "the preamble can't be precompiled:\n{}",
            context.diagnostics(&done)
        )));
    }
    context.report(&done);
    // The name of the micro-op is not defined there, but the driver defines it on its command line.
    let mentions = files::dependencies(&dependencies)?
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
