//! The precompiled preamble.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    context::Context,
    error::LlvmError,
    files,
    plan::Plan,
    snapshot::{self, Snapshot},
    source::line_directive,
};

/// What comes before every source.
pub(crate) enum Preamble<'a> {
    /// Its text, to be read again for each source.
    Text(&'a Snapshot),
    /// A precompiled header.
    Precompiled(&'a Path),
}

/// The last line of the preamble.
const END: &str = "/* This is the end of the preamble. */";

/// Takes a snapshot of the preamble. The inner error is why that is not possible.
pub(crate) fn snapshot(
    context: &Context<'_>,
    plan: &Plan,
) -> Result<Result<Snapshot, String>, LlvmError> {
    // The name in the text is the same for every build, since clang runs in the work directory.
    let input = Path::new("preamble.h");
    let start = context.start(input);
    let forced = plan.forced_includes();
    if start.trim().is_empty() && forced.is_empty() {
        return Ok(Ok(Snapshot::of(Vec::new(), Vec::new(), SystemTime::now())));
    }
    // They become a part of the text, so that nothing reads them again.
    let mut text = String::new();
    for header in &forced {
        if header.contains(['"', '\n', '\r']) {
            return Ok(Err(format!("the name {header:?} can't be included")));
        }
        text.push_str(&format!("#include \"{header}\"\n"));
    }
    if !forced.is_empty() {
        text.push_str(&line_directive(input, 1));
    }
    text.push_str(&start);
    text.push_str(&format!("\n{END}\n"));
    files::write(&context.work.path().join(input), text.as_bytes())?;
    let plan = plan.without_forced_includes();
    let Some(snapshot) = snapshot::take(context, (&plan, "snapshot"), input, END.as_bytes())?
    else {
        return Ok(Err("the preamble can't be preprocessed".to_owned()));
    };
    // The name of the micro-op is not defined there, but the driver defines it on its command line.
    Ok(match &snapshot.mentions_opcode {
        Some(file) => Err(format!(
            "{file} mentions _JIT_OPCODE, so the headers can't be shared"
        )),
        None => Ok(snapshot),
    })
}

/// Compiles the preamble to a header that cc1 loads quickly. The inner error is why that is not
/// possible, or what went wrong.
pub(crate) fn precompile(
    context: &Context<'_>,
    plan: &Plan,
    snapshot: &Snapshot,
) -> Result<Result<PathBuf, String>, LlvmError> {
    let plan = plan.with_action("-emit-pch");
    let Some(plan) = plan.and_then(|plan| plan.with(&[("c", "c-header")])) else {
        return Ok(Err("the plan of -### is not understood".to_owned()));
    };
    let input = context.work.file("preamble", "h");
    let output = context.work.file("preamble", "pch");
    files::write(&input, &snapshot.text)?;
    let mut arguments = plan.arguments;
    arguments.extend(["-o".into(), output.clone().into(), input.into()]);
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() {
        return Ok(Err(format!(
            "the preamble can't be precompiled:\n{}",
            context.diagnostics(&done)
        )));
    }
    context.report(&done);
    Ok(Ok(output))
}
