//! The command line: what its arguments ask for, and what becomes of it.

pub(crate) mod arguments;
pub(crate) mod build;
mod explain;
mod sysroot_check;

use std::{io::IsTerminal, path::Path, process::ExitCode};

use clap::Parser;
use jit_llvm::Interrupt;
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

use self::arguments::{Cli, Command, SysrootCommand};
use crate::{error::Error, terminal::report::Report, terminal::timeline::Timeline};

/// Runs the program: what the process's arguments ask for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut report = Report::new(cli.message_format());
    match run(cli, &mut report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report.failed(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

fn run(cli: Cli, report: &mut Report) -> Result<(), Error> {
    let timeline = log(cli.verbose, cli.timeline())?;
    let interrupt = Interrupt::default();
    let handler = interrupt.clone();
    if let Err(error) = ctrlc::set_handler(move || handler.trip()) {
        tracing::warn!("Ctrl-C will not clean up: {error}");
    }
    let outcome = match cli.command {
        Command::Build(mut arguments) => {
            arguments.accept_build_py();
            build::run(&arguments, &interrupt, report)
        }
        Command::Explain(mut arguments) => {
            arguments.accept_build_py();
            explain::run(&arguments, &interrupt, report)
        }
        Command::Sysroot {
            command: SysrootCommand::Check(arguments),
        } => sysroot_check::run(&arguments, &interrupt, report),
    };
    match timeline {
        Some(timeline) => outcome.and(timeline.finish()),
        None => outcome,
    }
}

/// Messages for people on standard error, and the timeline if one is wanted.
fn log(verbose: u8, timeline: Option<&Path>) -> Result<Option<Timeline>, Error> {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let messages = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .with_filter(level);
    let (layer, timeline) = timeline.map(Timeline::begin).transpose()?.unzip();
    tracing_subscriber::registry()
        .with(layer)
        .with(messages)
        .init();
    Ok(timeline)
}
