//! CPython 3.15, as its `Tools/jit` builds it.

mod flags;
mod tools;

use std::path::Path;

use jit_llvm::Output;
use jit_schema::{ObjectFormat, Target, native};
use jit_writer::HeaderFormat;

use super::{
    banner,
    patchlevel::Version,
    release::{LlvmResult, Release, TriedLlvm},
};
use crate::{
    conventions::{Conventions, FileNames, LlvmMajors, ShimForm, Spelling},
    project::{cases, digest},
};

/// The release.
pub(super) const RELEASE: Release = Release {
    version: Version {
        major: 3,
        minor: 15,
    },
    has_tools,
    tools: tools::FILES,
    template: "Tools/jit/template.c",
    cases: "Python/executor_cases.c.h",
    shim: "Tools/jit/shim.c",
    include_dirs: &[
        "Include",
        "Include/internal",
        "Include/internal/mimalloc",
        "Python",
        "Tools/jit",
    ],
    headers: &[
        "Include/Python.h",
        "Include/cpython",
        "Include/internal/pycore_jit.h",
        "Include/internal/mimalloc/mimalloc.h",
        "Include/internal/mimalloc/mimalloc",
        "Tools/jit/jit.h",
    ],
    defines: &["_PyJIT_ACTIVE", "_Py_JIT"],
    stencil_defines: &["Py_BUILD_CORE_MODULE"],
    shim_defines,
    // `_PyJIT_Compile` asserts that traces begin with one of these. Control enters a trace at its start only: from the shim,
    // and from other traces, which jump to `jit_code` of an executor (`TIER2_TO_TIER2` in template.c).
    entries: &[
        "_START_EXECUTOR_r00",
        "_COLD_EXIT_r00",
        "_COLD_DYNAMIC_EXIT_r00",
    ],
    enters: ("Python/jit.c", "trace[0].opcode =="),
    // The cases with `TIER2_TO_TIER2`.
    jumps: &["_EXIT_TRACE_r*", "_COLD_EXIT_r00"],
    digest_files: &["Python/executor_cases.c.h"],
    digest_dirs: &["Tools/jit"],
    llvm_pins: "Tools/jit/_llvm.py",
    llvm: LLVM,
    stamp: Some(".jit-stamp"),
    conventions: Conventions {
        header_format: HeaderFormat::CPYTHON_3_15,
        file_names: FileNames::USUAL,
        prelude: |_| String::new(),
        flags: flags::flags,
        frame_pointer: flags::frame_pointer,
        places: jit_optimizer::Places::Upstream,
        output: Output::Assembly,
        shim: ShimForm::Object,
        read_object: native::read,
        lower: jit_stencils::lower,
        resolve: |target, _, groups| jit_stencils::resolve(target, groups),
        spelling: Spelling::Canonical,
        cases: cases::split,
        digest: Some(digest::of_cpython),
        banner,
    },
};

/// The versions of LLVM that were tried. Those before 21 use frame pointers that are reserved.
const LLVM: &[TriedLlvm] = &[
    TriedLlvm {
        major: 23,
        result: LlvmResult::Equal,
    },
    TriedLlvm {
        major: 22,
        result: LlvmResult::Equal,
    },
    TriedLlvm {
        major: 21,
        result: LlvmResult::Equal,
    },
    TriedLlvm {
        major: 20,
        result: LlvmResult::Differs {
            targets: &["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"],
            why: "this clang changes the reserved frame pointer, so stencils have frames (-mframe-pointer=all), which those of \
                  build.py do not have",
        },
    },
    TriedLlvm {
        major: 19,
        result: LlvmResult::Refused(
            "its clang takes the constants of some micro-ops (_UNARY_NEGATIVE_FLOAT_INPLACE) from data that has to be aligned to 16 \
             bytes, which Python/jit.c does not do: name version 20 or newer with --llvm-version",
        ),
    },
];

/// Returns whether `Tools/jit` has the files of this release. 3.14 has neither the assembly optimizer nor unwind
/// information; alphas of 3.15 have one of them.
fn has_tools(tools: &Path) -> bool {
    ["_optimizers.py", "_dwarf.py"]
        .iter()
        .all(|file| tools.join(file).is_file())
}

/// Returns the macros for the shim, which is part of CPython's core library. With `Py_BUILD_CORE_MODULE` on
/// Windows, it would import symbols from the DLL that it is linked into.
fn shim_defines(target: &Target) -> &'static [&'static str] {
    match target.format {
        ObjectFormat::Coff => &["Py_BUILD_CORE_BUILTIN"],
        ObjectFormat::Elf | ObjectFormat::MachO => &["Py_BUILD_CORE_MODULE"],
    }
}

/// Returns what build.py prints for targets that are not stable. In this release, no target is stable.
fn banner(triples: &[&str], llvm: LlvmMajors) -> Option<String> {
    let request = match (llvm.pinned, llvm.asked) {
        (Some(pinned), Some(asked)) if pinned != asked => Some(format!(
            "Warning! Building with an LLVM version other than {pinned} is not supported."
        )),
        _ => None,
    };
    banner::experimental(triples, request)
}
