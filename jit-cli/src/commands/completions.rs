//! `jit-cli completions` and `jit-cli man`: what shells and `man` know of the command line.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::Cli;
use crate::{build::output::OutputDir, error::Error, terminal::report::Report};

/// The arguments of `jit-cli completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to print a script for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The arguments of `jit-cli man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory to write the pages to; it is created if it is missing.
    #[arg(short, long, value_name = "DIR")]
    output_dir: PathBuf,
}

/// Prints the script for a shell.
pub(crate) fn complete(arguments: &CompletionsArgs, report: &Report) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "jit-cli", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if arguments.shell == Shell::Bash {
        // clap_complete 4.6 spells the hyphen of a program in two ways (clap-rs/clap#6421), so that bash would complete nothing
        // after the name of a command.
        script = script.replace("jit__subcmd__cli__subcmd__", "jit__cli__subcmd__");
    }
    report.text(&script);
}

/// Writes a page for the program and one for each command.
pub(crate) fn write_pages(arguments: &ManArgs, report: &Report) -> Result<(), Error> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let pages = pages(&command);
    OutputDir::create(&arguments.output_dir)?.write(&pages)?;
    let shown = arguments.output_dir.display().to_string();
    let lines = [format!("wrote {} pages to {shown}", pages.len())];
    report.told(
        "man",
        &lines,
        json!({ "path": shown, "pages": pages.len() }),
    );
    Ok(())
}

/// Returns the names and texts of the pages of a command and of those in it.
fn pages(command: &Command) -> Vec<(String, Vec<u8>)> {
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = page.render(&mut text);
    let own = (page.get_filename(), text);
    let inner = command.get_subcommands();
    let shown = inner.filter(|inner| !inner.is_hide_set());
    std::iter::once(own).chain(shown.flat_map(pages)).collect()
}
