//! The shim, from a snapshot.

use std::path::Path;

use crate::{
    context::Context,
    error::LlvmError,
    files,
    plan::Plan,
    snapshot::{self, Snapshot},
};

/// Takes a snapshot of the shim. Returns `None` if it does not preprocess, and if the main file counts: if headers are
/// included before it, and if debug information has its name and a hash of its text.
pub(crate) fn snapshot(
    context: &Context<'_>,
    plan: &Plan,
    source: &Path,
) -> Result<Option<Snapshot>, LlvmError> {
    match plan.forced_includes().is_empty() && !plan.makes_debug_info() {
        true => take(context, plan, source),
        false => Ok(None),
    }
}

/// Takes a snapshot of the shim and of what is included before it.
pub(crate) fn take(
    context: &Context<'_>,
    plan: &Plan,
    source: &Path,
) -> Result<Option<Snapshot>, LlvmError> {
    take_source(context, plan, "shim-snapshot", source)
}

/// Takes a snapshot of a source file, in this directory.
pub(crate) fn take_source(
    context: &Context<'_>,
    plan: &Plan,
    directory: &str,
    source: &Path,
) -> Result<Option<Snapshot>, LlvmError> {
    let text = files::read(source)?;
    let mut lines = text.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let end = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let snapshot = snapshot::take(context, (plan, directory), source, end)?;
    Ok(snapshot.map(|mut snapshot| {
        snapshot.files.insert(0, source.to_path_buf());
        snapshot
    }))
}

/// Compiles a snapshot of the shim to the contents of an object file. Returns `None` if that fails: the
/// driver's diagnostics are the better ones.
pub(crate) fn compile(
    context: &Context<'_>,
    plan: &Plan,
    source: &Path,
    snapshot: &Snapshot,
) -> Result<Option<Vec<u8>>, LlvmError> {
    let directory = context.work.directory("shim-from-snapshot")?;
    // The object file has the name of its source.
    let name = source.file_name().unwrap_or("shim.c".as_ref());
    let input = directory.join(name);
    let output = context.work.directory("shim-object")?.join("shim.o");
    files::write(&input, &snapshot.text)?;
    let mut arguments = plan.closed().arguments;
    arguments.extend(["-main-file-name".into(), name.into()]);
    arguments.extend(["-o".into(), output.clone().into(), input.into()]);
    files::remove(&output)?;
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() || !files::has_contents(&output) {
        return Ok(None);
    }
    context.report(&done);
    files::read(&output).map(Some)
}
