//! `jit-cli verify`: checks a pack.

use std::path::PathBuf;

use clap::Args;
use jit_llvm::Interrupt;
use serde_json::{Value, json};

use super::{
    build::origin,
    shared::{CheckoutArgs, LlvmArgs, MessageFormat},
};
use crate::{
    Build, Difference, Pack, PackError, Rebuilt, Verified, error::Error, terminal::report::Report,
};

/// The arguments of `jit-cli verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Pack to check.
    #[arg(value_name = "PACK")]
    pack: PathBuf,
    /// CPython checkout to compare the pack with [default: none, which checks the pack only].
    #[arg(long, value_name = "DIR")]
    cpython: Option<PathBuf>,
    #[command(flatten)]
    checkout: CheckoutArgs,
    /// Build the stencils again from the checkout, and compare each of them. By default, this is done for all targets in
    /// the pack, with the LLVM version that made it.
    #[arg(long, requires = "cpython")]
    rebuild: bool,
    /// System headers to build with, as for `jit-cli build` [default: the built-in ones if the pack was made with them, else
    /// those that clang finds].
    #[arg(long, value_name = "DIR|builtin", requires = "rebuild")]
    sysroot: Option<PathBuf>,
    #[command(flatten)]
    llvm: LlvmArgs,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) message_format: MessageFormat,
}

/// Runs the command.
pub(crate) fn run(
    arguments: &VerifyArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let pack = Pack::read(&arguments.pack)?;
    let lines = [format!("{} is whole", arguments.pack.display())];
    report.told(
        "whole",
        &lines,
        json!({ "path": arguments.pack.to_string_lossy(), "builds": pack.builds() }),
    );
    let Some(cpython) = &arguments.cpython else {
        return Ok(());
    };
    let mut options = arguments.checkout.options(origin(Some(cpython), None));
    options.llvm = arguments.llvm.options();
    options.cache.enabled = false;
    options.sysroot.clone_from(&arguments.sysroot);
    let listener = report.clone();
    let build = Build::with(options)
        .interrupt(interrupt.clone())
        .on_event(move |event| listener.event(event, true));
    let found = match arguments.rebuild {
        true => build.rebuild_pack(&pack)?,
        false => build.compare_with_pack(&pack)?,
    };
    for verified in &found {
        report.told("verified-pack", &lines_of(verified), fields(verified));
    }
    match found
        .iter()
        .find_map(|verified| failure(verified, &arguments.pack))
    {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Returns what verifying has found, for people.
fn lines_of(verified: &Verified) -> Vec<String> {
    let title = &verified.build;
    let mut lines = Vec::new();
    match &verified.rebuilt {
        None if verified.differences.is_empty() => {
            lines.push(format!("{title}: made from the same sources"))
        }
        None => lines.push(format!(
            "{title}: differences from the sources that it was made from:"
        )),
        Some(rebuilt) => {
            if let Some(packed) = &rebuilt.packed_llvm {
                let llvm = &rebuilt.llvm;
                lines.push(format!(
                    "{title}: made with {packed}, and built again with {llvm}"
                ));
            }
            lines.push(match rebuilt.is_same() {
                true => format!("{title}: built again, everything is the same"),
                false => format!("{title}: built again, these differ:"),
            });
            lines.extend(names(rebuilt).map(|name| format!("  {name}")));
        }
    }
    let (changing, harmless): (Vec<_>, Vec<_>) = verified
        .differences
        .iter()
        .partition(|difference| difference.can_change_code());
    lines.extend(
        changing
            .iter()
            .map(|difference| format!("  can change code: {difference}")),
    );
    lines.extend(
        harmless
            .iter()
            .map(|difference| format!("  harmless: {difference}")),
    );
    lines
}

fn fields(verified: &Verified) -> Value {
    let difference = |difference: &Difference| {
        json!({
            "name": difference.name,
            "message": difference.to_string(),
            "can_change_code": difference.can_change_code(),
        })
    };
    let rebuilt = verified.rebuilt.as_ref().map(|rebuilt| {
        json!({
            "llvm": rebuilt.llvm,
            "packed_llvm": rebuilt.packed_llvm,
            "stencils": rebuilt.stencils,
            "files": rebuilt.files,
        })
    });
    json!({
        "build": verified.build,
        "differences": verified.differences.iter().map(difference).collect::<Vec<_>>(),
        "rebuilt": rebuilt,
    })
}

fn failure(verified: &Verified, path: &std::path::Path) -> Option<PackError> {
    let changing = verified
        .differences
        .iter()
        .filter(|difference| difference.can_change_code());
    let differences: Vec<String> = changing.map(ToString::to_string).collect();
    let (path, title) = (path.to_path_buf(), verified.build.clone());
    if !differences.is_empty() {
        return Some(PackError::Differs {
            path,
            title,
            differences,
        });
    }
    let rebuilt = verified
        .rebuilt
        .as_ref()
        .filter(|rebuilt| !rebuilt.is_same())?;
    let names = names(rebuilt).cloned().collect();
    Some(PackError::NotReproduced { path, title, names })
}

fn names(rebuilt: &Rebuilt) -> impl Iterator<Item = &String> {
    rebuilt.stencils.iter().chain(&rebuilt.files)
}
