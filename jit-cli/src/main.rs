//! `jit-cli`: build stencils for copy-and-patch JIT compilers.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    jit_cli::commands::main()
}
