//! The help of each command.

use std::path::PathBuf;

use clap::CommandFactory as _;
use fixtures::golden;

use crate::commands::Cli;

/// Returns the path of a golden file.
pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

/// Adds the help of a command and its subcommands, as `-h` and as `--help` print it.
fn add_help(command: &clap::Command, name: &str, text: &mut String) {
    let named = command.clone().bin_name(name).term_width(100);
    for (option, help) in [
        ("-h", named.clone().render_help()),
        ("--help", named.clone().render_long_help()),
    ] {
        text.push_str(&format!("$ {name} {option}\n{help}\n"));
    }
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            add_help(below, &format!("{name} {}", below.get_name()), text);
        }
    }
}

#[test]
fn help() {
    let mut command = Cli::command();
    command.build();
    let mut text = String::new();
    add_help(&command, "jit-cli", &mut text);
    // clap writes trailing blanks, which git reports as errors.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    golden::check_text(path("help.txt"), &(lines.join("\n") + "\n"));
}
