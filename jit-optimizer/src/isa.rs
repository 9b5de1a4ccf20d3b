//! The instruction sets. The rest of the crate knows them by the trait alone.

pub(crate) mod aarch64;
#[cfg(test)]
pub(crate) mod none;
pub(crate) mod x86;

use std::fmt;

use jit_schema::ObjectFormat;

use jit_schema::Arch;

use crate::instruction::Operation;
use crate::pass::Pass;

/// What the optimizer has to know of an instruction set. Upstream has a subclass of `Optimizer` for
/// each.
///
/// Nothing has a default: an instruction set that leaves something out has to say so.
pub(crate) trait Isa: fmt::Debug + Sync {
    /// Returns what comments start with.
    fn comments(&self, format: ObjectFormat) -> &'static [&'static str];

    /// Returns what an instruction, without a comment, means for control flow. An instruction that is
    /// not recognized is [`Operation::Other`].
    fn operation<'a>(&self, text: &'a str) -> Operation<'a>;

    /// Returns whether an instruction is a call, direct or indirect.
    fn is_call(&self, text: &str) -> bool;

    /// Returns whether control never goes on to the next instruction, or that is a call. This knows more instructions than
    /// [`operation`](Isa::operation), which must not know more than upstream, since hot code depends
    /// on it.
    fn never_continues(&self, text: &str) -> bool;

    /// Returns whether an instruction sets the frame pointer (`_frame_pointer_modify`).
    fn sets_frame_pointer(&self, text: &str) -> bool;

    /// Returns the passes that only this instruction set has: those of upstream's optimizer
    /// (`_fixup_external_labels` and `_fixup_constants`), and those without which code would be wrong.
    /// They run after the shared ones.
    fn upstream_passes(&self) -> &'static [Pass];

    /// Returns the passes that [`Codegen::Tuned`](jit_schema::Codegen::Tuned) adds. They run after
    /// upstream's.
    fn tuned_passes(&self) -> &'static [Pass];

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
