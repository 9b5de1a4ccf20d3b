//! clang's flags: those of the conventions, with the project's macros.

use jit_llvm::Flags;

/// Returns the flags with a project's macros in front of their own, so that the latter take precedence.
pub(crate) fn with_defines(
    mut flags: Flags,
    defines: &[String],
    stencil_defines: &[String],
    shim_defines: &[String],
) -> Flags {
    let words = |macros: &[String]| -> Vec<String> {
        macros.iter().map(|name| format!("-D{name}")).collect()
    };
    flags.defines.splice(0..0, defines.iter().cloned());
    flags.stencil.splice(0..0, words(stencil_defines));
    flags.shim.splice(0..0, words(shim_defines));
    flags
}
