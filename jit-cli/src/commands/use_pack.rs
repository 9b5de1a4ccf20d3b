//! `jit-cli use`: writes the files in a pack, as a build would.

use std::path::PathBuf;

use clap::Args;
use jit_llvm::Interrupt;
use serde_json::json;

use super::{
    build::origin,
    shared::{CheckoutArgs, MessageFormat},
};
use crate::{Pack, error::Error, terminal::report::Report};

/// The arguments of `jit-cli use`.
#[derive(Debug, Args)]
pub(crate) struct UseArgs {
    /// Pack to use.
    #[arg(value_name = "PACK")]
    pack: PathBuf,
    /// CPython checkout [default: the one that contains the current directory].
    #[arg(long, value_name = "DIR")]
    cpython: Option<PathBuf>,
    #[command(flatten)]
    checkout: CheckoutArgs,
    /// Directory to write to [default: the current directory].
    #[arg(short, long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Use the pack although this file or macro differs in a way that can change code; may be repeated. Comments in the
    /// generated headers name it.
    #[arg(long, value_name = "NAME")]
    accept: Vec<String>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) message_format: MessageFormat,
}

/// Runs the command.
pub(crate) fn run(
    arguments: &UseArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let pack = Pack::read(&arguments.pack)?;
    let origin = origin(arguments.cpython.as_deref(), None);
    let mut options = arguments.checkout.options(origin);
    options.output_dir.clone_from(&arguments.output_dir);
    let build = crate::Build::with(options).interrupt(interrupt.clone());
    let applied = build.use_pack(&pack, &arguments.accept)?;
    let mut lines: Vec<String> = applied
        .files
        .iter()
        .map(|file| format!("  {file}"))
        .collect();
    lines.insert(0, format!("in {}:", applied.directory.display()));
    let accepted: Vec<String> = applied.accepted.iter().map(ToString::to_string).collect();
    lines.extend(accepted.iter().map(|text| format!("accepted: {text}")));
    let fields = json!({ "directory": applied.directory.to_string_lossy(), "files": applied.files, "accepted": accepted });
    report.told("used", &lines, fields);
    Ok(())
}
