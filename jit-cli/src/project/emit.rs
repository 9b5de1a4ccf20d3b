//! The kinds of files that a build writes for a target.

use serde::Deserialize;

/// One kind of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Emit {
    /// C headers, the shim's object file and its unwind information, as CPython's build.py writes them.
    Header,
    /// A stencil file, which includes the shim, for programs that link stencils at run time.
    Stencils,
    /// One C header for each target with the stencils, the shim and a linker, for programs in C and C++ that link
    /// stencils at run time.
    C,
    /// A Rust file for each target with the opcodes of the stencils as constants, for programs in Rust that link
    /// stencils at run time.
    Rust,
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Emits {
    pub(crate) header: bool,
    pub(crate) stencils: bool,
    pub(crate) c: bool,
    pub(crate) rust: bool,
}

impl Emits {
    const NONE: Emits = Emits {
        header: false,
        stencils: false,
        c: false,
        rust: false,
    };

    /// The kinds that build.py writes.
    pub(crate) const HEADER: Emits = Emits {
        header: true,
        ..Emits::NONE
    };

    /// Stencil files.
    pub(crate) const STENCILS: Emits = Emits {
        stencils: true,
        ..Emits::NONE
    };

    /// Headers with a linker.
    pub(crate) const C: Emits = Emits {
        c: true,
        ..Emits::NONE
    };

    /// Opcodes in Rust.
    pub(crate) const RUST: Emits = Emits {
        rust: true,
        ..Emits::NONE
    };

    /// Returns the set of these kinds, or `None` if there are none.
    pub(crate) fn of(kinds: &[Emit]) -> Option<Emits> {
        (!kinds.is_empty()).then(|| Emits {
            header: kinds.contains(&Emit::Header),
            stencils: kinds.contains(&Emit::Stencils),
            c: kinds.contains(&Emit::C),
            rust: kinds.contains(&Emit::Rust),
        })
    }

    /// Returns the kinds of both sets.
    pub(crate) fn or(self, other: Emits) -> Emits {
        Emits {
            header: self.header || other.header,
            stencils: self.stencils || other.stencils,
            c: self.c || other.c,
            rust: self.rust || other.rust,
        }
    }

    /// Returns the kinds that the other set does not have.
    pub(crate) fn without(self, other: Emits) -> Emits {
        Emits {
            header: self.header && !other.header,
            stencils: self.stencils && !other.stencils,
            c: self.c && !other.c,
            rust: self.rust && !other.rust,
        }
    }

    /// Returns whether the set is empty.
    pub(crate) fn is_empty(self) -> bool {
        self == Emits::NONE
    }

    /// Returns the names of the kinds on the command line.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let all = [
            (self.header, "header"),
            (self.stencils, "stencils"),
            (self.c, "c"),
            (self.rust, "rust"),
        ];
        let some = all.into_iter().filter(|(wanted, _)| *wanted);
        some.map(|(_, name)| name).collect()
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn names_are_those_of_the_command_line() {
        for kind in Emit::value_variants() {
            let emits = Emits::of(&[*kind]).unwrap();
            let name = kind.to_possible_value().unwrap();
            assert_eq!(emits.names(), [name.get_name()]);
        }
        assert_eq!(Emits::of(Emit::value_variants()).unwrap().names().len(), 4);
        assert_eq!(Emits::of(&[]), None);
    }
}
