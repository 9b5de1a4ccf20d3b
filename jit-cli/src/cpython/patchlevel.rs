//! Reading the version of CPython from a checkout.

use std::{fmt, path::Path};

use crate::paths;

/// The header with the version.
pub(crate) const FILE: &str = "Include/patchlevel.h";

/// A version of CPython: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    /// Reads the version of a checkout. Returns `None` if it has no such header, or the header no version.
    pub(crate) fn read(checkout: &Path) -> Option<Version> {
        let path = checkout.join(FILE);
        let text = paths::read_text(&path, &path).ok()?;
        let number = |name: &str| -> Option<u32> {
            text.lines().find_map(|line| {
                let mut words = line.split_whitespace();
                let is_it = words.next() == Some("#define") && words.next() == Some(name);
                is_it.then(|| words.next()?.parse().ok())?
            })
        };
        Some(Version {
            major: number("PY_MAJOR_VERSION")?,
            minor: number("PY_MINOR_VERSION")?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
