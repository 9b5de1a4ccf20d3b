//! The instruction sets. The rest of the crate knows them by the trait alone.

pub(crate) mod aarch64;
#[cfg(test)]
pub(crate) mod none;
pub(crate) mod x86;

use jit_schema::Arch;

use crate::instruction_set::InstructionSet;
use crate::pass::Pass;

/// An instruction set, with the passes that only it has.
///
/// Nothing has a default: an instruction set that leaves something out has to say so.
pub(crate) trait Isa: InstructionSet {
    /// Returns the passes that only this instruction set has: those of upstream's optimizer
    /// (`_fixup_external_labels` and `_fixup_constants`), and those without which code would be wrong.
    /// They run after the shared ones.
    fn upstream_passes(&self) -> &'static [Pass];

    /// Returns the passes that tuned code gets before the shared ones about
    /// jumps, which find more to do after them.
    fn early_tuned_passes(&self) -> &'static [Pass];

    /// Returns the passes that tuned code gets after upstream's
    /// ([`Codegen::Tuned`](jit_schema::Codegen::Tuned) and [`Codegen::Small`](jit_schema::Codegen::Small)).
    fn tuned_passes(&self) -> &'static [Pass];

    /// Returns the passes that [`Codegen::Small`](jit_schema::Codegen::Small) adds to the tuned ones. They run after
    /// those.
    fn small_passes(&self) -> &'static [Pass];

    /// Returns the passes that check what the others have written. They run last.
    fn checks(&self) -> &'static [Pass];
}

/// Returns the instruction set of an architecture (`get_target` in `_targets.py`). Nothing else in
/// this crate asks which architecture it is.
pub(crate) fn of(arch: Arch) -> &'static dyn Isa {
    match arch {
        Arch::Aarch64 => &aarch64::Aarch64,
        Arch::I686 => &x86::I686,
        Arch::X86_64 => &x86::X86_64,
    }
}
