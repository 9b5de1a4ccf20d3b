//! A limit on the memory that a file may take.

use crate::entry::malformed;
use crate::{ObjectError, Relocation};

/// The number of bytes that may still be copied out of a file. Without a limit, sections that
/// overlap, or a long name that many symbols share, could make gigabytes of a small file.
#[derive(Debug)]
pub(super) struct Allowance {
    bytes: usize,
    what: &'static str,
}

impl Allowance {
    /// Returns the allowance for a file of `file_size` bytes. Real objects refer to a name a few
    /// times, not hundreds of times. `what` is the file in error messages.
    pub(super) fn new(file_size: usize, what: &'static str) -> Allowance {
        Allowance {
            bytes: file_size.saturating_mul(64),
            what,
        }
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), ObjectError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            malformed(
                self.what.to_owned(),
                "its sections or names overlap so much that it cannot be real",
            )
        })?;
        Ok(())
    }

    pub(super) fn copy(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ObjectError> {
        self.spend(bytes.len())?;
        Ok(bytes.to_vec())
    }

    /// Returns an empty vector with room for `count` relocations.
    pub(super) fn relocations(&mut self, count: usize) -> Result<Vec<Relocation>, ObjectError> {
        self.spend(count.saturating_mul(size_of::<Relocation>()))?;
        Ok(Vec::with_capacity(count))
    }

    pub(super) fn name(&mut self, of: &str, bytes: &[u8]) -> Result<String, ObjectError> {
        String::from_utf8(self.copy(bytes)?)
            .map_err(|error| malformed(format!("{of} in {}", self.what), error))
    }
}
