//! clang's flags in CPython 3.14, from `_compile` and `get_target` in its `Tools/jit/_targets.py`, in upstream's order.

use jit_llvm::Flags;
use jit_schema::{Arch, Codegen, ObjectFormat, Target};

/// Returns the flags of CPython 3.14 for a target, in a debug or a release build. The shim has those of stencils.
pub(super) fn flags(target: &Target, debug: bool, _: Codegen) -> Flags {
    Flags {
        defines: vec![if debug { "_DEBUG" } else { "NDEBUG" }.to_owned()],
        common: owned(&[
            "-O3",
            // Without this flag, stencils would have unwind information, which they do not need.
            "-fno-asynchronous-unwind-tables",
            // No calls to functions whose address is unknown when stencils are linked.
            "-fno-builtin",
            // Calls go through slots with whole addresses.
            "-fno-plt",
            "-fno-stack-protector",
            "-std=c11",
        ]),
        stencil: Vec::new(),
        shim: owned(match target.format {
            // Without this flag, the object file would have the current time in it.
            ObjectFormat::Coff => &["-mno-incremental-linker-compatible"],
            ObjectFormat::Elf | ObjectFormat::MachO => &[],
        }),
        last: owned(last(target)),
    }
}

/// Returns the flags of a target, which win over the others.
fn last(target: &Target) -> &'static [&'static str] {
    match (target.format, target.arch) {
        (ObjectFormat::Elf, Arch::X86_64) => {
            &["-fno-pic", "-mcmodel=medium", "-mlarge-data-threshold=0"]
        }
        // -mno-outline-atomics: no calls to libgcc's helpers.
        (ObjectFormat::Elf, Arch::Aarch64) => &["-fpic", "-mno-outline-atomics"],
        (ObjectFormat::Coff, Arch::X86_64) => &["-fms-runtime-lib=dll"],
        (ObjectFormat::Coff, Arch::Aarch64) => &["-fms-runtime-lib=dll", "-fplt"],
        // clang ignores preserve_none for this target, with a warning.
        (ObjectFormat::Coff, Arch::I686) => &["-DPy_NO_ENABLE_SHARED", "-Wno-ignored-attributes"],
        (ObjectFormat::MachO, _) | (ObjectFormat::Elf, Arch::I686) => &[],
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
