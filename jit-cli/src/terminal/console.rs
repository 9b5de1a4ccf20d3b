//! Standard output.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

/// The first error of writing to standard output.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line to standard output. If that fails, the command goes on. A reader that has closed it (`| head`) has all that it
/// wants; other errors are [kept](failure).
pub(crate) fn print_line(line: &str) {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
            if failure.is_none() {
                tracing::warn!("can't write to standard output: {error}");
                *failure = Some(error);
            }
        }
        _ => {}
    }
}

/// Returns why a line could not be written, if any could not.
pub(crate) fn failure() -> Option<io::Error> {
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    failure.take()
}
