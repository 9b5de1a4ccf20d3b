//! The table of targets, from `get_target` in CPython's `Tools/jit/_targets.py`.

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
    /// The name that triples start with, e.g. `x86_64`.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::Aarch64 => "aarch64",
            Arch::I686 => "i686",
            Arch::X86_64 => "x86_64",
        }
    }

    /// Size of a pointer, in bytes.
    pub const fn pointer_size(self) -> u8 {
        match self {
            Arch::I686 => 4,
            Arch::Aarch64 | Arch::X86_64 => 8,
        }
    }
}

/// The container format of object files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// Windows.
    Coff,
    /// Linux.
    Elf,
    /// macOS.
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

/// One platform that stencils can be built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The canonical LLVM triple, also the suffix of every generated file.
    pub triple: &'static str,
    /// Instruction set.
    pub arch: Arch,
    /// Object file format.
    pub format: ObjectFormat,
    /// What the assembler's local labels start with: `.L` or `L`.
    pub label_prefix: &'static str,
    /// What C symbols are mangled with: `_` or nothing.
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

    /// Find the target of a host triple, as build.py takes them: vendor and version may differ, so
    /// `x86_64-pc-linux-gnu` and `aarch64-apple-darwin24.1.0` both name a target.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`], which lists the known triples.
    pub fn from_triple(host: &str) -> Result<&'static Target, UnknownTarget> {
        static ALL: [Target; 7] = Target::ALL;
        ALL.iter()
            .find(|target| target.accepts(host))
            .ok_or_else(|| UnknownTarget {
                triple: host.to_owned(),
            })
    }

    /// The regular expressions of `get_target`, each matched against the whole triple: Darwin
    /// takes any suffix (a version), Linux any vendor (but one must be there), Windows nothing.
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

    /// The target of the machine this program was compiled for, if it is one of the seven.
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

/// No target has this triple.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown target {triple:?}: the known ones are {}", known())]
pub struct UnknownTarget {
    /// What was asked for.
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
