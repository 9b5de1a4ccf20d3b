//! What `--codegen tuned` adds to clang's flags, whatever is built.

use jit_schema::{Arch, ObjectFormat, Target};

/// Returns the flags that stencils get besides those of [`Codegen::Upstream`](jit_schema::Codegen::Upstream).
pub(crate) fn flags(target: &Target) -> Vec<&'static str> {
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
