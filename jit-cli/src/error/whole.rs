//! What errors mean for a whole build, and the error of a build in which several things failed.

use std::io;

use jit_llvm::LlvmError;

use super::Error;

impl Error {
    /// Returns whether the build was interrupted.
    pub fn is_interrupted(&self) -> bool {
        match self {
            Error::Llvm(LlvmError::Interrupted) => true,
            Error::Target { error, .. } => error.is_interrupted(),
            _ => false,
        }
    }

    /// Returns whether there was no space left, on a disk or in a file system in memory.
    pub(crate) fn is_disk_full(&self) -> bool {
        let is_full = |source: &io::Error| {
            matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        };
        match self {
            Error::File { source, .. } => is_full(source),
            Error::Llvm(LlvmError::File { source, .. }) => is_full(source),
            // clang reports it in its text only.
            Error::Llvm(LlvmError::Rejected { diagnostics, .. }) => {
                diagnostics.text.contains("No space left")
            }
            Error::Target { error, .. } | Error::Uop { error, .. } => error.is_disk_full(),
            Error::Several(errors) => errors.iter().any(Error::is_disk_full),
            _ => false,
        }
    }

    /// Returns whether the error has ended the whole build: other errors are its results.
    fn is_final(&self) -> bool {
        matches!(self, Error::Llvm(LlvmError::TimedOut { .. }))
    }

    /// Combines errors to one. If one of them has ended the build, such as an interrupt, that is the
    /// result.
    pub(crate) fn of_all(first: Error, mut others: Vec<Error>) -> Error {
        if first.is_interrupted() || others.iter().any(Error::is_interrupted) {
            return Error::Llvm(LlvmError::Interrupted);
        }
        if others.is_empty() {
            return first;
        }
        others.insert(0, first);
        // Of the copies of one error, that with the name of the micro-op says most.
        let best = |error: &Error| error.is_final().then(|| error.uop().is_some());
        let index = (0..others.len()).max_by_key(|index| others.get(*index).and_then(best));
        match index {
            Some(index) if others.iter().any(Error::is_final) => others.swap_remove(index),
            _ => Error::Several(others),
        }
    }
}
