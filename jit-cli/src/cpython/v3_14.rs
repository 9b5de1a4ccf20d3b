//! CPython 3.14, as its `Tools/jit` builds it. clang's object files become stencils as they are, the shim is a stencil
//! as well, and there is no unwind information.

mod flags;
mod tools;

use std::{fs, path::Path};

use jit_llvm::Output;
use jit_optimizer::{FramePointer, Places};
use jit_schema::native;
use jit_stencils::cpython_3_14;
use jit_writer::HeaderFormat;

use super::{
    banner,
    patchlevel::Version,
    release::{LlvmResult, Release, TriedLlvm},
    v3_15,
};
use crate::conventions::{Conventions, ShimForm, Spelling};

/// The release.
pub(super) const RELEASE: Release = Release {
    version: Version {
        major: 3,
        minor: 14,
    },
    has_tools,
    tools: tools::FILES,
    stencil_defines: &[],
    // The shim is compiled like a micro-op.
    shim_defines: |_| &[],
    defines: &["Py_BUILD_CORE_MODULE", "_PyJIT_ACTIVE", "_Py_JIT"],
    stamp: None,
    llvm: LLVM,
    conventions: Conventions {
        header_format: HeaderFormat::CPYTHON_3_14,
        flags: flags::flags,
        frame_pointer: |_| FramePointer::Free,
        // There is no optimizer.
        places: Places::Upstream,
        output: Output::Object,
        shim: ShimForm::Stencil,
        read_object: native::read_with_debug,
        lower: cpython_3_14::lower,
        resolve: |target, shim, groups| cpython_3_14::resolve(target, shim, groups),
        spelling: Spelling::AsGiven,
        banner: |triples, _| banner::experimental(triples, None),
        ..v3_15::RELEASE.conventions
    },
    // Sources, headers, and what the digest covers.
    ..v3_15::RELEASE
};

/// What is different with the versions after 19.
const WITHOUT_PLT: LlvmResult = LlvmResult::Differs {
    targets: &["x86_64-apple-darwin"],
    why: "this clang ignores -fno-plt for it, and a direct call gets a jump in the data, where build.py writes the distance",
};

/// The versions of LLVM that were tried. Stencils may use the frame pointer, so older ones are no different.
const LLVM: &[TriedLlvm] = &[
    TriedLlvm {
        major: 23,
        result: WITHOUT_PLT,
    },
    TriedLlvm {
        major: 22,
        result: WITHOUT_PLT,
    },
    TriedLlvm {
        major: 21,
        result: WITHOUT_PLT,
    },
    TriedLlvm {
        major: 20,
        result: WITHOUT_PLT,
    },
    TriedLlvm {
        major: 19,
        result: LlvmResult::Equal,
    },
];

/// A patch function that only later releases have.
const NEWER: &str = "patch_aarch64_33rx";

/// Returns whether `Tools/jit` has the files of this release: neither the assembly optimizer nor unwind information,
/// and stencils without what came between this release and those.
fn has_tools(tools: &Path) -> bool {
    let newer = ["_optimizers.py", "_dwarf.py"];
    let is_older = newer.iter().all(|file| !tools.join(file).exists());
    let stencils = fs::read_to_string(tools.join("_stencils.py"));
    is_older && stencils.is_ok_and(|text| !text.contains(NEWER))
}
