//! The table of targets, which are those of `get_target` in CPython's `Tools/jit/_targets.py`.

use std::fmt;

/// An instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit x86.
    I686,
    /// 64-bit x86.
    X86_64,
}

impl Arch {
    /// Returns the name that triples start with, e.g. `x86_64`.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::Aarch64 => "aarch64",
            Arch::I686 => "i686",
            Arch::X86_64 => "x86_64",
        }
    }

    /// Returns the size of a pointer, in bytes.
    pub const fn pointer_size(self) -> u8 {
        match self {
            Arch::I686 => 4,
            Arch::Aarch64 | Arch::X86_64 => 8,
        }
    }

    /// Returns whether a constant of 16 or 32 bits is made by instructions that have holes for it, so
    /// that it takes less code than one of the size of a pointer.
    pub const fn has_small_constants(self) -> bool {
        match self {
            Arch::Aarch64 => true,
            Arch::I686 | Arch::X86_64 => false,
        }
    }
}

/// The format of object files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// The format of Windows.
    Coff,
    /// The format of Linux.
    Elf,
    /// The format of macOS.
    MachO,
}

impl fmt::Display for ObjectFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ObjectFormat::Coff => "COFF",
            ObjectFormat::Elf => "ELF",
            ObjectFormat::MachO => "Mach-O",
        })
    }
}

/// A platform that stencils can be built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The canonical LLVM triple. The names of generated files end in it.
    pub triple: &'static str,
    /// The instruction set.
    pub arch: Arch,
    /// The format of object files.
    pub format: ObjectFormat,
    /// The prefix of the assembler's local labels: `.L` or `L`.
    pub label_prefix: &'static str,
    /// The prefix of C symbols in object files: `_` or nothing.
    pub symbol_prefix: &'static str,
}

impl Target {
    /// All targets, in the order of `get_target`.
    pub const ALL: [Target; 7] = [
        Target {
            triple: "aarch64-apple-darwin",
            arch: Arch::Aarch64,
            format: ObjectFormat::MachO,
            label_prefix: "L",
            symbol_prefix: "_",
        },
        Target {
            triple: "aarch64-pc-windows-msvc",
            arch: Arch::Aarch64,
            format: ObjectFormat::Coff,
            label_prefix: ".L",
            symbol_prefix: "",
        },
        Target {
            triple: "aarch64-unknown-linux-gnu",
            arch: Arch::Aarch64,
            format: ObjectFormat::Elf,
            label_prefix: ".L",
            symbol_prefix: "",
        },
        Target {
            triple: "i686-pc-windows-msvc",
            arch: Arch::I686,
            format: ObjectFormat::Coff,
            label_prefix: "L",
            symbol_prefix: "_",
        },
        Target {
            triple: "x86_64-apple-darwin",
            arch: Arch::X86_64,
            format: ObjectFormat::MachO,
            label_prefix: "L",
            symbol_prefix: "_",
        },
        Target {
            triple: "x86_64-pc-windows-msvc",
            arch: Arch::X86_64,
            format: ObjectFormat::Coff,
            label_prefix: ".L",
            symbol_prefix: "",
        },
        Target {
            triple: "x86_64-unknown-linux-gnu",
            arch: Arch::X86_64,
            format: ObjectFormat::Elf,
            label_prefix: ".L",
            symbol_prefix: "",
        },
    ];

    /// Finds the target of a host triple. The vendor and the version may differ, so that
    /// `x86_64-pc-linux-gnu` and `aarch64-apple-darwin24.1.0` have targets, too.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] if there is none. The message lists the known triples.
    pub fn from_triple(host: &str) -> Result<&'static Target, UnknownTarget> {
        static ALL: [Target; Target::ALL.len()] = Target::ALL;
        ALL.iter()
            .find(|target| target.accepts(host))
            .ok_or_else(|| UnknownTarget {
                triple: host.to_owned(),
            })
    }

    /// Returns whether a host triple is for this target, as the regular expressions in `get_target`
    /// do. A triple of Darwin may have any suffix, which is a version. A triple of Linux may have any
    /// vendor, but must have one. A triple of Windows must be the same.
    fn accepts(&self, host: &str) -> bool {
        match self.format {
            ObjectFormat::MachO => host.starts_with(self.triple),
            ObjectFormat::Coff => host == self.triple,
            ObjectFormat::Elf => self
                .triple
                .split_once("unknown")
                .and_then(|(arch, suffix)| host.strip_prefix(arch)?.strip_suffix(suffix))
                .is_some(),
        }
    }

    /// Returns the target that this program was compiled for, if it is a known one.
    pub fn host() -> Option<&'static Target> {
        let arch = match std::env::consts::ARCH {
            "x86" => "i686",
            other => other,
        };
        let system = match std::env::consts::OS {
            "linux" => "unknown-linux-gnu",
            "macos" => "apple-darwin",
            "windows" => "pc-windows-msvc",
            _ => return None,
        };
        Target::from_triple(&format!("{arch}-{system}")).ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple)
    }
}

/// The error for a triple that no target has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown target {triple:?}: the known ones are {}", known())]
#[non_exhaustive]
pub struct UnknownTarget {
    /// The triple.
    pub triple: String,
}

fn known() -> String {
    Target::ALL.map(|target| target.triple).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_triple_names_its_own_target() {
        for target in &Target::ALL {
            assert_eq!(Target::from_triple(target.triple), Ok(target));
        }
    }

    #[test]
    fn vendors_and_versions_may_differ() {
        for (host, triple) in [
            ("x86_64-pc-linux-gnu", "x86_64-unknown-linux-gnu"),
            ("x86_64-redhat-linux-gnu", "x86_64-unknown-linux-gnu"),
            ("aarch64-suse-linux-gnu", "aarch64-unknown-linux-gnu"),
            ("aarch64-apple-darwin24.1.0", "aarch64-apple-darwin"),
            ("x86_64-apple-darwin", "x86_64-apple-darwin"),
        ] {
            assert_eq!(Target::from_triple(host).unwrap().triple, triple);
        }
    }

    #[test]
    fn others_are_refused_with_the_list() {
        for host in [
            "x86_64-linux-gnu",
            "x86_64--linux-gnux",
            "riscv64-unknown-linux-gnu",
            "x86_64-pc-windows-gnu",
            "i686-pc-windows-msvc19",
            "",
        ] {
            let error = Target::from_triple(host).unwrap_err().to_string();
            assert!(error.contains("aarch64-pc-windows-msvc"), "{error}");
        }
    }
}
