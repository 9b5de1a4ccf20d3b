//! Running programs that are none of LLVM's tools, such as scripts that run these.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Output,
};

use crate::{
    command::{self, Limits},
    error::LlvmError,
    interrupt::Interrupt,
};

/// Runs a program in a directory, as this crate runs LLVM's tools: without standard input, and until it ends, the
/// [`Interrupt`] is tripped, or its time is over. `environment` has variables to set.
///
/// # Errors
///
/// [`LlvmError::Run`] if it can't be started, and errors of processes that have to be killed.
pub fn run_script(
    program: &Path,
    arguments: &[OsString],
    directory: &Path,
    environment: &[(&str, &OsStr)],
    interrupt: &Interrupt,
) -> Result<Output, LlvmError> {
    let mut command = command::command(program, arguments, Some(directory));
    command.envs(environment.iter().copied());
    let words = (program, arguments);
    let ran = command::run_command(Limits::WORK, command, words, interrupt)?;
    Ok(Output {
        status: ran.status,
        stdout: ran.stdout,
        stderr: ran.stderr,
    })
}
