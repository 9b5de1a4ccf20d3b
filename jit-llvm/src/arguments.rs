//! clang's command line for each target, from `_base_clang_args`, `_build_stencil_group`,
//! `_build_shim_object` and `get_target` in CPython's `Tools/jit/_targets.py`. The order is
//! upstream's: what comes later wins, and the user's flags come last.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use jit_schema::{Arch, Codegen, ObjectFormat, Target};

/// How to compile the sources of one project for one target.
#[derive(Debug, Clone)]
pub struct CompileOptions {
    /// What to compile for.
    pub target: &'static Target,
    /// A debug build: `-D_DEBUG` instead of `-DNDEBUG`.
    pub debug: bool,
    /// Which flags stencils get. Shims get upstream's in any case.
    pub codegen: Codegen,
    /// Macros to define, as `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// Macros for stencils only.
    pub stencil_defines: Vec<String>,
    /// Macros for the shim only.
    pub shim_defines: Vec<String>,
    /// Folders to look for headers in.
    pub include_dirs: Vec<PathBuf>,
    /// The project's folder, written as `.` wherever a path gets into the output.
    pub root: PathBuf,
    /// The user's own flags, e.g. `-isystem`.
    pub cflags: Vec<String>,
}

impl CompileOptions {
    /// Options for a release build with nothing of its own; the fields say what there is to set.
    pub fn new(target: &'static Target, root: PathBuf) -> Self {
        CompileOptions {
            target,
            debug: false,
            codegen: Codegen::Upstream,
            defines: Vec::new(),
            stencil_defines: Vec::new(),
            shim_defines: Vec::new(),
            include_dirs: Vec::new(),
            root,
            cflags: Vec::new(),
        }
    }

    /// From C to assembly, less input, output and the definition of `_JIT_OPCODE`.
    pub(crate) fn stencil(&self, work: &Path) -> Vec<OsString> {
        let mut arguments = self.base(work);
        define(&mut arguments, &self.stencil_defines);
        // Stencils need no unwind information, and the optimizer does not keep .cfi_* directives
        // right. Darwin's defaults have both forms on.
        push(
            &mut arguments,
            [
                "-S",
                "-fno-unwind-tables",
                "-fno-asynchronous-unwind-tables",
            ],
        );
        if self.target.frame_pointers {
            push(&mut arguments, ["-Xclang", "-mframe-pointer=reserved"]);
        }
        if self.codegen == Codegen::Tuned {
            push(&mut arguments, tuned_arguments(self.target));
        }
        self.finish(&mut arguments);
        arguments
    }

    /// From the shim's C to an object file, less input and output. The shim is a function of the
    /// final binary, so it keeps its unwind information.
    pub(crate) fn shim(&self, work: &Path) -> Vec<OsString> {
        let mut arguments = self.base(work);
        arguments.push("-D_JIT_OPCODE=shim".into());
        define(&mut arguments, &self.shim_defines);
        push(&mut arguments, ["-c", "-fasynchronous-unwind-tables"]);
        if self.target.format == ObjectFormat::Coff {
            // No time of day in the object: the same input gives the same bytes.
            push(&mut arguments, ["-mno-incremental-linker-compatible"]);
        }
        if self.target.frame_pointers {
            push(&mut arguments, ["-Xclang", "-mframe-pointer=all"]);
        }
        self.finish(&mut arguments);
        arguments
    }

    /// From assembly to an object file, less input and output.
    pub(crate) fn assemble(&self) -> Vec<OsString> {
        vec![
            format!("--target={}", self.target.triple).into(),
            "-c".into(),
        ]
    }

    fn base(&self, work: &Path) -> Vec<OsString> {
        let small = u8::from(self.target.arch.supports_small_constants());
        let mut arguments: Vec<OsString> = vec![format!("--target={}", self.target.triple).into()];
        define(&mut arguments, &self.defines);
        push(
            &mut arguments,
            [if self.debug { "-D_DEBUG" } else { "-DNDEBUG" }],
        );
        push(&mut arguments, [format!("-DSUPPORTS_SMALL_CONSTS={small}")]);
        push(
            &mut arguments,
            self.include_dirs.iter().map(|folder| joined("-I", folder)),
        );
        // -Os is -O2 less what makes sense for functions, but not for snippets that are laid out
        // end to end: tail duplication, aligned jump targets.
        push(&mut arguments, ["-Os"]);
        for folder in [self.root.as_path(), work] {
            let mut map = joined("-ffile-prefix-map=", folder);
            map.push("=.");
            arguments.push(map);
        }
        push(
            &mut arguments,
            [
                // No calls to functions that nobody can find or patch.
                "-fno-builtin",
                "-fno-stack-protector",
                "-std=c11",
            ],
        );
        arguments
    }

    fn finish(&self, arguments: &mut Vec<OsString>) {
        if matches!(
            (self.target.format, self.target.arch),
            (ObjectFormat::Coff, Arch::X86_64 | Arch::Aarch64)
        ) {
            push(
                arguments,
                [if self.debug {
                    "-fms-runtime-lib=dll_dbg"
                } else {
                    "-fms-runtime-lib=dll"
                }],
            );
        }
        push(arguments, target_arguments(self.target));
        push(arguments, &self.cflags);
    }
}

fn target_arguments(target: &Target) -> &'static [&'static str] {
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
        _ => &[],
    }
}

/// What [`Codegen::Tuned`] adds for stencils.
fn tuned_arguments(target: &Target) -> Vec<&'static str> {
    // Smaller than -Os, at the cost of instructions that take longer: `push` and `pop` for a small
    // constant on x86, no division by multiplication.
    let mut arguments = vec!["-Oz"];
    if target.arch == Arch::Aarch64 {
        // -Oz looks for repeated code to make functions of. A stencil is one function, and what is
        // called from it may use the link register that it did not save.
        arguments.push("-mno-outline");
    }
    if target.format == ObjectFormat::MachO {
        if target.arch == Arch::Aarch64 {
            // Hints for Apple's linker, which never sees a stencil. Their labels between `adrp` and
            // `ldr` end the blocks that the optimizer looks for small constants in.
            arguments.extend(["-mllvm", "-aarch64-enable-collect-loh=false"]);
        }
        // Darwin's default is a frame for each function. Without, the register still is the frame
        // pointer of who called the shim: there is a chain to walk, less the stencils.
        arguments.extend(["-Xclang", "-mframe-pointer=reserved"]);
    }
    arguments
}

fn push<T: AsRef<OsStr>>(arguments: &mut Vec<OsString>, more: impl IntoIterator<Item = T>) {
    arguments.extend(more.into_iter().map(|word| word.as_ref().to_owned()));
}

fn define(arguments: &mut Vec<OsString>, macros: &[String]) {
    push(arguments, macros.iter().map(|name| format!("-D{name}")));
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut word = OsString::from(option);
    word.push(path);
    word
}
