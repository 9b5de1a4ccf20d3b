//! `jit-cli`: build stencils for copy-and-patch JIT compilers.
#![forbid(unsafe_code)]

mod args;
mod build;
mod cases;
mod config;
mod digest;
mod failure;
mod output;
mod pipeline;
mod project;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use jit_llvm::Interrupt;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    let interrupt = Interrupt::default();
    let handler = interrupt.clone();
    if let Err(error) = ctrlc::set_handler(move || handler.trip()) {
        tracing::warn!("Ctrl-C will not clean up: {error}");
    }
    let outcome = match cli.command {
        Command::Build(mut arguments) => {
            arguments.accept_build_py();
            build::run(&arguments, &interrupt)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_status())
        }
    }
}
