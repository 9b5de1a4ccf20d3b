//! `jit-cli`: build stencils for copy-and-patch JIT compilers.
#![forbid(unsafe_code)]

mod advice;
mod args;
mod build;
mod cache;
mod cases;
mod check;
mod codegen;
mod config;
mod console;
mod digest;
mod emit;
mod example;
mod explain;
mod failure;
mod key;
mod line;
mod lookup;
mod output;
mod pipeline;
mod platform;
mod progress;
mod project;
mod record;
mod report;
mod setup;
mod stages;
mod sysroot;
mod template;
mod timeline;
mod workdir;

use std::{io::IsTerminal, path::Path, process::ExitCode};

use clap::Parser;
use jit_llvm::Interrupt;
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    args::{Cli, Command, SysrootCommand},
    failure::Failure,
    report::Report,
    timeline::Timeline,
};

fn main() -> ExitCode {
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

fn run(cli: Cli, report: &mut Report) -> Result<(), Failure> {
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
        } => check::run(&arguments, &interrupt, report),
    };
    match timeline {
        Some(timeline) => outcome.and(timeline.finish()),
        None => outcome,
    }
}

/// Messages for people on standard error, and the timeline if one is wanted.
fn log(verbose: u8, timeline: Option<&Path>) -> Result<Option<Timeline>, Failure> {
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
