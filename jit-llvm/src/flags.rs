//! The words of clang's command line that do not come from this crate: macros, and flags for code
//! generation.

use jit_schema::{Arch, ObjectFormat, Target};

use crate::version::LlvmVersion;

/// Words for clang's command line, as data.
///
/// clang gets them in the order of the fields, and where two contradict each other the later one
/// wins. What this crate adds by itself (the target, what to write, include directories, prefix
/// maps, `_JIT_OPCODE`) contradicts none of them; the user's flags
/// ([`CompileOptions::cflags`](crate::CompileOptions::cflags)) come after all of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// Macros to define for every source, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Words for every source.
    pub common: Vec<String>,
    /// Words for stencils only.
    pub stencil: Vec<String>,
    /// Words for the shim only.
    pub shim: Vec<String>,
    /// Words for every source that come after the others.
    pub last: Vec<String>,
}

impl Flags {
    /// Flags that stencils need in general: for small functions that are copied one after another,
    /// whose holes are relocations that `jit-stencils` knows. They define no macros.
    pub fn for_stencils(target: &Target) -> Flags {
        Flags {
            defines: Vec::new(),
            // -Os is -O2 without what makes sense for functions, but not for snippets that are laid
            // out end to end: tail duplication, aligned jump targets.
            common: words(&[
                "-Os",
                // No calls to functions that nobody can find or patch.
                "-fno-builtin",
                "-fno-stack-protector",
                "-std=c11",
            ]),
            // Stencils need no unwind information, and the optimizer does not keep .cfi_* directives
            // right. Both forms are on by default for Darwin.
            stencil: with_frame_pointer(
                target,
                words(&["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]),
                "-mframe-pointer=reserved",
            ),
            // The shim is a function of the final binary, so it keeps its unwind information.
            shim: with_frame_pointer(
                target,
                words(match target.format {
                    // No time of day in the object: the same input gives the same bytes.
                    ObjectFormat::Coff => &[
                        "-fasynchronous-unwind-tables",
                        "-mno-incremental-linker-compatible",
                    ],
                    ObjectFormat::Elf | ObjectFormat::MachO => &["-fasynchronous-unwind-tables"],
                }),
                "-mframe-pointer=all",
            ),
            last: words(code_model(target)),
        }
    }
}

impl Flags {
    /// Makes stencils keep the frame pointer where the flags reserve it and a version of clang does not do that.
    pub(crate) fn keep_frame_pointer(&mut self, version: LlvmVersion) {
        for word in &mut self.stencil {
            if word == "-mframe-pointer=reserved" {
                *word = format!("-mframe-pointer={}", version.kept_frame_pointer());
            }
        }
    }
}

fn with_frame_pointer(target: &Target, mut flags: Vec<String>, choice: &str) -> Vec<String> {
    match target.format {
        // There, profilers and debuggers walk chains of frame pointers.
        ObjectFormat::Elf => flags.extend(words(&["-Xclang", choice])),
        ObjectFormat::Coff | ObjectFormat::MachO => {}
    }
    flags
}

/// What decides which relocations appear, by target.
fn code_model(target: &Target) -> &'static [&'static str] {
    match (target.format, target.arch) {
        (ObjectFormat::Elf, Arch::X86_64) => &[
            "-fno-pic",
            "-mcmodel=medium",
            "-mlarge-data-threshold=0",
            "-fno-plt",
        ],
        // -mno-outline-atomics: no calls to libgcc's helpers.
        (ObjectFormat::Elf, Arch::Aarch64) => &["-fpic", "-mno-outline-atomics"],
        // preserve_none is ignored there (hence the warning), and stencils have no holes for the
        // constants that SSE loads.
        (ObjectFormat::Coff, Arch::I686) => &["-Wno-ignored-attributes", "-mno-sse"],
        (ObjectFormat::Coff | ObjectFormat::MachO, Arch::X86_64 | Arch::Aarch64)
        | (ObjectFormat::Elf | ObjectFormat::MachO, Arch::I686) => &[],
    }
}

/// Returns the words that make code position-independent, where [`code_model`] does not: there,
/// instructions with an index or immediate have addresses of 32 bits.
pub(crate) fn position_independent(target: &Target) -> &'static [&'static str] {
    match (target.format, target.arch) {
        (ObjectFormat::Elf, Arch::X86_64) => &[
            "-fpic",
            "-mcmodel=small",
            // -mlarge-data-threshold=0 has no effect then.
            "-Wno-unused-command-line-argument",
        ],
        (ObjectFormat::Elf, Arch::Aarch64)
        | (ObjectFormat::Coff | ObjectFormat::MachO, _)
        | (ObjectFormat::Elf, Arch::I686) => &[],
    }
}

/// Returns whether a flag for compiling selects instructions that the assembler must know, too. On x86, the
/// assembler always knows all instructions.
pub(crate) fn select_instructions(target: &Target, word: &str) -> bool {
    match target.arch {
        Arch::Aarch64 => word.starts_with("-march=") || word.starts_with("-mcpu="),
        Arch::X86_64 | Arch::I686 => false,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
