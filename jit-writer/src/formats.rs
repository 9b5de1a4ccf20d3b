//! The list of formats. Each format has a module of this crate, and a constant and an entry in the
//! list here.

use crate::{cpython_3_14, cpython_3_15, format::HeaderFormat, plain};

impl HeaderFormat {
    /// The headers that CPython 3.14's `Python/jit.c` includes, byte for byte as its `Tools/jit/_writer.py` and
    /// `build.py` write them. The stencils are those of [`jit_stencils::cpython_3_14`].
    pub const CPYTHON_3_14: HeaderFormat = cpython_3_14::FORMAT;

    /// The headers that CPython 3.15's `Python/jit.c` includes, byte for byte as its
    /// `Tools/jit/_writer.py` and `build.py` write them.
    pub const CPYTHON_3_15: HeaderFormat = cpython_3_15::FORMAT;

    /// Headers for any program. They compile as C11 and C++17, define all of their types, have only
    /// `static` functions and an include guard, and list in a comment what the host must declare.
    pub const PLAIN: HeaderFormat = plain::FORMAT;

    /// All formats.
    pub const ALL: &'static [HeaderFormat] = &[
        HeaderFormat::CPYTHON_3_15,
        HeaderFormat::CPYTHON_3_14,
        HeaderFormat::PLAIN,
    ];

    /// Returns the format with that name.
    pub fn from_name(name: &str) -> Option<HeaderFormat> {
        HeaderFormat::ALL
            .iter()
            .find(|format| format.name == name)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for format in HeaderFormat::ALL {
            let found = HeaderFormat::from_name(format.name());
            assert_eq!(found, Some(*format));
            let same = HeaderFormat::ALL.iter().filter(|other| *other == format);
            assert_eq!(same.count(), 1, "{format}");
        }
        assert_eq!(HeaderFormat::from_name("PLAIN"), None);
    }
}
