//! What the stencils of different releases of CPython differ in before they are finished.

use jit_schema::relocation::Reach;
use jit_schema::{PatchKind, RelocationKind, Target};

use crate::unresolved::UnresolvedHole;
use crate::{HoleValue, ResolveError, Stencil};

type Prepare = fn(&Target, &str, &mut Stencil<UnresolvedHole>) -> Result<(), ResolveError>;

/// How stencils refer to what is outside of them, and which values they have.
pub(crate) struct Rules {
    /// Returns whether a `_JIT_` symbol of that name stands for a value.
    pub(crate) has_value: fn(HoleValue) -> bool,
    /// Where the slots for addresses of symbols outside of the stencil are.
    pub(crate) slots: Slots,
    /// Returns the patch of a branch to a symbol outside of the stencil, if it goes through a trampoline.
    pub(crate) trampoline: fn(RelocationKind) -> Option<PatchKind>,
    /// Changes the code of the micro-op of that name before its holes are resolved.
    pub(crate) prepare: Prepare,
}

/// Where the slots for addresses of symbols outside of the stencil are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slots {
    /// In a table that all micro-ops of a trace share.
    Shared,
    /// In the stencil's own data.
    Own,
}

impl Rules {
    /// The rules of CPython 3.15, and of all other programs.
    pub(crate) const USUAL: Rules = Rules {
        has_value: |value| !value.is_of_cpython_3_14(),
        slots: Slots::Shared,
        trampoline: |kind| match kind.row().reach {
            Reach::Branch { trampoline } => Some(trampoline),
            Reach::Direct | Reach::Near | Reach::Got | Reach::Import { .. } => None,
        },
        // The optimizer has changed what there is to change.
        prepare: |_, _, _| Ok(()),
    };

    /// Returns the `_JIT_` symbols that stand for values, with commas between them.
    pub(crate) fn values(&self) -> String {
        let names = HoleValue::FIXED
            .iter()
            .filter(|value| !matches!(value, HoleValue::Got | HoleValue::Zero))
            .filter(|value| (self.has_value)(**value))
            .map(|value| format!("_JIT_{value}"));
        names.collect::<Vec<_>>().join(", ")
    }
}
