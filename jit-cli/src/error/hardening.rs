//! Errors about hardened code.

use std::path::PathBuf;

use jit_schema::{Hardening, Target};

/// The reason why code can't be hardened, or is not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HardeningError {
    /// The processors of a target have none of the checks that are asked for.
    #[error(
        "{target}: hardening for {named} does nothing for this target, whose processors check {}: name that as well, or \
         build the target without",
        target.arch.hardening()
    )]
    NotFor {
        /// The target.
        target: &'static Target,
        /// The checks that are asked for.
        named: Hardening,
    },
    /// Flags decide which checks code is hardened for, and clang is told of one in another way.
    #[error(
        "{target}: clang gets {argument}, but not from --cflags or the cflags in jit.toml, which are all that `--hardening flags` \
         reads: a configuration file of clang's may have the flag. Name the check: --hardening {}",
        target.arch.hardening()
    )]
    NotInFlags {
        /// The target.
        target: &'static Target,
        /// The argument of clang's compiler.
        argument: String,
    },
    /// The stencils of a release can't be hardened.
    #[error(
        "CPython {release}'s stencils can't be hardened: clang's object files become stencils as they are, and nothing puts \
         landing pads where they belong. Flags such as -fcf-protection put one at the start of each stencil; leave \
         --hardening out for that"
    )]
    Release {
        /// The version of the release.
        release: String,
    },
    /// No stencil has a name.
    #[error(
        "no stencil is called {name}, which is one of the {list} of hardened code: without the right {list}, the code would \
         not be protected. The table hardening in jit.toml names them"
    )]
    NoStencil {
        /// The list: `entries` or `jumps`.
        list: &'static str,
        /// The name or pattern.
        name: String,
    },
    /// A pattern for names can't be understood.
    #[error("{pattern:?} is no pattern for the names of stencils: {problem}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
    /// The source of a checkout enters other stencils than those that its release is known to enter.
    #[error(
        "{} enters traces at {found}, but CPython's is known to enter them at {known}: name the former as entries in the \
         table hardening of a jit.toml",
        path.display()
    )]
    OtherEntries {
        /// The source.
        path: PathBuf,
        /// The stencils that it enters.
        found: String,
        /// Those that are known.
        known: String,
    },
    /// The shim's object does not say that it is fit for the processor's checks.
    #[error(
        "{target}: the shim's object does not say that it is fit for the processor's checks, so linkers \
         would turn them off for the whole program"
    )]
    NoNote {
        /// The target.
        target: &'static str,
    },
    /// Code is not hardened.
    #[error("{target}: not all of the code is hardened:{}", list(findings))]
    NotHardened {
        /// The target.
        target: &'static str,
        /// The places, and what is wrong there.
        findings: Vec<String>,
    },
}

/// The largest number of places in a message.
const SHOWN: usize = 10;

/// Returns a line for each place, up to some number.
fn list(findings: &[String]) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(SHOWN) {
        text.push_str(&format!("\n  {finding}"));
    }
    match findings.len().checked_sub(SHOWN) {
        Some(more @ 1..) => text + &format!("\n  and {more} others"),
        Some(0) | None => text,
    }
}
