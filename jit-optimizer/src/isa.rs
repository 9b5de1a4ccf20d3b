//! The instruction sets. The rest of the crate knows them by the trait alone.

pub(crate) mod aarch64;
#[cfg(test)]
pub(crate) mod none;
pub(crate) mod x86;

use std::fmt;

use crate::instruction::Operation;
use crate::pass::Pass;

/// What the optimizer has to know of an instruction set. Upstream has a subclass of `Optimizer` for
/// each.
///
/// Nothing has a default: an instruction set that leaves something out has to say so.
pub(crate) trait Isa: fmt::Debug + Sync {
    /// Returns what an instruction means for control flow. An instruction that is not recognized is
    /// [`Operation::Other`].
    fn operation<'a>(&self, text: &'a str) -> Operation<'a>;

    /// Returns whether an instruction sets the frame pointer (`_frame_pointer_modify`).
    fn sets_frame_pointer(&self, text: &str) -> bool;

    /// Returns the passes of upstream's optimizer that only this instruction set has
    /// (`_fixup_external_labels` and `_fixup_constants`). They run after the shared ones.
    fn upstream_passes(&self) -> &'static [Pass];

    /// Returns the passes that [`Codegen::Tuned`](jit_schema::Codegen::Tuned) adds. They run after
    /// upstream's.
    fn tuned_passes(&self) -> &'static [Pass];
}
