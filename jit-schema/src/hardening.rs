//! Protection against jumps to places where none may arrive, which processors check.

use std::fmt;

use crate::Arch;

/// The functions of C that clang knows to return twice from one call (`Builtins.td`, attribute `j`): the second time they return by a
/// jump through a pointer, which needs a landing pad after the call.
pub const RETURN_TWICE: [&str; 9] = [
    "setjmp",
    "_setjmp",
    "_setjmpex",
    "_setjmp3",
    "sigsetjmp",
    "__sigsetjmp",
    "savectx",
    "getcontext",
    "vfork",
];

/// Which of the processors' checks stencils are made for.
///
/// ```
/// use jit_schema::{Arch, Hardening};
///
/// let hardening = Hardening::default().with("cet").and_then(|one| one.with("bti"));
/// assert_eq!(hardening, Some(Hardening::ALL));
/// assert!(Hardening::ALL.covers(Arch::Aarch64));
/// assert_eq!(Hardening::ALL.to_string(), "cet,bti");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Hardening {
    /// Control-flow enforcement technology of x86: indirect branches arrive at `endbr64` or `endbr32`, and the
    /// processor has a second stack of return addresses.
    pub cet: bool,
    /// Branch target identification of AArch64: indirect branches arrive at `bti`.
    pub bti: bool,
}

impl Hardening {
    /// None of the checks.
    pub const NONE: Hardening = Hardening {
        cet: false,
        bti: false,
    };

    /// All of the checks.
    pub const ALL: Hardening = Hardening {
        cet: true,
        bti: true,
    };

    /// Returns the checks with one more, by its name: `cet` or `bti`. Other names are not known.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Hardening> {
        match name {
            "cet" => Some(Hardening { cet: true, ..self }),
            "bti" => Some(Hardening { bti: true, ..self }),
            _ => None,
        }
    }

    /// Returns whether processors of an architecture have one of the checks.
    pub const fn covers(self, arch: Arch) -> bool {
        match arch {
            Arch::Aarch64 => self.bti,
            Arch::I686 | Arch::X86_64 => self.cet,
        }
    }
}

impl fmt::Display for Hardening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.cet, self.bti) {
            (false, false) => "none",
            (true, false) => "cet",
            (false, true) => "bti",
            (true, true) => "cet,bti",
        })
    }
}

/// The length of a landing pad in bytes, on all architectures.
pub const LANDING_PAD_SIZE: usize = 4;

impl Arch {
    /// Returns the name of the architecture's check in [`Hardening`].
    pub const fn hardening(self) -> &'static str {
        match self {
            Arch::Aarch64 => "bti",
            Arch::I686 | Arch::X86_64 => "cet",
        }
    }

    /// Returns the instruction at which a call through a pointer may arrive, and a jump through one that leaves a function:
    /// `endbr64`, `endbr32` or `bti c`. Processors without the check do nothing there.
    pub const fn landing_pad(self) -> [u8; LANDING_PAD_SIZE] {
        match self {
            Arch::Aarch64 => [0x5f, 0x24, 0x03, 0xd5],
            Arch::I686 => [0xf3, 0x0f, 0x1e, 0xfb],
            Arch::X86_64 => [0xf3, 0x0f, 0x1e, 0xfa],
        }
    }
}
