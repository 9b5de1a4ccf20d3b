//! What a release of CPython cannot be built with.

use std::path::Path;

use jit_llvm::{Output, SUPPORTED_MAJORS};
use jit_schema::{Codegen, Target};

use crate::{
    cpython::{
        release::{LlvmResult, Release},
        tools,
    },
    error::Error,
    project::emit::Emits,
};

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

/// Refuses a major version of LLVM that cannot compile a checkout of a release.
pub(crate) fn check_llvm(release: &Release, checkout: &Path, major: u32) -> Result<(), Error> {
    let mut tried = release.llvm.iter();
    let why = match tried.find(|tried| tried.major == major) {
        Some(tried) => match tried.result {
            LlvmResult::Refused(why) => tools::has_any(release, checkout).then_some(why),
            LlvmResult::Equal | LlvmResult::Differs { .. } => None,
        },
        None if release.llvm.iter().all(|tried| tried.major > major) => Some(OLD_LLVM),
        None => None,
    };
    match why {
        Some(why) => Err(refusal(release, format!("LLVM {major}"), why)),
        None => Ok(()),
    }
}

/// Returns what the user should know of a major version of LLVM for a target, if it was not tried with a release, or with
/// other projects, or if its code is not that of the release's own tool.
pub(crate) fn llvm_remark(
    release: Option<&Release>,
    major: u32,
    target: &Target,
) -> Option<String> {
    let tried: Vec<u32> = match release {
        Some(release) => release.llvm.iter().map(|tried| tried.major).collect(),
        None => SUPPORTED_MAJORS.to_vec(),
    };
    if tried.contains(&major) {
        let mut versions = release.into_iter().flat_map(|release| release.llvm);
        let triple = target.triple;
        return versions.find_map(|tried| match tried.result {
            LlvmResult::Differs { targets, why }
                if tried.major == major && targets.contains(&triple) =>
            {
                Some(format!(
                    "with LLVM {major}, the files for {triple} are not those of the checkout's Tools/jit/build.py: {why}"
                ))
            }
            _ => None,
        });
    }
    let tried: Vec<String> = tried.iter().map(u32::to_string).collect();
    let known = format!(
        "LLVM {major} is not one of the versions that jit-cli was tried with ({})",
        tried.join(", ")
    );
    Some(match release {
        Some(_) => format!(
            "{known}: `jit-cli check --upstream` finds out whether the output is that of the checkout's Tools/jit/build.py"
        ),
        None => format!("{known}: run the project's tests with it"),
    })
}

fn refusal(release: &Release, asked: String, why: &'static str) -> Error {
    Error::NotOfRelease {
        release: release.version.to_string(),
        asked,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython::checkout::RELEASES;

    #[test]
    fn what_is_said_of_a_version() {
        let linux = Target::from_triple("x86_64-unknown-linux-gnu").unwrap();
        let mac = Target::from_triple("x86_64-apple-darwin").unwrap();
        for release in RELEASES {
            let said = |major, target| llvm_remark(Some(release), major, target);
            let text = said(99, linux).unwrap();
            assert!(
                text.starts_with("LLVM 99 is not one of the versions"),
                "{text}"
            );
            // Those that were equal in fixtures/llvm/results.tsv.
            for major in [21, 22, 23] {
                assert_eq!(said(major, linux), None);
            }
            let is_old = release.version.minor == 14;
            assert_eq!(said(22, mac).is_some(), is_old);
            assert!(said(22, mac).is_none_or(|text| text.contains(mac.triple)));
        }
        assert_eq!(llvm_remark(None, 22, linux), None);
    }
}
