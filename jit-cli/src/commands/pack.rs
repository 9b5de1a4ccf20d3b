//! `jit-cli pack`: builds stencils and puts them into one file, for machines without LLVM.

use std::path::PathBuf;

use clap::Args;
use jit_llvm::Interrupt;
use serde_json::json;

use super::build::BuildArgs;
use crate::{error::Error, terminal::report::Report};

/// The arguments of `jit-cli pack`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// File to write.
    #[arg(value_name = "PACK")]
    pack: PathBuf,
    /// Add to an existing pack instead of overwriting it. Only what it has for the same target and configuration
    /// (--debug, --codegen, pyconfig.h) is replaced.
    #[arg(long)]
    add: bool,
    #[command(flatten)]
    pub(super) build: BuildArgs,
}

/// Runs the command.
pub(crate) fn run(
    arguments: &PackArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let build = arguments.build.build(interrupt, report);
    let packed = build.pack(&arguments.pack, arguments.add)?;
    let mut lines = vec![format!(
        "{}, {} KiB:",
        packed.path.display(),
        packed.length.div_ceil(1024)
    )];
    lines.extend(packed.builds.iter().map(|build| format!("  {build}")));
    let fields = json!({ "path": packed.path.to_string_lossy(), "length": packed.length, "builds": packed.builds });
    report.told("packed", &lines, fields);
    Ok(())
}
