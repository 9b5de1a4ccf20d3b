//! `jit-cli check`: proves something about stencils.

mod hardened;
mod upstream;

use clap::{ArgGroup, Args};
use jit_llvm::Interrupt;

use self::upstream::UpstreamArgs;
use super::subject_args::SubjectArgs;
use crate::{error::Error, terminal::report::Report};

/// The arguments of `jit-cli check`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)))]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Check that stencils are hardened: each place where control can arrive through a pointer has its landing pad, no other
    /// place has one, each indirect branch is of an allowed kind, and returns are balanced.
    #[arg(long, group = "what")]
    hardening: bool,
    /// Check the stencils in a directory, stencil file, header or pack, or in a git revision of the project [default: those of
    /// the project, hardened for all checks of the processors].
    #[arg(long, value_name = "PATH|REVISION", requires = "hardening")]
    from: Option<String>,
    /// Stencils that control enters through pointers, separated by commas, as names or patterns [default: those in jit.toml or
    /// of the CPython release, else all; with --from outside of a project, all].
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        requires = "hardening"
    )]
    entries: Option<Vec<String>>,
    /// Stencils that jump through pointers, separated by commas, as names or patterns [default: those in jit.toml or of the
    /// CPython release, else none].
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        requires = "hardening"
    )]
    jumps: Option<Vec<String>>,
    /// Functions of the host that return twice from one call, besides setjmp and its kin, separated by commas, as names or
    /// patterns [default: those in jit.toml, else none].
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        requires = "hardening"
    )]
    returns_twice: Option<Vec<String>>,
    #[command(flatten)]
    pub(super) subject: SubjectArgs,
}

/// Runs the checks that are asked for.
pub(crate) fn run(
    arguments: &CheckArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    if arguments.upstream.is_wanted() {
        upstream::run(arguments, interrupt, report)?;
    }
    if arguments.hardening {
        hardened::run(arguments, interrupt, report)?;
    }
    Ok(())
}
