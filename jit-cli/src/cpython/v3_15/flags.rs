//! clang's flags in CPython 3.15, from `_base_clang_args`, `_build_stencil_group`, `_build_shim_object` and
//! `get_target` in its `Tools/jit/_targets.py`, in upstream's order.

use jit_llvm::Flags;
use jit_optimizer::FramePointer;
use jit_schema::{Arch, Codegen, ObjectFormat, Target};

use crate::tuned;

/// Returns the flags of CPython 3.15 for a target, in a debug or a release build. The flags of the shim do not
/// depend on the code generation.
pub(super) fn flags(target: &Target, debug: bool, codegen: Codegen) -> Flags {
    let mut last = runtime_library(target, debug).to_vec();
    last.extend(code_model(target));
    // `supports_small_constants` in `_optimizers.py`.
    let small = u8::from(target.arch.has_small_constants());
    Flags {
        defines: vec![
            if debug { "_DEBUG" } else { "NDEBUG" }.to_owned(),
            format!("SUPPORTS_SMALL_CONSTS={small}"),
        ],
        common: owned(&[
            // -Os is -O2 without what makes sense for functions, but not for snippets that are laid
            // out end to end: tail duplication, aligned jump targets.
            "-Os",
            // No calls to functions whose address is unknown when stencils are linked.
            "-fno-builtin",
            "-fno-stack-protector",
            "-std=c11",
        ]),
        stencil: owned(&stencil(target, codegen)),
        shim: owned(&shim(target)),
        last: owned(&last),
    }
}

/// Returns whether stencils may set the frame pointer: `frame_pointers` in `get_target`.
pub(super) fn frame_pointer(target: &Target) -> FramePointer {
    match target.format {
        ObjectFormat::Elf => FramePointer::Reserved,
        ObjectFormat::Coff | ObjectFormat::MachO => FramePointer::Free,
    }
}

fn stencil(target: &Target, codegen: Codegen) -> Vec<&'static str> {
    // Stencils need no unwind information, and the optimizer does not keep .cfi_* directives right.
    // Both forms are on by default for Darwin.
    let mut words = vec!["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"];
    match frame_pointer(target) {
        FramePointer::Reserved => words.extend(["-Xclang", "-mframe-pointer=reserved"]),
        FramePointer::Free => {}
    }
    words.extend(tuned::flags(target, codegen));
    words
}

/// Returns the flags for the shim. It is a function of the final binary, so it keeps its unwind information.
fn shim(target: &Target) -> Vec<&'static str> {
    let mut words = vec!["-fasynchronous-unwind-tables"];
    match target.format {
        // Without this flag, the object file would have the current time in it.
        ObjectFormat::Coff => words.push("-mno-incremental-linker-compatible"),
        ObjectFormat::Elf | ObjectFormat::MachO => {}
    }
    match frame_pointer(target) {
        FramePointer::Reserved => words.extend(["-Xclang", "-mframe-pointer=all"]),
        FramePointer::Free => {}
    }
    words
}

/// Returns the flags that select the C runtime library that Windows' headers declare.
fn runtime_library(target: &Target, debug: bool) -> &'static [&'static str] {
    match (target.format, target.arch, debug) {
        (ObjectFormat::Coff, Arch::X86_64 | Arch::Aarch64, true) => &["-fms-runtime-lib=dll_dbg"],
        (ObjectFormat::Coff, Arch::X86_64 | Arch::Aarch64, false) => &["-fms-runtime-lib=dll"],
        (ObjectFormat::Coff, Arch::I686, _) | (ObjectFormat::Elf | ObjectFormat::MachO, _, _) => {
            &[]
        }
    }
}

/// Returns the flags that determine which relocations are used.
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
        // clang ignores preserve_none for this target, with a warning. SSE loads constants from memory,
        // for which stencils have no holes.
        (ObjectFormat::Coff, Arch::I686) => &[
            "-DPy_NO_ENABLE_SHARED",
            "-Wno-ignored-attributes",
            "-mno-sse",
        ],
        (ObjectFormat::Coff | ObjectFormat::MachO, Arch::X86_64 | Arch::Aarch64)
        | (ObjectFormat::Elf | ObjectFormat::MachO, Arch::I686) => &[],
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
