//! What a release of CPython cannot be built with.

use jit_llvm::Output;
use jit_schema::Codegen;

use crate::{cpython::release::Release, error::Error, project::emit::Emits};

/// Why there is no tuned code.
pub(crate) const NO_OPTIMIZER: &str = "its stencils are clang's object files as they are, without the optimizer that makes tuned code: \
                            leave it out, or build CPython 3.15 or later with it";

/// Why stencils can't be linked.
pub(crate) const NO_LINKER: &str = "its stencils are for its own Python/jit.c, and nothing else links them: --emit header is what can be \
                         written, and jit-cli show, size, diff and report look at them";

/// Why an LLVM is too old.
pub(crate) const OLD_LLVM: &str = "its micro-ops use a calling convention that clang has since version 19: name another version with \
                        --llvm-version";

/// Refuses a code generation that a release does not have.
pub(crate) fn check_codegen(release: &Release, codegen: Codegen) -> Result<(), Error> {
    match (release.conventions.output, codegen) {
        (Output::Object, Codegen::Tuned | Codegen::Small) => {
            let asked = format!("--codegen {}", codegen.name());
            Err(refusal(release, asked, NO_OPTIMIZER))
        }
        (Output::Object, Codegen::Upstream) | (Output::Assembly, _) => Ok(()),
    }
}

/// Refuses kinds of files that a release does not have.
pub(crate) fn check_emits(release: &Release, emits: Emits) -> Result<(), Error> {
    let others = emits.without(Emits::HEADER);
    match release.conventions.output {
        Output::Object if !others.is_empty() => {
            let asked = format!("--emit {}", others.names().join(","));
            Err(refusal(release, asked, NO_LINKER))
        }
        Output::Object | Output::Assembly => Ok(()),
    }
}

/// Refuses a major version of LLVM that cannot compile a release.
pub(crate) fn check_llvm(release: &Release, major: Option<u32>) -> Result<(), Error> {
    match major {
        Some(major) if major < release.oldest_llvm => {
            Err(refusal(release, format!("LLVM {major}"), OLD_LLVM))
        }
        _ => Ok(()),
    }
}

fn refusal(release: &Release, asked: String, why: &'static str) -> Error {
    Error::NotOfRelease {
        release: release.version.to_string(),
        asked,
        why,
    }
}
