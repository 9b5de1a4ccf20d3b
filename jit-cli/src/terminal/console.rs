//! Standard output.

use std::io::{self, Write};

/// Prints a line to standard output. If the reader has closed it (`| head`), the build goes on.
pub(crate) fn print_line(line: &str) {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tracing::warn!("can't write to standard output: {error}");
        }
        _ => {}
    }
}
