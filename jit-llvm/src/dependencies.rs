//! What is read to compile sources and the shim, where their keys do not say it.

use std::path::Path;

use crate::{
    context::Context,
    error::LlvmError,
    expand,
    plans::Plans,
    shim,
    snapshot::{self, Snapshot},
    source::Source,
};

/// What is read to compile sources and the shim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dependencies {
    /// A snapshot of all sources.
    pub sources: Snapshot,
    /// A snapshot of the shim.
    pub shim: Option<Snapshot>,
    /// Whether the assembler may read files because of inline assembly. They are not among those of the snapshots.
    pub may_assemble_files: bool,
}

/// Finds the dependencies. Returns `None` if something does not preprocess.
pub(crate) fn of(
    context: &Context<'_>,
    plans: &Plans,
    sources: &[Source],
    shim: Option<&Path>,
) -> Result<Option<Dependencies>, LlvmError> {
    let (input, end) = expand::write_whole(context, sources)?;
    let step = (&plans.compile, "whole-snapshot");
    let Some(taken) = snapshot::take(context, step, &input, end.as_bytes())? else {
        return Ok(None);
    };
    let mut dependencies = Dependencies {
        sources: taken,
        shim: None,
        may_assemble_files: expand::may_assemble_files(context, &plans.compile, &input)?,
    };
    if let Some(path) = shim {
        // It has to be complete even where headers are included before the shim.
        let Some(taken) = shim::take(context, &plans.shim, path)? else {
            return Ok(None);
        };
        dependencies.shim = Some(taken);
        dependencies.may_assemble_files |= expand::may_assemble_files(context, &plans.shim, path)?;
    }
    Ok(Some(dependencies))
}
