//! The command line: one file for each command, with its arguments.

mod advice;
mod build;
mod check;
mod completions;
mod diff;
mod exit_status;
mod explain;
#[cfg(test)]
mod goldens;
mod known_names;
mod missing_headers;
mod new;
mod output_tip;
mod pack;
mod report;
mod select;
mod shared;
mod show;
mod size;
mod subject_args;
mod sysroot_check;
mod table;
mod use_pack;
mod verify;

#[cfg(unix)]
use std::sync::Arc;
use std::{io::IsTerminal, path::Path, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;
use jit_llvm::Interrupt;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use self::{
    advice::advice,
    build::BuildArgs,
    check::CheckArgs,
    completions::{CompletionsArgs, ManArgs},
    diff::DiffArgs,
    exit_status::{EXIT_INTERRUPTED, EXIT_STATUS_HELP, exit_status},
    new::NewArgs,
    pack::PackArgs,
    report::ReportArgs,
    shared::MessageFormat,
    show::ShowArgs,
    size::SizeArgs,
    sysroot_check::CheckArgs as SysrootCheckArgs,
    use_pack::UseArgs,
    verify::VerifyArgs,
};
use crate::{
    error::Error,
    terminal::{console::failure, report::Report, timeline::Timeline},
};

/// Build stencils for copy-and-patch JIT compilers.
#[derive(Debug, Parser)]
#[command(name = "jit-cli", version, after_long_help = EXIT_STATUS_HELP)]
pub(crate) struct Cli {
    /// Log each step and each command that runs; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build stencils, the shim and its unwind information, as CPython's Tools/jit/build.py does.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Build(BuildArgs),
    /// Create a small project: a virtual machine with eight ops, a program that compiles and runs code for it, and tests.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    New(NewArgs),
    /// Show what a build would do, and why: which files, macros, flags or tools have changed since the last
    /// build, and which micro-ops would be compiled. Nothing is written.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Explain(BuildArgs),
    /// Build the stencils of a CPython checkout and write them to one file, for machines without LLVM.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Pack(PackArgs),
    /// Write the files in a pack to a CPython build directory, as `jit-cli build` would. Fails if the checkout or its
    /// pyconfig.h differs from what the pack was made from in a way that can change code.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Use(UseArgs),
    /// Check that a pack is not damaged; with --cpython, also that it fits that checkout, or with --rebuild, that building
    /// it again gives the same stencils.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Verify(VerifyArgs),
    /// Show one stencil, or a few: instructions with the names of holes, and other forms.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Show(ShowArgs),
    /// Show the sizes of stencils, and what makes them large: calls, spills, slots in the GOT.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Size(SizeArgs),
    /// Compare the stencils of two builds, files, or git revisions: what was added and removed, what grew and shrank.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Diff(DiffArgs),
    /// Prove something about stencils: with --upstream, that they are what CPython's own tool makes; with --hardening, that
    /// processors with control-flow checks run them, and that attackers find no place to jump to.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Check(CheckArgs),
    /// Write a page about all stencils to look at in a browser: a map and a table of their sizes, their code, targets and code
    /// generations beside each other, and growth.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Report(ReportArgs),
    /// Print a script that completes the names of commands and options in a shell.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Completions(CompletionsArgs),
    /// Write manual pages, for packages of the program.
    #[command(hide = true, after_long_help = EXIT_STATUS_HELP)]
    Man(ManArgs),
    /// Work with the headers of other systems.
    Sysroot {
        #[command(subcommand)]
        command: SysrootCommand,
    },
}

/// The commands for sysroots.
#[derive(Debug, Subcommand)]
pub(crate) enum SysrootCommand {
    /// Compare two sets of system headers by what they mean to CPython: the layouts of its structures, and
    /// the types, functions and macros that it uses. Fails if they differ.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Check(SysrootCheckArgs),
}

impl Cli {
    /// Returns whether what the command prints is all that it does.
    fn only_prints(&self) -> bool {
        matches!(
            self.command,
            Command::Explain(_)
                | Command::Show(_)
                | Command::Size(_)
                | Command::Diff(_)
                | Command::Check(_)
                | Command::Completions(_)
        )
    }

    /// Returns the output format that is asked for.
    pub(crate) fn message_format(&self) -> MessageFormat {
        match &self.command {
            Command::Build(arguments) | Command::Explain(arguments) => arguments.message_format,
            Command::New(arguments) => arguments.message_format,
            Command::Pack(arguments) => arguments.build.message_format,
            Command::Use(arguments) => arguments.message_format,
            Command::Verify(arguments) => arguments.message_format,
            Command::Show(arguments) => arguments.subject.message_format,
            Command::Size(arguments) => arguments.subject.message_format,
            Command::Diff(arguments) => arguments.subject.message_format,
            Command::Check(arguments) => arguments.subject.message_format,
            Command::Report(arguments) => arguments.subject.message_format,
            Command::Completions(_) | Command::Man(_) => MessageFormat::Human,
            Command::Sysroot {
                command: SysrootCommand::Check(arguments),
            } => arguments.message_format,
        }
    }

    /// Returns the path of the timeline, if one is asked for.
    pub(crate) fn timeline(&self) -> Option<&Path> {
        match &self.command {
            Command::Build(arguments) | Command::Explain(arguments) => {
                arguments.timeline.as_deref()
            }
            Command::Pack(arguments) => arguments.build.timeline.as_deref(),
            Command::New(_)
            | Command::Use(_)
            | Command::Verify(_)
            | Command::Show(_)
            | Command::Size(_)
            | Command::Diff(_)
            | Command::Check(_)
            | Command::Report(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Sysroot { .. } => None,
        }
    }
}

/// Runs the program: what the process's arguments ask for.
pub fn main() -> ExitCode {
    // A shell asks for completions by an environment variable.
    CompleteEnv::with_factory(Cli::command).complete();
    let cli = Cli::try_parse().unwrap_or_else(|mut error| {
        output_tip::add(&mut error);
        error.exit()
    });
    let report = Report::new(cli.message_format() == MessageFormat::Json);
    let only_prints = cli.only_prints();
    let outcome = run(cli, &report).and_then(|()| match failure().filter(|_| only_prints) {
        Some(error) => Err(Error::file("write", Path::new("standard output"))(error)),
        None => Ok(()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.failed(&error, exit_status(&error), advice(&error).as_deref());
            ExitCode::from(exit_status(&error))
        }
    }
}

fn run(cli: Cli, report: &Report) -> Result<(), Error> {
    let timeline = log(cli.verbose, cli.timeline())?;
    let interrupt = Interrupt::default();
    handle_signals(&interrupt);
    let outcome = match cli.command {
        Command::Build(mut arguments) => {
            arguments.accept_build_py();
            build::run(&arguments, &interrupt, report)
        }
        Command::Explain(mut arguments) => {
            arguments.accept_build_py();
            explain::run(&arguments, &interrupt, report)
        }
        Command::New(arguments) => new::run(&arguments, report),
        Command::Pack(mut arguments) => {
            arguments.build.accept_build_py();
            pack::run(&arguments, &interrupt, report)
        }
        Command::Use(arguments) => use_pack::run(&arguments, &interrupt, report),
        Command::Verify(arguments) => verify::run(&arguments, &interrupt, report),
        Command::Show(arguments) => show::run(&arguments, &interrupt, report),
        Command::Size(arguments) => size::run(&arguments, &interrupt, report),
        Command::Diff(arguments) => diff::run(&arguments, &interrupt, report),
        Command::Check(arguments) => check::run(&arguments, &interrupt, report),
        Command::Report(arguments) => report::run(&arguments, &interrupt, report),
        Command::Completions(arguments) => {
            completions::complete(&arguments, report);
            Ok(())
        }
        Command::Man(arguments) => completions::write_pages(&arguments, report),
        Command::Sysroot {
            command: SysrootCommand::Check(arguments),
        } => sysroot_check::run(&arguments, &interrupt, report),
    };
    match timeline {
        Some(timeline) => outcome.and(timeline.finish()),
        None => outcome,
    }
}

/// Ends the build at the first Ctrl-C, SIGTERM or SIGHUP, and the process at the second, whatever it does
/// then. A limit on the size of files (`ulimit -f`) makes a write fail instead of killing the process.
fn handle_signals(interrupt: &Interrupt) {
    let handler = interrupt.clone();
    let handled = ctrlc::set_handler(move || {
        let again = handler.is_tripped();
        handler.trip();
        if again {
            std::process::exit(i32::from(EXIT_INTERRUPTED));
        }
    });
    if let Err(error) = handled {
        tracing::warn!("Ctrl-C will not clean up: {error}");
    }
    #[cfg(unix)]
    {
        let (signal, ignored) = (signal_hook::consts::SIGXFSZ, Arc::default());
        if let Err(error) = signal_hook::flag::register(signal, ignored) {
            tracing::warn!(
                "a limit on the size of files ends the build without a message: {error}"
            );
        }
    }
}

/// Sends log messages to standard error, and begins the timeline if one is asked for.
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
        // What libraries log is not for users.
        .with_filter(Targets::new().with_target("jit_", level));
    let (layer, timeline) = timeline.map(Timeline::begin).transpose()?.unzip();
    tracing_subscriber::registry()
        .with(layer)
        .with(messages)
        .init();
    Ok(timeline)
}
