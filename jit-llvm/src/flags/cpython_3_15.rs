//! clang's flags as CPython 3.15 has them, from `_base_clang_args`, `_build_stencil_group`,
//! `_build_shim_object` and `get_target` in its `Tools/jit/_targets.py`, in upstream's order.

use jit_schema::{Arch, Codegen, ObjectFormat, Target};

use super::Flags;

/// Returns the flags of CPython 3.15 for a target, in a debug or a release build. The shim has
/// upstream's in any case.
pub fn flags(target: &Target, debug: bool, codegen: Codegen) -> Flags {
    let small = u8::from(target.arch.supports_small_constants());
    let mut last = runtime_library(target, debug).to_vec();
    last.extend(code_model(target));
    Flags {
        defines: vec![
            if debug { "_DEBUG" } else { "NDEBUG" }.to_owned(),
            format!("SUPPORTS_SMALL_CONSTS={small}"),
        ],
        common: owned(&[
            // -Os is -O2 without what makes sense for functions, but not for snippets that are laid
            // out end to end: tail duplication, aligned jump targets.
            "-Os",
            // No calls to functions that nobody can find or patch.
            "-fno-builtin",
            "-fno-stack-protector",
            "-std=c11",
        ]),
        stencil: owned(&stencil(target, codegen)),
        shim: owned(&shim(target)),
        last: owned(&last),
    }
}

fn stencil(target: &Target, codegen: Codegen) -> Vec<&'static str> {
    // Stencils need no unwind information, and the optimizer does not keep .cfi_* directives right.
    // Both forms are on by default for Darwin.
    let mut words = vec!["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"];
    if target.frame_pointers {
        words.extend(["-Xclang", "-mframe-pointer=reserved"]);
    }
    match codegen {
        Codegen::Upstream => {}
        Codegen::Tuned => words.extend(tuned(target)),
    }
    words
}

/// The shim is a function of the final binary, so it keeps its unwind information.
fn shim(target: &Target) -> Vec<&'static str> {
    let mut words = vec!["-fasynchronous-unwind-tables"];
    match target.format {
        // No time of day in the object: the same input gives the same bytes.
        ObjectFormat::Coff => words.push("-mno-incremental-linker-compatible"),
        ObjectFormat::Elf | ObjectFormat::MachO => {}
    }
    if target.frame_pointers {
        words.extend(["-Xclang", "-mframe-pointer=all"]);
    }
    words
}

/// Which C runtime Windows' headers declare.
fn runtime_library(target: &Target, debug: bool) -> &'static [&'static str] {
    match (target.format, target.arch, debug) {
        (ObjectFormat::Coff, Arch::X86_64 | Arch::Aarch64, true) => &["-fms-runtime-lib=dll_dbg"],
        (ObjectFormat::Coff, Arch::X86_64 | Arch::Aarch64, false) => &["-fms-runtime-lib=dll"],
        (ObjectFormat::Coff, Arch::I686, _) | (ObjectFormat::Elf | ObjectFormat::MachO, _, _) => {
            &[]
        }
    }
}

/// What decides which relocations appear.
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
        (ObjectFormat::Coff, Arch::I686) => &[
            "-DPy_NO_ENABLE_SHARED",
            "-Wno-ignored-attributes",
            "-mno-sse",
        ],
        (ObjectFormat::Coff | ObjectFormat::MachO, Arch::X86_64 | Arch::Aarch64)
        | (ObjectFormat::Elf | ObjectFormat::MachO, Arch::I686) => &[],
    }
}

/// What [`Codegen::Tuned`] adds for stencils.
fn tuned(target: &Target) -> Vec<&'static str> {
    // Smaller than -Os, at the cost of instructions that take longer: `push` and `pop` for a small
    // constant on x86, no division by multiplication.
    let mut words = vec!["-Oz"];
    match target.arch {
        // -Oz looks for repeated code to make functions of. A stencil is one function, and what is
        // called from it may use the link register that it did not save.
        Arch::Aarch64 => words.push("-mno-outline"),
        Arch::X86_64 | Arch::I686 => {}
    }
    match (target.format, target.arch) {
        // Hints for Apple's linker, which never sees a stencil. Their labels between `adrp` and
        // `ldr` end the blocks that the optimizer looks for small constants in.
        (ObjectFormat::MachO, Arch::Aarch64) => {
            words.extend(["-mllvm", "-aarch64-enable-collect-loh=false"]);
        }
        (ObjectFormat::MachO, Arch::X86_64 | Arch::I686)
        | (ObjectFormat::Elf | ObjectFormat::Coff, _) => {}
    }
    match target.format {
        // Darwin's default is a frame for each function. Without one, the register still is the
        // frame pointer of the shim's caller: there is a chain to walk, without the stencils.
        ObjectFormat::MachO => words.extend(["-Xclang", "-mframe-pointer=reserved"]),
        ObjectFormat::Elf | ObjectFormat::Coff => {}
    }
    words
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
