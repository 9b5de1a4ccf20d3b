//! The flags that code generation other than upstream's adds, for all projects.

use jit_schema::{Arch, Codegen, ObjectFormat, Target};

/// Returns the flags that stencils get besides those of [`Codegen::Upstream`].
pub(crate) fn flags(target: &Target, codegen: Codegen) -> Vec<&'static str> {
    match codegen {
        Codegen::Upstream => Vec::new(),
        Codegen::Tuned => tuned(target),
        Codegen::Small => [small(target), tuned(target)].concat(),
    }
}

/// Returns the flags that make code smaller, and some of it slower.
fn small(target: &Target) -> Vec<&'static str> {
    // Smaller than -Os, at the cost of instructions that take longer: `push` and `pop` for a small
    // constant on x86, no division by multiplication.
    let mut words = vec!["-Oz"];
    match target.arch {
        // -Oz moves repeated code to functions. A call of such a function overwrites the link register,
        // which a stencil has not saved.
        Arch::Aarch64 => words.push("-mno-outline"),
        Arch::X86_64 | Arch::I686 => {}
    }
    words
}

/// Returns the flags that make code both smaller and faster.
fn tuned(target: &Target) -> Vec<&'static str> {
    let mut words = Vec::new();
    match (target.format, target.arch) {
        // Linker optimization hints are of no use, since Apple's linker never sees a stencil. Their
        // labels between `adrp` and `ldr` end basic blocks, in which the optimizer searches for small
        // constants.
        (ObjectFormat::MachO, Arch::Aarch64) => {
            words.extend(["-mllvm", "-aarch64-enable-collect-loh=false"]);
        }
        (ObjectFormat::MachO, Arch::X86_64 | Arch::I686)
        | (ObjectFormat::Elf | ObjectFormat::Coff, _) => {}
    }
    match target.format {
        // By default, each function on Darwin has a frame. Without it, the register still is the frame
        // pointer of the shim's caller, so that unwinders can walk the chain of frames.
        ObjectFormat::MachO => words.extend(["-Xclang", "-mframe-pointer=reserved"]),
        ObjectFormat::Elf | ObjectFormat::Coff => {}
    }
    words
}
